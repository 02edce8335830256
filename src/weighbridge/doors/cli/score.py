"""``weighbridge score``: what the metrics say, with their reasons."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.domain.access import LOCAL
from weighbridge.domain.ref import ModelRef
from weighbridge.doors.cli.render import AsJson, printable, show_json
from weighbridge.errors import BadName
from weighbridge.settings import load_settings

if TYPE_CHECKING:
    from weighbridge.domain.score import Score
    from weighbridge.domain.verdict import Verdict


def score(repo: str, *, json: AsJson = False) -> None:
    """Score a repository of the upstream without downloading its weights.

    Parameters
    ----------
    repo
        What to score, as org/name or org/name@revision.
    """
    from weighbridge.bridge import open_bridge

    if Path(repo).is_dir():
        raise BadName(
            f"'{repo}' is a folder, and this version scores repositories only",
            hint="serve its parent with 'weighbridge hub' and set WEIGHBRIDGE_UPSTREAM to it",
        )
    bridge = open_bridge(load_settings())
    try:
        verdict = bridge.packages.score(LOCAL, ModelRef.parse(repo))
    finally:
        bridge.close()
    if json:
        show_json({"model": repo, **verdict.to_json()})
        return
    show_scores(verdict.scores, reasons=True)
    show_reported(verdict)


def show_scores(scores: Sequence[Score], *, reasons: bool = False) -> None:
    """A line for each metric and, with ``reasons``, one for each signal and cap."""
    for score in scores:
        print(f"  {score.metric:<24}{_interval(score)}")
        for signal in score.signals if reasons else ():
            value = "?" if signal.value is None else f"{signal.value:.2f}"
            print(f"    {signal.id:<22}{value}  {printable(signal.reason)}")
            if signal.how_to_improve:
                print(f"    {'':<22}      to improve: {printable(signal.how_to_improve)}")
        for cap in score.caps if reasons else ():
            print(f"    {'at most':<22}{cap.limit:.2f}  {printable(cap.reason)}")


def show_reported(verdict: Verdict) -> None:
    """The metrics that are shown and hold nothing up, each on a line."""
    for name, found in verdict.reported.items():
        print(f"  {name:<24}{_interval(found) if found else 'n/a'} (reported)")


def _interval(score: Score) -> str:
    return f"{score.low:.2f}" if score.is_exact else f"{score.low:.2f}..{score.high:.2f}"
