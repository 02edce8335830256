"""A repository of our own: what a push changes in it, and the commit that comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from weighbridge.domain.git_objects import commit_id, tree_ids
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.paths import checked_path
from weighbridge.domain.ref import ModelRef, RepoId, is_commit
from weighbridge.domain.repo import Commit

DEFAULT_BRANCH = "main"
_NOTHING_TO_WEIGH = frozenset({".gitattributes", ".gitignore"})
_PLACEHOLDER = "0" * 40
_LARGE = (
    *("7z", "arrow", "avro", "bin", "bz2", "ckpt", "ftz", "gguf", "gz", "h5", "joblib", "keras", "lz4"),
    *("mlmodel", "model", "msgpack", "npy", "npz", "onnx", "ot", "parquet", "pb", "pickle", "pkl", "pt"),
    *("pth", "rar", "safetensors", "tar", "tflite", "tgz", "wasm", "xz", "zip", "zst"),
)
FIRST_ATTRIBUTES = "".join(f"*.{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in _LARGE)
"""The ``.gitattributes`` of a new repository: what is never text is kept outside of git."""


class Gate(StrEnum):
    """Whether the files of a repository are handed out only to those who were let in."""

    OPEN = ""
    AUTO = "auto"
    MANUAL = "manual"

    @property
    def hint(self) -> str:
        """How one is let in; empty where everybody is."""
        if self is Gate.OPEN:
            return ""
        then = "lets you in" if self is Gate.AUTO else "has its owner decide"
        return f"ask for access: POST .../ask-access with your token {then}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a repository was duplicated from: its name then, and its ``key`` where it is hosted."""

    repo: RepoId
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A hosted repository; ``key`` stays when its name changes. ``created_at`` is aware UTC.

    ``group`` is the id of the group that it belongs to; empty where it belongs to none. ``origin`` is
    told by the registry that made the duplicate, and by nobody else.
    """

    key: str
    id: RepoId
    private: bool
    gate: Gate
    created_at: datetime
    created_by: str
    group: str = ""
    origin: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallFile:
    """Put a file whose content came with the commit; git itself keeps it."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeFile:
    """Put a file whose content was sent before; ``size_bytes`` None: as large as what is held."""

    path: str
    sha256: str
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFile:
    """Put a file of this repository (at ``revision``; empty: as the branch is now) a second time."""

    path: str
    source: str
    revision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutFile:
    """Put a file of which everything is known."""

    entry: FileEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteFile:
    """Take a file away, or all of a folder of this name."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteFolder:
    """Take a folder away; a ``/`` at the end is fine."""

    path: str


Change: TypeAlias = SmallFile | LargeFile | CopyFile | DeleteFile | DeleteFolder
"""What a client may ask for in a commit."""
Step: TypeAlias = PutFile | DeleteFile | DeleteFolder
"""A change once its bytes are known."""


class Absent(Invalid):
    """A change names a file or folder that is not there."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__("path", path, "is not in the repository: a file with this name doesn't exist")


def apply(files: Iterable[FileEntry], steps: Sequence[Step]) -> tuple[FileEntry, ...]:
    """The files after the steps, which are taken in order; sorted by path.

    Raises:
        Absent: a step takes away what is not there.
        Invalid: a path is unsafe. Collisions are found by ``Manifest``.
    """
    tree = {entry.path: entry for entry in files}
    for step in steps:
        match step:
            case PutFile(entry=entry):
                tree[entry.path] = entry
            case DeleteFile(path=path):
                if tree.pop(path, None) is None:
                    _delete_folder(tree, path)
            case DeleteFolder(path=path):
                _delete_folder(tree, path)
    return tuple(tree[path] for path in sorted(tree))


def _delete_folder(tree: dict[str, FileEntry], path: str) -> None:
    folder = checked_path(path.rstrip("/")) + "/"
    inside = [name for name in tree if name.startswith(folder)]
    if not inside:
        raise Absent(path)
    for name in inside:
        del tree[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A commit, when it was made (aware UTC, to the second), the id of its tree, and its files."""

    commit: Commit
    at: datetime
    tree: str
    manifest: Manifest

    @property
    def contents(self) -> frozenset[str]:
        """The sha256 of every file."""
        return frozenset(entry.sha256 for entry in self.manifest.files if entry.sha256)


def is_bare(manifest: Manifest) -> bool:
    """Whether there is nothing to weigh: a new repository holds only its ``.gitattributes``."""
    return all(entry.path in _NOTHING_TO_WEIGH for entry in manifest.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The package that a commit became; ``served`` until it is withdrawn for a ``reason``."""

    package_id: str
    version: str
    served: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """Commits of another repository (by its key), and what they hold: bytes by sha256."""

    source: str
    commits: tuple[str, ...] = ()
    contents: Mapping[str, int] = field(default_factory=dict)


def spelled(at: datetime) -> str:
    """A time as the Hub writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def make_revision(
    repo: RepoId,
    files: Sequence[FileEntry],
    *,
    parents: Sequence[str],
    author: str,
    title: str,
    description: str,
    at: datetime,
) -> Revision:
    """The commit that real git would make of these files; ``at`` counts to the second.

    Raises:
        Invalid: two paths collide, or a file lacks the digest that git needs.
    """
    at = at.replace(microsecond=0)
    tree = tree_ids(Manifest(repo=repo, commit=_PLACEHOLDER, files=tuple(files)))[""]
    message = f"{title}\n\n{description}" if description else title
    id = commit_id(
        tree,
        author=f"{author} <{author}@users.invalid>",
        epoch_s=int(at.timestamp()),
        message=message,
        parents=parents,
    )
    commit = Commit(
        id=id,
        title=title,
        message=description,
        authors=(author,),
        created_at=spelled(at),
        parents=tuple(parents),
    )
    manifest = Manifest(repo=repo, commit=id, files=tuple(files))
    return Revision(commit=commit, at=at, tree=tree, manifest=manifest)


def checked_ref(repo: RepoId, name: str) -> str:
    """``name``, if it can be that of a new branch or tag.

    Raises:
        Invalid: git does not allow it, or it looks like a commit or like a full ref.
    """
    ModelRef(repo=repo, revision=name)
    if is_commit(name) or name in ("HEAD", "@") or name.startswith("refs/"):
        raise Invalid("ref", name, "would be read as something else than a branch or a tag")
    return name


def history(commits: Mapping[str, Commit], head: str) -> Iterator[Commit]:
    """The line of first parents from ``head`` to the first commit."""
    at: str | None = head
    while at is not None and at in commits:
        yield commits[at]
        at = commits[at].parents[0] if commits[at].parents else None
