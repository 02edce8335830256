"""A back-up: a whole registry in one file, to be restored into an empty one.

    512 bytes                 the header of the index, whose name holds the index's sha256
    the index                 JSON, then zeros up to a multiple of 512
    for each of its members   a header, the content, zeros up to a multiple of 512
    for each stored content   the same, in the order of the member ``contents.txt``
    1024 zeros                the end

A tar archive as bundles are (see ``domain.bundle``), so that any tar can look into it. The rows of the
catalogue are JSON lines, the same from every kind of database.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass

from weighbridge.domain.bundle import BLOCK, header, padded
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, canonical, objects, text, whole
from weighbridge.domain.manifest import MAX_FILE_BYTES, sha256

BACKUP_FORMAT = 1
ROWS, CONTENTS, POLICY = "rows.jsonl", "contents.txt", "policy.yaml"
KEYS = ("attestation.key", "signing.key")
INDEX_LIMIT_BYTES = 1 << 20

_INDEX_NAME = re.compile(rb"backup-([0-9a-f]{64})\.json\x00")
_LINE = re.compile(rb"([0-9a-f]{64}) ([0-9]{1,15})\n")
_SIZE = slice(124, 135)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A member of a back-up that is no stored content."""

    name: str
    size_bytes: int
    sha256: str

    def __post_init__(self) -> None:
        sha256(self.sha256)
        if self.name not in (ROWS, CONTENTS, POLICY, *KEYS):
            raise Invalid("member", self.name, "is no name that a back-up uses")
        if not 0 <= self.size_bytes <= MAX_FILE_BYTES:
            raise Invalid("size", self.size_bytes, f"of {self.name!r} is not a size in bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupIndex:
    """What a back-up holds; ``step`` is that of the tables, ``made_at`` an ISO time."""

    made_by: str
    made_at: str
    step: str
    parts: tuple[Part, ...]
    contents: int
    contents_bytes: int

    def __post_init__(self) -> None:
        names = Counter(part.name for part in self.parts)
        if names[ROWS] != 1 or names[CONTENTS] != 1 or max(names.values()) > 1:
            raise Invalid("back-up", sorted(names), "lacks a member, or names one twice")

    @property
    def by_name(self) -> dict[str, Part]:
        """The members by their names."""
        return {part.name: part for part in self.parts}

    @property
    def most_bytes(self) -> int:
        """A size that the whole file does not exceed."""
        parts = sum(BLOCK + padded(part.size_bytes) for part in self.parts)
        return 2 * BLOCK + padded(len(self.dumps())) + parts + self.contents_bytes + 2 * BLOCK * self.contents

    def dumps(self) -> bytes:
        """The canonical spelling."""
        return canonical(
            {
                "backup_format": BACKUP_FORMAT,
                "made_by": self.made_by,
                "made_at": self.made_at,
                "step": self.step,
                "members": [
                    {"name": part.name, "size": part.size_bytes, "sha256": part.sha256} for part in self.parts
                ],
                "contents": self.contents,
                "contents_bytes": self.contents_bytes,
            }
        )

    @classmethod
    def loads(cls, spelled: bytes) -> BackupIndex:
        """Read what ``dumps`` wrote.

        Raises:
            Invalid: it is no index, is one of another format, or contradicts itself.
        """
        try:
            source = json.loads(spelled)
        except (ValueError, RecursionError) as error:
            raise Invalid("index", spelled[:20].decode("ascii", "replace"), "is not JSON") from error
        if not isinstance(source, dict) or source.get("backup_format") != BACKUP_FORMAT:
            raise Invalid(
                "backup_format",
                str(source)[:40],
                f"is not {BACKUP_FORMAT}",
                hint="it was written by another version of Weighbridge: update this one",
            )
        return cls(
            made_by=text(source, "made_by") or "",
            made_at=text(source, "made_at") or "",
            step=text(source, "step") or "",
            parts=tuple(map(_part, objects(source, "members"))),
            contents=whole(source, "contents") or 0,
            contents_bytes=whole(source, "contents_bytes") or 0,
        )


def _part(source: JsonObject) -> Part:
    size = whole(source, "size")
    return Part(
        name=text(source, "name") or "",
        size_bytes=-1 if size is None else size,
        sha256=text(source, "sha256") or "",
    )


def backup_head(spelled: bytes) -> bytes:
    """The first block: the header of the index."""
    return header(f"backup-{hashlib.sha256(spelled).hexdigest()}.json", len(spelled))


def index_of(block: bytes) -> tuple[str, int]:
    """The sha256 of the index and its size in bytes, out of the first block of a back-up.

    Raises:
        Invalid: the block is not the header of an index.
    """
    found, size = _INDEX_NAME.match(block), block[_SIZE]
    if found is None or not re.fullmatch(rb"[0-7]{11}", size):
        raise Invalid("back-up", block[:20].decode("ascii", "replace"), "does not begin with an index")
    name, count = found[0][:-1].decode(), int(size, 8)
    if block != header(name, count) or count > INDEX_LIMIT_BYTES:
        raise Invalid("back-up", name[:20], "has a damaged first header")
    return found[1].decode(), count


def content_line(sha: str, size_bytes: int) -> bytes:
    """A line of ``contents.txt``."""
    return f"{sha} {size_bytes}\n".encode()


def content_in(line: bytes) -> tuple[str, int]:
    """The sha256 and the size in bytes that a line of ``contents.txt`` says.

    Raises:
        Invalid: it is no such line.
    """
    found = _LINE.fullmatch(line)
    if found is None:
        raise Invalid("content", line[:40].decode("ascii", "replace"), "is no line of a list of contents")
    return found[1].decode(), int(found[2])
