"""Manifests that were read once, so that they need not be asked for again.

    <home>/manifests-v1/<kind>/<org>/<name>/<commit>.json

A shelf is a memory and not a source of truth: what cannot be read is simply not there.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from weighbridge.domain.json_values import canonical
from weighbridge.domain.manifest import Manifest
from weighbridge.domain.ref import RepoId
from weighbridge.errors import StoreDown


class ManifestShelf:
    """The manifests below one home."""

    def __init__(self, home: Path) -> None:
        self._root, self._tmp = home / "manifests-v1", home / "tmp"

    def get(self, repo: RepoId, commit: str) -> Manifest | None:
        """The manifest of a commit, or None."""
        return _read(self._folder(repo) / f"{commit}.json", repo)

    def put(self, manifest: Manifest) -> None:
        """Keep a manifest, in place of what was known of its commit.

        Raises:
            StoreDown: the home cannot be written.
        """
        folder = self._folder(manifest.repo)
        fresh = self._tmp / f"manifest-{os.urandom(8).hex()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._tmp.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(canonical(manifest.to_json()))
            fresh.replace(folder / f"{manifest.commit}.json")
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise StoreDown(
                f"cannot write below {self._root}: {error.strerror or error}",
                hint="WEIGHBRIDGE_HOME names another place",
            ) from error

    def of(self, repo: RepoId) -> tuple[Manifest, ...]:
        """Every manifest of a repository, in no order that means anything."""
        found = sorted(self._folder(repo).glob("*.json"))
        return tuple(manifest for path in found if (manifest := _read(path, repo)) is not None)

    def _folder(self, repo: RepoId) -> Path:
        return self._root / repo.kind.value / repo.full_name


def _read(path: Path, repo: RepoId) -> Manifest | None:
    try:
        parsed = json.loads(path.read_bytes())
        manifest = Manifest.from_json(parsed) if isinstance(parsed, dict) else None
    except (OSError, ValueError):  # Invalid is a ValueError
        return None
    if manifest is None or manifest.repo != repo or manifest.commit != path.stem:
        return None
    return manifest
