"""Rows of refs and commits, as the parts of larger transactions."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, Row, and_, select, update

from weighbridge.adapters.catalog.repo_tables import REFS
from weighbridge.domain.hosted import Repository
from weighbridge.domain.repo import Refs
from weighbridge.errors import StaleParent


class RefKind(StrEnum):
    """A name that moves with every commit, or one that stays; for the others see ``domain.repo.Refs``."""

    BRANCH = "branch"
    TAG = "tag"
    PULL = "pull"
    FORMER = "former"
    ERASED = "erased"


def ref_named(key: str, kind: RefKind, name: str) -> ColumnElement[bool]:
    """Whether a row is the ref of this name."""
    return and_(REFS.c.repository == key, REFS.c.kind == kind.value, REFS.c.name == name)


def drop_ref(connection: Connection, key: str, kind: RefKind, name: str) -> bool:
    """Take a name away, and with a branch where it was before; whether there was one."""
    if kind is RefKind.BRANCH:
        drop_former(connection, key, name)
    return connection.execute(REFS.delete().where(ref_named(key, kind, name))).rowcount == 1


def refs_of(rows: Iterable[Row[*tuple[object, ...]]]) -> Refs:
    """Rows of ``refs``, by their kind."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in RefKind}
    for row in rows:
        found[row.kind][row.name] = row.commit_id
    return Refs(
        branches=found[RefKind.BRANCH],
        tags=found[RefKind.TAG],
        pulls=found[RefKind.PULL],
        former=found[RefKind.FORMER],
        erased=found[RefKind.ERASED].get("", ""),
    )


def ref_values(key: str, kind: RefKind, name: str, commit: str) -> dict[str, str]:
    """The row of a ref."""
    return {"repository": key, "kind": kind.value, "name": name, "commit_id": commit}


def move_ref(
    connection: Connection, repository: Repository, kind: RefKind, name: str, parent: str, commit: str
) -> None:
    """Move a branch that is still at ``parent``.

    Raises:
        StaleParent: it is somewhere else.
    """
    there = ref_named(repository.key, kind, name)
    moved = connection.execute(update(REFS).where(there, REFS.c.commit_id == parent).values(commit_id=commit))
    if moved.rowcount != 1:
        head = connection.execute(select(REFS.c.commit_id).where(there)).scalar() or "no commit"
        raise StaleParent(repository.id.full_name, name, wanted=parent, head=head)


def drop_former(connection: Connection, key: str, branch: str) -> None:
    """Forget where a branch was before."""
    connection.execute(REFS.delete().where(ref_named(key, RefKind.FORMER, branch)))


def set_former(connection: Connection, key: str, branch: str, commit: str) -> None:
    """Say where a branch was before its history was replaced."""
    drop_former(connection, key, branch)
    connection.execute(REFS.insert().values(ref_values(key, RefKind.FORMER, branch, commit)))
