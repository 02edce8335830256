"""The seams: what a flow may ask of the world, and what each answer may raise.

A protocol stands here only because two real implementations exist or will: a Hub is reached by
HTTP, is a folder, or is our own catalogue; blobs lie in a folder or in S3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeAlias

if TYPE_CHECKING:  # every command starts with this module, and only annotations name these
    from weighbridge.domain.json_values import JsonObject
    from weighbridge.domain.loading import Loaded, LoadOrder
    from weighbridge.domain.manifest import FileEntry, Manifest
    from weighbridge.domain.parts import PartedContent
    from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
    from weighbridge.domain.repo import Commit, DiscussionHead, ModelInfo, Owner, Refs
    from weighbridge.domain.scan import Finding


class ByteStream(Protocol):
    """The bytes ``[start, stop)`` of one file, in order.

    A stream heals itself where it can: after a cut connection it goes on from where it was.
    """

    def readinto(self, buffer: memoryview) -> int:
        """Fill (a part of) ``buffer``; 0 at the end of the range.

        Raises:
            HubDown: the connection broke and could not be taken up again.
            RateLimited: the Hub asked for a longer pause than we are willing to make.
            SizeMismatch: the body is shorter or longer than the range that was asked for.
        """

    def close(self) -> None:
        """Give the connection back; closing twice is fine."""


class Source(Protocol):
    """Opens one file's bytes from ``start`` to ``stop`` (exclusive; None: to the end)."""

    def __call__(self, start: int, stop: int | None) -> AbstractContextManager[ByteStream]:
        """Raises what ``Hub.open`` raises."""


class Hub(Protocol):
    """Repositories of models, data sets and spaces: the Hub, a folder, or our own catalogue.

    Every method raises, besides what it names: HubDown, RateLimited, Gated, Disabled,
    NotAuthenticated, NotPermitted.
    """

    def info(self, ref: ModelRef) -> ModelInfo:
        """What the Hub says of a revision, with the commit that it means now.

        Raises:
            NoSuchRepo, NoSuchRevision: there is none, or it is not shown.
            BadListing: the answer names no commit.
        """

    def manifest(self, repo: RepoId, commit: str) -> Manifest:
        """Every file of a commit.

        Raises:
            NoSuchRepo, NoSuchRevision: there is none, or it is not shown.
            BadListing: the listing holds an unsafe path, a collision, or a file without digest.
        """

    def open(
        self, repo: RepoId, commit: str, entry: FileEntry, start: int = 0, stop: int | None = None
    ) -> AbstractContextManager[ByteStream]:
        """The bytes of one file from ``start`` to ``stop``; the first byte may already be on its way.

        Raises:
            NoSuchFile: the listing named a file that is not there.
        """

    def locate(self, repo: RepoId, commit: str, entry: FileEntry) -> Path | None:
        """Where the file lies on this machine, for a server that hands out files by path.

        None where the bytes come only as a stream.

        Raises:
            NoSuchFile: the listing named a file that is not there.
        """

    def refs(self, repo: RepoId) -> Refs:
        """Branches and tags.

        Raises:
            NoSuchRepo: there is none, or it is not shown.
        """

    def commits(self, repo: RepoId, revision: str, limit: int = 50) -> Sequence[Commit]:
        """The history, newest first.

        Raises:
            NoSuchRepo, NoSuchRevision: there is none, or it is not shown.
        """

    def repos(self, kind: RepoKind) -> Iterator[ModelInfo]:
        """Every repository that this caller may see, most downloaded first."""

    def details(self, ref: ModelRef) -> JsonObject:
        """What ``info`` leaves out because it is dear: ``baseModels``, ``childrenModelCount``,
        ``evalResults`` and ``securityRepoStatus``, each where the Hub has it.

        Raises:
            NoSuchRepo, NoSuchRevision: there is none, or it is not shown.
        """

    def discussions(self, repo: RepoId, limit: int = 50) -> Sequence[DiscussionHead]:
        """Discussions and pull requests, newest first.

        Raises:
            NoSuchRepo: there is none, or it is not shown.
        """

    def owner(self, repo: RepoId) -> Owner:
        """Who publishes under the repository's namespace.

        Raises:
            NoSuchOwner: this Hub knows neither a user nor an organization of that name.
        """


