"""The catalogue tells that something was committed, here or in another process, without a query."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.access import AuditLine, Permission, User

AT = datetime(2026, 1, 1, tzinfo=UTC)


def change(catalog: Catalog, name: str) -> None:
    user = User(name=name, permissions=frozenset({Permission.SEARCH}), created_at=AT)
    catalog.add_user(user, "hash", AuditLine(at=AT, by="local", verb="user.add", target=name))


def test_every_commit_shows_and_reading_does_not(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/catalog.sqlite3"
    with closing(Catalog.open(url)) as catalog, closing(Catalog.open(url)) as another:
        holds = catalog.watch()
        assert holds is not None
        assert catalog.users() == another.users() == ()
        assert holds()
        change(catalog, "ann")
        assert not holds()
        again = catalog.watch()
        assert again is not None
        assert again()
        change(another, "bob")
        assert not again()
        assert not holds()


def test_what_cannot_tell_says_so(tmp_path: Path) -> None:
    with closing(Catalog.open("sqlite://")) as in_memory:
        assert in_memory.watch() is None
    closed = Catalog.open(f"sqlite:///{tmp_path}/catalog.sqlite3")
    holds = closed.watch()
    closed.close()
    assert closed.watch() is None
    assert holds is not None
    assert not holds()
