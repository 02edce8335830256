"""Uploads by Xet: xorbs are checked and kept, a shard puts files together from them.

Every hash is computed here: a xorb is kept under the name that its chunks have, a file is what
its terms make, and becomes a blob only under its own sha256. A shard may use the xorbs of its
sender's namespace and no others.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from threading import Lock

from weighbridge.adapters.xorb_files import XorbFiles
from weighbridge.bridge.repos import Repos
from weighbridge.domain.access import Principal
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.ref import RepoId
from weighbridge.xet.claims import verify_listing, verify_reconstruction
from weighbridge.xet.hashes import XetHash, hash_text, parse_hash
from weighbridge.xet.shards import MAX_SHARD_BYTES, Reconstruction, parse_shard
from weighbridge.xet.xorbs import (
    MAX_PACKED_XORB_BYTES,
    Chunk,
    Scheme,
    XorbReader,
    chunks_bytes,
    require_hash,
)

XORB_LIMIT_BYTES, SHARD_LIMIT_BYTES = MAX_PACKED_XORB_BYTES, MAX_SHARD_BYTES
_ROW = struct.Struct("<32sIIIIB")
_SWEPT_EVERY_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    chunks: tuple[Chunk, ...]

    @property
    def leaves(self) -> tuple[tuple[XetHash, int], ...]:
        return tuple((chunk.hash, chunk.length) for chunk in self.chunks)


class XetDesk:
    """One method per verb; the caller made sure that the sender may write into the namespace."""

    def __init__(self, files: XorbFiles, repos: Repos) -> None:
        self._files, self._repos = files, repos
        self._swept, self._guard = 0.0, Lock()

    def collection(self) -> str:
        """The name of what is kept here: a client's memory of it is worth nothing elsewhere."""
        self._sweep()
        return self._files.id()

    def take_xorb(self, namespace: str, name: str, pieces: Iterable[bytes]) -> bool:
        """Keep a xorb; whether it is new.

        Raises:
            Invalid: it is none, or has another name; nothing is kept.
            StoreDown: the disk fails.
            Whatever ``pieces`` raises; nothing is kept.
        """
        wanted = parse_hash(name)
        if self._files.table(namespace, name) is not None:
            for _ in pieces:
                pass  # a client that is still sending would not see the answer
            return False
        reader = XorbReader()
        with self._files.writing(namespace, name) as file:
            for piece in pieces:
                reader.feed(piece)
                file.write(piece)
            xorb = reader.finish()
            require_hash(xorb, wanted)
            self._files.keep(file, namespace, name, xorb.packed_length, _table(xorb.chunks))
        return True

    def take_shard(self, principal: Principal, repo: RepoId, namespace: str, shard: bytes) -> None:
        """Put the files of a shard together and take each in under its sha256.

        Raises:
            Invalid: the shard is none, or not true; it names xorbs that this namespace never sent.
            DigestMismatch: a file is not what its sha256 says.
            BadInput: a file is larger than may be.
            StoreDown: the disk fails.
        """
        parsed = parse_shard(shard)
        for listing in parsed.xorbs:
            verify_listing(listing)
        for file in parsed.files:
            self._take_file(principal, repo, namespace, file)

    def _take_file(self, principal: Principal, repo: RepoId, namespace: str, file: Reconstruction) -> None:
        if file.sha256 is None:
            raise Invalid("file", hash_text(file.file_hash), "comes without its sha256")
        wanted = ((file.sha256, file.length),)
        if not self._repos.lfs_missing(principal, repo, wanted, proposing=True):
            return
        names = {term.xorb_hash for term in file.terms}
        found = {name: self._known(namespace, name) for name in names}
        known = {name: xorb for name, xorb in found.items() if xorb is not None}
        verify_reconstruction(file, {name: xorb.leaves for name, xorb in known.items()})
        pieces = self._bytes(namespace, file, known)
        self._repos.receive(principal, repo, file.sha256, file.length, pieces)

    def _known(self, namespace: str, name: XetHash) -> _Known | None:
        table = self._files.table(namespace, hash_text(name))
        return None if table is None else _Known(chunks=tuple(_chunks(table)))

    def _bytes(
        self, namespace: str, file: Reconstruction, known: Mapping[XetHash, _Known]
    ) -> Iterator[bytes | memoryview]:
        for term in file.terms:
            with self._files.opened(namespace, hash_text(term.xorb_hash)) as source:
                mapped = mmap(source.fileno(), 0, access=ACCESS_READ)
            # the mapping goes with the last view on it
            for piece in chunks_bytes(mapped, known[term.xorb_hash].chunks[term.start : term.end]):
                yield piece if isinstance(piece, bytes) else memoryview(piece)

    def _sweep(self) -> None:
        with self._guard:
            if time.monotonic() - self._swept < _SWEPT_EVERY_S and self._swept:
                return
            self._swept = time.monotonic()
        self._files.sweep()
        self._repos.sweep()


def _table(chunks: Iterable[Chunk]) -> bytes:
    return b"".join(
        _ROW.pack(c.hash, c.offset, c.length, c.packed_offset, c.packed_length, c.scheme) for c in chunks
    )


def _chunks(table: bytes) -> Iterator[Chunk]:
    for name, offset, length, packed_offset, packed_length, scheme in _ROW.iter_unpack(table):
        yield Chunk(
            hash=XetHash(name),
            offset=offset,
            length=length,
            packed_offset=packed_offset,
            packed_length=packed_length,
            scheme=Scheme(scheme),
        )
