"""The zips of packages in a bucket: each is written once, in one pass, and goes with its package.

    <bucket>/<prefix>/<org>/<name>/<version>/package.zip

Whoever lists a package writes its zip then; what a kill or a failing bucket left is written by any server
or worker later. The catalogue has a row before there is an object, so that none is forgotten. Where the
store is a folder nothing is written at all.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic

from weighbridge.adapters.blobs_s3 import Bucket
from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge.jobs import Jobs
from weighbridge.bridge.zips import ServedZip, Zips, zip_name
from weighbridge.domain.access import LOCAL, Principal
from weighbridge.domain.kept_zip import KeptZip, zip_key
from weighbridge.domain.package import Package
from weighbridge.errors import Disabled, NoSuchPackage, StoreDown, WeighbridgeError

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/zip"
_LOOKS_S = 30.0
_AGAIN_S, _AGAIN_MOST_S = 60.0, 3600.0
"""When a zip that could not be written is tried again: at first, and at most after so long."""
_FAILURES = 3
"""After so many in a row it is the bucket that fails, and the rest can wait."""
_AT_ONCE = 1000
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipElsewhere:
    """A zip that a client can read by itself; whoever knows ``url`` can, for an hour."""

    package: Package
    zip: KeptZip
    url: str


class Packing:
    """Writes as the worker that does the jobs here, so that a zip belongs to nobody once that is dead."""

    def __init__(self, catalog: Catalog, bucket: Bucket | None, zips: Zips, jobs: Jobs) -> None:
        self._catalog, self._bucket, self._zips, self._jobs = catalog, bucket, zips, jobs
        self._guard, self._at_work = threading.Lock(), set[str]()
        self._later: dict[str, tuple[float, float]] = {}
        self._closing = threading.Event()

    def kept(self, packages: Collection[str]) -> Mapping[str, KeptZip]:
        """Which of these packages have a zip in the bucket, by their ids."""
        return self._catalog.kept_zips(self._bucket.name, packages) if self._bucket is not None else {}

    def elsewhere(self, principal: Principal, id: str) -> ZipElsewhere | None:
        """Where a client can read a package's zip; None: only here.

        Raises:
            What ``Zips.package`` raises.
        """
        package = self._zips.package(principal, id)
        found = self.kept([id]).get(id)
        url = self._bucket.address(found.key) if self._bucket is not None and found else None
        return ZipElsewhere(package=package, zip=found, url=url) if found and url else None

    def pack(self, id: str) -> None:
        """Write a package's zip, unless it is there, or somebody is at it.

        What fails is tried again later, by whoever works then: the package itself is listed.
        """
        if self._bucket is None:
            return
        with self._guard:
            if id in self._at_work:
                return
            self._at_work.add(id)
        try:
            self._write(self._bucket, id)
            self._later.pop(id, None)
        except (NoSuchPackage, Disabled):
            return  # withdrawn or deleted meanwhile
        except WeighbridgeError as error:
            _, pause = self._later.get(id, (0.0, _AGAIN_S / 2))
            pause = min(2 * pause, _AGAIN_MOST_S)
            self._later[id] = (monotonic() + pause, pause)
            log.warning("the zip of package %s waits %.0f s: %s", id, pause, error)
        finally:
            with self._guard:
                self._at_work.discard(id)

    def tidy(self, *, dry_run: bool = False) -> int:
        """Remove the zips of packages that are not served any more; how many bytes that is, or would be.

        Raises:
            StoreDown: the bucket or the catalogue fails.
        """
        if self._bucket is None:
            return 0
        if dry_run:
            return sum(zip.size_bytes for zip in self._catalog.needless_zips(self._bucket.name, _AT_ONCE))
        freed = 0
        while needless := self._catalog.needless_zips(self._bucket.name):
            gone = 0
            for zip in needless:
                self._bucket.remove(zip.key)
                if self._catalog.forget_zip(zip, self._jobs.is_dead):
                    gone, freed = gone + 1, freed + zip.size_bytes
            if not gone:
                break
        return freed

    def begin(self) -> None:
        """Look after the zips of all packages from now on, in a thread."""
        if self._bucket is not None:
            threading.Thread(target=self._keep, name="zips", daemon=True).start()

    def close(self) -> None:
        """Begin no further zip; one that is being written is left to whoever comes after."""
        self._closing.set()

    def _keep(self) -> None:
        while not self._closing.is_set():
            has_begun = self._jobs.has_begun  # before that, others take this worker for dead
            try:
                if has_begun:
                    self.round()
            except StoreDown as error:
                log.warning("zips wait: %s", error)
            except Exception:  # it must go on: else no further zip is written
                log.exception("a round of the zips failed; the next one follows")
            self._closing.wait(_LOOKS_S if has_begun else 1.0)

    def round(self) -> None:
        """Write the zips that are lacking and may be tried again, and remove those that are needless.

        Raises:
            StoreDown: the bucket or the catalogue fails.
        """
        if self._bucket is None:
            return
        failures = 0
        for id in self._catalog.lacking_zips(self._bucket.name, _AT_ONCE):
            if self._closing.is_set() or failures == _FAILURES:
                break
            if self._later.get(id, (0.0, 0.0))[0] <= monotonic():
                self.pack(id)
                failures = failures + 1 if id in self._later else 0
        self.tidy()

    def _write(self, bucket: Bucket, id: str) -> None:
        if self.kept([id]):
            return
        served = self._zips.zip(LOCAL, id)
        zip = KeptZip(
            package_id=id,
            store=bucket.name,
            key=zip_key(served.package),
            etag=served.layout.sha256,
            size_bytes=served.layout.total_bytes,
        )
        if not self._catalog.begin_zip(zip, self._jobs.worker, self._jobs.is_dead):
            return
        is_whole = False
        try:
            saved_as = f'attachment; filename="{zip_name(served.package)}"'
            shown = {"Content-Type": MEDIA_TYPE, "Content-Disposition": saved_as}
            bucket.put_large(zip.key, _pieces(served), zip.size_bytes, shown=shown)
            is_whole = True
        finally:
            self._catalog.end_zip(zip, self._jobs.worker, is_whole=is_whole)


def _pieces(served: ServedZip) -> Iterator[bytes]:
    reader = served.open(0, served.layout.total_bytes)
    try:
        while piece := reader.read(_PIECE_BYTES):
            yield piece
    finally:
        reader.close()
