"""What counts as a download: one file of each repository, so that a whole model counts once."""

from __future__ import annotations

from weighbridge.domain.manifest import Manifest

_ASKED_FIRST = ("config.json", "config.yaml", "hyperparams.yaml", "params.json", "meta.yaml")
"""The Hub's query files (huggingface.co/docs/hub/models-download-stats): whoever loads a model reads one."""


def counted_file(manifest: Manifest) -> str | None:
    """The path whose sending counts: a configuration at the top, else the largest file."""
    stated = next((path for path in _ASKED_FIRST if path in manifest.by_path), None)
    largest = max(manifest.files, key=lambda entry: (entry.size_bytes, entry.path), default=None)
    return stated or (largest.path if largest else None)
