"""The Hub's verbs, for the door that serves any Hub: who may see what, and what it is."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from weighbridge.bridge.callers import Callers, Everyone
from weighbridge.bridge.last_commits import LastCommits
from weighbridge.bridge.listings import Listings
from weighbridge.bridge.served import ServedFile, Tree
from weighbridge.bridge.shard_headers import ShardHeaders, shard_headers
from weighbridge.domain.access import Permission, Principal, can
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.repo import Commit, DiscussionHead, ModelInfo, Owner, Refs
from weighbridge.domain.repo_query import RepoQuery, tags_by_type
from weighbridge.domain.scan import ScanReport
from weighbridge.errors import (
    Disabled,
    Gated,
    NoSuchFile,
    NoSuchOwner,
    NoSuchRepo,
    NoSuchRevision,
    NotAuthenticated,
    NotPermitted,
    Renamed,
)
from weighbridge.ports import Hub

DISABLED = "Access to this resource is disabled."
"""The Hub's sentence; its client knows it by heart."""
_KEPT_TREES = 256
_HISTORY_LIMIT = 10_000

Unchanged: TypeAlias = Callable[[], bool]
"""Whether what was said when it was made still holds; it takes microseconds."""
Watch: TypeAlias = Callable[[RepoId], Unchanged | None]
"""Makes one for a repository; None where that cannot be told quickly."""

Scans: TypeAlias = Callable[[RepoId, str], ScanReport]
"""The scan report of a commit; one without ``rules`` while nothing was scanned."""

Sent: TypeAlias = Callable[[str, RepoId, str, str, int], None]
"""Is told who is sent how many bytes of which file: name, repository, commit, path, bytes."""


