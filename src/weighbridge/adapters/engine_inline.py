"""Runs a flow in the caller's own thread: a loop, and the name of the step for whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

State = TypeVar("State")


class InlineEngine:
    """The engine of one process. A kill loses the run, not what its steps made: asked again, the
    flow finds everything that was fetched and goes on from there.
    """

    def run(self, steps: Sequence[tuple[str, Callable[[State], State]]], state: State) -> State:
        """The state after the last step.

        Raises:
            Whatever a step raises.
        """
        for _, step in steps:
            state = step(state)
        return state
