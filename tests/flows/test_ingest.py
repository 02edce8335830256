"""What an ingestion makes of a metric that crashes."""

from __future__ import annotations

import json
from datetime import date

import pytest

from weighbridge.domain.evidence import Evidence
from weighbridge.domain.manifest import Manifest
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import RepoId
from weighbridge.domain.scan import ScanReport
from weighbridge.domain.score import Score
from weighbridge.domain.verdict import Outcome, Verdict, judge
from weighbridge.flows.weighing import score_all

MANIFEST = Manifest(repo=RepoId.parse("org/name"), commit="1" * 40, files=())


def broken(_evidence: Evidence, _policy: Policy) -> Score:
    raise KeyError("a stranger's text " * 100_000)


def test_a_crashed_metric_is_indeterminate_logged_and_kept_short(caplog: pytest.LogCaptureFixture) -> None:
    (score,) = score_all(Evidence(manifest=MANIFEST, sources={}), Policy(), {"license": broken})
    assert (score.low, score.high) == (0.0, 1.0)
    assert "KeyError" in score.signals[0].reason
    assert len(score.signals[0].reason) < 1000
    assert "the metric license failed" in caplog.text
    report = ScanReport(rules="1", files=())
    verdict = judge([score], report, Policy(), repo="org/name", commit="1" * 40, as_of=date(2026, 5, 1))
    assert verdict.outcome is Outcome.INDETERMINATE
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict
