"""How much each namespace uses, counted in the transaction of the commit that brings it.

A content counts once for a namespace, in however many of its repositories and commits it is. What
somebody proposes to a repository of others counts for whoever proposed it, until it is merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, and_, func, select, update
from sqlalchemy.exc import IntegrityError

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.repo_tables import COMMITS, CONTENTS, NAMESPACES
from weighbridge.domain.access import AuditLine
from weighbridge.domain.hosted import Repository, Revision
from weighbridge.domain.quota import Quota
from weighbridge.errors import OverQuota

_Name = TypeVar("_Name", str, int)
_AT_ONCE = 500
"""How many names one statement asks for."""


class Usage(Database):
    """Used and allowed bytes by namespace, whose upper and lower case do not matter."""

    def quota(self, namespace: str) -> Quota:
        """What a namespace uses and may use."""
        with self._reading() as connection:
            return self._quota(connection, namespace.lower())

    def quotas(self) -> tuple[Quota, ...]:
        """Every namespace that uses something or has a quota of its own, by name."""
        with self._reading() as connection:
            names = connection.execute(select(NAMESPACES.c.name).order_by(NAMESPACES.c.name)).scalars().all()
            return tuple(self._quota(connection, name) for name in names)

    def set_quota(self, namespace: str, allowed_bytes: int | None, audit: AuditLine) -> None:
        """Give a namespace a quota of its own (0: no limit); None: what all have."""
        name = namespace.lower()
        with self._writing() as connection:
            _ensure(connection, name)
            _change(connection, name, {"quota_bytes": allowed_bytes})
            record(connection, audit)

    def new_bytes(self, namespace: str, contents: Mapping[str, int]) -> int:
        """How much of some contents (bytes by sha256) does not count for a namespace yet."""
        with self._reading() as connection:
            known = {sha256 for _, sha256 in _known(connection, namespace.lower(), contents)}
        return sum(size for sha256, size in contents.items() if sha256 not in known)

    def known_sizes(self, namespace: str, sizes: Iterable[int]) -> frozenset[int]:
        """Which of some sizes (bytes) a content has that counts for a namespace."""
        columns, found = CONTENTS.c, set[int]()
        mine = select(columns.size_bytes).where(columns.namespace == namespace.lower())
        with self._reading() as connection:
            for some in _chunks(sizes):
                found.update(connection.execute(mine.where(columns.size_bytes.in_(some))).scalars())
        return frozenset(found)

    def used_by(self, repository: Repository) -> int:
        """The bytes of what the commits of a repository hold."""
        owner = repository.id.namespace.lower()
        columns = CONTENTS.c
        mine = and_(columns.repository == repository.key, columns.namespace == owner)
        with self._reading() as connection:
            total = connection.execute(select(func.sum(columns.size_bytes)).where(mine)).scalar()
        return int(total or 0)

    def _quota(self, connection: Connection, name: str) -> Quota:
        row = connection.execute(select(NAMESPACES).where(NAMESPACES.c.name == name)).first()
        own = None if row is None else row.quota_bytes
        return Quota(
            namespace=name,
            used_bytes=0 if row is None else row.used_bytes,
            allowed_bytes=self._quota_bytes if own is None else own,
            own=own is not None,
        )

    def _count(
        self, connection: Connection, repository: Repository, revision: Revision, payer: str = ""
    ) -> None:
        """Count what a commit brings, for ``payer`` or for the repository's namespace.

        Raises:
            OverQuota: there is no room for it; the transaction must not be committed.
        """
        contents = {each.sha256: each.size_bytes for each in revision.manifest.files if each.sha256}
        self._count_contents(connection, repository, contents, payer)

    def _count_contents(
        self, connection: Connection, repository: Repository, contents: Mapping[str, int], payer: str = ""
    ) -> None:
        """Count contents, bytes by sha256; raises as ``_count``."""
        owner = repository.id.namespace.lower()
        payer = payer.lower() or owner
        _ensure(connection, payer)
        found = _known(connection, payer, contents)
        held = {sha256 for key, sha256 in found if key == repository.key}
        if payer != owner:
            held |= {sha256 for key, sha256 in _known(connection, owner, contents) if key == repository.key}
        fresh = {sha256: size for sha256, size in contents.items() if sha256 not in held}
        counted = {sha256 for _, sha256 in found}
        wanted = sum(size for sha256, size in fresh.items() if sha256 not in counted)
        quota = self._quota(connection, payer)
        if not quota.takes(wanted):
            raise OverQuota(payer, used=quota.used_bytes, allowed=quota.allowed_bytes, wanted=wanted)
        rows = [
            {"repository": repository.key, "namespace": payer, "sha256": sha256, "size_bytes": size}
            for sha256, size in fresh.items()
        ]
        if rows:
            connection.execute(CONTENTS.insert(), rows)
            _change(connection, payer, {"used_bytes": quota.used_bytes + wanted})
        if payer == owner and rows:
            self._take_over(connection, repository.key, owner, fresh)

    def _take_over(self, connection: Connection, key: str, owner: str, contents: Iterable[str]) -> None:
        """What was proposed and is now the repository's own counts for its proposer no more."""
        proposed = and_(CONTENTS.c.repository == key, CONTENTS.c.namespace != owner)
        others = connection.execute(select(CONTENTS.c.namespace).where(proposed).distinct()).scalars().all()
        if not others:
            return
        for some in _chunks(contents):
            connection.execute(CONTENTS.delete().where(proposed, CONTENTS.c.sha256.in_(some)))
        for name in others:
            _recount(connection, name)

    def _drop_counted(self, connection: Connection, key: str) -> None:
        """The repository is no more, and counts for nobody."""
        _replace(connection, CONTENTS.c.repository == key, ())

    def _move_counted(self, connection: Connection, key: str, before: str, after: str) -> None:
        """The repository counts for another namespace from now on.

        Raises:
            OverQuota: there is no room for it there.
        """
        before, after = before.lower(), after.lower()
        if before == after:
            return
        columns = CONTENTS.c
        connection.execute(CONTENTS.delete().where(columns.repository == key, columns.namespace == after))
        mine = and_(columns.repository == key, columns.namespace == before)
        connection.execute(update(CONTENTS).where(mine).values(namespace=after))
        _ensure(connection, after)
        used = self._quota(connection, after).used_bytes
        _recount(connection, before)
        _recount(connection, after)
        quota = self._quota(connection, after)
        wanted = quota.used_bytes - used
        if wanted > 0 and quota.allowed_bytes and quota.used_bytes > quota.allowed_bytes:
            raise OverQuota(after, used=used, allowed=quota.allowed_bytes, wanted=wanted)

    def _recount_repository(self, connection: Connection, repository: Repository) -> None:
        """Commits were taken out of a repository: what no commit holds any more does not count."""
        held: set[str] = set()
        files = select(COMMITS.c.files).where(COMMITS.c.repository == repository.key)
        for entries in connection.execute(files).scalars():
            held.update(entry["sha256"] for entry in entries if entry.get("sha256"))
        _replace(connection, CONTENTS.c.repository == repository.key, held)


