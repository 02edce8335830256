"""The metrics on the models of the table "Expected scores", within .05, and whole reports."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from tests.metrics.models import MODELS
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.policy import Policy
from weighbridge.domain.scan import ScanReport
from weighbridge.domain.verdict import Verdict, judge
from weighbridge.metrics import METRICS, REPORTED

GOLDEN = Path(__file__).parents[1] / "golden" / "scores"
EXPECTED = {
    #                 licence size  ramp  bus   claims d&c   dsq   code  net
    "bert": (1.00, 1.00, 1.00, 0.95, 0.79, 0.80, 0.81, 1.00, 0.93),
    "sst2": (0.95, 1.00, 1.00, 0.95, 0.90, 0.71, 0.69, 1.00, 0.91),
    "gpt2": (0.95, 1.00, 0.97, 0.95, 0.79, 0.79, 0.65, 0.95, 0.89),
    "distilgpt2": (0.95, 1.00, 0.97, 0.93, 0.67, 0.90, 0.86, 0.95, 0.90),
    "whisper": (0.95, 1.00, 1.00, 0.92, 0.76, 0.70, 0.54, 1.00, 0.87),
    "flan": (0.95, 1.00, 1.00, 0.78, 0.55, 1.00, 0.73, 1.00, 0.88),
    "real_minilm": (0.95, 1.00, 0.97, 0.99, 0.07, 1.00, 0.62, 0.96, 0.80),
    "minilm_with_results": (0.95, 1.00, 0.97, 0.99, 0.82, 1.00, 0.62, 0.96, 0.90),
    "llama2": (0.60, 0.58, 0.73, 0.96, 0.75, 0.56, 0.65, 0.80, 0.71),
    "phi": (1.00, 0.80, 0.97, 0.79, 0.07, 0.65, 0.65, 1.00, 0.76),
    "bare_lora": (0.00, 0.60, 0.35, 0.28, 0.00, 0.00, 0.00, 0.75, 0.22),
    "template_lora": (0.00, 0.60, 0.35, 0.28, 0.00, 0.00, 0.00, 0.75, 0.22),
    "trainer": (0.95, 1.00, 0.56, 0.38, 0.23, 0.31, 0.11, 0.62, 0.53),
    "gguf": (0.95, 0.97, 0.88, 0.39, 0.07, 0.65, 0.65, 1.00, 0.70),
    "laundered": (0.45, 0.60, 0.76, 0.35, 0.75, 0.56, 0.65, 0.80, 0.62),
    "junk": (0.00, 1.00, 0.19, 0.21, 0.23, 0.00, 0.00, 0.20, 0.17),
}


def verdict_of(name: str) -> Verdict:
    evidence = MODELS[name]()
    return judge(
        [metric(evidence, Policy()) for metric in METRICS.values()],
        ScanReport(rules="none", files=()),
        Policy(),
        repo=evidence.repo.full_name,
        commit=evidence.manifest.commit,
        as_of=date(2026, 11, 20),
    )


@pytest.mark.parametrize("name", EXPECTED)
def test_each_model_comes_out_as_expected(name: str) -> None:
    verdict = verdict_of(name)
    lows = [score.low for score in verdict.scores]
    assert [*lows, verdict.net_score] == pytest.approx(EXPECTED[name], abs=0.0501)
    assert all(score.is_exact for score in verdict.scores)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_pattern_of_pass_and_fail_is_as_expected(name: str) -> None:
    expected = {metric for metric, low in zip(METRICS, EXPECTED[name], strict=False) if low < 0.5}
    assert {failure.metric for failure in verdict_of(name).failures} == expected


@pytest.mark.parametrize("name", EXPECTED)
def test_reports_are_the_recorded_ones(name: str) -> None:
    """A changed report is a changed metric: raise its version and run ``python -m tests.metrics.record``."""
    assert report_of(name) == json.loads((GOLDEN / f"{name}.json").read_text())


def report_of(name: str) -> dict[str, JsonObject | None]:
    """Every score of a model, the reported three included; None where there is none."""
    evidence = MODELS[name]()
    report: dict[str, JsonObject | None] = {
        metric: judged(evidence, Policy()).to_json() for metric, judged in METRICS.items()
    }
    for metric, judged in REPORTED.items():
        score = judged(evidence, Policy())
        report[metric] = score.to_json() if score else None
    return report
