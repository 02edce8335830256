"""The table of a job's states, and how long is waited between tries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.job import ACTIVE, MOVES, JobState, pause_s


def test_every_state_is_in_the_table_and_only_active_ones_go_on_by_themselves() -> None:
    assert set(MOVES) == set(JobState)
    assert {state for state in JobState if not state.is_over} == ACTIVE


def test_a_verdict_is_final() -> None:
    assert MOVES[JobState.DONE] == MOVES[JobState.REFUSED] == frozenset()


def test_every_state_can_be_reached() -> None:
    reached, edge = {JobState.QUEUED}, {JobState.QUEUED}
    while edge:
        edge = {after for state in edge for after in MOVES[state]} - reached
        reached |= edge
    assert reached == set(JobState)


@given(tries=st.integers(0, 40), told=st.none() | st.floats(0, 1e6))
def test_a_pause_grows_has_a_bound_and_is_never_shorter_than_asked_for(
    tries: int, told: float | None
) -> None:
    pause = pause_s(tries, told)
    assert pause >= (told or 0.0)
    assert 5.0 <= pause <= max(600.0, told or 0.0)
    assert pause_s(tries + 1, told) >= pause
