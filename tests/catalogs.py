"""Where a test's catalogue lies: in memory, in a file of SQLite, in a database of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgres import postgres_database
from weighbridge.adapters.catalog import Catalog

DATABASES = ("file", "postgresql")
"""Those that several processes may share."""


@contextmanager
def catalog_place(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database; skips the test where PostgreSQL cannot be started."""
    if kind == "postgresql":
        with postgres_database() as url:
            yield url
    else:
        yield "sqlite://" if kind == "memory" else f"sqlite:///{folder / 'catalog.sqlite3'}"


@contextmanager
def open_catalog(kind: str, folder: Path, *, quota_bytes: int = 0) -> Iterator[Catalog]:
    """An empty catalogue in such a database."""
    with catalog_place(kind, folder) as url:
        opened = Catalog.open(url, quota_bytes=quota_bytes)
        try:
            yield opened
        finally:
            opened.close()
