"""The verbs of discussions and pull requests.

A pull request is a branch ``refs/pr/N`` that somebody may write who may not write the repository.
Its commits are not weighed before they are merged: until then only its author and those who may
write the repository see them. A merge is one new commit on ``main``, weighed as any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from weighbridge.bridge.pulls import Differences, NewPull, OldPull, paying_namespace, sending_space
from weighbridge.bridge.talks import Talks
from weighbridge.domain.access import Principal, Verb
from weighbridge.domain.discussion import (
    Discussion,
    Event,
    EventKind,
    Status,
    checked_text,
    checked_title,
    merge,
)
from weighbridge.domain.hosted import (
    DEFAULT_BRANCH,
    Change,
    Repository,
    Revision,
    history,
    is_bare,
    make_revision,
)
from weighbridge.domain.manifest import Manifest
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.domain.repo import Commit
from weighbridge.errors import (
    BadInput,
    Conflict,
    NoSuchRevision,
    StaleParent,
    WeighbridgeError,
)
from weighbridge.flows.push import Push, PushTools, push

_TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A discussion with all that belongs to it; ``diff`` and ``conflicts`` are a pull request's."""

    repository: Repository
    discussion: Discussion
    events: tuple[Event, ...]
    conflicts: tuple[str, ...] = ()
    diff: str = ""


