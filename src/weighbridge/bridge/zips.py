"""A package as one zip: its files and, beside them, its papers. Made while it is read (see ``packing``)."""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from weighbridge.adapters.crc32s import Crc32s
from weighbridge.bridge.access import require
from weighbridge.bridge.packages import Packages
from weighbridge.bridge.papers import FILES, Papers
from weighbridge.domain.access import Permission, Principal
from weighbridge.domain.json_values import canonical
from weighbridge.domain.package import Package, PackageState
from weighbridge.domain.ref import RepoId
from weighbridge.domain.zip_layout import Member, Span, ZipLayout, papers_folder
from weighbridge.errors import Disabled, NotFound, SizeMismatch, StoreDown
from weighbridge.ports import BlobStore

_KEPT = 64
"""Layouts that are kept in memory: some kilobytes each, and papers that take milliseconds to write."""
_PAPERS = ("verdict", "licence", "bom", "attestation")
"""What goes in; the evidence does not: what it says of private base models is not for all."""


@dataclass(frozen=True, kw_only=True)
class ServedZip:
    """The zip of a package, ready to be sent."""

    package: Package
    layout: ZipLayout
    blobs: BlobStore

    def open(self, start: int, stop: int) -> ZipReader:
        """The bytes ``[start, stop)``."""
        return ZipReader(self.layout, self.blobs, start, stop)


def zip_name(package: Package) -> str:
    """What the file may be called: ``org-name-1.0.0.zip``."""
    return f"{package.manifest.repo.spelled.replace('/', '-')}-{package.version}.zip"


class Zips:
    """The verb; ``Packages`` decides who may see the package, ``downloaded`` counts, ``sent`` tells
    the audit.
    """

    def __init__(
        self,
        packages: Packages,
        papers: Papers,
        blobs: BlobStore,
        sums: Crc32s,
        downloaded: Callable[[RepoId], None],
        sent: Callable[[str, RepoId, str, str, int], None],
    ) -> None:
        self._packages, self._papers, self._blobs = packages, papers, blobs
        self._sums, self._downloaded, self._sent = sums, downloaded, sent
        self._layouts: OrderedDict[str, ZipLayout] = OrderedDict()
        self._guard = threading.Lock()

    def package(self, principal: Principal, id: str) -> Package:
        """A package that this principal may have as a zip.

        Raises:
            NotAuthenticated, NotPermitted: without ``download``.
            NoSuchPackage: there is none, or this principal may not see it.
            Disabled: it was withdrawn or deleted.
            Gated: its repository is gated, and this principal was not let in.
        """
        require(principal, Permission.DOWNLOAD)
        package = self._packages.package(principal, id)
        self._packages.require_open(principal, package.manifest.repo)
        if package.state is not PackageState.ACTIVE:
            raise Disabled(f"'{package.name}@{package.version}' was {package.state}: {package.state_reason}")
        return package

    def zip(self, principal: Principal, id: str) -> ServedZip:
        """A package as a zip; the first one of a package reads all of its bytes once.

        Raises:
            StoreDown: the store fails, or lost a file.
            What ``package`` raises.
        """
        package = self.package(principal, id)
        with self._guard:
            layout = self._layouts.get(id)
        if layout is None:
            layout = self._laid_out(principal, package)
            with self._guard:
                self._layouts[id] = layout
                while len(self._layouts) > _KEPT:
                    self._layouts.popitem(last=False)
        return ServedZip(package=package, layout=layout, blobs=self._blobs)

    def sent(self, principal: Principal, package: Package, start: int, stop: int) -> None:
        """The sending of the bytes ``[start, stop)`` has begun; from the first on it counts as a download."""
        manifest = package.manifest
        if start == 0:
            self._downloaded(manifest.repo)
        self._sent(principal.name, manifest.repo, manifest.commit, zip_name(package), stop - start)

    def _laid_out(self, principal: Principal, package: Package) -> ZipLayout:
        files = package.manifest.files
        sums = self._sums.of(package.id, [f.sha256 for f in files if f.sha256], self._opened)
        members = [
            Member(name=f.path, size_bytes=f.size_bytes, crc32=sums[f.sha256], content=f.sha256)
            for f in files
            if f.sha256
        ]
        folder, papers = papers_folder([f.path for f in files]), self._papers.all_of(principal, package.id)
        for paper in _PAPERS:
            content = canonical(papers[paper])
            members.append(
                Member(
                    name=f"{folder}/{FILES[paper]}",
                    size_bytes=len(content),
                    crc32=zlib.crc32(content),
                    content=content,
                )
            )
        return ZipLayout(tuple(members))

    def _opened(self, sha256: str) -> BinaryIO:
        return opened(self._blobs, sha256)


class ZipReader:
    """The bytes of a stretch of a zip, in order; holds one file open."""

    def __init__(self, layout: ZipLayout, blobs: BlobStore, start: int, stop: int) -> None:
        self._blobs, self._spans = blobs, layout.spans(start, stop)
        self._span: Span | None = None
        self._file: BinaryIO | None = None
        self._begin()

    def read(self, count: int) -> bytes:
        """The next bytes: at most ``count``, at least one, none at the end.

        Raises:
            StoreDown: the store fails, or lost a file.
            SizeMismatch: a file is shorter than it was.
        """
        pieces, left = [], count
        while left and self._span is not None:
            pieces.append(self._piece(self._span, left))
            left -= len(pieces[-1])
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _piece(self, span: Span, count: int) -> bytes:
        """The next bytes of one content; goes on to the next content at its end."""
        count = min(count, span.stop - self._at)
        if isinstance(span.content, bytes):
            piece = span.content[self._at : self._at + count]
        else:
            if self._file is None:
                self._file = opened(self._blobs, span.content)
                self._file.seek(self._at)
            piece = self._file.read(count)
            if not piece:
                raise SizeMismatch(span.content, wanted=span.stop, got=self._at)
        self._at += len(piece)
        if self._at == span.stop:
            self.close()
            self._begin()
        return piece

    def _begin(self) -> None:
        self._span = next(self._spans, None)
        self._at = self._span.start if self._span else 0

    def close(self) -> None:
        """Close the file that is open; closing twice is fine."""
        if self._file is not None:
            self._file.close()
            self._file = None


def opened(blobs: BlobStore, sha256: str) -> BinaryIO:
    """A content that a package names.

    Raises:
        StoreDown: the store fails, or lost it.
    """
    try:
        return blobs.open(sha256)
    except NotFound as error:
        raise StoreDown(
            f"the store has lost sha256:{sha256}", hint="another ingestion of the package brings it back"
        ) from error
