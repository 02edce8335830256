"""The xorbs that clients sent, as files, each namespace by itself.

    <home>/xorbs-v2/id                           names this collection; another one, another name
    <home>/xorbs-v2/<namespace>/<ab>/<hash>      a xorb and what is in it, whole once it has this name

    a file:  the xorb as it was sent, without its footer | its table | both lengths, u32 each

A client remembers for three weeks what it has sent and then only names it, so a xorb stays for
longer than that after its last use. ``xorbs-v1`` had two files for each; it is swept, and as the
collection has another name than it had, clients send what they need again.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from weighbridge.adapters.direct import DirectReader, DirectWriter
from weighbridge.adapters.part_file import sync_folder
from weighbridge.errors import StoreDown

KEPT_S = 24 * 24 * 3600.0
"""Twenty-four days after its last use a xorb may go: the client's memory is three weeks long."""
_BEGUN_KEPT_S = 24 * 3600.0
_OWNER, _NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*"), re.compile(r"[0-9a-f]{64}")
_END = struct.Struct("<II")


class Begun:
    """A xorb that is being written; nobody sees it before it is kept."""

    def __init__(self, folder: Path, place: Path) -> None:
        self._folder, self._place = folder, place
        self._path = place.with_name(f"{place.name}.{secrets.token_hex(8)}.begun")
        with _medium(folder):
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._writer = DirectWriter(self._file)

    def write(self, piece: bytes | memoryview) -> None:
        """Append what came."""
        with _medium(self._folder):
            self._writer.write(piece)

    def keep(self, size_bytes: int, table: bytes) -> None:
        """Make it visible: its first ``size_bytes``, and what was found to be in them."""
        end = table + _END.pack(size_bytes, len(table))
        with _medium(self._folder):
            self._writer.finish()
            os.ftruncate(self._file, size_bytes)
            behind = DirectWriter(self._file, size_bytes)
            behind.write(end)
            behind.finish()
            os.fsync(self._file)
            self._path.replace(self._place)
            sync_folder(self._place.parent)

    def close(self) -> None:
        """Remove what was not kept."""
        os.close(self._file)
        self._path.unlink(missing_ok=True)


class XorbFiles:
    """Xorbs by namespace and name (64 hex digits). Every method raises StoreDown where the disk fails."""

    def __init__(self, home: Path) -> None:
        self._folder, self._former = home / "xorbs-v2", home / "xorbs-v1"

    def id(self) -> str:
        """The name of this collection, made at the first call."""
        place = self._folder / "id"
        with _medium(self._folder):
            if not place.exists():
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                made = self._folder / f"id.{secrets.token_hex(8)}"
                made.write_text(secrets.token_hex(8))
                with suppress(FileExistsError):
                    os.link(made, place)  # whoever comes second takes the first one's
                made.unlink()
            return place.read_text()

    @contextmanager
    def writing(self, owner: str, name: str) -> Iterator[Begun]:
        """A place for the bytes of a xorb; what is not kept within the block is removed after it."""
        begun = Begun(self._folder, self._place(owner, name))
        try:
            yield begun
        finally:
            begun.close()

    def has(self, owner: str, name: str) -> bool:
        """Whether the namespace has this xorb. Asking is using: it stays for as long again."""
        with _medium(self._folder), suppress(FileNotFoundError):
            os.utime(self._place(owner, name))
            return True
        return False

    def table(self, owner: str, name: str, start: int, stop: int) -> bytes | None:
        """The bytes from ``start`` to ``stop`` of what is in a xorb, fewer if it ends before.

        None where the namespace has no such xorb. Asking is using.
        """
        if not self.has(owner, name):
            return None
        with _medium(self._folder), suppress(FileNotFoundError), self._place(owner, name).open("rb") as file:
            file.seek(-_END.size, os.SEEK_END)
            size, length = _END.unpack(file.read(_END.size))
            file.seek(size + start)
            return file.read(max(min(stop, length) - start, 0))
        return None

    @contextmanager
    def opened(self, owner: str, name: str) -> Iterator[Callable[[int, int], memoryview]]:
        """What reads a xorb that is known, from one of its bytes to another (see ``DirectReader.read``)."""
        with _medium(self._folder):
            file = os.open(self._place(owner, name), os.O_RDONLY)
        try:
            reader = DirectReader(file)

            def read(start: int, stop: int) -> memoryview:
                with _medium(self._folder):
                    return reader.read(start, stop)

            yield read
        finally:
            os.close(file)

    def sweep(self, older_than_s: float = KEPT_S) -> int:
        """Remove what was not used for so long, and what was begun a day ago; gives the bytes freed."""
        now, freed = time.time(), 0
        with _medium(self._folder):
            for found in [*self._folder.glob("*/??/*")]:
                kept_s = _BEGUN_KEPT_S if found.suffix == ".begun" else older_than_s
                with suppress(FileNotFoundError):
                    there = found.stat()
                    if now - there.st_mtime > kept_s:
                        found.unlink()
                        freed += there.st_size
            shutil.rmtree(self._former, ignore_errors=True)
        return freed

    def _place(self, owner: str, name: str) -> Path:
        if not _OWNER.fullmatch(owner) or not _NAME.fullmatch(name):
            raise ValueError("a namespace or a xorb's name that was checked before is none")
        return self._folder / owner.lower() / name[:2] / name


@contextmanager
def _medium(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        cause = error.strerror or str(error)
        raise StoreDown(f"the store of xorbs at '{folder}' failed: {cause}") from error
