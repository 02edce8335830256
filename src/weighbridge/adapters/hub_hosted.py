"""Hosted repositories as a Hub, as one principal sees them.

The owner sees every commit at once. Everybody else sees the accepted ones: a branch is, for them,
at its newest accepted commit (with ``serve_all`` they see what the owner sees), and each accepted
version is a tag, whatever else has its name. A withdrawn commit
is Disabled for all and says why. What may not be seen does not exist.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

from weighbridge.adapters.hosted_view import HostedView
from weighbridge.adapters.repo_info import is_read, raw_info
from weighbridge.adapters.stored_files import StoredFiles
from weighbridge.domain.access import LOCAL, Principal, Role, Verb, may, role_for
from weighbridge.domain.discussion import Discussion, DiscussionQuery
from weighbridge.domain.hosted import Admission, Gate, Repository, Revision, history
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.manifest import Manifest
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.repo import Commit, DiscussionHead, ModelInfo, Owner, OwnerKind, Refs
from weighbridge.errors import Gated, NoSuchRepo, NoSuchRevision, NotPermitted
from weighbridge.ports import BlobStore

_KEPT = 512
_DOWNLOADS_SPAN = timedelta(days=30)
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class GuestBook(Protocol):
    """Who was let in where."""

    def is_let_in(self, key: str, user: str) -> bool:
        """Whether a user was let in to a gated repository."""


class Hosting(GuestBook, Protocol):
    """What is read of the catalogue."""

    def hosted(self, repo: RepoId) -> Repository | None:
        """The repository of this name, or that had it; upper and lower case do not matter."""

    def hosted_repos(self, kind: RepoKind) -> tuple[Repository, ...]:
        """All of a kind."""

    def hosted_refs(self, key: str) -> Refs:
        """Branches and tags."""

    def admissions(self, key: str) -> Mapping[str, Admission]:
        """Which commits became packages."""

    def commits_of(self, key: str) -> Mapping[str, Commit]:
        """Every commit."""

    def revision(self, repository: Repository, commit: str) -> Revision | None:
        """A commit with its files."""

    def likers(self, key: str) -> Sequence[str]:
        """Who likes a repository."""

    def used_by(self, repository: Repository) -> int:
        """The bytes of what the commits of a repository hold."""

    def group_label(self, id: str) -> tuple[str, int] | None:
        """The name of a group, and how many members it has."""

    def downloads(self, key: str, since: date) -> tuple[int, int]:
        """How often a repository was downloaded from that day on, and ever."""

    def discussions(
        self, key: str, query: DiscussionQuery, start: int = 0, limit: int = 50
    ) -> tuple[int, Sequence[Discussion]]:
        """How many there are, and a page of them, newest first."""

    def organizations(self) -> Mapping[str, Mapping[str, Role]]:
        """Every organization with its members."""

    def pulls_by(self, key: str, author: str) -> Sequence[Discussion]:
        """The pull requests that somebody opened."""


class _Memory:
    """What never changes once it was made, for all who look."""

    def __init__(self) -> None:
        self.commits: OrderedDict[tuple[str, str], Mapping[str, Commit]] = OrderedDict()
        self.revisions: OrderedDict[tuple[Repository, str], Revision] = OrderedDict()
        self.infos: OrderedDict[tuple[Repository, str], ModelInfo] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, kept: OrderedDict[_Key, _Value], key: _Key) -> _Value | None:
        """What is remembered, if it is."""
        with self._guard:
            return kept.get(key)

    def keep(self, kept: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> _Value:
        """Remember, and forget what was remembered first once there is too much."""
        with self._guard:
            kept[key] = value
            while len(kept) > _KEPT:
                kept.popitem(last=False)
        return value


class HostedHub(StoredFiles):
    """Implements ``ports.Hub``; safe for threads. ``seen_by`` gives it as others see it."""

    remedy = "push it again"

    def __init__(
        self,
        catalog: Hosting,
        blobs: BlobStore,
        *,
        principal: Principal = LOCAL,
        serve_all: bool = False,
        memory: _Memory | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(blobs)
        self._catalog = catalog
        self._principal, self._serve_all, self._now = principal, serve_all, now
        self._memory = memory or _Memory()

    def seen_by(self, principal: Principal) -> HostedHub:
        """The same repositories as ``principal`` sees them."""
        return HostedHub(
            self._catalog,
            self._blobs,
            principal=principal,
            serve_all=self._serve_all,
            memory=self._memory,
            now=self._now,
        )

    def info(self, ref: ModelRef) -> ModelInfo:
        """See ``ports.Hub.info``; ``raw`` is read out of the files."""
        view = self._view(ref.repo)
        try:
            return self._info(view, view.at(ref.revision))
        except NoSuchRevision as error:
            if view.is_empty:
                raise NoSuchRepo(ref.repo.full_name, hint=error.hint) from error
            raise

    def commit_of(self, ref: ModelRef) -> str:
        """The commit that a ref means to this caller; raises as ``info``, but for withdrawn ones."""
        return self._view(ref.repo).at(ref.revision, withdrawn_too=True)

    def require_open(self, repo: RepoId) -> None:
        """Nothing, if the files of a repository are handed out to this caller, or it is not hosted.

        Raises:
            Gated, NotPermitted: they are not.
        """
        repository = self._catalog.hosted(repo)
        if repository is not None:
            require_download(self._catalog, self._principal, repository)

    def manifest(self, repo: RepoId, commit: str) -> Manifest:
        """See ``ports.Hub.manifest``."""
        view = self._view(repo)
        return self._revision(view.repository, view.at(commit)).manifest

    def handed_out(self, repo: RepoId, commit: str) -> Manifest:
        """See ``StoredFiles.handed_out``."""
        view = self._view(repo)
        manifest = self._revision(view.repository, view.at(commit)).manifest
        require_download(self._catalog, self._principal, view.repository)
        return manifest

    def refs(self, repo: RepoId) -> Refs:
        """See ``ports.Hub.refs``: what the caller may see of them."""
        return self._view(repo).shown_refs

    def commits(self, repo: RepoId, revision: str, limit: int = 50) -> Sequence[Commit]:
        """See ``ports.Hub.commits``."""
        view = self._view(repo)
        return tuple(islice(view.line(view.at(revision)), limit))

    def repos(self, kind: RepoKind) -> Iterator[ModelInfo]:
        """See ``ports.Hub.repos``: those whose main shows something."""
        found = []
        for repository in self._catalog.hosted_repos(kind):
            if may(self._principal, Verb.SEE, repository):
                view = self._view_of(repository)
                main = view.shown_refs.branches.get("main")
                found += [self._info(view, main)] if main else []
        return iter(sorted(found, key=lambda info: (-info.downloads, info.repo)))

    def details(self, ref: ModelRef) -> JsonObject:
        """See ``ports.Hub.details``: nothing that the files do not say is known here."""
        self.info(ref)
        return {}

    def discussions(self, repo: RepoId, limit: int = 50) -> Sequence[DiscussionHead]:
        """See ``ports.Hub.discussions``."""
        key = self._view(repo).repository.key
        _, found = self._catalog.discussions(key, DiscussionQuery(), limit=limit)
        return tuple(_head(each) for each in found)

    def owner(self, repo: RepoId) -> Owner:
        """See ``ports.Hub.owner``: an organization with its members, else the user of that name."""
        namespace = self._view(repo).repository.id.namespace
        members = self._catalog.organizations().get(namespace.lower())
        if members is None:
            return Owner(name=namespace, kind=OwnerKind.USER)
        return Owner(name=namespace, kind=OwnerKind.ORGANIZATION, members=len(members))

    def _view(self, repo: RepoId) -> HostedView:
        repository = self._catalog.hosted(repo)
        if repository is None or not may(self._principal, Verb.SEE, repository):
            raise NoSuchRepo(repo.full_name)
        return self._view_of(repository)

    def _view_of(self, repository: Repository) -> HostedView:
        refs = self._catalog.hosted_refs(repository.key)
        kept = (repository.key, refs.erased)
        known = self._memory.get(self._memory.commits, kept) or {}
        if not {*refs.branches.values(), *refs.tags.values(), *refs.pulls.values()} <= known.keys():
            commits = self._catalog.commits_of(repository.key)
            known = self._memory.keep(self._memory.commits, kept, commits)
        admissions = self._catalog.admissions(repository.key)
        versions = {each.version: commit for commit, each in admissions.items() if each.served}
        return HostedView(
            repository=repository,
            refs=replace(refs, tags={**refs.tags, **versions}),
            admissions=admissions,
            commits=known,
            unjudged_too=self._serve_all or may(self._principal, Verb.SEE_UNJUDGED, repository),
            proposed=self._proposed(repository, refs, known),
        )

    def _proposed(self, repository: Repository, refs: Refs, known: Mapping[str, Commit]) -> frozenset[str]:
        if not refs.pulls or self._principal.is_anonymous:
            return frozenset()
        found: set[str] = set()
        for pull in self._catalog.pulls_by(repository.key, self._principal.name):
            for commit in history(known, refs.pulls.get(pull.ref, pull.base)):
                if commit.id == pull.base:
                    break
                found.add(commit.id)
        return frozenset(found)

    def _revision(self, repository: Repository, commit: str) -> Revision:
        key = (repository, commit)
        known = self._memory.get(self._memory.revisions, key)
        if known is None:
            known = self._catalog.revision(repository, commit)
            if known is None:  # the repository was deleted meanwhile
                raise NoSuchRevision(repository.id.full_name, commit)
            self._memory.keep(self._memory.revisions, key, known)
        return known

    def _info(self, view: HostedView, commit: str) -> ModelInfo:
        """What never changes, with what does."""
        info = self._lasting_info(view, commit)
        likes = len(self._catalog.likers(view.repository.key))
        used = self._catalog.used_by(view.repository)
        since = self._now().date() - _DOWNLOADS_SPAN
        lately, ever = self._catalog.downloads(view.repository.key, since)
        said = {"likes": likes, "usedStorage": used, "downloads": lately, "downloadsAllTime": ever}
        return replace(info, raw={**info.raw, **said, **self._group(view.repository)})

    def _group(self, repository: Repository) -> JsonObject:
        """The group that a repository is in, for those who have something to say there."""
        if not repository.group or role_for(self._principal, repository) is None:
            return {}
        name, members = self._catalog.group_label(repository.group) or ("", 0)
        return {"resourceGroup": {"id": repository.group, "name": name, "numUsers": members}}

    def _lasting_info(self, view: HostedView, commit: str) -> ModelInfo:
        key = (view.repository, commit)
        known = self._memory.get(self._memory.infos, key)
        if known is not None:
            return known
        repository, revision = view.repository, self._revision(view.repository, commit)
        said = {"private": repository.private, "gated": repository.gate.value or False}
        files = self._places(revision.manifest)
        raw = raw_info(revision.manifest, files, revision.commit.created_at, said)
        raw = {"createdAt": repository.created_at.strftime("%Y-%m-%dT%H:%M:%S.000Z"), **raw}
        info = ModelInfo(repo=repository.id, commit=commit, raw=raw)
        return self._memory.keep(self._memory.infos, key, info)

    def _places(self, manifest: Manifest) -> Mapping[str, Path]:
        held = (e for e in manifest.files if e.sha256 and is_read(e.path) and self._blobs.holds(e.sha256))
        return {entry.path: self._blobs.path(entry.sha256 or "") for entry in held}


def _head(discussion: Discussion) -> DiscussionHead:
    return DiscussionHead(
        number=discussion.number,
        title=discussion.title,
        author=discussion.author,
        status=discussion.status.value,
        is_pull=discussion.is_pull,
    )


def require_download(guests: GuestBook, who: Principal, repository: Repository) -> None:
    """Nothing, if the files of a repository are handed out to somebody who sees it.

    Raises:
        Gated: it is gated, and the caller was not let in.
        NotPermitted: it is private, and the caller's token is not for downloads.
    """
    asks = repository.gate is not Gate.OPEN and not who.is_anonymous
    let_in = asks and guests.is_let_in(repository.key, who.name)
    if may(who, Verb.DOWNLOAD, repository, let_in=let_in):
        return
    if repository.gate is Gate.OPEN:
        raise NotPermitted(f"'{who.name}' lacks the permission 'download' for '{repository.id}'")
    raise Gated(repository.id.full_name, hint=repository.gate.hint)
