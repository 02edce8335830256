"""A large content that is sent in parts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import sha256 as sha256_digest

MOST_PARTS = 1000
"""More are never made of one content: each costs an address in an answer."""
_MIB = 1 << 20
_UPLOAD = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartedContent:
    """A content of ``size_bytes`` that comes in parts of ``part_bytes``, the last one what is left.

    ``upload`` (32 hex digits) tells it from every other sending of the same content: nobody goes on
    from what somebody else has sent.

    Raises:
        Invalid: these make no content of one to ``MOST_PARTS`` parts.
    """

    upload: str
    sha256: str
    size_bytes: int
    part_bytes: int

    def __post_init__(self) -> None:
        sha256_digest(self.sha256)
        if not _UPLOAD.fullmatch(self.upload):
            raise Invalid("name of an upload", self.upload, "is not 32 hex digits")
        if self.size_bytes < 1 or self.part_bytes < 1 or self.count > MOST_PARTS:
            raise Invalid("size of a part", self.part_bytes, f"fits no content of {self.size_bytes} bytes")

    @property
    def count(self) -> int:
        """How many parts there are; they are numbered from 1."""
        return -(-self.size_bytes // self.part_bytes)

    def span(self, number: int) -> tuple[int, int]:
        """Where a part stands in the content: ``[start, stop)`` in bytes.

        Raises:
            Invalid: there is no part of this number.
        """
        if not 1 <= number <= self.count:
            raise Invalid("part", number, f"is none of the {self.count} parts of this upload")
        start = (number - 1) * self.part_bytes
        return start, min(start + self.part_bytes, self.size_bytes)


def part_size(size_bytes: int, wanted_bytes: int) -> int:
    """How large the parts of a content are made: as wanted, or larger if there would be too many.

    Those of a MiB and more are whole numbers of MiB: they begin at the blocks of any disk.
    """
    least = max(wanted_bytes, -(-size_bytes // MOST_PARTS))
    return least if least < _MIB else -(-least // _MIB) * _MIB
