"""What becomes of a job whose database goes away while it is worked on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.progress import SilentReporter
from weighbridge.bridge.work import Work
from weighbridge.domain.job import Job, JobState
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.package import IngestRequest
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import ModelRef
from weighbridge.errors import StoreDown
from weighbridge.flows.ingest_state import State, Tools

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _tools() -> Tools:
    unused: Any = None
    return Tools(
        hub=unused,
        blobs=unused,
        shelf=unused,
        ledger=unused,
        registry=unused,
        scan_tree=unused,
        scales=unused,
        readers=unused,
        reporter=SilentReporter(),
        connections=1,
    )


def _asked(catalog: Catalog) -> None:
    ref = ModelRef.parse("org/model")
    state = State(id="job", request=IngestRequest(ref=ref), policy=Policy(), by="ada", at=AT)
    catalog.add_job(
        Job(
            id="job",
            verb="ingest",
            repo=ref.repo,
            revision="main",
            commit="1" * 40,
            wish=state.to_json(),
            wish_key="1" * 64,
            by="ada",
            created_at=AT,
        )
    )


def test_what_a_database_left_behind_is_given_back_and_done(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path / "catalog.sqlite3")
    _asked(catalog)
    steps = [("only", lambda _tools, state: state)]
    work = Work(catalog, _tools(), steps, "worker", lambda _: False, lambda: AT)

    def gone(_name: str, _work: Callable[[], JsonObject]) -> JsonObject:
        raise StoreDown("the database went away")

    with pytest.raises(StoreDown):
        work.perform("job", gone)
    assert catalog.job("job").state is JobState.RUNNING

    def while_it_runs(_name: str, do: Callable[[], JsonObject]) -> JsonObject:
        work.give_back()
        assert catalog.job("job").state is JobState.RUNNING, "what is worked on stays"
        return do()

    work.give_back()
    assert catalog.job("job").state is JobState.QUEUED
    work.perform("job", while_it_runs)
    job = catalog.job("job")
    assert (job.state, job.deaths, job.worker) == (JobState.DONE, 0, "")
    catalog.close()
