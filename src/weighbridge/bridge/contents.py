"""Which file of a repository has a content: who knows a digest may have it if a revision shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from weighbridge.bridge.hub import HubDesk
from weighbridge.domain.access import Principal
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.errors import Disabled, NotFound, Renamed
from weighbridge.ports import Hub

LOOKED_INTO = 500
"""So many commits are looked into at most, branches and tags first: it is asked by anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A file that the caller may download."""

    commit: str
    path: str
    size_bytes: int


def contents_shown(
    desk: HubDesk, principal: Principal, kind: RepoKind, name: str, wanted: Set[str], revision: str = ""
) -> tuple[RepoId, Mapping[str, Shown]]:
    """The repository by its name of today, and for each wanted sha256 a file that has it.

    A content that stands in no revision that the caller may download is left out. ``revision``
    is looked into first.

    Raises:
        Whatever ``HubDesk.require_access`` raises, but for Renamed.
    """
    try:
        hub, repo = desk.readable(principal, kind, name)
    except Renamed as renamed:
        hub, repo = desk.readable(principal, kind, renamed.now)
    found: dict[str, Shown] = {}
    for commit in _commits(hub, repo, revision):
        if wanted <= found.keys():
            break
        try:
            manifest = hub.manifest(repo, commit)
        except (NotFound, Disabled):  # withdrawn, or gone meanwhile
            continue
        for entry in manifest.files:
            if entry.sha256 in wanted:
                shown = Shown(commit=commit, path=entry.path, size_bytes=entry.size_bytes)
                found.setdefault(entry.sha256 or "", shown)
    return repo, found


def _commits(hub: Hub, repo: RepoId, revision: str) -> Iterator[str]:
    """Commits that may hold it, the likely ones first, each once."""
    refs = hub.refs(repo)
    asked = _commit_of(hub, repo, revision)
    heads = [
        asked,
        refs.branches.get("main"),
        *refs.branches.values(),
        *refs.tags.values(),
        *refs.pulls.values(),
    ]
    seen = list(dict.fromkeys(head for head in heads if head))[:LOOKED_INTO]
    yield from seen
    known = set(seen)
    for head in seen:
        if len(known) >= LOOKED_INTO:
            return
        try:
            older = hub.commits(repo, head, LOOKED_INTO)
        except (NotFound, Disabled):
            continue
        for commit in older:
            if commit.id not in known and len(known) < LOOKED_INTO:
                known.add(commit.id)
                yield commit.id


def _commit_of(hub: Hub, repo: RepoId, revision: str) -> str | None:
    if not revision:
        return None
    try:
        return hub.info(ModelRef(repo=repo, revision=revision)).commit
    except (NotFound, Disabled, Invalid):
        return None
