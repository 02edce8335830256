"""Which contents the catalogue names, so that no other one need stay in the store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import JSON, Column, Connection, Select, String, func, select

from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.job_tables import JOBS
from weighbridge.adapters.catalog.repo_tables import COMMITS
from weighbridge.adapters.catalog.tables import FINGERPRINTS, METADATA, PACKAGES, REFUSALS, SCANS
from weighbridge.domain.json_values import Json
from weighbridge.domain.package import PackageState

_SHA256 = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_AT_ONCE = 500
_ACTIVE = ("queued", "running")
_HELD = PACKAGES.c.state != PackageState.DELETED.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What was named at one moment.

    ``contents`` are sha256; a few of them never were contents (hashes of tokens and keys).
    ``active_since`` is when the oldest job was asked for that is not over; None: there is none.
    """

    contents: frozenset[str]
    commits: frozenset[str]
    active_since: datetime | None


class Names(Database):
    """Reads the whole catalogue for what it names."""

    def named(self) -> Named:
        """Every 64 hexadecimal digits that stand in any table, whichever tables there will be.

        Texts that people wrote are not read. A deleted package names its verdict and its evidence, and
        no file: neither its manifest nor the fingerprints by which its weights are known again count.
        """
        with self._reading() as connection:
            contents = {sha for column in _columns() for sha in _digests_in(connection, column)}
            commits = set(connection.execute(select(PACKAGES.c.commit_id).where(_HELD)).scalars())
            commits.update(connection.execute(select(JOBS.c.commit_id)).scalars())
            active = select(func.min(JOBS.c.created_at)).where(JOBS.c.state.in_(_ACTIVE))
            since = connection.execute(active).scalar()
        return Named(contents=frozenset(contents), commits=frozenset(commits), active_since=since)

    def contents(self) -> frozenset[str]:
        """The contents that packages, refusals, commits and later scans need to be whole.

        Of a deleted package its verdict and its evidence.
        """
        documents = (
            *(PACKAGES.c.evidence_sha256, PACKAGES.c.verdict_sha256),
            *(REFUSALS.c.evidence_sha256, REFUSALS.c.verdict_sha256, SCANS.c.report_sha256),
        )
        found: set[str] = set()
        with self._reading() as connection:
            for column in documents:
                found.update(value for value in _values(connection, column) if isinstance(value, str))
            for column in (PACKAGES.c.manifest, COMMITS.c.files):
                for value in _values(connection, column):
                    found.update(_files_of(value))
        return frozenset(sha for sha in found if _SHA256.fullmatch(sha))


def digests_in(line: str) -> list[str]:
    """All that may be a sha256 in a text."""
    return _SHA256.findall(line)


def _columns() -> Iterator[Column[object]]:
    for table in METADATA.sorted_tables:
        for column in table.columns:
            short = isinstance(column.type, String) and column.type.length == 64
            if short or isinstance(column.type, JSON):
                yield column


def _values(connection: Connection, column: Column[object]) -> Iterator[object]:
    query = _held(select(column), column).execution_options(yield_per=_AT_ONCE)
    for (value,) in connection.execute(query):
        yield value


def _held(query: Select[object], column: Column[object]) -> Select[object]:
    """Without what names the files of deleted packages."""
    if column is PACKAGES.c.manifest:
        return query.where(_HELD)
    if column is FINGERPRINTS.c.value:
        return query.where(FINGERPRINTS.c.package_id.not_in(select(PACKAGES.c.id).where(~_HELD)))
    return query


def _digests_in(connection: Connection, column: Column[object]) -> Iterator[str]:
    for value in _values(connection, column):
        if value:
            yield from _SHA256.findall(value if isinstance(value, str) else json.dumps(value))


def _files_of(value: Json | object) -> Iterator[str]:
    listed = value.get("files") if isinstance(value, dict) else value
    for file in listed if isinstance(listed, list) else ():
        if isinstance(file, dict) and isinstance(sha := file.get("sha256"), str):
            yield sha
