"""A pickle from elsewhere becomes a model only where the scanners allow it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from weighbridge.bridge.scan import scan_path
from weighbridge.domain.loading import LoadOrder, Snapshot
from weighbridge.domain.manifest import FileEntry, Manifest, sha256
from weighbridge.domain.ref import RepoId
from weighbridge.domain.scan import Severity
from weighbridge.errors import Unsafe
from weighbridge.loaders import LOADERS
from weighbridge.scanners.pickle_names import judge_global
from weighbridge.settings import Settings

_NO_COMMIT = "0" * 40
"""A lone file belongs to no commit."""


def load_pickled(path: Path, settings: Settings, reviewed: Collection[str] = ()) -> object:
    """The object of a ``.pkl`` or ``.joblib`` file.

    ``reviewed`` holds the sha256 of files whose findings somebody has looked at: they may hold what
    the scanners put up for review. What they block is never loaded.

    Raises:
        Unsafe: the scanners do not allow it.
        MissingExtra: ``weighbridge[sklearn]`` is not installed.
        CannotLoad: it is no pickle of this version's scikit-learn.
        NotFound, DigestMismatch, StoreDown: the file is not there, or changes while it is read.
    """
    report = scan_path(path, settings.home)
    scan = report.files[0]
    accepted = Severity.REVIEW if scan.sha256 and scan.sha256 in reviewed else Severity.ALLOW
    if scan.verdict > accepted:
        raise Unsafe(str(path), scan)
    entry = FileEntry(path=scan.path, size_bytes=path.stat().st_size, digests=(sha256(scan.sha256),))
    manifest = Manifest(repo=RepoId.parse("local"), commit=_NO_COMMIT, files=(entry,))
    order = LoadOrder(
        snapshot=Snapshot(folder=path.parent, manifest=manifest),
        scanned=report,
        file=scan.path,
        may_name=lambda module, name: judge_global(module, name) <= accepted,
    )
    return LOADERS["joblib"].load(order).model
