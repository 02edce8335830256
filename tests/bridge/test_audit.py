"""The audit of downloads: every one of them once, whatever the catalogue does meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.catalogs import DATABASES, open_catalog
from tests.registry_process import wait_for
from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge.audit import Audit
from weighbridge.domain.access import LOCAL, AuditLine, Permission, Principal
from weighbridge.domain.audit import AuditQuery
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.errors import BadInput, NotAuthenticated, NotPermitted

ONE, DATA = RepoId.parse("ann/one"), RepoId.parse("ann/data", RepoKind.DATASET)
SHA, AT = "1" * 40, datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(params=DATABASES)
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(request.param, tmp_path) as opened:
        yield opened


def told(catalog: Catalog, **about: str) -> list[tuple[str, str, str, str]]:
    lines = catalog.audit_lines(500, about=AuditQuery(**about))  # type: ignore[arg-type]  # texts only
    return [(line.by, line.verb, line.target, line.detail) for line in lines]


def test_what_one_caller_gets_of_one_file_at_once_is_one_line(catalog: Catalog) -> None:
    audit = Audit(catalog, lambda: AT)
    for size in (10, 10, 5):
        audit.sent("ada", ONE, SHA, "model.safetensors", size)
    audit.sent("eve", ONE, SHA, "model.safetensors", 25)
    audit.sent("ada", DATA, SHA, "a path=b.csv", 7)
    audit.flush()
    audit.flush()
    assert sorted(told(catalog)) == [
        ("ada", "download", f"ann/one@{SHA}", "bytes=25 requests=3 path=model.safetensors"),
        ("ada", "download", f"datasets/ann/data@{SHA}", "bytes=7 requests=1 path=a path=b.csv"),
        ("eve", "download", f"ann/one@{SHA}", "bytes=25 requests=1 path=model.safetensors"),
    ]
    audit.close()


def test_many_at_once_are_all_there_when_it_is_closed(catalog: Catalog) -> None:
    audit = Audit(catalog, lambda: AT)

    def some(number: int) -> None:
        for each in range(50):
            audit.sent(f"user{number % 3}", ONE, SHA, f"file{each % 10}", 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(some, range(24)))
    audit.close()
    sizes = [int(detail.split()[0].removeprefix("bytes=")) for _, _, _, detail in told(catalog)]
    assert sum(sizes) == 24 * 50


def test_lines_wait_for_a_database_that_is_away_and_the_writer_lives_on(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path / "catalog.sqlite3")
    with catalog._writing() as connection:
        connection.exec_driver_sql("ALTER TABLE audit RENAME TO away")
    audit = Audit(catalog, lambda: AT)
    audit.sent("ada", ONE, SHA, "a", 1)
    audit.flush()
    audit.sent("ada", ONE, SHA, "a", 2)
    audit.flush()
    with catalog._writing() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO audit")
    wait_for(lambda: len(told(catalog)) == 1)
    assert told(catalog)[0][3] == "bytes=3 requests=2 path=a"
    audit.close()
    catalog.close()


def test_lines_are_found_by_who_what_and_when(catalog: Catalog) -> None:
    audit = Audit(catalog, lambda: AT)
    for number, (by, verb, target) in enumerate(
        [
            ("ada", "ingest", f"ann/one@{SHA}"),
            ("ada", "withdraw", "ann/one@1.0.0"),
            ("eve", "repo.create", "ann/one"),
            ("eve", "repo.create", "ann/one-more"),
        ]
    ):
        catalog.add_audit(AuditLine(at=AT + timedelta(hours=number), by=by, verb=verb, target=target))

    def found(**about: object) -> list[str]:
        query = AuditQuery(**about)  # type: ignore[arg-type]
        return [line.verb for line in audit.lines(LOCAL, about=query)]

    assert found(by="ada") == ["withdraw", "ingest"]
    assert found(by="ada", verb="ingest") == ["ingest"]
    assert found(target="ann/one") == ["repo.create", "withdraw", "ingest"]
    assert found(target="ann/one@1.0.0") == ["withdraw"]
    assert found(target="ann/o") == found(by="ad") == []
    assert found(since=AT + timedelta(hours=2)) == ["repo.create", "repo.create"]
    assert found(since=AT + timedelta(hours=1), until=AT + timedelta(hours=2)) == ["withdraw"]
    first = audit.lines(LOCAL, about=AuditQuery(by="ada"), limit=1)
    assert [line.verb for line in audit.lines(LOCAL, about=AuditQuery(by="ada"), after=first[0].id)] == [
        "ingest"
    ]


def test_the_audit_is_for_administrators(catalog: Catalog) -> None:
    audit = Audit(catalog, lambda: AT)
    with pytest.raises(NotPermitted):
        audit.lines(Principal(name="bob", permissions=frozenset(Permission) - {Permission.ADMIN}))
    with pytest.raises(NotAuthenticated):
        audit.lines(Principal(name="anonymous", is_anonymous=True))
    with pytest.raises(BadInput):
        audit.lines(LOCAL, after="x")


def test_downloads_are_forgotten_in_time_and_changes_never(catalog: Catalog) -> None:
    for days in range(5):
        at = AT - timedelta(days=days)
        for verb in ("download", "login.failed", "withdraw"):
            catalog.add_audit(AuditLine(at=at, by="ada", verb=verb, target="x"))
    assert Audit(catalog, lambda: AT).forget() == 0, "0 days are for ever"
    assert Audit(catalog, lambda: AT, days=2).forget() == 4
    verbs = [verb for _, verb, _, _ in told(catalog)]
    assert sorted(verbs) == ["download"] * 3 + ["login.failed"] * 3 + ["withdraw"] * 5
