"""The catalogue and the verbs of a written folder: names, folders and commits keep together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from threading import RLock
from uuid import uuid4

from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.hub_dir import FolderHub
from weighbridge.adapters.hub_dir.tree import SIDECAR_SUFFIX, repositories
from weighbridge.bridge.copies import Copies, copy_in
from weighbridge.bridge.repo_answers import Standing, State
from weighbridge.bridge.repos import Repos
from weighbridge.domain.access import LOCAL, AuditLine, Principal, User, Verb, may
from weighbridge.domain.git_objects import tree_ids
from weighbridge.domain.hosted import Copied, Gate, Repository, Revision
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.repo import ModelInfo, Refs
from weighbridge.errors import (
    BadListing,
    BadName,
    Conflict,
    NoSuchRepo,
    NoSuchRevision,
    NotPermitted,
    RepoExists,
)
from weighbridge.ports import Hub

_TRIES = 3
_CHANGES = frozenset({Verb.WRITE, Verb.OWN, Verb.DISCUSS, Verb.PROPOSE, Verb.REVISE})


class FolderCatalog(Catalog):
    """The catalogue of a folder: before it names a repository it looks at the files, and what it
    changes the files follow. ``begin`` comes before everything else.
    """

    _copies: Copies

    def begin(self, copies: Copies) -> None:
        """Look after the files from now on."""
        self._copies, self.placing = copies, RLock()

    def enrol(self, writer: User) -> None:
        """Have an account for whoever writes: likes and requests belong to one. No password opens it."""
        if not any(each.name == writer.name for each in self.users()):
            line = AuditLine(at=writer.created_at, by=LOCAL.name, verb="user.add", target=writer.name)
            self.add_user(writer, "", line)

    def known(self, repo: RepoId) -> Repository | None:
        """The written repository of this name, also one whose folder was taken away."""
        return super().hosted(repo)

    def all_repos(self) -> Iterator[Repository]:
        """Every written repository, also those whose folders were taken away."""
        for kind in RepoKind:
            yield from super().hosted_repos(kind)

    def hosted(self, repo: RepoId) -> Repository | None:
        """See ``Hosted.hosted``; None also where somebody took the folder away.

        Raises:
            BadListing: something lies in the folder that cannot be in a repository.
        """
        there = super().hosted(repo)
        return there if there is not None and self._copies.look(there) else None

    def hosted_repos(self, kind: RepoKind) -> tuple[Repository, ...]:
        """See ``Hosted.hosted_repos``; without those whose folder somebody took away."""
        return tuple(each for each in super().hosted_repos(kind) if self._is_there(each))

    def add_repository(
        self,
        repository: Repository,
        refs: Refs,
        revisions: Iterable[Revision],
        audit: AuditLine,
        copied: Copied | None = None,
    ) -> None:
        """See ``Hosted.add_repository``; its folder is made.

        Raises:
            BadName, Conflict: no folder can have this name here.
        """
        with self.placing:
            self._require_place(repository.id)
            self._drop_missing(repository.id, audit)
            super().add_repository(repository, refs, revisions, audit, copied)
        self._copies.follow(repository)

    def adopt_repository(self, repository: Repository, refs: Refs, first: Revision, audit: AuditLine) -> None:
        """Make a repository of a folder that lies there; see ``Hosted.add_repository``."""
        super().add_repository(repository, refs, [first], audit)

    def rename_repository(self, key: str, to: RepoId, audit: AuditLine) -> None:
        """See ``Hosted.rename_repository``; the folder moves.

        Raises:
            BadName, Conflict: no folder can have the new name here.
        """
        with self.placing:
            there = self._by_key(key)
            self._require_place(to, moved=there.id)
            if there.id.full_name.lower() != to.full_name.lower():
                self._drop_missing(to, audit)
            super().rename_repository(key, to, audit)
        self._copies.follow(self._by_key(key))

    def delete_repository(self, key: str, reason: str, audit: AuditLine) -> None:
        """See ``Hosted.delete_repository``; the folder goes with it."""
        with self.placing, self._copies.taken_away(self._by_key(key)):
            super().delete_repository(key, reason, audit)

    def _by_key(self, key: str) -> Repository:
        for each in self.all_repos():
            if each.key == key:
                return each
        raise NoSuchRepo(key)

    def _is_there(self, repository: Repository) -> bool:
        with suppress(BadListing):  # it is listed as it was, and whoever asks for it is told
            return self._copies.look(repository)
        return True

    def _drop_missing(self, repo: RepoId, audit: AuditLine) -> None:
        """A repository whose folder somebody took away gives its name to a new one."""
        there = self.known(repo)
        if there is None or there.id.full_name.lower() != repo.full_name.lower():
            return
        if not self._is_there(there):
            super().delete_repository(there.key, "its folder was taken away", audit)
            self._copies.forget(there.key)

    def _require_place(self, repo: RepoId, moved: RepoId | None = None) -> None:
        kinds = {kind.plural for kind in RepoKind}
        if repo.kind is RepoKind.MODEL and repo.namespace.lower() in kinds:
            raise BadName(f"'{repo}' cannot be a model here: '{repo.namespace}/' holds another kind")
        if any(part.lower().endswith(SIDECAR_SUFFIX) for part in (repo.namespace, repo.name)):
            raise BadName(f"'{repo}' cannot be a repository here: it ends in '{SIDECAR_SUFFIX}'")
        for found, _ in repositories(self._copies.grounds.folder, repo.kind):
            if moved is not None and found == moved:
                continue
            if found.full_name.lower() == repo.full_name.lower():
                raise RepoExists(found.full_name)
            if found.full_name.lower() == repo.namespace.lower():
                raise Conflict(
                    f"'{found.full_name}' is a repository here and cannot be a namespace too",
                    hint="files lie in that folder: move them into a folder of their own",
                )
        root = self._copies.grounds.place(repo)
        if (root.exists() or root.is_symlink()) and not (moved and root == self._copies.grounds.place(moved)):
            raise Conflict(f"'{root}' is in the way of a new repository")


class Adoption:
    """Plain files become a repository: the commit keeps its id, the contents go to the store."""

    def __init__(
        self,
        catalog: FolderCatalog,
        blobs: FolderBlobs,
        plain: FolderHub,
        copies: Copies,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog, self._blobs, self._plain = catalog, blobs, plain
        self._copies, self._now = copies, now

    def info(self, repo: RepoId) -> ModelInfo | None:
        """What is said of a repository that lies here and was never written; None where there is none."""
        if self._catalog.known(repo) is not None:
            return None
        try:
            return self._plain.info(ModelRef(repo=repo))
        except NoSuchRepo:
            return None

    def adopt(self, repo: RepoId) -> None:
        """Make it a written one, if it lies here and is none.

        Raises:
            NotPermitted: it is not written here: a link, or a name without a namespace.
            BadListing: it cannot be read.
            StoreDown: there is no room for its contents.
        """
        with self._catalog.placing:
            info = self.info(repo)
            if info is None:
                return
            self._require_ours(info.repo)
            first = self._taken_in(info.repo)
            repository = _repository(info, self._now(), key=uuid4().hex)
            line = self._line("repo.adopt", repository, first.commit.id)
            self._catalog.adopt_repository(repository, self._refs(repository.id, first), first, line)
        self._copies.follow(repository)

    def _refs(self, repo: RepoId, first: Revision) -> Refs:
        """The branches and tags that the sidecar names, at the first commit."""
        named = self._plain.refs(repo)
        return Refs(
            branches=dict.fromkeys(named.branches, first.commit.id),
            tags=dict.fromkeys(named.tags, first.commit.id),
        )

    def _require_ours(self, repo: RepoId) -> None:
        root = self._copies.grounds.place(repo)
        if not repo.namespace:
            raise NotPermitted(
                f"'{repo}' has no namespace, and such a repository takes no changes",
                hint="move its folder into one: org/name",
            )
        if root.resolve() != root:
            raise NotPermitted(
                f"'{repo}' is a link to a folder elsewhere, which is served as it is and takes no changes",
                hint="put a folder in the place of the link",
            )

    def _taken_in(self, repo: RepoId) -> Revision:
        """The commit that the files are, once all contents are in the store."""
        for _ in range(_TRIES):
            manifest = self._plain.manifest(repo, self._plain.info(ModelRef(repo=repo)).commit)
            try:
                places = (self._plain.locate(repo, manifest.commit, entry) for entry in manifest.files)
                if copy_in(self._blobs, list(zip(places, manifest.files, strict=True))):
                    continue
                commit = self._plain.commits(repo, manifest.commit, 1)[0]
            except (BadListing, NoSuchRevision):
                continue
            return Revision(
                commit=commit, at=_moment(commit.created_at), tree=tree_ids(manifest)[""], manifest=manifest
            )
        raise BadListing(f"the files of '{repo}' change all the time", hint="try again when they are written")

    def _line(self, verb: str, repository: Repository, commit: str) -> AuditLine:
        target = f"{repository.id}@{commit}"
        return AuditLine(at=self._now(), by=LOCAL.name, verb=verb, target=target)


class FolderRepos(Repos):
    """The verbs over a folder: what lies there plainly is adopted by its first change."""

    adoption: Adoption

    def allowed(self, principal: Principal, repo: RepoId, verb: Verb, author: str = "") -> Repository:
        """See ``RepoRefs.allowed``."""
        if verb in _CHANGES and not principal.is_anonymous:
            self.adoption.adopt(repo)
        return self._unwritten(principal, repo) or super().allowed(principal, repo, verb, author)

    def repository(self, principal: Principal, repo: RepoId) -> Repository:
        """See ``RepoRefs.repository``."""
        return self._unwritten(principal, repo) or super().repository(principal, repo)

    def _source(self, principal: Principal, repo: RepoId) -> Hub:
        """See ``RepoCopies._source``."""
        if not principal.is_anonymous:
            self.adoption.adopt(repo)
        return super()._source(principal, repo)

    def standing(self, principal: Principal, repo: RepoId, revision: str = "main") -> Standing:
        """Every commit counts: nothing is judged here."""
        standing = super().standing(principal, repo, revision)
        return Standing(commit=standing.commit, state=State.ACCEPTED)

    def _unwritten(self, principal: Principal, repo: RepoId) -> Repository | None:
        """A repository that lies there and that nobody has changed or said anything of yet."""
        info = self.adoption.info(repo)
        if info is None:
            return None
        there = _repository(info, self._now(), key="")
        return there if may(principal, Verb.SEE, there) else None


def _repository(info: ModelInfo, at: datetime, *, key: str) -> Repository:
    said = info.raw.get("gated")
    return Repository(
        key=key,
        id=info.repo,
        private=info.raw.get("private") is True,
        gate=Gate(said) if said in (Gate.AUTO.value, Gate.MANUAL.value) else Gate.OPEN,
        created_at=at,
        created_by=LOCAL.name,
    )


def _moment(spelled: str) -> datetime:
    """A time as a Hub writes it, to the second; the beginning of time if it is none."""
    try:
        moment = datetime.fromisoformat(spelled)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return moment.replace(microsecond=0, tzinfo=moment.tzinfo or UTC)
