"""A bundle: packages of a registry, or the models of a lock, in one file that crosses an air gap.

    512 bytes                 the header of the index, whose name holds the index's sha256
    the index                 canonical JSON, then zeros up to a multiple of 512
    for each of its members   a header, the content, zeros up to a multiple of 512
    1024 zeros                the end

This is a tar archive (POSIX.1-1988, ustar; sizes from 8 GiB on in base-256 as GNU tar writes them),
so that any tar can look into it. Nothing here reads it as one: the index decides every further byte,
and what differs from it is damage.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import (
    Json,
    JsonObject,
    canonical,
    child,
    is_unicode,
    items,
    objects,
    text,
    whole,
)
from weighbridge.domain.lock import Lock
from weighbridge.domain.manifest import MAX_FILE_BYTES, FileEntry, Manifest, sha256
from weighbridge.domain.package import Version

BUNDLE_FORMAT = 1
BLOCK = 512
END = bytes(2 * BLOCK)
INDEX_LIMIT_BYTES = 64 * 1024 * 1024
"""Enough for some hundred thousand files; the index is the only part that is read whole."""
PAPER_LIMIT_BYTES = 64 * 1024 * 1024
MOST_DESCRIPTION = 100_000
NEEDED_PAPERS = ("attestation", "evidence", "verdict")
"""What the importing side looks into; the others are for people."""

_INDEX_NAME = re.compile(rb"index-([0-9a-f]{64})\.json")
_PAPER_NAME = re.compile(r"papers/[1-9][0-9]{0,5}/[a-z][a-z.]{0,39}")
_OCTAL_LIMIT = 8**11
_SIZE = slice(124, 136)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One content of a bundle. The name is a label for people; nothing is opened by it."""

    name: str
    size_bytes: int
    sha256: str

    def __post_init__(self) -> None:
        sha256(self.sha256)
        if self.name != blob_name(self.sha256) and not _PAPER_NAME.fullmatch(self.name):
            raise Invalid("member", self.name, "is no name that a bundle uses")
        if not 0 <= self.size_bytes <= MAX_FILE_BYTES:
            raise Invalid("size", self.size_bytes, f"of {self.name!r} is not a size in bytes")

    def to_json(self) -> JsonObject:
        """All fields."""
        return {"name": self.name, "size": self.size_bytes, "sha256": self.sha256}


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """One package: its files, and the sha256 of each of its papers by the paper's name.

    ``created_at`` is when it was admitted where it comes from (``YYYY-MM-DDTHH:MM:SSZ``).
    """

    manifest: Manifest
    version: Version
    papers: Mapping[str, str]
    created_at: str
    description: str = ""

    def __post_init__(self) -> None:
        if lacking := [name for name in NEEDED_PAPERS if name not in self.papers]:
            raise Invalid("package", self.label, f"comes without {', '.join(lacking)}")
        if not self.manifest.is_complete:
            raise Invalid("package", self.label, "has a file without a sha256")
        if not is_unicode(self.description):
            raise Invalid("description", self.description, "is not Unicode text")
        if len(self.description) > MOST_DESCRIPTION:
            raise Invalid("description", self.description, f"has more than {MOST_DESCRIPTION} characters")
        _ = self.day

    @property
    def day(self) -> date:
        """On which it was admitted, so that waivers of that day hold."""
        try:
            return datetime.strptime(self.created_at, "%Y-%m-%dT%H:%M:%SZ").date()
        except ValueError as error:
            raise Invalid("time", self.created_at, "is not YYYY-MM-DDTHH:MM:SSZ") from error

    @property
    def label(self) -> str:
        """``org/name@version``."""
        return f"{self.manifest.repo.full_name}@{self.version}"

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "manifest": self.manifest.to_json(),
            "version": self.version.text,
            "papers": dict(self.papers),
            "created_at": self.created_at,
            "description": self.description,
        }