class HubDesk:
    """One method per verb, over any Hub. ``people`` None means that everyone may read; ``view``
    gives the Hub as a principal sees it, where not all see the same, and ``let_in`` raises Gated
    where a principal may see a repository and not its files; ``scans`` None: nothing is ever scanned;
    ``downloaded`` is told of each download when its bytes begin to leave, ``sent`` of every answer with
    bytes of a file: to whom, of what, and how many. ``watch`` makes a watch for
    one repository, ``watch_all`` for all of them.
    ``takes_xet`` says that large files may come by Xet.

    Every method raises NotAuthenticated or NotPermitted where the caller may not, for existing
    and missing repositories alike, and whatever the Hub behind it raises. A private repository
    does not exist for somebody without a token. One that is asked for by a former name raises
    Renamed, for those who may see it.
    """

    def __init__(
        self,
        hub: Hub,
        people: Callers | None = None,
        view: Callable[[Principal], Hub] | None = None,
        let_in: Callable[[Principal, RepoId], None] | None = None,
        watch: Watch | None = None,
        scans: Scans | None = None,
        takes_xet: bool = False,
        downloaded: Callable[[RepoId], None] | None = None,
        sent: Sent | None = None,
        watch_all: Callable[[], Unchanged | None] | None = None,
        address: Callable[[str], str | None] | None = None,
    ) -> None:
        self._address = address or (lambda _: None)
        self._seen_by = view or (lambda _: hub)
        self._let_in = let_in or (lambda _, __: None)
        self._watch, self._scans = watch, scans
        self.takes_xet = takes_xet
        self.downloaded = downloaded or (lambda _: None)
        self.sent = sent or (lambda *_: None)
        self._people: Callers = people or Everyone()
        self._trees: OrderedDict[tuple[RepoId, str], Tree] = OrderedDict()
        self._guard = threading.Lock()
        self._last, self._listings = LastCommits(), Listings(watch_all)

    def principal(self, secret: str | None) -> Principal:
        """Who is behind a bearer token.

        Raises:
            NotAuthenticated: the token does not count.
        """
        return self._people.principal(secret)

    def current(self, principal: Principal) -> Principal:
        """Somebody who was let in before, with what it may still do.

        Raises:
            NotAuthenticated: the account was closed.
        """
        return self._people.current(principal)

    def watch(self, kind: RepoKind, name: str) -> Unchanged | None:
        """Whether answers about a repository that are made from now on still hold; None: unknown.

        It sees what changes in the repository, and tokens and permissions that are taken away. That
        a token expires it does not see.
        """
        if self._watch is None:
            return None
        try:
            return self._watch(RepoId.parse(name, kind))
        except Invalid:
            return None

    def whoami(self, principal: Principal) -> Principal:
        """The caller, who must be somebody.

        Raises:
            NotAuthenticated: the caller sent no token.
        """
        if principal.is_anonymous:
            raise NotAuthenticated("no token was sent", hint="set HF_TOKEN, or run 'hf auth login'")
        return principal

    def info(self, principal: Principal, kind: RepoKind, name: str, revision: str = "main") -> ModelInfo:
        """What is said of a repository at a revision."""
        _require(principal, Permission.DOWNLOAD)
        repo, ref = _ref(kind, name, revision)
        hub = self._seen_by(principal)
        try:
            info = hub.info(ref)
        except NoSuchRevision:
            # that the revision is missing is no news about a repository that does not exist
            _require_visible(principal, hub.info(ModelRef(repo=repo)), name)
            raise
        _require_visible(principal, info, name)
        return info

    def require_access(self, principal: Principal, kind: RepoKind, name: str) -> None:
        """Nothing, if the caller may download the files.

        Raises:
            Gated, Disabled: the files are not handed out.
        """
        self.readable(principal, kind, name)

    def readable(self, principal: Principal, kind: RepoKind, name: str) -> tuple[Hub, RepoId]:
        """The Hub as the caller sees it, and a repository whose files the caller may download.

        Raises:
            Gated, Disabled: the files are not handed out.
        """
        info = self.info(principal, kind, name)
        _require_open(principal, info)
        self._let_in(principal, info.repo)
        return self._seen_by(principal), info.repo

    def tree(self, principal: Principal, kind: RepoKind, name: str, revision: str) -> Tree:
        """Every file of a revision."""
        return self._tree(self._seen_by(principal), self.info(principal, kind, name, revision))

    def file(self, principal: Principal, kind: RepoKind, name: str, revision: str, path: str) -> ServedFile:
        """One file, ready to be sent.

        Raises:
            Gated, Disabled: the files are not handed out.
            NoSuchFile: it is not there; its ``revision`` is the commit.
        """
        info = self.info(principal, kind, name, revision)
        _require_open(principal, info)
        hub = self._seen_by(principal)
        tree = self._tree(hub, info)
        entry = tree.manifest.by_path.get(path)
        if entry is None:
            raise NoSuchFile(name, info.commit, path)
        where = hub.locate(info.repo, info.commit, entry)
        return ServedFile(
            hub=hub,
            repo=info.repo,
            commit=info.commit,
            entry=entry,
            path=where,
            counts=path == tree.counted,
            address=self._address(entry.sha256) if where is None and entry.sha256 else None,
        )

    def repos(self, principal: Principal, kind: RepoKind, query: RepoQuery) -> Sequence[ModelInfo]:
        """Every repository that answers a query and that the caller may see."""
        _require(principal, Permission.SEARCH)
        listed = self._listings.of(principal, kind, lambda: self._seen_by(principal).repos(kind))
        shown = (info for info in listed if not (info.raw.get("private") and principal.is_anonymous))
        return query.select(shown)

    def discussions(
        self, principal: Principal, kind: RepoKind, name: str, limit: int
    ) -> tuple[RepoId, Sequence[DiscussionHead]]:
        """The repository, and its newest discussions and pull requests."""
        info = self.info(principal, kind, name)
        return info.repo, self._seen_by(principal).discussions(info.repo, limit)

    def owner(self, principal: Principal, name: str) -> tuple[Owner, Mapping[RepoKind, int]]:
        """Who publishes under a namespace, and how many repositories of each kind are seen there.

        Raises:
            NoSuchOwner: none of its repositories says.
        """
        seen = {
            kind: [
                r
                for r in self.repos(principal, kind, RepoQuery())
                if r.repo.namespace.lower() == name.lower()
            ]
            for kind in RepoKind
        }
        for info in (info for found in seen.values() for info in found):
            with suppress(NoSuchOwner):
                owner = self._seen_by(principal).owner(info.repo)
                return owner, {kind: len(found) for kind, found in seen.items()}
        raise NoSuchOwner(name)

    def children(self, principal: Principal) -> Mapping[str, int]:
        """How many models that the caller may see say that they are made of each one.

        By its name in lower case, whether it is here or not.
        """
        counted: Counter[str] = Counter()
        for info in self.repos(principal, RepoKind.MODEL, RepoQuery()):
            counted.update({parent.lower() for parent in info.base_models})
        return counted

    def tags(self, principal: Principal, kind: RepoKind) -> Mapping[str, Sequence[str]]:
        """Every tag of the repositories that the caller may see, by its type; both sorted."""
        return tags_by_type(self.repos(principal, kind, RepoQuery()))

    def safetensors_headers(
        self, principal: Principal, kind: RepoKind, name: str, revision: str, index: str
    ) -> ShardHeaders:
        """The headers of all files that a ``*.safetensors.index.json`` names.

        Raises:
            Gated, Disabled: the files are not handed out.
            NoSuchFile: the index or one of its files is not there.
            BadInput: it is no such index, or one of its files is no safetensors file.
        """
        info = self.info(principal, kind, name, revision)
        return shard_headers(index, lambda path: self.file(principal, kind, name, info.commit, path))

    def refs(self, principal: Principal, kind: RepoKind, name: str) -> Refs:
        """Branches and tags."""
        return self._seen_by(principal).refs(self.info(principal, kind, name).repo)

    def commits(self, principal: Principal, kind: RepoKind, name: str, revision: str) -> Sequence[Commit]:
        """The history, newest first, at most ten thousand commits of it."""
        info = self.info(principal, kind, name, revision)
        return self._seen_by(principal).commits(info.repo, info.commit, _HISTORY_LIMIT)

    def last_commits(
        self, principal: Principal, kind: RepoKind, name: str, revision: str
    ) -> Mapping[str, Commit]:
        """For each file and folder of a revision the commit that last changed it."""
        info = self.info(principal, kind, name, revision)
        return self._last.of(self._seen_by(principal), info.repo, info.commit)

    def scan(self, principal: Principal, kind: RepoKind, name: str, revision: str) -> ScanReport | None:
        """What the scanners found in a revision; None where nothing is ever scanned."""
        if self._scans is None:
            return None
        info = self.info(principal, kind, name, revision)
        return self._scans(info.repo, info.commit)

    def _tree(self, hub: Hub, info: ModelInfo) -> Tree:
        """The tree of a commit; a commit never changes, so it is kept."""
        key = (info.repo, info.commit)
        with self._guard:
            if key in self._trees:
                self._trees.move_to_end(key)
                return self._trees[key]
        tree = Tree(manifest=hub.manifest(info.repo, info.commit))
        with self._guard:
            self._trees[key] = tree
            while len(self._trees) > _KEPT_TREES:
                self._trees.popitem(last=False)
        return tree


