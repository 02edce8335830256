"""A refusal as it is told: the weakest first, each with its signals, its evidence and what can be done."""

from __future__ import annotations

from collections.abc import Sequence

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.scan import FileScan, Severity
from weighbridge.domain.score import Score, Signal
from weighbridge.domain.verdict import Failure, Verdict


def failed_scores(verdict: Verdict) -> Sequence[tuple[Failure, Score]]:
    """The failures with their scores, weakest first."""
    by_metric = {score.metric: score for score in verdict.all_scores}
    return [(failure, by_metric[failure.metric]) for failure in verdict.failures]


def weakest_first(signals: Sequence[Signal]) -> Sequence[Signal]:
    """The signals of a score, the heaviest shortfall first; what does not apply comes last."""
    return sorted(signals, key=lambda signal: -lost(signal))


def lost(signal: Signal) -> float:
    """How much of the score's denominator a signal costs; an unknown one is counted at its least."""
    return 0.0 if signal.status == "n/a" else signal.weight * (1 - signal.least)


def is_waivable(verdict: Verdict, file: FileScan) -> bool:
    """Whether a waiver named ``safety`` would admit a file: never what is blocked, never when strict."""
    return file.verdict is not Severity.BLOCK and not verdict.policy.strict


def explained(verdict: Verdict) -> JsonObject:
    """The verdict without its large parts; each failure carries its signals and its caps."""
    spelled = dict(verdict.to_json())
    for large in ("scores", "reported", "scan", "policy"):
        spelled.pop(large, None)
    told = {str(shown["metric"]): shown for shown in verdict.failures_json()}
    spelled["failures"] = [
        {
            **told[failure.metric],
            "waivable": True,
            "signals": [signal.to_json() for signal in weakest_first(score.signals)],
            "caps": [cap.to_json() for cap in score.caps],
        }
        for failure, score in failed_scores(verdict)
    ]
    spelled["unsafe_files"] = [
        {**file.to_json(), "waivable": is_waivable(verdict, file)} for file in verdict.unsafe
    ]
    return spelled
