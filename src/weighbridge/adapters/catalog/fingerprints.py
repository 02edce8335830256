"""Fingerprints in the catalogue: who has the same weights, a like card, a like name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.names import hidden_from, live, repository_of
from weighbridge.adapters.catalog.repo_tables import REPOSITORIES, REPOSITORY_NAMES
from weighbridge.adapters.catalog.tables import FINGERPRINTS, PACKAGES
from weighbridge.domain.access import Sight
from weighbridge.domain.package import PackageState
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.domain.resemblance import Fingerprint, Mark, Match

_AT_ONCE = 500
_GENERATIONS = 8
"""How far duplicates of duplicates are followed."""
_CANDIDATES = 32
"""How many cards are compared in full: those that share the most bands."""


def keep(connection: Connection, package_id: str, prints: Iterable[Fingerprint]) -> None:
    """Write the fingerprints of a package that has none yet, in the transaction of its change."""
    rows = [
        {"mark": each.mark.value, "value": each.value, "package_id": package_id, "subject": each.subject}
        for each in {(each.mark, each.value): each for each in prints}.values()
    ]
    if rows:
        connection.execute(FINGERPRINTS.insert(), rows)


class Fingerprints(Database):
    """Every look-up goes through the index of (mark, value); no table is read whole."""

    def matches(self, repo: RepoId, wanted: Sequence[Fingerprint], sight: Sight) -> tuple[Match, ...]:
        """What other repositories have of the wanted fingerprints, by today's name; each thing once.

        Withdrawn packages count. Those of private repositories that ``sight`` leaves out are not named.
        What it had under a former name is its own.
        """
        others = and_(PACKAGES.c.kind == repo.kind.value, ~_is_of(repo), ~hidden_from(PACKAGES, sight))
        values: dict[Mark, list[str]] = {mark: [] for mark in Mark}
        for each in wanted:
            values[each.mark].append(each.value)
        found = set[Match]()
        with self._reading() as connection:
            for mark in (Mark.WEIGHTS, Mark.TOKEN):
                for start in range(0, len(values[mark]), _AT_ONCE):
                    query = _sharing(mark, values[mark][start : start + _AT_ONCE], others)
                    found.update(_matches(connection, query))
            found.update(_cards(connection, values[Mark.BAND], others))
            found = _by_todays_names(connection, found, repo.kind)
            found.update(_names(connection, values[Mark.NAME], others))
        return tuple(sorted(found, key=lambda m: (m.repo, m.fingerprint.mark, m.fingerprint.value)))

    def fingerprint(self, package_id: str, prints: Iterable[Fingerprint]) -> None:
        """Write the fingerprints of a package that was admitted before there were any."""
        with self._writing() as connection:
            if not _has_any(connection, package_id):
                keep(connection, package_id, prints)

    def is_fingerprinted(self, package_id: str) -> bool:
        """Whether a package can be known again: every one that was admitted since this step can."""
        with self._reading() as connection:
            return _has_any(connection, package_id)

    def origins_of(self, repo: RepoId, sight: Sight) -> tuple[RepoId, ...]:
        """What a hosted repository was duplicated from, and that from, nearest first, by today's names.

        Nothing from the first one on that is private and not within ``sight``.
        """
        found = list[RepoId]()
        with self._reading() as connection:
            there = live(connection, repo)
            while there is not None and there.origin is not None and len(found) < _GENERATIONS:
                origin, there = there.origin, None
                name = origin.repo
                if origin.key:
                    row = connection.execute(
                        select(REPOSITORIES).where(REPOSITORIES.c.key == origin.key)
                    ).first()
                    there = repository_of(row) if row else None
                    if there is None or (there.private and not sight.reaches(there)):
                        break
                    name = there.id
                found.append(name)
        return tuple(found)

    def net_score_of(self, repo: RepoId, sight: Sight) -> float | None:
        """The net score of the newest package that is served under a name; None where there is none."""
        columns = PACKAGES.c
        query = (
            select(columns.net_score)
            .where(columns.kind == repo.kind.value, _is_of(repo))
            .where(columns.state == PackageState.ACTIVE.value, ~hidden_from(PACKAGES, sight))
            .order_by(columns.created_at.desc(), columns.id.desc())
        )
        with self._reading() as connection:
            return connection.execute(query.limit(1)).scalar()


def _is_of(repo: RepoId) -> ColumnElement[bool]:
    """Whether a package is one of a repository, under any name that it has or had."""
    names, every = REPOSITORY_NAMES.c, REPOSITORY_NAMES.alias()
    key = select(names.repository).where(
        names.kind == repo.kind.value, names.name_key == repo.full_name.lower()
    )
    known = select(every.c.name_key).where(every.c.kind == repo.kind.value, every.c.repository.in_(key))
    return or_(PACKAGES.c.name_key == repo.full_name.lower(), PACKAGES.c.name_key.in_(known))


def _by_todays_names(connection: Connection, found: Iterable[Match], kind: RepoKind) -> set[Match]:
    """A package keeps the name that it was listed under; who declares its origin knows today's."""
    names = REPOSITORY_NAMES.c
    matches = set(found)
    wanted = {match.repo.lower() for match in matches}
    query = select(names.name_key, REPOSITORIES.c.name).join_from(REPOSITORY_NAMES, REPOSITORIES)
    rows = connection.execute(query.where(names.kind == kind.value, names.name_key.in_(wanted)))
    today = {row.name_key: row.name for row in rows}
    return {replace(match, repo=today.get(match.repo.lower(), match.repo)) for match in matches}