class BlobStore(Protocol):
    """Immutable contents, named by their sha256 (64 hex digits). Hashing is the only way in.

    Every method raises StoreDown where the medium fails.
    """

    def holds(self, sha256: str) -> bool:
        """Whether this content is here, whole. Asking is using: who was told so may rely on it."""

    def fetch(
        self, entry: FileEntry, source: Source, moved: Callable[[int], None] | None = None
    ) -> FileEntry:
        """Take a file in and give its entry back with its sha256 known.

        Nothing becomes visible before every digest of ``entry`` was found right. What was
        written before a broken connection or a kill is used again by the next call, of any
        process. Two callers of the same content do the work once. ``moved`` is told how many
        further bytes have come in.

        Raises:
            DigestMismatch, SizeMismatch: the source lied; nothing is left behind.
            Whatever ``source`` raises; what came in is kept for the next try.
        """

    def adopt(self, entry: FileEntry, file: Path) -> FileEntry | None:
        """Take in the content of a file of this machine, and give the entry with its sha256 known.

        The file stays its owner's, and no later change of it reaches the store. None, and nothing,
        where it is not (any more) what ``entry`` says.
        """

    def turn(self, name: str, waiting: Callable[[], None]) -> AbstractContextManager[bool]:
        """The right to work on ``name``, one process at a time where this medium can lock.

        Gives whether somebody else had it before; ``waiting`` is called before that is waited for.
        """

    def add(self, content: bytes) -> str:
        """Take a small content in (an evidence bundle, a verdict) and give its sha256."""

    def sweep(self, older_than_s: float) -> int:
        """Remove what was begun and then left alone for so long; the bytes that were freed."""

    def require_room(self, size_bytes: int) -> None:
        """Nothing, if so much more can be kept.

        Raises:
            StoreDown: it cannot.
        """

    def take(self, sha256: str, size_bytes: int, pieces: Iterable[bytes | memoryview]) -> None:
        """Take in what somebody sends, once and in order. What is held already is hashed all the
        same: knowing a digest is not having the content.

        Raises:
            DigestMismatch, SizeMismatch: it is something else; nothing is left behind.
            Whatever ``pieces`` raises; nothing is left behind.
        """

    def take_part(self, content: PartedContent, number: int, pieces: Iterable[bytes | memoryview]) -> str:
        """Take in a part of what somebody sends; gives the tag by which ``join_parts`` knows it.

        Parts come in any order, at once, and again: the sending of a part that began last counts.
        Nothing of it is visible before ``join_parts``.

        Raises:
            SizeMismatch: the part has another size; it counts as not sent.
            Conflict: it is being sent again by somebody else, or the upload was completed.
            Invalid: there is no part of this number.
            Whatever ``pieces`` raises; the part counts as not sent.
        """

    def join_parts(self, content: PartedContent, tags: Sequence[str]) -> None:
        """Make the parts one content; ``tags`` are theirs, in their order. Once more is fine.

        Raises:
            IncompleteUpload: a part is missing, or is not the one of its tag; it can still be sent.
            DigestMismatch: they make something else; nothing is left behind.
            NotFound: no part of this upload is here (any more).
        """

    def open(self, sha256: str) -> BinaryIO:
        """A content, seekable.

        Raises:
            NotFound: it is not here.
        """

    def path(self, sha256: str) -> Path:
        """Where a content can be read as a local file.

        Raises:
            NotFound: it is not here.
        """

    def address(self, sha256: str) -> str | None:
        """Where a client can read a content by itself for an hour; None: only through us.

        Whether it is held is not asked. Whoever knows the address can read: it is given to those who may.
        """

    def remove(self, sha256: str) -> None:
        """Drop a content; one that is not here is fine."""

    def discard(self, sha256: str, unused_since: float) -> int | None:
        """Remove a content that was neither taken in nor used (``holds``, or any way of taking it in
        again) since then, in seconds since 1970; its size. None: it stays, or is not here.

        A store whose owner said that it is collected does this without losing a race: what somebody
        was told to be here stays as long as if it had just been taken in.
        """

    def is_idle(self, sha256: str, unused_since: float) -> bool:
        """Whether ``discard`` would remove a content now."""

    def walk(self) -> Iterator[tuple[str, int]]:
        """Every content: its sha256 and its size in bytes."""


