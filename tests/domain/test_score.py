"""Weighing signals: intervals, caps, what does not apply."""

from __future__ import annotations

import pytest

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.score import Cap, Proof, Signal, Status, failed, score_from_json, weigh


def test_a_score_is_the_weighted_mean_of_its_signals() -> None:
    score = weigh("license", "1", [Signal.of("a", 0.3, 1.0, "yes"), Signal.of("b", 0.1, 0.0, "no")])
    assert score.low == score.high == 0.75


def test_what_was_not_read_makes_an_interval() -> None:
    score = weigh("license", "1", [Signal.of("a", 0.5, 1.0, "yes"), Signal.unknown("b", 0.5, "away")])
    assert (score.low, score.high) == (0.5, 1.0)
    assert not score.is_exact


def test_what_was_read_in_part_makes_a_smaller_one() -> None:
    half = Signal.between("b", 0.5, 0.2, 0.6, "in part")
    assert half.status is Status.UNKNOWN
    score = weigh("license", "1", [Signal.of("a", 0.5, 1.0, "yes"), half])
    assert (score.low, score.high) == (0.6, 0.8)
    assert Signal.between("b", 0.5, 0.4, 0.4, "known").value == 0.4


def test_what_does_not_apply_leaves_the_denominator() -> None:
    signals = [Signal.of("a", 0.2, 0.5, "half"), Signal.not_applicable("b", 0.8, "no such files")]
    assert weigh("license", "1", signals).low == 0.5


def test_a_cap_limits_both_ends_and_a_possible_cap_the_low_end() -> None:
    signals = [Signal.of("a", 1.0, 0.9, "good")]
    assert weigh("license", "1", signals, [Cap(limit=0.45, reason="conflict")]).high == 0.45
    possible = weigh("license", "1", signals, [Cap(limit=0.2, reason="perhaps", is_certain=False)])
    assert (possible.low, possible.high) == (0.2, 0.9)


def test_four_digits_decide() -> None:
    assert weigh("license", "1", [Signal.of("a", 1.0, 0.49996, "nearly")]).low == 0.5
    assert weigh("license", "1", [Signal.of("a", 1.0, 0.49994, "not quite")]).low == 0.4999


def test_nothing_that_applies_is_no_score() -> None:
    with pytest.raises(Invalid):
        weigh("license", "1", [Signal.not_applicable("a", 1.0, "no")])
    with pytest.raises(Invalid):
        weigh("license", "1", [])


def test_a_full_signal_needs_no_advice_and_another_keeps_it() -> None:
    assert Signal.of("a", 1.0, 1.0, "full", how_to_improve="x").how_to_improve == ""
    assert Signal.of("a", 1.0, 0.9, "nearly", how_to_improve="x").how_to_improve == "x"


def test_a_crashed_metric_can_be_anything() -> None:
    score = failed("license", "1", "ZeroDivisionError")
    assert (score.low, score.high) == (0.0, 1.0)


def test_json_keeps_everything() -> None:
    proof = Proof(source="file", path="README.md", locator="line 3", excerpt="license: mit")
    score = weigh(
        "license",
        "1.2.3",
        [Signal.of("a", 0.4, 0.3, "some", [proof], "do this"), Signal.between("b", 0.6, 0.1, 0.7, "partly")],
        [Cap(limit=0.4, reason="why", proofs=(proof,), how_to_improve="that", is_certain=False)],
        {"raspberry_pi": 0.25},
    )
    assert score_from_json(score.to_json()) == score


def test_an_excerpt_is_cut() -> None:
    assert len(Proof(source="file", path="a", excerpt="x" * 900).excerpt) == 200