def _has_any(connection: Connection, package_id: str) -> bool:
    query = select(FINGERPRINTS.c.mark).where(FINGERPRINTS.c.package_id == package_id)
    return connection.execute(query.limit(1)).first() is not None


def _sharing(mark: Mark, values: Sequence[str], others: ColumnElement[bool]) -> Select[*tuple[object, ...]]:
    prints = FINGERPRINTS.c
    return (
        select(PACKAGES.c.name, prints.mark, prints.value, prints.subject)
        .join_from(FINGERPRINTS, PACKAGES)
        .where(prints.mark == mark.value, prints.value.in_(values), others)
    )


def _matches(connection: Connection, query: Select[*tuple[object, ...]]) -> set[Match]:
    return {
        Match(
            repo=row.name,
            fingerprint=Fingerprint(mark=Mark(row.mark), value=row.value, subject=row.subject),
        )
        for row in connection.execute(query)
    }


def _cards(connection: Connection, bands: Sequence[str], others: ColumnElement[bool]) -> set[Match]:
    """The cards that share a band with the wanted one, those with the most first."""
    if not bands:
        return set()
    prints = FINGERPRINTS.c
    near = (
        select(prints.package_id)
        .join_from(FINGERPRINTS, PACKAGES)
        .where(prints.mark == Mark.BAND.value, prints.value.in_(bands), others)
        .group_by(prints.package_id)
        .order_by(func.count().desc(), prints.package_id)
        .limit(_CANDIDATES)
    )
    ids = list(connection.execute(near).scalars())
    query = (
        select(PACKAGES.c.name, prints.mark, prints.value, prints.subject)
        .join_from(FINGERPRINTS, PACKAGES)
        .where(prints.mark == Mark.CARD.value, prints.package_id.in_(ids))
    )
    return _matches(connection, query)


def _names(connection: Connection, pieces: Sequence[str], others: ColumnElement[bool]) -> set[Match]:
    """The names that share a piece with the wanted one; whether they are near is for others to say."""
    if not pieces:
        return set()
    prints = FINGERPRINTS.c
    query = (
        select(PACKAGES.c.name)
        .distinct()
        .join_from(FINGERPRINTS, PACKAGES)
        .where(prints.mark == Mark.NAME.value, prints.value.in_(pieces), others)
    )
    names = connection.execute(query).scalars()
    return {Match(repo=name, fingerprint=Fingerprint(mark=Mark.NAME, value="")) for name in names}
