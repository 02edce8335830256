"""What ``weighbridge info`` says of two models, kept as files.

python -m tests.doors.info_examples --write          write tests/golden/cli/info-*.txt again
"""

from __future__ import annotations

import sys
from dataclasses import replace

from tests.doors.verdict_examples import GOLDEN, kept
from tests.metrics.models import MODELS
from weighbridge.domain.about import About, Child, Children
from weighbridge.domain.evidence import Evidence
from weighbridge.domain.scan import ScanReport
from weighbridge.domain.verdict import Verdict
from weighbridge.doors.cli.info import about_lines
from weighbridge.metrics.licence_terms import licence_terms
from weighbridge.metrics.results import stated_claims
from weighbridge.metrics.size_score import memory_of

KIN = Children(
    known=(
        Child(repo="ann/reasoner-lora", relation="adapter", downloads=5),
        Child(repo="bob/reasoner-tuned", relation="", downloads=None),
    ),
    has_more=True,
)
EXAMPLES = {
    "gguf-100": ("gguf", "gguf", 100, KIN),
    "bert-100": ("bert", "gguf", 100, KIN),
    "whisper-60": ("whisper", "unsure", 60, Children(unknown="https://hub.test limits our requests")),
}
"""Evidence, the verdict that was kept, columns, and children."""


def about_of(evidence: Evidence, verdict: Verdict, children: Children) -> About:
    return About(
        evidence=evidence,
        revision="main",
        terms=licence_terms(evidence),
        verdict=replace(verdict, scan=ScanReport(rules="", files=())),
        memory=memory_of(evidence, verdict.policy),
        claims=stated_claims(evidence),
        children=children,
    )


def drawn(name: str) -> str:
    evidence, verdict, width, children = EXAMPLES[name]
    lines = about_lines(about_of(MODELS[evidence](), kept(verdict), children), width)
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__" and "--write" in sys.argv:
    for name in EXAMPLES:
        (GOLDEN / f"info-{name}.txt").write_text(drawn(name))
