"""The verbs of hosted repositories: push, and how a commit stands at the gate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from weighbridge.bridge.discussions import Discussions
from weighbridge.bridge.groups import Groups
from weighbridge.bridge.guests import Guests
from weighbridge.bridge.profiles import Profiles
from weighbridge.bridge.pulls import paying_namespace, sending_space
from weighbridge.bridge.repo_answers import Advice, Candidate, Standing, State
from weighbridge.bridge.repo_copies import RepoCopies
from weighbridge.bridge.repo_history import RepoHistory
from weighbridge.bridge.repo_large import RepoLarge
from weighbridge.bridge.repo_lfs import RepoLfs
from weighbridge.domain.access import Principal, Verb
from weighbridge.domain.discussion import pull_number
from weighbridge.domain.git_patterns import Ignored, LargeByAttributes, folders_above, is_binary
from weighbridge.domain.hosted import Change, Repository, Revision, is_bare
from weighbridge.domain.manifest import Storage
from weighbridge.domain.paths import checked_path
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.domain.repo import Commit
from weighbridge.errors import BadInput, NoSuchRevision
from weighbridge.flows.push import Push, PushTools, check_name, check_size, push

__all__ = ["Advice", "Candidate", "Repos", "Standing", "State"]

_LARGE_BYTES = 10 * 1000 * 1000
"""A larger file is kept outside of git, whatever its kind; as on the Hub."""
_RULES_LIMIT, _RULES_LIMIT_BYTES = 100, 64 * 1024
"""More ``.gitignore`` or ``.gitattributes`` than these together are not read: each line costs time."""
_MATCHING_LIMIT = 500_000_000
"""Characters of rules times characters of paths: what one call may cost at worst."""


class Repos(RepoCopies, RepoHistory, RepoLarge, RepoLfs):
    """One method per verb; each first asks whether the principal may.

    Every method that names a repository raises, besides what it says: NoSuchRepo where there is
    none or the principal may not see it; NotAuthenticated (no token) or NotPermitted (not the
    owner; or the repository is a mirror of the upstream, which takes no changes). Names do not
    mind upper and lower case, and a former name still works. ``domain.invalid.Invalid`` means
    BadInput, as everywhere.
    """

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
        ``.gitignore``. Both kinds of rules count in every folder, the nearest ones most.

        Raises:
            NoSuchRevision: there is no such branch.
            BadInput, Invalid: a path is unsafe or of a forbidden kind; a file is larger than may be.
            OverQuota: the files do not fit into the room of the namespace.
        """
        head = self._head_for(principal, repo, revision, proposing=proposing)
        for file in files:
            check_name(checked_path(file.path), self._forbidden)
            check_size(self._limit, file.path, file.size_bytes)
        large = self._rules(head, ".gitattributes", files)
        hidden = {"": _short(gitignore)} if gitignore is not None else None
        hidden = hidden or self._rules(head, ".gitignore", files)
        rules = sum(map(len, (*large.values(), *hidden.values())))
        if rules * sum(len(file.path) for file in files) > _MATCHING_LIMIT:
            raise BadInput("these are too many files for so many rules", hint="ask for fewer files at once")
        attributes = LargeByAttributes(large.pop("", ""), large)
        ignored = Ignored(hidden.pop("", ""), hidden)
        advice = tuple(_advice(file, head, attributes, ignored) for file in files)
        wanted = (file.size_bytes for file, said in zip(files, advice, strict=True) if not said.ignored)
        self.quotas.require_sizes(paying_namespace(principal, self.repository(principal, repo)), wanted)
        return advice

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
                was not sent or has another size, a file larger than may be, a forbidden kind.
            OverQuota: what it brings does not fit into the room of the namespace.
        """
        there = self.allowed(principal, repo, Verb.WRITE)
        space = sending_space(principal, there)
        made = push(
            PushTools(
                branches=self._catalog,
                blobs=self._blobs,
                sent=lambda sha256: self._receipts.has(space, sha256),
                max_file_bytes=self._limit,
                forbidden=self._forbidden,
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
            return Standing(commit=commit, state=self._unjudged_state(there, commit))
        return Standing(commit=commit, state=State.REFUSED, sentence=refusal[1], record_id=refusal[0])

    def _unjudged_state(self, repository: Repository, commit: str) -> State:
        refs = self._catalog.hosted_refs(repository.key)
        revision = self._catalog.revision(repository, commit)
        named = commit in {*refs.branches.values(), *refs.tags.values()}
        weighs = named and revision is not None and not is_bare(revision.manifest)
        return State.WAITING if weighs else State.NOT_WEIGHED

    def resume(self) -> None:
        """Judge what was pushed and lost its judgement in a kill, and sweep: for who serves."""
        self.sweep()
        self._judging.resume()

    def now(self) -> datetime:
        """The registry's clock, for signatures that expire: aware UTC."""
        return self._now()

    @cached_property
    def guests(self) -> Guests:
        """The verbs of those who ask for access, or like."""
        return Guests(self.allowed, self._catalog, self._now)

    @cached_property
    def groups(self) -> Groups:
        """The verbs of groups."""
        return Groups(self._catalog, self._now)

    @cached_property
    def profiles(self) -> Profiles:
        """What is told of people and organizations."""
        return Profiles(self._catalog)

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
            forbidden=self._forbidden,
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

    def _rules(self, head: Revision, name: str, files: Sequence[Candidate]) -> dict[str, str]:
        """The rules above these files by folder, those nearest to the root first, as many as are read."""
        there, found, left = head.manifest.by_path, dict[str, str](), _RULES_LIMIT_BYTES
        above = {
            folder for file in files for folder in folders_above(file.path) if _in(folder, name) in there
        }
        for folder in sorted(above, key=lambda each: (each.count("/") + bool(each), each)):
            entry = there[_in(folder, name)]
            if entry.sha256 is None or entry.size_bytes > left:
                continue
            if len(found) == _RULES_LIMIT:
                break
            with self._blobs.open(entry.sha256) as file:
                found[folder] = file.read().decode("utf-8", "replace")
            left -= entry.size_bytes
        return found


def _in(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


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
