"""Put a commit on a branch: check what is cheap to check, apply, name it as git would, record.

    check -> head of the branch -> bytes known? -> apply -> make_revision -> add_revision

One transaction moves the branch; before it nothing is visible but contents in the store, which
have no name yet. What costs more to know is judged afterwards, by the ingest flow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from weighbridge.domain.access import AuditLine
from weighbridge.domain.hosted import (
    Absent,
    Change,
    CopyFile,
    DeleteFile,
    DeleteFolder,
    LargeFile,
    PutFile,
    Repository,
    Revision,
    SmallFile,
    Step,
    apply,
    make_revision,
)
from weighbridge.domain.manifest import FileEntry, Storage, digests_of
from weighbridge.domain.manifest import sha256 as sha256_digest
from weighbridge.domain.paths import checked_path
from weighbridge.domain.repo import Refs
from weighbridge.errors import BadInput, NoSuchFile, NoSuchRevision, NotFound, StaleParent
from weighbridge.ports import BlobStore

_TRIES = 20
"""How often a commit without a stated parent is put on top of somebody else's that came between."""
_SHORTEST = 7
_TITLE_LIMIT = 4096
_MESSAGE_LIMIT_BYTES = 65536
_RUN_BY_A_CLICK = frozenset(
    {"bat", "cmd", "com", "cpl", "dll", "exe", "hta", "lnk", "msi", "msp", "pif", "ps1", "scr", "vbe", "vbs"}
)