def _ref(kind: RepoKind, name: str, revision: str) -> tuple[RepoId, ModelRef]:
    try:
        repo = RepoId.parse(name, kind)
    except Invalid as error:
        raise NoSuchRepo(name) from error
    try:
        return repo, ModelRef(repo=repo, revision=revision)
    except Invalid as error:
        raise NoSuchRevision(name, revision) from error


def _require(principal: Principal, permission: Permission) -> None:
    if can(principal, permission):
        return
    if principal.is_anonymous:
        raise NotAuthenticated("this Hub answers only callers with a token", hint="set HF_TOKEN")
    raise NotPermitted(f"'{principal.name}' may not {permission.value} here")


def _require_visible(principal: Principal, info: ModelInfo, name: str) -> None:
    if info.raw.get("private") and principal.is_anonymous:
        raise NoSuchRepo(name)
    if info.repo.full_name.lower() != name.lower():
        raise Renamed(name, now=info.repo.full_name)
    if info.raw.get("disabled"):
        raise Disabled(DISABLED)


def _require_open(principal: Principal, info: ModelInfo) -> None:
    if info.raw.get("gated") and principal.is_anonymous:
        raise Gated(info.repo.full_name)


def open_folder(folder: Path) -> HubDesk:
    """A desk over a folder of models, open to everyone."""
    from weighbridge.adapters.hub_dir import FolderHub

    hub = FolderHub(folder)
    return HubDesk(hub, watch=hub.watch)
