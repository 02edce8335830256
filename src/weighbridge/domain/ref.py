"""Names of what is asked for: a repository, and a revision of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.paths import path_faults

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|[A-Za-z0-9_][A-Za-z0-9._-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)")


class RepoKind(StrEnum):
    """The three kinds of repository of the Hub."""

    MODEL = "model"
    DATASET = "dataset"
    SPACE = "space"

    @property
    def plural(self) -> str:
        """The kind as the Hub's API spells it in a path: ``models``."""
        return f"{self.value}s"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RepoId:
    """A repository: its kind and ``org/name`` (or a bare ``name``, as the Hub's oldest models).

    The rules are the Hub's own (``huggingface_hub.utils.validate_repo_id``): letters, digits,
    ``-``, ``_`` and ``.``, at most 96 characters in each part, no ``--`` or ``..``, no ``.git``
    at the end. Every RepoId is therefore a safe relative path.
    """

    kind: RepoKind
    namespace: str
    name: str

    @classmethod
    def parse(cls, full_name: str, kind: RepoKind = RepoKind.MODEL) -> RepoId:
        """Read ``org/name`` or ``name``.

        Raises:
            Invalid: the text is not a repository id of the Hub.
        """
        parts = full_name.split("/")
        if len(parts) > 2:
            raise _bad(full_name, "has more than one '/'")
        for part in parts:
            _check_part(part, full_name)
        namespace, name = parts if len(parts) == 2 else ("", parts[0])
        return cls(kind=kind, namespace=namespace, name=name)

    @property
    def full_name(self) -> str:
        """``org/name``, or ``name`` for a repository without a namespace."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def spelled(self) -> str:
        """The name with its kind before it, as in the Hub's addresses: ``datasets/org/name``."""
        return self.full_name if self.kind is RepoKind.MODEL else f"{self.kind.plural}/{self.full_name}"

    @classmethod
    def read(cls, spelled: str) -> RepoId:
        """Read what ``spelled`` gives: ``datasets/`` or ``spaces/`` before a name says what it is of.

        Raises:
            Invalid: the rest is not a repository id of the Hub.
        """
        plural, _, name = spelled.partition("/")
        kind = next((k for k in (RepoKind.DATASET, RepoKind.SPACE) if k.plural == plural and name), None)
        return cls.parse(name, kind) if kind else cls.parse(spelled)

    def __str__(self) -> str:
        return self.full_name


def _check_part(part: str, full_name: str) -> None:
    if not part:
        raise _bad(full_name, "has an empty part")
    if len(part) > 96:
        raise _bad(full_name, "has a part of more than 96 characters")
    if not _NAME.fullmatch(part) or part.endswith((".", "-")):
        raise _bad(
            full_name,
            "may hold only letters, digits, '-', '_' and '.' and must not begin or end with '-' or '.'",
        )
    if "--" in part or ".." in part:
        raise _bad(full_name, "holds '--' or '..'")
    if part.lower().endswith(".git"):
        raise _bad(full_name, "ends in '.git'")


def _bad(full_name: str, why: str) -> Invalid:
    return Invalid("repository id", full_name, why, hint="write org/name, as in 'google/flan-t5-small'")


def is_commit(revision: str) -> bool:
    """Whether ``revision`` is a full commit id: 40 lowercase hexadecimal digits."""
    return _COMMIT.fullmatch(revision) is not None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ModelRef:
    """What is asked for: a repository at a branch, a tag, or a commit (40 hex digits)."""

    repo: RepoId
    revision: str = "main"

    def __post_init__(self) -> None:
        revision = self.revision
        if not revision or len(revision) > 255:
            raise Invalid("revision", revision, "is empty or longer than 255 characters")
        if _BAD_REF.search(revision) or revision.startswith(("/", "-", ".")) or revision.endswith(("/", ".")):
            raise Invalid("revision", revision, "is not a name that git allows (see git check-ref-format)")
        if any(fault.rule != "path.trailing" for fault in path_faults(revision)):
            raise Invalid("revision", revision, "is not a safe path")

    @classmethod
    def parse(cls, text: str, kind: RepoKind = RepoKind.MODEL) -> ModelRef:
        """Read ``org/name`` or ``org/name@revision``.

        Raises:
            Invalid: the repository id or the revision is not one.
        """
        full_name, at, revision = text.partition("@")
        return cls(repo=RepoId.parse(full_name, kind), revision=revision if at else "main")

    @classmethod
    def read(cls, text: str, kind: RepoKind = RepoKind.MODEL) -> ModelRef:
        """Read ``org/name@revision``; without another ``kind``, ``datasets/`` before it says what it is of.

        Raises:
            Invalid: the repository id or the revision is not one.
        """
        full_name, at, revision = text.partition("@")
        repo = RepoId.read(full_name) if kind is RepoKind.MODEL else RepoId.parse(full_name, kind)
        return cls(repo=repo, revision=revision if at else "main")

    @property
    def is_pinned(self) -> bool:
        """Whether this can only ever mean one set of bytes."""
        return is_commit(self.revision)

    def __str__(self) -> str:
        return f"{self.repo.full_name}@{self.revision}"