class Branches(Protocol):
    """What this flow needs of the catalogue."""

    def hosted_refs(self, key: str) -> Refs:
        """Branches and tags."""

    def revision(self, repository: Repository, commit: str) -> Revision | None:
        """A commit with its files."""

    def add_revision(self, repository: Repository, branch: str, revision: Revision, audit: AuditLine) -> None:
        """Move a branch from the commit's parent to the commit. Raises StaleParent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushTools:
    """Everything of the world that a push touches.

    ``sent`` tells whether whoever may write into the repository has sent a content (sha256);
    ``max_file_bytes`` 0: no limit; ``forbidden`` are endings of names that are not taken.
    """

    branches: Branches
    blobs: BlobStore
    sent: Callable[[str], bool]
    max_file_bytes: int = 0
    forbidden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """What is to be committed on top of ``parent`` (seven digits are enough); None: of whatever is there."""

    repository: Repository
    branch: str
    changes: tuple[Change, ...]
    author: str
    at: datetime
    title: str
    description: str = ""
    parent: str | None = None


def push(tools: PushTools, asked: Push) -> Revision:
    """The commit, on its branch.

    Raises:
        NoSuchRevision: there is no such branch, or no such revision to copy from.
        NoSuchFile: a change takes away or copies what is not there.
        StaleParent: the branch is not at ``parent``.
        BadInput, Invalid: what cannot be committed, with the reason.
    """
    check(tools, asked)
    steps = _Steps(tools, asked.repository)
    for turn in range(_TRIES):
        head = tools.branches.hosted_refs(asked.repository.key).branches.get(asked.branch)
        if head is None:
            raise NoSuchRevision(asked.repository.id.full_name, asked.branch)
        if asked.parent is not None and not _names(asked.parent, head):
            raise StaleParent(asked.repository.id.full_name, asked.branch, wanted=asked.parent, head=head)
        revision = _revision(tools, steps, asked, head)
        try:
            tools.branches.add_revision(asked.repository, asked.branch, revision, _line(asked, revision))
        except StaleParent:
            if asked.parent is not None or turn == _TRIES - 1:
                raise
            continue
        return revision
    raise AssertionError("the loop ends by a return or by an error")


def _names(parent: str, head: str) -> bool:
    """Whether a stated parent, perhaps shortened to seven digits or more, is the head."""
    return len(parent) >= _SHORTEST and head.startswith(parent)


def check(tools: PushTools, asked: Push) -> None:
    """Refuse what can be refused without looking at the branch.

    Raises:
        BadInput, Invalid: a name or a size that is not taken, a message that git cannot hold.
    """
    check_words(asked.title, asked.description)
    for change in asked.changes:
        checked_path(
            change.path.rstrip("/") if isinstance(change, DeleteFile | DeleteFolder) else change.path
        )
        if isinstance(change, SmallFile | LargeFile | CopyFile):
            check_name(change.path, tools.forbidden)
        size = len(change.content) if isinstance(change, SmallFile) else getattr(change, "size_bytes", 0)
        check_size(tools.max_file_bytes, change.path, size or 0)


def check_words(title: str, description: str) -> None:
    """Refuse what cannot be said of a commit.

    Raises:
        BadInput: there is no title, or git could not hold the words.
    """
    if not title.strip() or "\n" in title:
        raise BadInput("a commit needs a title of one line")
    if len(title) > _TITLE_LIMIT or len(description) > _MESSAGE_LIMIT_BYTES:
        raise BadInput(f"a title has at most {_TITLE_LIMIT} characters, a message {_MESSAGE_LIMIT_BYTES}")
    words = (title, description)
    if any("\0" in each or any("\ud800" <= char <= "\udfff" for char in each) for each in words):
        raise BadInput("a commit's message holds what git cannot keep")


def check_name(path: str, forbidden: frozenset[str] = frozenset()) -> None:
    """Refuse files that a click would run, and those with an ending that the operator forbids.

    Raises:
        BadInput: the name ends like a program, or like what is forbidden.
    """
    name = path.rpartition("/")[2].lower()
    for kind in sorted(forbidden):
        if name.endswith(f".{kind}"):
            raise BadInput(
                f"'{path}' is of a kind (.{kind}) that this registry does not take",
                hint="the operator sets WEIGHBRIDGE_FORBIDDEN_KINDS",
            )
    ending = path.rpartition("/")[2].rpartition(".")[2].lower()
    if "." in path and ending in _RUN_BY_A_CLICK:
        raise BadInput(f"'{path}' is a program by its name (.{ending}), and this registry takes none")


def check_size(limit: int, path: str, size_bytes: int) -> None:
    """Refuse what is larger than this registry takes; ``limit`` 0: there is none.

    Raises:
        BadInput: the size is above the limit, or below zero.
    """
    if size_bytes < 0:
        raise BadInput(f"'{path}' cannot have {size_bytes} bytes")
    if limit and size_bytes > limit:
        raise BadInput(
            f"'{path}' has {size_bytes} bytes, and this registry takes files of at most {limit} bytes",
            hint="the operator sets WEIGHBRIDGE_MAX_FILE_BYTES",
        )


class _Steps:
    """Turns what was asked into steps whose bytes are known; contents are taken in once."""

    def __init__(self, tools: PushTools, repository: Repository) -> None:
        self._tools, self._repository = tools, repository
        self._small: dict[str, FileEntry] = {}
        self._there: frozenset[str] = frozenset()

    def known(self, changes: Sequence[Change], head: Revision) -> list[Step]:
        """The steps, in order."""
        self._there = head.contents
        return [self._known(change, head) for change in changes]

    def _known(self, change: Change, head: Revision) -> Step:
        match change:
            case SmallFile():
                return PutFile(entry=self._taken_in(change))
            case LargeFile():
                return PutFile(entry=self._held(change))
            case CopyFile():
                return PutFile(entry=self._copied(change, head))
            case DeleteFile() | DeleteFolder():
                return change

    def _taken_in(self, change: SmallFile) -> FileEntry:
        digests = digests_of(change.content)
        if digests[1].value not in self._small:
            self._tools.blobs.add(change.content)
        entry = FileEntry(path=change.path, size_bytes=len(change.content), digests=digests)
        self._small[digests[1].value] = entry
        return entry

    def _held(self, change: LargeFile) -> FileEntry:
        digest = sha256_digest(change.sha256)
        try:
            if not self._tools.sent(change.sha256) and change.sha256 not in self._there:
                raise NotFound(change.sha256)
            if not self._tools.blobs.holds(change.sha256):  # asked, so that it stays until the commit
                raise NotFound(change.sha256)
            with self._tools.blobs.open(change.sha256) as file:
                size = file.seek(0, 2)
        except NotFound as error:
            raise BadInput(
                f"the content of '{change.path}' (sha256 {change.sha256[:12]}...) was not sent",
                hint="upload the file again",
            ) from error
        if change.size_bytes is not None and change.size_bytes != size:
            raise BadInput(f"'{change.path}' is said to have {change.size_bytes} bytes, but has {size}")
        check_size(self._tools.max_file_bytes, change.path, size)
        return FileEntry(path=change.path, size_bytes=size, digests=(digest,), storage=Storage.LFS)

    def _copied(self, change: CopyFile, head: Revision) -> FileEntry:
        name, source = self._repository.id.full_name, head
        if change.revision:
            refs = self._tools.branches.hosted_refs(self._repository.key)
            commit = refs.commit_of(change.revision) or change.revision
            found = self._tools.branches.revision(self._repository, commit)
            if found is None:
                raise NoSuchRevision(name, change.revision)
            source = found
        entry = source.manifest.by_path.get(change.source)
        if entry is None:
            raise NoSuchFile(name, source.commit.id, change.source)
        return replace(entry, path=change.path)


def _revision(tools: PushTools, steps: _Steps, asked: Push, head: str) -> Revision:
    repository = asked.repository
    current = tools.branches.revision(repository, head)
    if current is None:
        raise NoSuchRevision(repository.id.full_name, head)
    try:
        files = apply(current.manifest.files, steps.known(asked.changes, current))
    except Absent as error:
        raise NoSuchFile(
            repository.id.full_name, head, error.path, hint="A file with this name doesn't exist"
        ) from error
    return make_revision(
        repository.id,
        files,
        parents=(head,),
        author=asked.author,
        title=asked.title,
        description=asked.description,
        at=asked.at,
    )


def _line(asked: Push, revision: Revision) -> AuditLine:
    target = f"{asked.repository.id.full_name}@{revision.commit.id}"
    return AuditLine(at=asked.at, by=asked.author, verb="repo.commit", target=target, detail=asked.branch)
