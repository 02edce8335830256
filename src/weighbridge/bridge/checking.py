"""A laid out model compared with its manifest."""

from __future__ import annotations

from weighbridge.bridge.layouts import Spot
from weighbridge.bridge.model_results import Checked
from weighbridge.domain.manifest import Manifest
from weighbridge.errors import NotFound


def checked_at(spot: Spot, manifest: Manifest, id: str, level: str) -> Checked:
    """What is wrong at a spot, at a level (``none``, ``size``, ``sha256``)."""
    if not spot.path.is_dir():
        absent = NotFound(f"'{spot.path}' is missing", hint="run 'weighbridge sync'")
        return Checked(id=id, folder=spot.path, faults=(absent,))
    return Checked(
        id=id,
        folder=spot.path,
        files=len(manifest.files),
        size_bytes=manifest.total_bytes,
        faults=spot.layout.faults(spot.folder, manifest, level),
        unlisted=spot.layout.unlisted(spot.folder, manifest),
    )