class Discussions(Talks):
    """One method per verb.

    Each raises, besides what it says, what ``allowed`` raises, and NotFound where there is no
    discussion of this number.
    """

    def talk(self, principal: Principal, repo: RepoId, number: int) -> Talk:
        """A discussion, all that was said, and what it would change."""
        there = self._allowed(principal, repo, Verb.SEE, "")
        found = self._found(there, number)
        talk = Talk(repository=there, discussion=found, events=self._catalog.events(found))
        if not found.is_pull:
            return talk
        theirs = self._head(there, found)
        base = self._manifest(there, found.base)
        conflicts: tuple[str, ...] = ()
        if not self._sees(principal, there, theirs):
            return talk
        if found.status is not Status.MERGED:
            main = self._manifest(there, self.seen_main(principal, there))  # what is hidden is not told
            conflicts = merge(base, main, theirs.manifest).conflicts
        return replace(talk, conflicts=conflicts, diff=Differences(self._blobs).of(base, theirs.manifest))

    def open(
        self, principal: Principal, repo: RepoId, title: str, description: str, *, pull: bool = False
    ) -> Discussion:
        """Begin a discussion; or a pull request without commits yet, which is a draft.

        Raises:
            Invalid: the title or the description cannot be one.
            NoSuchRevision: the repository has nothing yet that could be changed by the caller.
        """
        there = self._allowed(principal, repo, Verb.PROPOSE if pull else Verb.DISCUSS, "")
        base = self.seen_main(principal, there) if pull else ""
        made = self._begun(there, principal, title, base, Status.DRAFT if pull else Status.OPEN)
        said = [self._event(principal, EventKind.COMMENT, checked_text(description))] if description else []
        return self._catalog.open_discussion(there, made, said, self._line(principal, "open", there))

    def merge(self, principal: Principal, repo: RepoId, number: int, comment: str = "") -> Commit:
        """Put what a pull request changes on ``main``, as one commit.

        Raises:
            BadInput: it is no pull request.
            Conflict: it is closed or merged, or ``main`` changed the same files.
        """
        there = self._allowed(principal, repo, Verb.WRITE, "")
        found = self._found(there, number)
        words = self._words(principal, comment)
        if not found.is_pull:
            raise BadInput(f"#{number} is a discussion, not a pull request: there is nothing to merge")
        if found.status in (Status.CLOSED, Status.MERGED):
            raise Conflict(f"pull request #{number} is {found.status.value}")
        for turn in range(_TRIES):
            head = self._head(there, found)
            made = self._merged(there, found, head, principal)
            event = self._event(principal, EventKind.STATUS, Status.MERGED.value)
            line = self._line(principal, "merge", there, found)
            try:
                self._catalog.merge_pull(there, found, head.commit.id, made, [*words, event], line)
            except StaleParent:
                if turn == _TRIES - 1:
                    raise
                continue
            self._judging.submit(there, made.commit.id)
            return made.commit
        raise AssertionError("the loop ends by a return or by an error")

    def propose(
        self,
        principal: Principal,
        repo: RepoId,
        changes: Sequence[Change],
        *,
        title: str,
        description: str = "",
        parent: str | None = None,
    ) -> tuple[Commit, Discussion]:
        """Open a pull request with a first commit, on top of ``parent``, else of ``main`` as it is seen.

        Raises:
            NoSuchFile, StaleParent, BadInput, Invalid: as for ``Repos.commit``.
        """
        there = self._allowed(principal, repo, Verb.PROPOSE, "")
        base = self.seen_main(principal, there, parent or DEFAULT_BRANCH)
        begun = self._begun(there, principal, " ".join(title.split())[:200], base, Status.OPEN)
        branches = NewPull(
            self._catalog,
            begun,
            partial(self._event, principal, EventKind.COMMIT),
            self._words(principal, description),
            paying_namespace(principal, there),
        )
        asked = Push(
            repository=there,
            branch=DEFAULT_BRANCH,
            changes=tuple(changes),
            author=principal.name,
            at=begun.created_at,
            title=title,
            description=description,
        )
        made = push(self._push_tools(branches, principal, there), asked)
        return made.commit, branches.made

    def commit(
        self,
        principal: Principal,
        repo: RepoId,
        number: int,
        changes: Sequence[Change],
        *,
        title: str,
        description: str = "",
        parent: str | None = None,
    ) -> Commit:
        """Put a commit on a pull request; raises as ``propose``.

        Raises:
            Conflict: it was merged or closed.
        """
        there, found = self.writable(principal, repo, number)
        asked = Push(
            repository=there,
            branch=found.ref,
            changes=tuple(changes),
            author=principal.name,
            at=self._now(),
            title=title,
            description=description,
            parent=parent,
        )
        event = partial(self._event, principal, EventKind.COMMIT)
        branches = OldPull(self._catalog, found, event, paying_namespace(principal, there))
        return push(self._push_tools(branches, principal, there), asked).commit

    def writable(self, principal: Principal, repo: RepoId, number: int) -> tuple[Repository, Discussion]:
        """A pull request that the caller may put commits on.

        Raises:
            NoSuchRevision: there is none of this number.
            Conflict: it was merged or closed.
        """
        there = self._allowed(principal, repo, Verb.PROPOSE, "")
        found = self._catalog.discussion(there.key, number)
        if found is None or not found.is_pull:
            raise NoSuchRevision(there.id.full_name, f"refs/pr/{number}")
        self._allowed(principal, repo, Verb.REVISE, found.author)
        if found.status in (Status.CLOSED, Status.MERGED):
            raise Conflict(f"pull request #{number} is {found.status.value} and takes no commits")
        return there, found

    def seen_main(self, principal: Principal, repository: Repository, revision: str = DEFAULT_BRANCH) -> str:
        """The commit that ``main`` (or a commit before it) is for the caller, else the first one.

        Raises:
            NoSuchRevision: there is none that was accepted.
        """
        try:
            return self._hub.seen_by(principal).commit_of(ModelRef(repo=repository.id, revision=revision))
        except NoSuchRevision:
            first = self._first(repository) if revision == DEFAULT_BRANCH else None
            if first is None:
                raise
            return first

    def _first(self, repository: Repository) -> str | None:
        """The commit by which a repository began, which holds nothing that would be weighed."""
        head = self._catalog.hosted_refs(repository.key).branches.get(DEFAULT_BRANCH, "")
        *_, first = (None, *history(self._catalog.commits_of(repository.key), head))
        found = self._catalog.revision(repository, first.id) if first else None
        return found.commit.id if found and is_bare(found.manifest) else None

    def _begun(
        self, repository: Repository, principal: Principal, title: str, base: str, status: Status
    ) -> Discussion:
        return Discussion(
            repository=repository.key,
            number=0,
            title=checked_title(title),
            status=status,
            author=principal.name,
            created_at=self._now(),
            base=base,
        )

    def _head(self, repository: Repository, found: Discussion) -> Revision:
        commit = self._catalog.hosted_refs(repository.key).pulls.get(found.ref, "")
        revision = self._catalog.revision(repository, commit)
        if revision is None:
            raise NoSuchRevision(repository.id.full_name, found.ref)
        return revision

    def _manifest(self, repository: Repository, commit: str) -> Manifest:
        """The files of a commit; none where a rewritten history no longer has it."""
        revision = self._catalog.revision(repository, commit)
        return revision.manifest if revision else Manifest(repo=repository.id, commit=commit, files=())

    def _main(self, repository: Repository) -> Manifest:
        commit = self._catalog.hosted_refs(repository.key).branches[DEFAULT_BRANCH]
        return self._manifest(repository, commit)

    def _merged(
        self, repository: Repository, found: Discussion, head: Revision, principal: Principal
    ) -> Revision:
        ours = self._main(repository)
        made = merge(self._manifest(repository, found.base), ours, head.manifest)
        if made.conflicts:
            raise Conflict(
                f"pull request #{found.number} cannot be merged: '{DEFAULT_BRANCH}' has changed "
                f"{', '.join(made.conflicts[:5])} too",
                hint="open a new pull request on top of the branch as it is now",
            )
        proposed = f"Co-authored-by: {found.author} <{found.author}@users.invalid>"
        return make_revision(
            repository.id,
            made.files,
            parents=(ours.commit,),
            author=principal.name,
            title=f"{found.title} (#{found.number})",
            description="" if found.author == principal.name else proposed,
            at=self._now(),
        )

    def _sees(self, principal: Principal, repository: Repository, head: Revision) -> bool:
        hub = self._hub.seen_by(principal)
        try:
            hub.require_open(repository.id)
            hub.manifest(repository.id, head.commit.id)
        except WeighbridgeError:
            return False
        return True

    def _push_tools(
        self, branches: NewPull | OldPull, principal: Principal, repository: Repository
    ) -> PushTools:
        space = sending_space(principal, repository)
        return PushTools(
            branches=branches,
            blobs=self._blobs,
            sent=lambda sha256: self._receipts.has(space, sha256),
            max_file_bytes=self._limit,
            forbidden=self._forbidden,
        )
