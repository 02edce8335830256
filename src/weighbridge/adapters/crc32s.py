"""The CRC-32 of the contents of a package, kept between processes: a zip cannot be laid out without.

    <home>/crc32s-v1/<ab>/<package id>.json      {sha256: CRC-32}

A memory and not a source of truth: what cannot be read is computed again. A content never changes, so
nothing that is kept is ever out of date.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from weighbridge.domain.json_values import canonical

_PIECE_BYTES = 1 << 20
_THREADS = 2
"""Computing is as fast as the disk on one or two cores; more would only take them from others."""


class Crc32s:
    """The sums below one home; safe for threads and processes."""

    def __init__(self, home: Path) -> None:
        self._root, self._tmp = home / "crc32s-v1", home / "tmp"

    def of(self, name: str, wanted: Sequence[str], opened: Callable[[str], BinaryIO]) -> Mapping[str, int]:
        """The sum of every content in ``wanted`` (sha256), which are those of the package ``name``.

        Raises:
            What ``opened`` and the files that it gives raise.
        """
        known = self._known(name)
        lacking = [sha256 for sha256 in dict.fromkeys(wanted) if sha256 not in known]
        if lacking:
            with ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="crc32") as pool:
                sums = pool.map(lambda sha256: _sum(opened(sha256)), lacking)
                known = {**known, **dict(zip(lacking, sums, strict=True))}
            self._keep(name, known)
        return known

    def _place(self, name: str) -> Path:
        spelled = hashlib.sha256(name.encode()).hexdigest()
        return self._root / spelled[:2] / f"{spelled}.json"

    def _known(self, name: str) -> dict[str, int]:
        with suppress(OSError, ValueError, RecursionError):
            found = json.loads(self._place(name).read_bytes())
            if isinstance(found, dict):
                return {key: value for key, value in found.items() if _is_sum(value)}
        return {}

    def _keep(self, name: str, known: Mapping[str, int]) -> None:
        place, fresh = self._place(name), self._tmp / f"crc32s-{os.urandom(8).hex()}"
        with suppress(OSError):
            for folder in (place.parent, self._tmp):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                fresh.write_bytes(canonical(dict(known)))
                fresh.replace(place)
            finally:
                fresh.unlink(missing_ok=True)


def _is_sum(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 32


def _sum(file: BinaryIO) -> int:
    total, buffer = 0, memoryview(bytearray(_PIECE_BYTES))
    with file:
        while count := file.readinto(buffer):  # type: ignore[attr-defined]  # BinaryIO lacks it, all have it
            total = zlib.crc32(buffer[:count], total)
    return total
