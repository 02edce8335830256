"""Each installed client through its public API against a live registry; a test is one case."""

from __future__ import annotations

import pytest

from tests.clients.outcomes import Outcomes, outcomes
from tests.clients.suite import ORDINARY, cases_of
from tests.clients.table import recorded, table

pytestmark = pytest.mark.timeout(4 * 3600)
"""The first of these tests waits until every client has done everything, one that waits for it does too."""

_CASES = [(run.name, name) for run in ORDINARY for name in cases_of(run.program)]


@pytest.fixture(scope="session")
def got(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Outcomes:
    return outcomes(ORDINARY, "clients", tmp_path_factory, hasattr(request.config, "workerinput"))


@pytest.mark.parametrize(("run", "case"), _CASES, ids=[f"{run}-{case}" for run, case in _CASES])
def test_a_client(got: Outcomes, run: str, case: str) -> None:
    assert got[run][case] == ""


def test_there_are_enough_cases() -> None:
    assert len(_CASES) >= 150


def test_the_recorded_table_is_what_the_suite_got(got: Outcomes) -> None:
    assert recorded("ordinary") == table(ORDINARY, got), "python -m tests.clients.table writes it"