@dataclass(frozen=True, kw_only=True)
class Index:
    """What a bundle holds. It has packages and the key that signed them, or a lock, never both.

    Every content that a package or the lock names is a member, once, and there is no other one.
    """

    members: tuple[Member, ...]
    packages: tuple[Packed, ...] = ()
    key_pem: str = ""
    lock: Lock = field(default_factory=Lock)
    made_by: str = ""

    def __post_init__(self) -> None:
        if bool(self.packages) == bool(self.lock.entries):
            raise Invalid("bundle", self.made_by, "holds neither packages nor models, or both")
        if self.packages and not self.key_pem:
            raise Invalid("bundle", self.made_by, "does not say by which key its packages are signed")
        if not is_unicode(self.key_pem + self.made_by):
            raise Invalid("bundle", self.made_by, "is not Unicode text")
        for what, found in (
            ("member", [member.name for member in self.members]),
            ("content", [member.sha256 for member in self.members]),
            ("package", [f"{p.manifest.repo.kind.value} {p.label.lower()}" for p in self.packages]),
        ):
            if twice := [name for name, count in Counter(found).items() if count > 1]:
                raise Invalid(what, twice[0], "stands twice in the index")
        self._require_whole()
        _ = self.git_ids

    def _require_whole(self) -> None:
        unnamed = dict(self.by_sha256)
        for sha, size, label in self._wanted():
            member = self.by_sha256.get(sha)
            if member is None:
                raise Invalid("content", label, "is no member of the bundle")
            if size is not None and member.size_bytes != size:
                raise Invalid("size", member.size_bytes, f"of {label} should be {size}")
            if size is None and member.size_bytes > PAPER_LIMIT_BYTES:
                raise Invalid("size", member.size_bytes, f"of {label} is more than {PAPER_LIMIT_BYTES}")
            unnamed.pop(sha, None)
        if unnamed:
            extra = next(iter(unnamed.values()))
            raise Invalid("member", extra.name, "belongs to nothing that the index names")

    def _wanted(self) -> Iterator[tuple[str, int | None, str]]:
        """Every content that is named: sha256, its size where it is known, what it is."""
        for packed in self.packages:
            for name, sha in packed.papers.items():
                yield sha, None, f"{packed.label}: {name}"
        for label, entry in self.files():
            yield entry.sha256 or "", entry.size_bytes, f"{label}: {entry.path}"

    def files(self) -> Iterator[tuple[str, FileEntry]]:
        """Every file of every model, with what the model is called."""
        for packed in self.packages:
            yield from ((packed.label, entry) for entry in packed.manifest.files)
        for id, locked in self.lock.entries.items():
            yield from ((id, entry) for entry in locked.manifest.files)

    @cached_property
    def by_sha256(self) -> dict[str, Member]:
        """The members by their content."""
        return {member.sha256: member for member in self.members}

    @cached_property
    def labels(self) -> dict[str, str]:
        """What each content is called where people read it: ``org/name@1.0.0: config.json``."""
        found: dict[str, str] = {}
        for sha, _, label in self._wanted():
            found.setdefault(sha, label)
        return found

    @cached_property
    def git_ids(self) -> dict[str, str]:
        """The git blob id that the manifests state beside a sha256.

        Raises:
            Invalid: two files state different ones for one content.
        """
        found: dict[str, str] = {}
        for label, entry in self.files():
            if (
                entry.git_sha1
                and entry.sha256
                and found.setdefault(entry.sha256, entry.git_sha1) != (entry.git_sha1)
            ):
                raise Invalid("git id", entry.git_sha1, f"of {label}: {entry.path} contradicts another file")
        return found

    @property
    def total_bytes(self) -> int:
        """The length of the whole bundle."""
        contents = (len(self.dumps()), *(member.size_bytes for member in self.members))
        return sum(BLOCK + padded(size) for size in contents) + len(END)

    def dumps(self) -> bytes:
        """The canonical spelling: the same contents always make the same bundle."""
        found: dict[str, Json] = {
            "bundle_format": BUNDLE_FORMAT,
            "made_by": self.made_by,
            "members": [member.to_json() for member in self.members],
        }
        if self.packages:
            found["key"] = self.key_pem
            found["packages"] = [packed.to_json() for packed in self.packages]
        else:
            found["lock"] = self.lock.dumps()
        return canonical(found)

    @classmethod
    def loads(cls, spelled: bytes) -> Index:
        """Read what ``dumps`` wrote.

        Raises:
            Invalid: it is no index, is one of a later format, or contradicts itself.
        """
        try:
            source = json.loads(spelled)
        except (ValueError, RecursionError) as error:
            raise Invalid("index", spelled[:20].decode("ascii", "replace"), "is not JSON") from error
        if not isinstance(source, dict) or whole(source, "bundle_format") is None:
            raise Invalid("index", spelled[:20].decode("ascii", "replace"), "has no bundle_format")
        if source["bundle_format"] != BUNDLE_FORMAT:
            raise Invalid(
                "bundle_format",
                source["bundle_format"],
                f"is not {BUNDLE_FORMAT}",
                hint="it was written by another version of Weighbridge: update this one",
            )
        for name in ("members", "packages"):
            if len(objects(source, name)) != len(items(source, name)):
                raise Invalid(name, "", "hold what is no object")
        made_by, locked = text(source, "made_by") or "", text(source, "lock")
        return cls(
            members=tuple(map(_member, objects(source, "members"))),
            packages=tuple(map(_packed, objects(source, "packages"))),
            key_pem=(text(source, "key") or "") if objects(source, "packages") else "",
            lock=Lock.loads(locked) if locked else Lock(),
            made_by=made_by,
        )


