"""Uploads by Xet: xorbs are checked and kept, a shard puts files together from them.

Every hash is computed here: a xorb is kept under the name that its chunks have, a file is what
its terms make, and becomes a blob only under its own sha256. A shard may use the xorbs of its
sender's namespace and no others.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from threading import Lock

from weighbridge.adapters.xorb_files import XorbFiles
from weighbridge.bridge.repos import Repos
from weighbridge.domain.access import Principal
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.ref import RepoId
from weighbridge.xet.chunks import Chunk, Scheme, chunks_bytes
from weighbridge.xet.claims import verify_listing, verify_reconstruction
from weighbridge.xet.hashes import XetHash, hash_text, parse_hash
from weighbridge.xet.shards import MAX_SHARD_BYTES, Reconstruction, Term, parse_shard
from weighbridge.xet.xorbs import MAX_PACKED_XORB_BYTES, XorbReader, require_hash

XORB_LIMIT_BYTES, SHARD_LIMIT_BYTES = MAX_PACKED_XORB_BYTES, MAX_SHARD_BYTES
_ROW = struct.Struct("<32sIIIIB")
_SWEPT_EVERY_S = 3600.0


class XetDesk:
    """One method per verb; the caller made sure that the sender may write into the namespace."""

    def __init__(self, files: XorbFiles, repos: Repos) -> None:
        self._files, self._repos = files, repos
        self._swept, self._guard, self._turns = 0.0, Lock(), _Turns()

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
        if self._files.has(namespace, name):
            for _ in pieces:
                pass  # a client that is still sending would not see the answer
            return False
        reader = XorbReader()
        with self._files.writing(namespace, name) as begun:
            for piece in pieces:
                reader.feed(piece)
                begun.write(piece)
            xorb = reader.finish()
            require_hash(xorb, wanted)
            begun.keep(xorb.packed_length, _table(xorb.chunks))
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
        length = file.length  # summed over all of its terms
        wanted = ((file.sha256, length),)
        with self._turns.turn(namespace, file.sha256):
            if not self._repos.lfs_missing(principal, repo, wanted, proposing=True):
                return
            verify_reconstruction(file, lambda term: self._leaves(namespace, term))
            pieces = self._bytes(namespace, file)
            self._repos.receive(principal, repo, file.sha256, length, pieces)

    def _leaves(self, namespace: str, term: Term) -> list[tuple[XetHash, int]] | None:
        table = self._table(namespace, term)
        return None if table is None else [(chunk.hash, chunk.length) for chunk in _chunks(table)]

    def _table(self, namespace: str, term: Term) -> bytes | None:
        """Only the part that the term names: a shard may have as many terms as a xorb has chunks."""
        start, stop = term.start * _ROW.size, term.end * _ROW.size
        return self._files.table(namespace, hash_text(term.xorb_hash), start, stop)

    def _bytes(self, namespace: str, file: Reconstruction) -> Iterator[bytes | memoryview]:
        for name, terms in groupby(file.terms, lambda term: term.xorb_hash):
            with self._files.opened(namespace, hash_text(name)) as read:
                for term in terms:
                    table = self._table(namespace, term) or b""
                    for piece in chunks_bytes(read, _chunks(table)):
                        yield piece if isinstance(piece, bytes) else memoryview(piece)

    def _sweep(self) -> None:
        with self._guard:
            if time.monotonic() - self._swept < _SWEPT_EVERY_S and self._swept:
                return
            self._swept = time.monotonic()
        self._files.sweep()
        self._repos.sweep()


class _Turns:
    """One at a time for each name.

    A client whose proxy did not wait for the answer sends the shard again while the file is still
    being put together: it shall find the file, and not make it once more beside the first one.
    """

    def __init__(self) -> None:
        self._guard = Lock()
        self._waiting: dict[tuple[str, ...], tuple[Lock, int]] = {}

    @contextmanager
    def turn(self, *name: str) -> Iterator[None]:
        with self._guard:
            lock, users = self._waiting.get(name, (Lock(), 0))
            self._waiting[name] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, users = self._waiting.pop(name)
                if users > 1:
                    self._waiting[name] = lock, users - 1


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
