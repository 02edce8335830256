"""The gate: thresholds, intervals, waivers, and the sentence that tells."""

from __future__ import annotations

import json
from datetime import date

import pytest

from weighbridge.domain.json_values import canonical
from weighbridge.domain.policy import METRICS_OF_THE_GATE, Policy, Waiver
from weighbridge.domain.scan import ScanReport
from weighbridge.domain.score import Score, Signal
from weighbridge.domain.verdict import Outcome, Verdict, down, judge

TODAY = date(2026, 11, 20)
CLEAN = ScanReport(rules="none", files=())


def score(metric: str, low: float, high: float | None = None) -> Score:
    signal = Signal.unknown("a", 1.0, "because", "do this")
    return Score(metric=metric, version="1", low=low, high=low if high is None else high, signals=(signal,))


def verdict(*scores: Score, policy: Policy | None = None) -> Verdict:
    return judge(scores, CLEAN, policy or Policy(), repo="yard/model", commit="a" * 40, as_of=TODAY)


def waiver(metric: str, expires: date | None = None) -> Waiver:
    return Waiver(metric=metric, repo="yard/model", reason="known", author="ada", expires=expires)


def test_the_sentence_is_that_of_the_document() -> None:
    refused = verdict(score("bus_factor", 0.3), score("ramp_up_time", 0.4), score("license", 0.9))
    assert refused.outcome is Outcome.REFUSED
    assert refused.sentence() == (
        "Model does not meet quality requirements. "
        "Failed metrics: Bus Factor (0.30 < 0.50), Ramp-Up Time (0.40 < 0.50)"
    )


def test_the_weakest_comes_first() -> None:
    refused = verdict(score("ramp_up_time", 0.4), score("license", 0.1), score("size_score", 0.4))
    assert [failure.metric for failure in refused.failures] == ["license", "ramp_up_time", "size_score"]
    assert refused.weakest == "license"


@pytest.mark.parametrize(
    ("value", "spelled"), [(0.496, "0.49"), (0.29, "0.29"), (0.4999, "0.49"), (0.5, "0.50"), (0.0, "0.00")]
)
def test_numbers_are_rounded_down(value: float, spelled: str) -> None:
    assert down(value) == spelled


def test_exactly_the_threshold_passes() -> None:
    assert verdict(score("license", 0.5)).outcome is Outcome.ACCEPTED
    assert verdict(score("license", 0.4999)).outcome is Outcome.REFUSED


def test_what_cannot_be_told_is_neither_accepted_nor_refused() -> None:
    unsure = verdict(score("bus_factor", 0.3, 1.0), score("license", 0.9))
    assert unsure.outcome is Outcome.INDETERMINATE
    assert "bus_factor 0.30..1.00" in unsure.sentence()
    assert verdict(score("bus_factor", 0.3, 1.0), score("license", 0.1)).outcome is Outcome.REFUSED


def test_a_threshold_of_one_metric_overrides_the_default() -> None:
    assert verdict(score("license", 0.4), policy=Policy(thresholds={"license": 0.4})).failures == ()
    assert verdict(score("license", 0.6), policy=Policy(thresholds={"license": 0.7})).failures


def test_a_waiver_holds_for_its_repository_until_it_expires() -> None:
    held = Policy(waivers=(waiver("license", TODAY),))
    assert verdict(score("license", 0.1), policy=held).outcome is Outcome.ACCEPTED
    past = Policy(waivers=(waiver("license", date(2026, 11, 19)),))
    assert verdict(score("license", 0.1), policy=past).outcome is Outcome.REFUSED
    other = Waiver(metric="license", repo="yard/other", reason="known", author="ada")
    assert verdict(score("license", 0.1), policy=Policy(waivers=(other,))).outcome is Outcome.REFUSED


def test_what_is_not_judged_is_named() -> None:
    judged = verdict(score("license", 0.9))
    assert set(METRICS_OF_THE_GATE) - set(judged.not_judged) == {"license"}


def test_the_net_score_weighs_what_was_judged() -> None:
    judged = verdict(score("license", 1.0), score("size_score", 0.0))
    assert judged.net_score == 0.8


def test_each_failure_carries_its_remedies() -> None:
    failures = verdict(score("license", 0.1)).to_json()["failures"]
    assert isinstance(failures, list)
    assert failures[0]["how_to_improve"] == ["do this"]


def test_json_keeps_everything() -> None:
    policy = Policy(waivers=(waiver("ramp_up_time", TODAY),), thresholds={"license": 0.7})
    judged = verdict(score("license", 0.6), score("ramp_up_time", 0.2, 0.9), policy=policy)
    assert Verdict.from_json(judged.to_json()) == judged


def test_what_is_reported_holds_nothing_up_unless_the_policy_asks_for_it() -> None:
    beside = {"tree_score": score("tree_score", 0.2), "reviewedness": None}
    asking = Policy(thresholds={"tree_score": 0.4, "reviewedness": 0.4})

    def judged(policy: Policy) -> Verdict:
        return judge(
            [score("license", 1.0)], CLEAN, policy, repo="a/b", commit="a" * 40, as_of=TODAY, reported=beside
        )

    assert judged(Policy()).outcome is Outcome.ACCEPTED
    assert judged(Policy()).net_score == 1.0
    refused = judged(asking)
    assert [failure.metric for failure in refused.failures] == ["tree_score"]
    assert refused.sentence().endswith("Failed metrics: Tree Score (0.20 < 0.40)")
    assert list(refused.reported) == ["reviewedness", "tree_score"]
    assert Verdict.from_json(json.loads(canonical(refused.to_json()))) == refused
