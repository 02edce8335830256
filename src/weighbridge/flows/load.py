"""A start: from an environment to a model in memory, and the checklist of it.

    read environment -> resolve -> fetch -> verify -> licence -> scan -> load

The first step that fails ends it: nothing is loaded that did not pass every step before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.start_report import STEPS, Identity, Outcome, StartReport, Step
from weighbridge.domain.start_wish import StartWish
from weighbridge.errors import StartFailed, WeighbridgeError
from weighbridge.flows.start_checks import load, scan, verify
from weighbridge.flows.start_licence import licence
from weighbridge.flows.start_parts import fetch, resolve
from weighbridge.flows.start_state import Start, StartTools

CHECKS: Sequence[tuple[str, Callable[[Start, StartTools], Start]]] = (
    ("resolve", resolve),
    ("fetch", fetch),
    ("verify", verify),
    ("licence", licence),
    ("scan", scan),
)
LOAD: Sequence[tuple[str, Callable[[Start, StartTools], Start]]] = (("load", load),)
_SHORTEST_SECRET = 6


class Checklist:
    """Runs the steps, keeps their report, and tells each one when it is done.

    ``secrets`` are texts that no step may show, whatever its error quotes.
    """

    def __init__(self, told: Callable[[Step], None]) -> None:
        self.report = StartReport()
        self._told, self._secrets = told, tuple[str, ...]()

    def hide(self, *secrets: str | None) -> None:
        """Never show these texts."""
        self._secrets = tuple(s for s in secrets if s and len(s) >= _SHORTEST_SECRET)

    def read(self, prepare: Callable[[], tuple[StartWish, StartTools]]) -> tuple[Start, StartTools]:
        """The first step: the wish, and the tools that it needs. Raises StartFailed."""
        began = monotonic()
        try:
            wish, tools = prepare()
        except (WeighbridgeError, Invalid) as error:
            raise self._failed(STEPS[0], error, began) from error
        told = f"{wish.type.value}: {wish.ref}{f' on {wish.base}' if wish.base else ''}"
        self._add(STEPS[0], Start(wish=wish, detail=told), began)
        return Start(wish=wish), tools

    def run(
        self,
        steps: Sequence[tuple[str, Callable[[Start, StartTools], Start]]],
        start: Start,
        tools: StartTools,
    ) -> Start:
        """The state after the last step. Raises StartFailed."""
        for name, step in steps:
            began = monotonic()
            try:
                start = step(replace(start, detail="", warnings=()), tools)
            except (WeighbridgeError, Invalid) as error:
                raise self._failed(name, error, began) from error
            self._add(name, start, began)
        return start

    def skip(self, name: str, why: str) -> None:
        """A step that was not asked for."""
        self._keep(Step(name=name, outcome=Outcome.SKIPPED, detail=why), None)

    def _add(self, name: str, start: Start, began: float) -> None:
        step = Step(
            name=name,
            outcome=Outcome.WARNED if start.warnings else Outcome.PASSED,
            detail=self._shown(start.detail),
            seconds=monotonic() - began,
            warnings=tuple(map(self._shown, start.warnings)),
        )
        self._keep(step, start.identity)

    def _failed(self, name: str, error: WeighbridgeError | Invalid, began: float) -> StartFailed:
        detail = self._shown(str(error))
        step = Step(name=name, outcome=Outcome.FAILED, detail=detail, seconds=monotonic() - began)
        self._keep(step, None)
        return StartFailed(self.report, error)

    def _keep(self, step: Step, identity: Identity | None) -> None:
        self.report = self.report.with_step(step, identity)
        self._told(step)

    def _shown(self, said: str) -> str:
        for secret in self._secrets:
            said = said.replace(secret, "***")
        return said
