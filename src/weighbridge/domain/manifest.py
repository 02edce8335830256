"""What a revision consists of: files, their sizes and their digests."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_shape import require_shape
from weighbridge.domain.json_values import JsonObject, objects, text, whole
from weighbridge.domain.paths import checked_path, collisions
from weighbridge.domain.ref import RepoId, RepoKind, is_commit

_HEX = {"sha256": re.compile(r"[0-9a-f]{64}"), "git-sha1": re.compile(r"[0-9a-f]{40}")}
MAX_FILE_BYTES = 1 << 50
"""A petabyte: larger sizes in a listing are lies."""


class Algorithm(StrEnum):
    """The two digests of the Hub: large (LFS) files carry sha256, small ones a git blob id."""

    SHA256 = "sha256"
    GIT_SHA1 = "git-sha1"


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """An algorithm and a lowercase hexadecimal value; ``git-sha1`` is always of the content."""

    algorithm: Algorithm
    value: str

    def __post_init__(self) -> None:
        if not _HEX[self.algorithm].fullmatch(self.value):
            raise Invalid(
                f"{self.algorithm} digest", self.value, "has the wrong length or is not lowercase hex"
            )

    @classmethod
    def parse(cls, spelled: str) -> Digest:
        """Read ``sha256:<64 hex>`` or ``git-sha1:<40 hex>``.

        Raises:
            Invalid: the text is neither.
        """
        algorithm, colon, value = spelled.partition(":")
        if not colon or algorithm not in _HEX:
            raise Invalid("digest", spelled, "is not sha256:<hex> or git-sha1:<hex>")
        return cls(Algorithm(algorithm), value)

    def __str__(self) -> str:
        return f"{self.algorithm.value}:{self.value}"


def sha256(value: str) -> Digest:
    """The sha256 digest with this value (64 hex digits)."""
    return Digest(Algorithm.SHA256, value)


def git_sha1(value: str) -> Digest:
    """The git blob id with this value (40 hex digits)."""
    return Digest(Algorithm.GIT_SHA1, value)


def git_blob_header(size_bytes: int) -> bytes:
    """What git hashes before a blob's content (Git book, 10.2 "Git Objects")."""
    return b"blob %d\x00" % size_bytes


def digests_of(content: bytes) -> tuple[Digest, Digest]:
    """Both digests of ``content``, in sorted order."""
    git = hashlib.sha1(git_blob_header(len(content)) + content, usedforsecurity=False)
    return git_sha1(git.hexdigest()), sha256(hashlib.sha256(content).hexdigest())


def lfs_pointer(sha256_value: str, size_bytes: int) -> bytes:
    """The pointer text that git holds for a large file (Git LFS specification v1)."""
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n" % (
        sha256_value.encode(),
        size_bytes,
    )


