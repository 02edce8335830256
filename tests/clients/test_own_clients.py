"""Older clients of Python and the one for Node, each in an environment of its own."""

from __future__ import annotations

import pytest

from tests.clients.outcomes import Outcomes, outcomes
from tests.clients.own import OWN, missing
from tests.clients.suite import Run, cases_of
from tests.clients.table import recorded, table

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(4 * 3600)]

_CASES = [pytest.param(run, name, id=f"{run.name}-{name}") for run in OWN for name in cases_of(run.program)]


@pytest.fixture(scope="session")
def got(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Outcomes:
    there = [run for run in OWN if not missing(run)]
    return outcomes(there, "own-clients", tmp_path_factory, hasattr(request.config, "workerinput"))


@pytest.mark.parametrize(("run", "case"), _CASES)
def test_a_client(got: Outcomes, run: Run, case: str) -> None:
    if missing(run):
        pytest.skip(missing(run))
    assert got[run.name][case] == ""


def test_the_recorded_table_is_what_the_suite_got(got: Outcomes) -> None:
    for run in OWN:
        if missing(run):
            pytest.skip(missing(run))
    assert recorded("own") == table(OWN, got), "python -m tests.clients.table --all writes it"