def _member(source: JsonObject) -> Member:
    size = whole(source, "size")
    return Member(
        name=text(source, "name") or "",
        size_bytes=-1 if size is None else size,
        sha256=text(source, "sha256") or "",
    )


def _packed(source: JsonObject) -> Packed:
    papers = child(source, "papers")
    return Packed(
        manifest=Manifest.from_json(child(source, "manifest")),
        version=Version(text(source, "version") or ""),
        papers={name: text(papers, name) or "" for name in papers},
        created_at=text(source, "created_at") or "",
        description=text(source, "description") or "",
    )


def blob_name(sha: str) -> str:
    """What the content of a model's file is called in a bundle."""
    return f"blobs/{sha}"


def index_name(spelled: bytes) -> str:
    """What the index is called: its sha256 is part of its name, so that nothing else need vouch for it."""
    return f"index-{hashlib.sha256(spelled).hexdigest()}.json"


def header(name: str, size_bytes: int) -> bytes:
    """The one tar header that a name and a size have: mode 0644, no owner, time 0."""
    size = (
        b"%011o\x00" % size_bytes
        if size_bytes < _OCTAL_LIMIT
        else b"\x80" + size_bytes.to_bytes(11, "big")  # GNU tar manual, "Extensions": base-256
    )
    zero = b"0000000\x00"
    blank = b"".join(
        (
            name.encode("ascii").ljust(100, b"\x00"),
            b"0000644\x00" + zero + zero + size + b"00000000000\x00",
            b" " * 8 + b"0" + bytes(100) + b"ustar\x0000" + bytes(64) + zero + zero,
        )
    ).ljust(BLOCK, b"\x00")
    return blank[:148] + b"%06o\x00 " % sum(blank) + blank[156:]


def index_in(block: bytes) -> tuple[str, int]:
    """The sha256 of the index and its size in bytes, out of the first block of a bundle.

    Raises:
        Invalid: the block is not the header of an index.
    """
    found = _INDEX_NAME.match(block)
    size = block[_SIZE].rstrip(b"\x00")
    if found is None or not re.fullmatch(rb"[0-7]{11}", size):
        raise Invalid("bundle", block[:20].decode("ascii", "replace"), "does not begin with an index")
    if block != header(found[0].decode(), int(size, 8)):
        raise Invalid("bundle", found[0].decode()[:20], "has a damaged first header")
    if int(size, 8) > INDEX_LIMIT_BYTES:
        raise Invalid("index", int(size, 8), f"has more than {INDEX_LIMIT_BYTES} bytes")
    return found[1].decode(), int(size, 8)


def is_like_a_bundle(block: bytes) -> bool:
    """Whether a first block was once that of a bundle, damaged or not: any other tar file is whole."""
    if block.startswith(b"index-"):
        return True
    total = sum(block[:148]) + 8 * ord(" ") + sum(block[156:BLOCK])
    return block[257:265] == b"ustar\x0000" and block[148:154] != b"%06o" % total


def padded(size_bytes: int) -> int:
    """A size rounded up to whole blocks."""
    return -(-size_bytes // BLOCK) * BLOCK
