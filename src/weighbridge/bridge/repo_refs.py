"""Who may do what to a hosted repository, and its branches and tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.catalog.refs import RefKind
from weighbridge.adapters.hub_hosted import HostedHub
from weighbridge.adapters.receipts import Receipts
from weighbridge.bridge.quotas import Quotas
from weighbridge.domain.access import AuditLine, Principal, Verb, may
from weighbridge.domain.hosted import DEFAULT_BRANCH, Repository, Revision, checked_ref, make_revision
from weighbridge.domain.manifest import FileEntry, digests_of
from weighbridge.domain.ref import RepoId
from weighbridge.errors import NoSuchRepo, NoSuchRevision, NotAuthenticated, NotPermitted
from weighbridge.ports import BlobStore, Hub

_TAG_MESSAGE_LIMIT = 500


class Judges(Protocol):
    """Who is told of commits that branches and tags name: the gate, or a Hub that judges nothing."""

    def submit(self, repository: Repository, commit: str) -> None:
        """A branch or a tag names this commit from now on."""

    def resume(self) -> None:
        """Take up what a kill has left undone."""


class RepoRefs:
    """Repositories as those who may change them see them; see ``bridge.repos.Repos``."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        blobs: BlobStore,
        hub: HostedHub,
        judging: Judges,
        receipts: Receipts,
        now: Callable[[], datetime],
        signing_key: bytes,
        max_file_bytes: int = 0,
        part_bytes: int = 0,
        forbidden: frozenset[str] = frozenset(),
        mirrors: Hub | None = None,
    ) -> None:
        self._catalog, self._blobs, self._hub, self._judging = catalog, blobs, hub, judging
        self._receipts, self._now, self._limit = receipts, now, max_file_bytes
        self._part_bytes, self._forbidden, self._mirrors = part_bytes, forbidden, mirrors
        self.quotas = Quotas(catalog, now)
        self.signing_key = signing_key
        """By which the door signs addresses and tokens: all servers on one home have the same."""

    def repository(self, principal: Principal, repo: RepoId) -> Repository:
        """A hosted repository; its ``id`` is today's name (another one: answer 307)."""
        there = self._catalog.hosted(repo)
        if there is None or not may(principal, Verb.SEE, there):
            raise NoSuchRepo(repo.full_name)
        return there

    def create_branch(
        self,
        principal: Principal,
        repo: RepoId,
        name: str,
        *,
        start: str = "",
        empty: bool = False,
        overwrite: bool = False,
    ) -> str:
        """Make a branch at ``start`` (empty: the head of main), or an ``empty`` one; gives its commit.

        With ``overwrite`` a branch that is there begins anew; one of which nothing else is said stays.

        Raises:
            RefExists: there is one, and not ``overwrite``.
            NoSuchRevision: ``start`` is none.
            Invalid: git would not take the name.
        """
        there = self.allowed(principal, repo, Verb.WRITE)
        checked_ref(there.id, name)
        if overwrite and not (start or empty):  # nothing else is asked for than that it is there
            known = self._catalog.hosted_refs(there.key).branches.get(name)
            if known is not None:
                return known
        root = self._first(there, principal, {}) if empty else None
        commit = root.commit.id if root else self._commit_of(there, start or DEFAULT_BRANCH)
        line = self._line(principal, "repo.branch", f"{there.id}@{commit}", name)
        self._catalog.put_ref(there, RefKind.BRANCH, name, commit, line, overwrite=overwrite, root=root)
        self._judging.submit(there, commit)
        return commit

    def delete_branch(self, principal: Principal, repo: RepoId, name: str) -> None:
        """Take a branch away.

        Raises:
            NoSuchRevision: there is none.
            NotPermitted: it is ``main``.
        """
        there = self.allowed(principal, repo, Verb.WRITE)
        if name == DEFAULT_BRANCH:
            raise NotPermitted(f"'{name}' is the default branch of '{there.id}' and stays")
        line = self._line(principal, "repo.branch.delete", there.id.full_name, name)
        self._catalog.drop_ref(there, RefKind.BRANCH, name, line)

    def create_tag(
        self, principal: Principal, repo: RepoId, name: str, *, revision: str = "main", message: str = ""
    ) -> str:
        """Name a commit for good; gives the commit. Raises as ``create_branch``.

        The ``message`` stands in the audit: no Hub gives it back.
        """
        there = self.allowed(principal, repo, Verb.WRITE)
        checked_ref(there.id, name)
        commit = self._commit_of(there, revision)
        said = f"{name}: {' '.join(message.split())[:_TAG_MESSAGE_LIMIT]}" if message else name
        line = self._line(principal, "repo.tag", f"{there.id}@{commit}", said)
        self._catalog.put_ref(there, RefKind.TAG, name, commit, line)
        self._judging.submit(there, commit)
        return commit

    def delete_tag(self, principal: Principal, repo: RepoId, name: str) -> None:
        """Take a tag away.

        Raises:
            NoSuchRevision: there is none.
        """
        there = self.allowed(principal, repo, Verb.WRITE)
        line = self._line(principal, "repo.tag.delete", there.id.full_name, name)
        self._catalog.drop_ref(there, RefKind.TAG, name, line)

    def allowed(self, principal: Principal, repo: RepoId, verb: Verb, author: str = "") -> Repository:
        """The repository, if the principal may do this to it (or to what ``author`` did there)."""
        there = self._catalog.hosted(repo)
        if there is not None and may(principal, verb, there, author=author):
            return there
        if there is not None and not may(principal, Verb.SEE, there):
            there = None
        elif there is None and self._catalog.is_mirrored(repo):
            raise NotPermitted(
                f"'{repo}' is a mirror of the upstream's repository of this name and takes no changes",
                hint="push to a repository of your own",
            )
        if there is None:
            raise NoSuchRepo(repo.full_name)
        if principal.is_anonymous:
            raise NotAuthenticated(f"changing '{there.id}' needs a token", hint="set HF_TOKEN")
        raise NotPermitted(f"'{principal.name}' may not change '{there.id}'")

    def _commit_of(self, repository: Repository, revision: str) -> str:
        """The commit that a revision means to those who may write, whatever the gate says."""
        known = self._catalog.commits_of(repository.key)
        commit = self._catalog.hosted_refs(repository.key).commit_of(revision, known)
        if commit is None or commit not in known:
            raise NoSuchRevision(repository.id.full_name, revision)
        return commit

    def _first(self, repository: Repository, principal: Principal, contents: Mapping[str, bytes]) -> Revision:
        """A commit without parents that holds these files."""
        entries = []
        for path, content in contents.items():
            digests = digests_of(content)
            entries.append(FileEntry(path=path, size_bytes=len(content), digests=digests))
            self._blobs.add(content)
        return make_revision(
            repository.id,
            entries,
            parents=(),
            author=principal.name,
            title="initial commit",
            description="",
            at=self._now(),
        )

    def _line(self, principal: Principal, verb: str, target: str, detail: str = "") -> AuditLine:
        return AuditLine(at=self._now(), by=principal.name, verb=verb, target=target, detail=detail)
