"""The four metrics on the models of the table "Expected scores", within .05, and whole reports."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from tests.metrics.models import MODELS
from weighbridge.domain.policy import Policy
from weighbridge.domain.scan import ScanReport
from weighbridge.domain.verdict import judge
from weighbridge.metrics import METRICS

GOLDEN = Path(__file__).parents[1] / "golden" / "scores"
RECORDED = ("sst2", "gpt2", "llama2", "laundered", "bare_lora", "trainer")
EXPECTED = {
    #                 licence size  ramp  claims
    "bert": (1.00, 1.00, 1.00, 0.79),
    "sst2": (0.95, 1.00, 1.00, 0.90),
    "gpt2": (0.95, 1.00, 0.97, 0.79),
    "real_minilm": (0.95, 1.00, 0.97, 0.07),
    "llama2": (0.60, 0.58, 0.73, 0.75),
    "phi": (1.00, 0.80, 0.97, 0.07),
    "bare_lora": (0.00, 0.60, 0.35, 0.00),
    "template_lora": (0.00, 0.60, 0.35, 0.00),
    "trainer": (0.95, 1.00, 0.56, 0.23),
    "gguf": (0.95, 0.97, 0.88, 0.07),
    "laundered": (0.45, 0.60, 0.76, 0.75),
    "junk": (0.00, 1.00, 0.19, 0.23),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_model_comes_out_as_expected(name: str) -> None:
    evidence = MODELS[name]()
    scores = [metric(evidence, Policy()) for metric in METRICS.values()]
    assert [score.low for score in scores] == pytest.approx(EXPECTED[name], abs=0.05)
    assert all(score.is_exact for score in scores)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_pattern_of_pass_and_fail_is_as_expected(name: str) -> None:
    evidence = MODELS[name]()
    scores = [metric(evidence, Policy()) for metric in METRICS.values()]
    verdict = judge(
        scores,
        ScanReport(rules="none", files=()),
        Policy(),
        repo=evidence.repo.full_name,
        commit=evidence.manifest.commit,
        as_of=date(2026, 11, 20),
    )
    expected = {metric for metric, low in zip(METRICS, EXPECTED[name], strict=True) if low < 0.5}
    assert {failure.metric for failure in verdict.failures} == expected


@pytest.mark.parametrize("name", RECORDED)
def test_reports_are_the_recorded_ones(name: str) -> None:
    """A changed report is a changed metric: raise its version and run ``python -m tests.metrics.record``."""
    evidence = MODELS[name]()
    report = {metric: judged(evidence, Policy()).to_json() for metric, judged in METRICS.items()}
    assert report == json.loads((GOLDEN / f"{name}.json").read_text())
