"""The verbs of hosted repositories: make, change, push, and how a commit stands at the gate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from uuid import uuid4

from weighbridge.bridge.access import require
from weighbridge.bridge.discussions import Discussions
from weighbridge.bridge.guests import Guests
from weighbridge.bridge.pulls import sending_space
from weighbridge.bridge.repo_answers import Advice, Candidate, Standing, State
from weighbridge.bridge.repo_refs import RepoRefs
from weighbridge.domain.access import Permission, Principal, Verb, owns_namespace
from weighbridge.domain.discussion import pull_number
from weighbridge.domain.git_patterns import Ignored, LargeByAttributes, is_binary
from weighbridge.domain.hosted import DEFAULT_BRANCH, FIRST_ATTRIBUTES, Change, Gate, Repository, Revision
from weighbridge.domain.manifest import Storage
from weighbridge.domain.manifest import sha256 as sha256_digest
from weighbridge.domain.paths import checked_path
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.repo import Commit
from weighbridge.errors import BadInput, NoSuchRevision, NotPermitted, SizeMismatch
from weighbridge.flows.push import Push, PushTools, check_name, check_size, push

__all__ = ["Advice", "Candidate", "Repos", "Standing", "State"]

_LARGE_BYTES = 10 * 1000 * 1000
"""A larger file is kept outside of git, whatever its kind; as on the Hub."""
_ABANDONED_AFTER_S = 24 * 3600.0
_RULES_LIMIT_BYTES = 64 * 1024
"""A longer ``.gitignore`` or ``.gitattributes`` is not read: matching costs time for each line."""
_MATCHING_LIMIT = 500_000_000
"""Characters of rules times characters of paths: what one call may cost at worst."""


class Repos(RepoRefs):
    """One method per verb; each first asks whether the principal may.

    Every method that names a repository raises, besides what it says: NoSuchRepo where there is
    none or the principal may not see it; NotAuthenticated (no token) or NotPermitted (not the
    owner; or the repository is a mirror of the upstream, which takes no changes). Names do not
    mind upper and lower case, and a former name still works. ``domain.invalid.Invalid`` means
    BadInput, as everywhere.
    """

    def create(self, principal: Principal, repo: RepoId, *, private: bool = False) -> Repository:
        """Make a repository, with a first commit on ``main`` that holds a ``.gitattributes``.

        A ``repo`` without namespace gets the principal's own.

        Raises:
            RepoExists: the name is taken, by a hosted or by a mirrored repository; its ``repo``
                is the name that is there.
        """
        require(principal, Permission.UPLOAD)
        if not repo.namespace:
            repo = RepoId.parse(f"{principal.name}/{repo.name}", repo.kind)
        _require_namespace(principal, repo)
        at = self._now()
        repository = Repository(
            key=uuid4().hex,
            id=repo,
            private=private,
            gate=Gate.OPEN,
            created_at=at,
            created_by=principal.name,
        )
        first = self._first(repository, principal, FIRST_ATTRIBUTES)
        line = self._line(principal, "repo.create", repo.full_name, "private" if private else "")
        self._catalog.create_repository(repository, DEFAULT_BRANCH, first, line)
        return repository

    def delete(self, principal: Principal, repo: RepoId) -> None:
        """Take a repository away, with its branches and its history; its packages are withdrawn."""
        there = self.allowed(principal, repo, Verb.OWN)
        line = self._line(principal, "repo.delete", there.id.full_name)
        self._catalog.delete_repository(there.key, "the repository was deleted", line)

    def move(self, principal: Principal, repo: RepoId, to: RepoId) -> Repository:
        """Give a repository another name; the old one leads to it from now on.

        Raises:
            RepoExists: the new name is taken.
            NotPermitted: the namespace of the new name is somebody else's.
        """
        there = self.allowed(principal, repo, Verb.OWN)
        if to.kind is not there.id.kind or not to.namespace:
            raise BadInput(f"'{to}' cannot be the new name of the {there.id.kind} '{there.id}'")
        _require_namespace(principal, to)
        line = self._line(principal, "repo.move", there.id.full_name, to.full_name)
        self._catalog.rename_repository(there.key, to, line)
        return replace(there, id=to)

    def change_settings(
        self, principal: Principal, repo: RepoId, *, private: bool | None = None, gate: Gate | None = None
    ) -> Repository:
        """Change who may see and download it; None leaves as it is."""
        there = self.allowed(principal, repo, Verb.OWN)
        private = there.private if private is None else private
        gate = there.gate if gate is None else gate
        detail = f"{'private' if private else 'public'}, gate {gate.value or 'open'}"
        line = self._line(principal, "repo.settings", there.id.full_name, detail)
        self._catalog.change_repository(there.key, private, gate, line)
        return replace(there, private=private, gate=gate)

    def preupload(
        self,
        principal: Principal,
        repo: RepoId,
        revision: str,
        files: Sequence[Candidate],
        gitignore: str | None = None,
        *,
        proposing: bool = False,
    ) -> tuple[Advice, ...]:
        """How each file is to be sent, in the order of ``files``.

        Large are the files that ``.gitattributes`` at the revision gives to LFS, those over 10 MB
        and binary ones. Ignored are those that ``gitignore`` names, else the repository's own
        ``.gitignore``.

        Raises:
            NoSuchRevision: there is no such branch.
            BadInput, Invalid: a path is unsafe; a file is larger than may be.
        """
        head = self._head_for(principal, repo, revision, proposing=proposing)
        for file in files:
            check_name(checked_path(file.path))
            check_size(self._limit, file.path, file.size_bytes)
        large, hidden = self._rules(head, ".gitattributes"), self._rules(head, ".gitignore")
        hidden = hidden if gitignore is None else _short(gitignore)
        if (len(large) + len(hidden)) * sum(len(file.path) for file in files) > _MATCHING_LIMIT:
            raise BadInput("these are too many files for so many rules", hint="ask for fewer files at once")
        attributes, ignored = LargeByAttributes(large), Ignored(hidden)
        return tuple(_advice(file, head, attributes, ignored) for file in files)

    def commit(
        self,
        principal: Principal,
        repo: RepoId,
        revision: str,
        changes: Sequence[Change],
        *,
        title: str,
        description: str = "",
        parent: str | None = None,
    ) -> Commit:
        """Put a commit on a branch: all changes, in order, or none. It is judged afterwards.

        Raises:
            NoSuchRevision: there is no such branch.
            NoSuchFile: a change takes away or copies what is not there.
            StaleParent: the branch is not at ``parent`` (any more).
            BadInput, Invalid: an unsafe path, two paths that collide, a large file whose content
                was not sent or has another size, a file larger than may be.
        """
        there = self.allowed(principal, repo, Verb.WRITE)
        made = push(
            PushTools(
                branches=self._catalog,
                blobs=self._blobs,
                sent=lambda sha256: self._receipts.has(there.id.namespace, sha256),
                max_file_bytes=self._limit,
            ),
            Push(
                repository=there,
                branch=revision.removeprefix("refs/heads/"),
                changes=tuple(changes),
                author=principal.name,
                at=self._now(),
                title=title,
                description=description,
                parent=parent,
            ),
        )
        self._judging.submit(there, made.commit.id)
        return made.commit

    def lfs_missing(
        self,
        principal: Principal,
        repo: RepoId,
        objects: Sequence[tuple[str, int]],
        *,
        proposing: bool = False,
    ) -> tuple[tuple[str, int], ...]:
        """Which of the (sha256, size in bytes) must still be sent.

        What only others have sent must be: knowing a digest is not having the content.

        Raises:
            BadInput: a digest is none, or a file is larger than may be.
            SizeMismatch: the content is held and has another size.
            StoreDown: what is missing would not fit.
        """
        there = self.allowed(principal, repo, Verb.PROPOSE if proposing else Verb.WRITE)
        space = sending_space(principal, there)
        missing = []
        for sha256, size in objects:
            check_size(self._limit, sha256_digest(sha256).value, size)
            if not (self._blobs.holds(sha256) and self._receipts.has(space, sha256)):
                missing.append((sha256, size))
            elif (held := self._blobs.path(sha256).stat().st_size) != size:
                raise SizeMismatch(sha256, wanted=size, got=held)
        self._blobs.require_room(sum(size for _, size in missing))
        return tuple(missing)

    def receive(
        self,
        principal: Principal,
        repo: RepoId,
        sha256: str,
        size_bytes: int,
        pieces: Iterable[bytes | memoryview],
    ) -> None:
        """Take a large content in; from then on commits of the namespace may name it.

        Raises:
            DigestMismatch, SizeMismatch: what came is not what was announced; nothing is kept.
            StoreDown: the disk is full.
            Whatever ``pieces`` raises; nothing is kept.
        """
        there = self.allowed(principal, repo, Verb.PROPOSE)
        check_size(self._limit, sha256_digest(sha256).value, size_bytes)
        self._blobs.take(sha256, size_bytes, pieces)
        self._receipts.add(sending_space(principal, there), sha256)

    def standing(self, principal: Principal, repo: RepoId, revision: str = "main") -> Standing:
        """How the commit stands that the revision means to this principal.

        Raises:
            NoSuchRevision: there is none, or it is not shown.
        """
        there = self.repository(principal, repo)
        commit = self._hub.seen_by(principal).commit_of(ModelRef(repo=there.id, revision=revision))
        admission = self._catalog.admissions(there.key).get(commit)
        if admission is not None:
            state = State.ACCEPTED if admission.served else State.WITHDRAWN
            return Standing(
                commit=commit, state=state, sentence=admission.reason, record_id=admission.package_id
            )
        refusal = self._catalog.refusal_of(there.key, commit)
        if refusal is None:
            return Standing(commit=commit, state=State.WAITING)
        return Standing(commit=commit, state=State.REFUSED, sentence=refusal[1], record_id=refusal[0])

    def resume(self) -> None:
        """Judge what was pushed and lost its judgement in a kill, and sweep: for who serves."""
        self.sweep()
        self._judging.resume()

    def sweep(self) -> None:
        """Remove what uploads that were given up a day ago have left."""
        self._blobs.sweep(_ABANDONED_AFTER_S)

    def owned(self, principal: Principal) -> tuple[Repository, ...]:
        """Every hosted repository of the principal's own namespace, of all kinds, by name."""
        return () if principal.is_anonymous else self.of_namespace(principal.name)

    def of_namespace(self, namespace: str) -> tuple[Repository, ...]:
        """Every hosted repository of a namespace, private ones too, of all kinds, by name."""
        every = (each for kind in RepoKind for each in self._catalog.hosted_repos(kind))
        mine = (each for each in every if each.id.namespace.lower() == namespace.lower())
        return tuple(sorted(mine, key=lambda each: each.id))

    def now(self) -> datetime:
        """The registry's clock, for signatures that expire: aware UTC."""
        return self._now()

    @cached_property
    def guests(self) -> Guests:
        """The verbs of those who ask for access, or like."""
        return Guests(self.allowed, self._catalog, self._now)

    @cached_property
    def discussions(self) -> Discussions:
        """The verbs of discussions and pull requests."""
        return Discussions(
            self.allowed,
            catalog=self._catalog,
            blobs=self._blobs,
            hub=self._hub,
            judging=self._judging,
            receipts=self._receipts,
            now=self._now,
            max_file_bytes=self._limit,
        )

    def _head_for(self, principal: Principal, repo: RepoId, revision: str, *, proposing: bool) -> Revision:
        """What a commit would be put on top of, if the principal may put one there."""
        number = pull_number(revision)
        if number is not None:
            there, pull = self.discussions.writable(principal, repo, number)
            commit = self._catalog.hosted_refs(there.key).pulls.get(pull.ref, "")
        elif proposing:
            there = self.allowed(principal, repo, Verb.PROPOSE)
            commit = self.discussions.seen_main(principal, there)
        else:
            return self._head(self.allowed(principal, repo, Verb.WRITE), revision)
        head = self._catalog.revision(there, commit)
        if head is None:
            raise NoSuchRevision(there.id.full_name, revision)
        return head

    def _head(self, repository: Repository, branch: str) -> Revision:
        refs = self._catalog.hosted_refs(repository.key)
        commit = refs.branches.get(branch.removeprefix("refs/heads/"))
        head = self._catalog.revision(repository, commit) if commit else None
        if head is None:
            raise NoSuchRevision(repository.id.full_name, branch)
        return head

    def _rules(self, head: Revision, path: str) -> str:
        entry = head.manifest.by_path.get(path)
        if entry is None or entry.sha256 is None or entry.size_bytes > _RULES_LIMIT_BYTES:
            return ""
        with self._blobs.open(entry.sha256) as file:
            return file.read().decode("utf-8", "replace")


def _require_namespace(principal: Principal, repo: RepoId) -> None:
    if not owns_namespace(principal, repo.namespace):
        raise NotPermitted(
            f"'{principal.name}' may not make repositories in '{repo.namespace}'",
            hint=f"your own are '{principal.name}/...'",
        )


def _short(rules: str) -> str:
    if len(rules) > _RULES_LIMIT_BYTES:
        raise BadInput(f"a .gitignore of more than {_RULES_LIMIT_BYTES} characters is not read")
    return rules


def _advice(file: Candidate, head: Revision, attributes: LargeByAttributes, ignored: Ignored) -> Advice:
    said = attributes.says(file.path)
    large = said or file.size_bytes > _LARGE_BYTES or (said is None and is_binary(file.sample))
    storage = Storage.LFS if large and file.size_bytes else Storage.REGULAR
    there = head.manifest.by_path.get(file.path)
    oid = None
    if there is not None:
        oid = there.sha256 if there.storage is Storage.LFS else there.git_sha1
    return Advice(path=file.path, storage=storage, ignored=file.path in ignored, oid=oid)
