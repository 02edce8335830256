"""A laid out model compared with its manifest."""

from __future__ import annotations

from contextlib import suppress

from weighbridge.bridge.layouts import Layouts, Spot
from weighbridge.bridge.model_results import Checked
from weighbridge.domain.manifest import Manifest
from weighbridge.errors import DigestMismatch, NotFound, StoreDown


def checked_at(layouts: Layouts, spot: Spot, manifest: Manifest, id: str, level: str) -> Checked:
    """What is wrong at a spot, at a level (``none``, ``size``, ``sha256``).

    A file that is wrong although it looks as it did (bits rot, times can be set) loses its receipt, so
    that ``sync`` puts the right one in its place.
    """
    if not spot.path.is_dir():
        absent = NotFound(f"'{spot.path}' is missing", hint="run 'weighbridge sync'")
        return Checked(id=id, folder=spot.path, faults=(absent,))
    faults = spot.layout.faults(spot.folder, manifest, level)
    if named := {fault.path for fault in faults if isinstance(fault, DigestMismatch)}:
        with suppress(StoreDown):  # who may not write may look all the same
            layouts.distrust(spot, [path for path in manifest.by_path if f"{spot.folder}/{path}" in named])
    return Checked(
        id=id,
        folder=spot.path,
        files=len(manifest.files),
        size_bytes=manifest.total_bytes,
        faults=faults,
        unlisted=spot.layout.unlisted(spot.folder, manifest),
    )