def _replace(connection: Connection, which: ColumnElement[bool], kept: Iterable[str]) -> None:
    """Of some counted contents, keep only those with these names."""
    columns, kept = CONTENTS.c, frozenset(kept)
    rows = connection.execute(select(columns.namespace, columns.sha256).where(which)).all()
    gone = {row.sha256 for row in rows} - kept
    for some in _chunks(gone):
        connection.execute(CONTENTS.delete().where(which, columns.sha256.in_(some)))
    for name in {row.namespace for row in rows if row.sha256 in gone}:
        _recount(connection, name)


def _known(connection: Connection, name: str, contents: Iterable[str]) -> Sequence[tuple[str, str]]:
    """Which of some contents count for a namespace, and in which repositories (by key) they are."""
    columns, found = CONTENTS.c, list[tuple[str, str]]()
    for some in _chunks(contents):
        query = select(columns.repository, columns.sha256)
        rows = connection.execute(query.where(columns.namespace == name, columns.sha256.in_(some)))
        found += [(row.repository, row.sha256) for row in rows]
    return found


def _chunks(names: Iterable[_Name]) -> Iterator[list[_Name]]:
    rest = iter(names)
    while some := list(islice(rest, _AT_ONCE)):
        yield some


def _ensure(connection: Connection, name: str) -> None:
    """The row of a namespace, locked until the transaction ends: two commits count one after the other."""
    row = select(NAMESPACES.c.name).where(NAMESPACES.c.name == name).with_for_update()
    if connection.execute(row).first() is not None:
        return
    try:
        with connection.begin_nested():
            connection.execute(NAMESPACES.insert().values(name=name, used_bytes=0))
    except IntegrityError:  # on PostgreSQL somebody was faster
        connection.execute(row)


def _change(connection: Connection, name: str, values: dict[str, int | None]) -> None:
    connection.execute(update(NAMESPACES).where(NAMESPACES.c.name == name).values(values))


def _recount(connection: Connection, name: str) -> None:
    """Everything that counts for a namespace, added up anew."""
    _ensure(connection, name)
    columns = CONTENTS.c
    once = select(columns.sha256, columns.size_bytes).where(columns.namespace == name).distinct().subquery()
    total = connection.execute(select(func.sum(once.c.size_bytes))).scalar()
    _change(connection, name, {"used_bytes": int(total or 0)})
