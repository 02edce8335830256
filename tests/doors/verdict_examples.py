"""Verdicts as they stand in a terminal, kept as files.

python -m tests.doors.verdict_examples --write          write tests/golden/cli/verdict-*.txt again
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from tests.domain.papers import verdict_of
from tests.metrics.models import MODELS
from weighbridge.domain.evidence import Source, SourceState
from weighbridge.domain.policy import Waiver
from weighbridge.domain.scan import FileScan, Finding, ScanReport, ScanState, Severity
from weighbridge.domain.verdict import Verdict
from weighbridge.doors.cli.verdicts import verdict_lines

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "cli"


def finding(severity: Severity, path: str, rule: str, message: str, **more: str) -> FileScan:
    found = Finding(rule=rule, severity=severity, path=path, message=message, **more)
    return FileScan(path=path, sha256="0" * 64, format="pickle", state=ScanState.SCANNED, findings=(found,))


REVIEW = finding(Severity.REVIEW, "run.py", "code.python", "Python code that a loader may run")
BLOCKED = finding(
    Severity.BLOCK,
    "pytorch_model.bin",
    "pickle.global",
    "imports posix.system, which is not on the list of what tensors need",
    locator="offset 2",
    subject="posix.system",
)


def scanned(verdict: Verdict, *files: FileScan) -> Verdict:
    return replace(verdict, scan=ScanReport(rules="7", files=files))


def judged() -> dict[str, Verdict]:
    """By the metrics as they are now; the tests draw those that were kept, whatever metrics say later."""
    away = Source(state=SourceState.UNREACHABLE, reason="the Hub did not answer")
    known = MODELS["gguf"]()
    unsure = replace(known, commits=(), sources={**known.sources, "commits": away})
    found = {name: MODELS[name]() for name in ("junk", "gguf", "real_minilm")}
    return {name: verdict_of(evidence) for name, evidence in {**found, "unsure": unsure}.items()}


def kept(name: str) -> Verdict:
    return Verdict.from_json(json.loads((GOLDEN / f"verdict-{name}.json").read_text()))


def admitted() -> Verdict:
    verdict = kept("real_minilm")
    waiver = Waiver(
        metric="performance_claims", repo=verdict.repo, reason="measured by us, see QA-17", author="ada"
    )
    return replace(verdict, waived=(waiver,))


EXAMPLES = {
    "junk-60": lambda: (scanned(kept("junk"), BLOCKED, REVIEW), 60),
    "gguf-100": lambda: (kept("gguf"), 100),
    "review-100": lambda: (scanned(admitted(), REVIEW), 100),
    "unsure-100": lambda: (kept("unsure"), 100),
    "waived-100": lambda: (admitted(), 100),
}


def drawn(name: str) -> str:
    verdict, width = EXAMPLES[name]()
    return "".join(f"{line.text}\n" for line in verdict_lines(verdict, width))


if __name__ == "__main__" and "--judge" in sys.argv:
    for name, verdict in judged().items():
        spelled = json.dumps(verdict.to_json(), indent=1, sort_keys=True)
        (GOLDEN / f"verdict-{name}.json").write_text(f"{spelled}\n")
if __name__ == "__main__" and {"--judge", "--write"} & set(sys.argv):
    for example in EXAMPLES:
        (GOLDEN / f"verdict-{example}.txt").write_text(drawn(example))
