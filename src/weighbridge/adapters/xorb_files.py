"""The xorbs that clients sent, as files, each namespace by itself.

    <home>/xorbs-v1/id                                   names this collection; another one, another name
    <home>/xorbs-v1/<namespace>/<ab>/<hash>              as it was sent, without its footer
    <home>/xorbs-v1/<namespace>/<ab>/<hash>.table        what is in it; whoever has one is known

A client remembers for three weeks what it has sent and then only names it, so a xorb stays for
longer than that after its last use.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from weighbridge.adapters.room import Room
from weighbridge.errors import StoreDown

KEPT_S = 24 * 24 * 3600.0
"""Twenty-four days after its last use a xorb may go: the client's memory is three weeks long."""
_ROOM_BYTES = 64 << 20  # most xorbs are nearly as large as they may be
_BEGUN_KEPT_S = 24 * 3600.0
_OWNER, _NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*"), re.compile(r"[0-9a-f]{64}")


class XorbFiles:
    """Xorbs by namespace and name (64 hex digits). Every method raises StoreDown where the disk fails."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "xorbs-v1"

    def id(self) -> str:
        """The name of this collection, made at the first call."""
        place = self._folder / "id"
        with self._medium():
            if not place.exists():
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                made = self._folder / f"id.{secrets.token_hex(8)}"
                made.write_text(secrets.token_hex(8))
                with suppress(FileExistsError):
                    os.link(made, place)  # whoever comes second takes the first one's
                made.unlink()
            return place.read_text()

    @contextmanager
    def writing(self, owner: str, name: str) -> Iterator[BinaryIO]:
        """A file for the bytes of a xorb that becomes visible with ``keep``; else it is removed.

        An OSError within the block counts as the disk's.
        """
        with self._medium():
            place = self._place(owner, name)
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            begun = place.with_name(f"{name}.{secrets.token_hex(8)}.begun")
            file = begun.open("xb")
        try:
            with self._medium(), file:
                Room(file.fileno(), _ROOM_BYTES, step_bytes=_ROOM_BYTES).until(1)
                yield file
        finally:
            begun.unlink(missing_ok=True)

    def keep(self, file: BinaryIO, owner: str, name: str, size_bytes: int, table: bytes) -> None:
        """Make what ``writing`` gave visible: its first bytes, and what was found to be in them."""
        place = self._place(owner, name)
        with self._medium():
            file.flush()
            file.truncate(size_bytes)
            os.fsync(file.fileno())
            Path(file.name).replace(place)
            begun = place.with_name(f"{name}.{secrets.token_hex(8)}.begun")
            begun.write_bytes(table)
            begun.replace(place.with_name(f"{name}.table"))

    def table(self, owner: str, name: str) -> bytes | None:
        """What is in a xorb, as it was kept; None where the namespace has no such xorb."""
        place = self._place(owner, name).with_name(f"{name}.table")
        with self._medium(), suppress(FileNotFoundError):
            os.utime(place)  # used: it stays for as long again
            return place.read_bytes()
        return None

    @contextmanager
    def opened(self, owner: str, name: str) -> Iterator[BinaryIO]:
        """The bytes of a xorb that is known."""
        with self._medium():
            file = self._place(owner, name).open("rb")
        with file:
            yield file

    def sweep(self, older_than_s: float = KEPT_S) -> int:
        """Remove what was not used for so long, and what was begun a day ago; gives the bytes freed."""
        now, freed = time.time(), 0
        with self._medium():
            for found in [*self._folder.glob("*/??/*")]:
                with suppress(FileNotFoundError):
                    begun = found.name.endswith(".begun")
                    if begun and now - found.stat().st_mtime > _BEGUN_KEPT_S:
                        freed += _removed(found)
                    if found.name.endswith(".table") and now - found.stat().st_mtime > older_than_s:
                        freed += _removed(found) + _removed(found.with_suffix(""))
        return freed

    def _place(self, owner: str, name: str) -> Path:
        if not _OWNER.fullmatch(owner) or not _NAME.fullmatch(name):
            raise ValueError("a namespace or a xorb's name that was checked before is none")
        return self._folder / owner.lower() / name[:2] / name

    @contextmanager
    def _medium(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            cause = error.strerror or str(error)
            raise StoreDown(f"the store of xorbs at '{self._folder}' failed: {cause}") from error


def _removed(place: Path) -> int:
    size = place.stat().st_size
    place.unlink()
    return size