class Scanner(Protocol):
    """Looks into one kind of file. A scanner is bounded in bytes, depth, count and time."""

    def takes(self, path: str, head: bytes) -> bool:
        """Whether this scanner reads such a file, by its first 4096 bytes (name as a second clue)."""

    def scan(self, path: str, file: Path) -> Sequence[Finding]:
        """What is to be said of the file; nothing means nothing is wrong.

        Raises:
            Exception: anything; the caller makes a Finding of it, state ``error``.
        """


class Loader(Protocol):
    """Brings one kind of model into memory.

    A loader reads local files only, asks no network, and runs no code that came with the model. Its
    library is imported inside ``load``: nobody else pays for it, and most never install it.
    """

    def load(self, order: LoadOrder) -> Loaded:
        """The model in memory.

        Raises:
            MissingExtra: its library is not installed; the hint says how to install it.
            CannotLoad: the files are not what the library can load.
        """


class Reporter(Protocol):
    """Hears of progress: a terminal, a job's record, or nobody."""

    def begin(self, title: str, total_bytes: int) -> None:
        """A stretch of work starts."""

    def moved(self, count: int) -> None:
        """``count`` further bytes are done; called from several threads."""

    def end(self) -> None:
        """The stretch is over."""

    def waiting(self, why: str) -> None:
        """Nothing moves until somebody else is done; ``why`` is a sentence."""


Checkpoint: TypeAlias = Callable[[str, Callable[[], "JsonObject"]], "JsonObject"]
"""Does a named piece of work, once: where its answer was kept before, that is given again."""


class Engine(Protocol):
    """Has jobs worked on: in this process, or by whichever of many lives."""

    worker: str
    """By what name this process takes jobs."""

    def start(self, perform: Callable[[str, Checkpoint], None]) -> None:
        """Begin to work. ``perform`` is called with the id of a job, in any thread; it may be called
        again for the same job after a kill, and says itself whether there is anything to do.
        """

    def submit(self, *jobs: str) -> None:
        """Have jobs performed when their turn comes; nothing for those that wait or are worked on.

        Raises:
            StoreDown: its database does not answer; who submits again loses nothing.
        """

    def recover(self, is_dead: Callable[[str], bool]) -> None:
        """Have others do what workers of the same engine died over.

        Raises:
            StoreDown: its database does not answer.
        """

    def close(self) -> None:
        """Take no more jobs; those that run are left to whoever comes after."""


class Layout(Protocol):
    """How held files are laid out for those who read them: a plain folder, a Hugging Face cache."""

    def path(self, folder: str) -> Path:
        """Where a model is, or will be."""

    def state(self, folder: str, manifest: Manifest) -> str:
        """``held``, ``partial``, ``missing``, ``stale`` or ``tampered``, by one stat per file."""

    def renew(self, folder: str, manifest: Manifest) -> str:
        """Take over a folder whose files are right but not known to be; gives the state after it."""

    def lacking(self, folder: str, manifest: Manifest) -> Sequence[FileEntry]:
        """The files whose content must be held before ``lay_out``."""

    def lay_out(self, folder: str, manifest: Manifest, confirm: Callable[[FileEntry], None]) -> Path:
        """Make the folder show this manifest, whole or not at all; what ``lacking`` named is held.

        ``confirm`` reads again what may have been changed through another name of its inode; it
        drops a wrong blob and raises.

        Raises:
            IntegrityError: ``confirm`` dropped a blob; the folder is as it was.
            Conflict: the folder holds what somebody else put there.
            StoreDown: the medium fails.
        """
