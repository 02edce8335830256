"""The clients that the registry is tested with, against ``weighbridge hub FOLDER --write``.

There are no accounts in a folder, so that nothing that tells two people apart can hold.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.live import Live
from tests.clients.suite import ORDINARY, run_all
from tests.doors.written_folder import plain_files
from tests.hub_process import hub_process

_RUNS = [run for run in ORDINARY if run.name in ("hub_write-xet", "hub_read-plain", "filesystem-plain")]
_MORE = [
    run
    for run in ORDINARY
    if run not in _RUNS and not run.program.startswith(("people", "with_", "gate", "hub_life"))
]
NEEDS_ACCOUNTS = {
    "a_stranger_does_not_close",
    "another_user_does_not_merge",
    "auth_login_with_a_token",
    "comment_by_another_user",
    "create_repo_of_somebody_else",
    "discussions_create",
    "discussions_merge",
    "download_of_a_private_data_set",
    "get_repo_discussions_of_a_kind",
    "whoami_of_a_reader",
    "whoami_with_a_bad_token",
}


@pytest.mark.parametrize(
    "runs",
    [pytest.param(_RUNS, id="some"), pytest.param(_MORE, id="others", marks=pytest.mark.heavy)],
)
def test_every_case_holds_that_needs_no_accounts(runs: list[object], tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with hub_process(folder, "--write", "--user", "ann") as url:
        tokens = {name: f"hf_{name}" for name in ("ann", "bob", "rita")}
        said = run_all(runs, {"all": Live(url=url, tokens=tokens)}, tmp_path / "runs")
    failed = {case for cases in said.values() for case, why in cases.items() if why}
    assert failed <= NEEDS_ACCOUNTS, {run: cases for run, cases in said.items() if any(cases.values())}
    assert sum(len(cases) for cases in said.values()) > 100
    assert plain_files(folder / "ann")