class Storage(StrEnum):
    """How the Hub keeps a file: in git itself, or in large file storage."""

    REGULAR = "regular"
    LFS = "lfs"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One file of a revision.

    Two entries agree when they share an algorithm and every shared value matches.
    """

    path: str
    size_bytes: int
    digests: tuple[Digest, ...]
    storage: Storage = Storage.REGULAR

    def __post_init__(self) -> None:
        checked_path(self.path)
        if not 0 <= self.size_bytes <= MAX_FILE_BYTES:
            raise Invalid("size", self.size_bytes, f"of {self.path!r} is not a size in bytes")
        if not self.digests:
            raise Invalid("file", self.path, "has no digest")
        if len({digest.algorithm for digest in self.digests}) != len(self.digests):
            raise Invalid("file", self.path, "has two digests of one algorithm")
        object.__setattr__(self, "digests", tuple(sorted(self.digests)))

    def digest(self, algorithm: Algorithm) -> str | None:
        """The hex value for ``algorithm``, or None where it is not known."""
        return next((d.value for d in self.digests if d.algorithm is algorithm), None)

    @property
    def sha256(self) -> str | None:
        """The sha256 of the content (64 hex digits), where it is known."""
        return self.digest(Algorithm.SHA256)

    @property
    def git_sha1(self) -> str | None:
        """The git blob id of the content (40 hex digits), where it is known."""
        return self.digest(Algorithm.GIT_SHA1)

    @property
    def strongest(self) -> Digest:
        """The digest that names this content in the store: sha256 where known."""
        return self.digests[-1]

    def agrees_with(self, other: FileEntry) -> bool:
        """Whether both say the same of the content as far as both speak."""
        if self.size_bytes != other.size_bytes:
            return False
        mine = {d.algorithm: d.value for d in self.digests}
        shared = [d for d in other.digests if d.algorithm in mine]
        return bool(shared) and all(mine[d.algorithm] == d.value for d in shared)

    def with_digests(self, more: Iterable[Digest]) -> FileEntry:
        """This entry with further digests of the same content; a known value is kept."""
        known = {d.algorithm: d for d in (*more, *self.digests)}
        return FileEntry(
            path=self.path,
            size_bytes=self.size_bytes,
            digests=tuple(known.values()),
            storage=self.storage,
        )

    def to_json(self) -> JsonObject:
        """``{"path", "size", "sha256", "git_sha1", "lfs"}``; what is not known is left out."""
        spelled: dict[str, str | int | bool] = {"path": self.path, "size": self.size_bytes}
        if self.sha256:
            spelled["sha256"] = self.sha256
        if self.git_sha1:
            spelled["git_sha1"] = self.git_sha1
        if self.storage is Storage.LFS:
            spelled["lfs"] = True
        return spelled

    @classmethod
    def from_json(cls, source: JsonObject) -> FileEntry:
        """Read what ``to_json`` wrote.

        Raises:
            Invalid: a field is missing or is not what it must be.
        """
        path, size = text(source, "path"), whole(source, "size")
        if path is None or size is None:
            raise Invalid("file entry", dict(source), "has no path or no size")
        known = [sha256(value)] if (value := text(source, "sha256")) else []
        known += [git_sha1(value)] if (value := text(source, "git_sha1")) else []
        storage = Storage.LFS if source.get("lfs") is True else Storage.REGULAR
        return cls(path=path, size_bytes=size, digests=tuple(known), storage=storage)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A repository at one commit: every file, sorted by path."""

    repo: RepoId
    commit: str
    files: tuple[FileEntry, ...] = field(default=())

    def __post_init__(self) -> None:
        if not is_commit(self.commit):
            raise Invalid("commit", self.commit, "is not 40 lowercase hexadecimal digits")
        object.__setattr__(self, "files", tuple(sorted(self.files, key=lambda entry: entry.path)))
        clash = collisions(entry.path for entry in self.files)
        if clash:
            raise Invalid("path", clash[0].first, f"{clash[0].why} {clash[0].second!r}")

    @cached_property
    def by_path(self) -> dict[str, FileEntry]:
        """The files by their path."""
        return {entry.path: entry for entry in self.files}

    @property
    def total_bytes(self) -> int:
        """The sum of all file sizes."""
        return sum(entry.size_bytes for entry in self.files)

    @property
    def is_complete(self) -> bool:
        """Whether every file's sha256 is known."""
        return all(entry.sha256 for entry in self.files)

    def select(self, patterns: Sequence[str]) -> Manifest:
        """The files that a pattern names; all of them when there is no pattern.

        A pattern is a path or a glob in which ``*`` also crosses folders (as in
        ``huggingface_hub``); a pattern that ends in ``/`` names a folder; one that begins with
        ``!`` takes files out again.

        Raises:
            Invalid: a pattern matches no file.
        """
        if not patterns:
            return self
        wanted = [p for p in patterns if not p.startswith("!")]
        chosen = set() if wanted else {entry.path for entry in self.files}
        for pattern in wanted:
            found = [e.path for e in self.files if _matches(e.path, pattern)]
            if not found:
                raise Invalid(
                    "file pattern",
                    pattern,
                    f"matches no file of {self.repo}@{self.commit[:12]}",
                    hint=_nearest(pattern, self.files),
                )
            chosen.update(found)
        unwanted = [p[1:] for p in patterns if p.startswith("!")]
        kept = [
            entry
            for entry in self.files
            if entry.path in chosen and not any(_matches(entry.path, p) for p in unwanted)
        ]
        if not kept:
            raise Invalid("file patterns", list(patterns), "leave no file")
        return Manifest(repo=self.repo, commit=self.commit, files=tuple(kept))

    def diff(self, other: Manifest) -> ManifestDiff:
        """What must change here to become ``other``, by content."""
        mine, theirs = self.by_path, other.by_path
        return ManifestDiff(
            added=tuple(e for p, e in theirs.items() if p not in mine),
            removed=tuple(e for p, e in mine.items() if p not in theirs),
            changed=tuple(
                (mine[p], e) for p, e in theirs.items() if p in mine and not mine[p].agrees_with(e)
            ),
        )

    def enriched(self, known: Iterable[FileEntry]) -> Manifest:
        """This manifest with digests that other entries of the same content know."""
        by_git = {e.git_sha1: e for e in known if e.git_sha1 and e.sha256}
        files = tuple(
            entry.with_digests(by_git[entry.git_sha1].digests)
            if not entry.sha256
            and entry.git_sha1 in by_git
            and by_git[entry.git_sha1].size_bytes == entry.size_bytes
            else entry
            for entry in self.files
        )
        return Manifest(repo=self.repo, commit=self.commit, files=files)

    def to_json(self) -> JsonObject:
        """``{"kind", "repo", "commit", "files": [...]}``."""
        return {
            "kind": self.repo.kind.value,
            "repo": self.repo.full_name,
            "commit": self.commit,
            "files": [entry.to_json() for entry in self.files],
        }

    @classmethod
    def from_json(cls, source: JsonObject) -> Manifest:
        """Read what ``to_json`` wrote.

        Raises:
            Invalid: a field is missing or is not what it must be.
        """
        repo, kind, commit = text(source, "repo"), text(source, "kind"), text(source, "commit")
        if repo is None or kind not in set(RepoKind) or commit is None:
            raise Invalid("manifest", sorted(source), "has no repo, kind or commit")
        if source.get("files") is None:
            raise Invalid("manifest", repo, "lists no files")
        require_shape(source, "manifest", lists=("files",))
        files = tuple(FileEntry.from_json(entry) for entry in objects(source, "files"))
        return cls(repo=RepoId.parse(repo, RepoKind(kind)), commit=commit, files=files)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestDiff:
    """The difference of two manifests; ``changed`` holds (old, new)."""

    added: tuple[FileEntry, ...]
    removed: tuple[FileEntry, ...]
    changed: tuple[tuple[FileEntry, FileEntry], ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def _matches(path: str, pattern: str) -> bool:
    return fnmatchcase(path, pattern + "*" if pattern.endswith("/") else pattern)


def _nearest(pattern: str, files: Sequence[FileEntry]) -> str:
    from difflib import get_close_matches

    names = [entry.path for entry in files]
    close = get_close_matches(pattern, names, n=3, cutoff=0.5) or names[:3]
    return f"the revision holds {', '.join(close)}{' ...' if len(names) > len(close) else ''}"
