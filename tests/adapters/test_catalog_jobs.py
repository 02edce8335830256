"""Jobs in the catalogue, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from tests.postgres import postgres_database
from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.access import AuditLine
from weighbridge.domain.job import MOST_DEATHS, Job, JobState
from weighbridge.domain.ref import RepoId
from weighbridge.errors import BadInput, Conflict, NotFound

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
ONE, TWO = "worker-one", "worker-two"


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    if request.param == "sqlite":
        opened = Catalog.open(tmp_path / "catalog.sqlite3")
        yield opened
        opened.close()
        return
    with postgres_database() as url:
        opened = Catalog.open(url)
        yield opened
        opened.close()


def job(id: str = "a", commit: str = "1", wish: str | None = None) -> Job:
    return Job(
        id=id,
        verb="ingest",
        repo=RepoId.parse("org/model"),
        revision="main",
        commit=commit * 40,
        wish={"of": id},
        wish_key=sha256((wish or id).encode()).hexdigest(),
        by="ada",
        created_at=AT,
    )


def lives(_worker: str) -> bool:
    return False


def is_dead(_worker: str) -> bool:
    return True


def line(verb: str = "cancel job") -> AuditLine:
    return AuditLine(at=AT, by="ada", verb=verb, target="org/model", detail="")


def kinds(catalog: Catalog, id: str = "a") -> list[str]:
    events = catalog.job_events(id)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    return [event.kind for event in events]


def test_a_job_comes_back_as_it_was_given(catalog: Catalog) -> None:
    assert catalog.add_job(job()) == job()
    assert catalog.job("a") == job()
    assert catalog.jobs() == (job(),)
    with pytest.raises(NotFound):
        catalog.job("b")


def test_who_wishes_the_same_gets_the_job_that_is_active(catalog: Catalog) -> None:
    catalog.add_job(job())
    assert catalog.add_job(job("b", wish="a")).id == "a"
    taken = catalog.take_job("a", ONE, AT, lives)
    assert taken is not None
    assert catalog.add_job(job("b", wish="a")).id == "a"
    assert catalog.end_job("a", ONE, JobState.DONE, AT)
    assert catalog.add_job(job("b", wish="a")).id == "b"


def test_many_at_once_make_one_job_of_one_wish(catalog: Catalog) -> None:
    with ThreadPoolExecutor(8) as pool:
        kept = set(pool.map(lambda n: catalog.add_job(job(f"j{n}", wish="w")).id, range(24)))
    assert len(kept) == 1
    assert len(catalog.jobs()) == 1


def test_one_commit_is_worked_on_by_one_job(catalog: Catalog) -> None:
    catalog.add_job(job("a"))
    catalog.add_job(job("b"))
    assert catalog.take_job("a", ONE, AT, lives) is not None
    assert catalog.take_job("b", TWO, AT, lives) is None
    assert catalog.job("b").state is JobState.QUEUED
    catalog.end_job("a", ONE, JobState.REFUSED, AT)
    assert catalog.take_job("b", TWO, AT, lives) is not None


def test_a_job_is_taken_by_one_of_many_workers(catalog: Catalog) -> None:
    catalog.add_job(job())
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda n: catalog.take_job("a", f"w{n}", AT, lives), range(16)))
    assert sum(one is not None for one in taken) == 1


def test_a_worker_that_was_given_up_writes_nothing(catalog: Catalog) -> None:
    catalog.add_job(job())
    catalog.take_job("a", ONE, AT, lives)
    assert catalog.take_job("a", TWO, AT, lives) is None
    over = catalog.take_job("a", TWO, AT, is_dead)
    assert over is not None
    assert (over.worker, over.deaths) == (TWO, 1)
    assert not catalog.job_moved("a", ONE, done_bytes=5)
    assert not catalog.end_job("a", ONE, JobState.DONE, AT)
    assert not catalog.give_back_job("a", ONE, at=AT, due_at=AT, error=None)
    catalog.job_told("a", ONE, AT, "metric", {})
    assert catalog.job("a") == over
    assert kinds(catalog) == ["queued", "begun", "taken over"]


def test_a_job_over_which_workers_die_is_parked_and_can_be_tried_again(catalog: Catalog) -> None:
    catalog.add_job(job())
    catalog.take_job("a", "w0", AT, is_dead)
    for number in range(1, MOST_DEATHS):
        assert catalog.take_job("a", f"w{number}", AT, is_dead) is not None
    assert catalog.take_job("a", "last", AT, is_dead) is None
    parked = catalog.job("a")
    assert parked.state is JobState.PARKED
    assert parked.error is not None
    assert parked.error["code"] == "worker-died"
    again = catalog.retry_job("a", AT, line("retry job"))
    assert (again.state, again.deaths) == (JobState.QUEUED, 0)
    assert catalog.take_job("a", ONE, AT, lives) is not None


def test_what_was_given_back_waits_until_it_is_due(catalog: Catalog) -> None:
    catalog.add_job(job())
    catalog.take_job("a", ONE, AT, lives)
    later = AT + timedelta(seconds=5)
    told = {"code": "hub-down", "message": "down"}
    assert catalog.give_back_job("a", ONE, at=AT, due_at=later, error=told)
    assert catalog.due_jobs(AT) == ()
    assert catalog.take_job("a", TWO, AT, lives) is None
    assert [one.id for one in catalog.due_jobs(later)] == ["a"]
    taken = catalog.take_job("a", TWO, later, lives)
    assert taken is not None
    assert (taken.tries, taken.error, taken.deaths) == (2, None, 0)


def test_what_waits_is_cancelled_at_once_and_what_runs_is_asked_to_stop(catalog: Catalog) -> None:
    catalog.add_job(job("a"))
    catalog.add_job(job("b", commit="2"))
    catalog.take_job("b", ONE, AT, lives)
    assert catalog.cancel_job("a", AT, line()).state is JobState.CANCELLED
    assert catalog.cancel_job("b", AT, line()).state is JobState.RUNNING
    assert not catalog.job_moved("b", ONE, done_bytes=1)
    assert catalog.take_job("b", TWO, AT, is_dead) is None
    assert catalog.job("b").state is JobState.CANCELLED
    for id in "ab":
        with pytest.raises(Conflict):
            catalog.cancel_job(id, AT, line())
    assert len(catalog.audit_lines()) == 2


def test_a_verdict_cannot_be_tried_again_and_no_wish_is_active_twice(catalog: Catalog) -> None:
    catalog.add_job(job("a"))
    catalog.take_job("a", ONE, AT, lives)
    catalog.end_job("a", ONE, JobState.REFUSED, AT)
    with pytest.raises(Conflict):
        catalog.retry_job("a", AT, line())
    catalog.add_job(job("b"))
    catalog.cancel_job("b", AT, line())
    catalog.add_job(job("c", wish="b"))
    with pytest.raises(Conflict):
        catalog.retry_job("b", AT, line())


def test_an_idempotency_key_gives_the_job_however_it_ended(catalog: Catalog) -> None:
    key, asked = "k" * 64, "q" * 64
    catalog.add_job(job("a"), key_sha256=key, asked_sha256=asked)
    catalog.take_job("a", ONE, AT, lives)
    catalog.end_job("a", ONE, JobState.FAILED, AT, {"code": "not-found", "message": "gone"})
    assert catalog.add_job(job("b"), key_sha256=key, asked_sha256=asked).id == "a"
    found = catalog.job_of_key(key, asked)
    assert found is not None
    assert found.state is JobState.FAILED
    assert catalog.job_of_key("n" * 64, asked) is None
    with pytest.raises(BadInput, match="another request"):
        catalog.add_job(job("c"), key_sha256=key, asked_sha256="other" * 8)


def test_pages_of_jobs_have_no_seam(catalog: Catalog) -> None:
    for number in range(7):
        made = replace(job(f"j{number}", commit=str(number)), created_at=AT + timedelta(seconds=number // 2))
        catalog.add_job(made)
    found: list[str] = []
    while page := catalog.jobs(limit=3, after=found[-1] if found else None):
        found += [one.id for one in page]
    assert found == [f"j{number}" for number in (6, 5, 4, 3, 2, 1, 0)]
    assert [one.id for one in catalog.jobs(states=[JobState.RUNNING])] == []


def test_a_worker_that_beats_lives_and_one_that_is_forgotten_does_not(catalog: Catalog) -> None:
    now = datetime.now(UTC)
    catalog.beat(ONE, "host", 1, now)
    assert catalog.living_workers(15, now) == {ONE}
    assert catalog.living_workers(15, now + timedelta(hours=1)) == (
        {ONE} if catalog.is_shared else frozenset()  # PostgreSQL's own clock counts, whatever ours says
    )
    catalog.forget_worker(ONE)
    assert catalog.living_workers(15, now) == frozenset()
