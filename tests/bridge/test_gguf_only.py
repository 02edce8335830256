"""A repository that holds one GGUF file and a card goes through the whole gate, and a broken one does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bridge.opening import a_registry
from tests.bridge.test_packages import refused, request
from tests.hub_server import HubRepo, HubServer, serve_hub
from weighbridge.bridge import Bridge
from weighbridge.domain.access import LOCAL
from weighbridge.domain.evidence import ModelShape, SourceState
from weighbridge.domain.package import PackageState
from weighbridge.domain.ref import ModelRef
from weighbridge.domain.score import Score
from weighbridge.domain.verdict import Outcome, Verdict
from weighbridge.doors.cli.info import about_lines

CARD = b"""---
license: apache-2.0
pipeline_tag: text-generation
---
# A small reasoner

Four quantised layers, for machines without a graphics card. It answers short questions.

```shell
llama-cli -hf acme/small-GGUF -p "Why is the sky blue?"
```
"""
GOOD = Path(__file__).parents[1] / "hostile" / "good" / "gguf"
LENIENT = {
    "bus_factor": 0.0,
    "performance_claims": 0.0,
    "dataset_and_code_score": 0.0,
    "dataset_quality": 0.0,
    "ramp_up_time": 0.2,
}


@pytest.fixture
def hub() -> Iterator[HubServer]:
    whole = (GOOD / "model.gguf").read_bytes()
    repos = {
        "acme/small-GGUF": HubRepo({"README.md": CARD, "small.Q4_K_M.gguf": whole}),
        "acme/big-GGUF": HubRepo(
            {"README.md": CARD, "small.Q4_K_M.gguf": (GOOD / "big-endian.gguf").read_bytes()}
        ),
        "acme/cut-GGUF": HubRepo({"README.md": CARD, "small.Q4_K_M.gguf": whole[: len(whole) // 3]}),
    }
    with serve_hub(repos) as server:
        yield server


@pytest.fixture
def bridge(hub: HubServer, tmp_path: Path) -> Iterator[Bridge]:
    with a_registry(tmp_path, hub.url) as opened:
        yield opened


def score(verdict: Verdict, metric: str) -> Score:
    return next(each for each in verdict.scores if each.metric == metric)


def test_it_is_scored_before_its_weights_are_fetched(bridge: Bridge, hub: HubServer) -> None:
    early = bridge.packages.score(LOCAL, ModelRef.parse("acme/small-GGUF"))
    assert not hub.asked("*/resolve/*/small.Q4_K_M.gguf")
    assert score(early, "size_score").low == 1.0
    assert score(early, "license").low == 0.955
    code = score(early, "code_quality")
    assert code.low < code.high == 1.0, "what its header says is not known yet"
    assert {failure.metric for failure in early.failures if failure.is_certain} == {
        "performance_claims",
        "dataset_and_code_score",
        "dataset_quality",
    }


@pytest.mark.parametrize("name", ["acme/small-GGUF", "acme/big-GGUF"])
def test_its_header_is_read_and_it_is_let_in(name: str, bridge: Bridge) -> None:
    package = bridge.packages.ingest(LOCAL, request(name, thresholds=LENIENT)).package
    verdict = bridge.packages.verdict(LOCAL, package.id)
    evidence = bridge.packages.whole_evidence(LOCAL, package.id)
    assert (package.state, verdict.outcome) == (PackageState.ACTIVE, Outcome.ACCEPTED)
    assert (evidence.shape, evidence.state("headers")) == (ModelShape.GGUF, SourceState.READ)
    header = evidence.headers["small.Q4_K_M.gguf"]
    assert (header["format"], "error" in header) == ("gguf", False)
    assert {f.path: (f.format, f.verdict.word) for f in verdict.scan.files}["small.Q4_K_M.gguf"] == (
        "gguf",
        "allow",
    )
    code = score(verdict, "code_quality")
    assert code.low == code.high
    about = bridge.papers.about(LOCAL, ModelRef.parse(name))
    assert list(about.formats) == ["gguf"]
    assert about.terms.use("commercial_use") == "yes"
    told = " ".join(" ".join(about_lines(about, 100)).split())
    assert f"here: 1.0.0 is active (commit {about.evidence.manifest.commit[:12]}, scanned: allow)" in told


def test_one_that_is_cut_off_is_blocked_whatever_its_card_says(bridge: Bridge) -> None:
    verdict = refused(bridge, request("acme/cut-GGUF", thresholds=LENIENT))
    assert verdict.outcome is Outcome.REFUSED
    (file,) = verdict.unsafe
    assert (file.path, file.verdict.word) == ("small.Q4_K_M.gguf", "block")
    assert score(verdict, "code_quality").high <= 0.2
