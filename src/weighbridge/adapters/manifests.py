"""Manifests that were read once, so that they need not be asked for again.

    <home>/manifests-v1/<kind>/<org>/<name>/<commit>.json
    <home>/manifests-v1/<kind>/<org>/<name>/found          git id and sha256 of small files, a line each

A shelf is a memory and not a source of truth: what cannot be read is simply not there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from weighbridge.domain.json_values import canonical
from weighbridge.domain.manifest import FileEntry, Manifest
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

    def note(self, repo: RepoId, entry: FileEntry) -> None:
        """Keep at once which content a small file has, for whoever goes on after a kill.

        What cannot be written is not noted: the file is fetched again.
        """
        if entry.git_sha1 and entry.sha256:
            line = f"{entry.git_sha1} {entry.sha256}\n".encode()
            with suppress(OSError):
                self._folder(repo).mkdir(parents=True, exist_ok=True)
                file = os.open(self._found(repo), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
                try:
                    os.write(file, line)  # one write: lines of several threads do not mix
                finally:
                    os.close(file)

    def noted(self, repo: RepoId, git_sha1: str) -> str | None:
        """The sha256 that was noted for a git id, if any; whoever uses it looks at the content."""
        try:
            lines = self._found(repo).read_text("ascii").splitlines()
        except (OSError, UnicodeDecodeError):
            return None
        wanted = f"{git_sha1} "
        return next((line[41:] for line in lines if line.startswith(wanted) and len(line) == 105), None)

    def forget_notes(self, repo: RepoId) -> None:
        """A manifest holds it all now."""
        self._found(repo).unlink(missing_ok=True)

    def _found(self, repo: RepoId) -> Path:
        return self._folder(repo) / "found"

    def sweep(self, kept: Collection[str], unused_since: float) -> int:
        """Forget the manifests of all commits but those ``kept`` that are older than so (seconds since
        1970); how many. One that is wanted again is read again.

        Raises:
            StoreDown: the home cannot be written.
        """
        gone = 0
        try:
            for path in self._root.rglob("*.json"):
                if path.stem not in kept and path.stat().st_mtime < unused_since:
                    path.unlink(missing_ok=True)
                    gone += 1
        except FileNotFoundError:
            return gone  # another process forgets too
        except OSError as error:
            raise StoreDown(f"cannot write below {self._root}: {error.strerror or error}") from error
        return gone

    def _folder(self, repo: RepoId) -> Path:
        return self._root / repo.kind.value / repo.full_name


def _read(path: Path, repo: RepoId) -> Manifest | None:
    try:
        parsed = json.loads(path.read_bytes())
        manifest = Manifest.from_json(parsed) if isinstance(parsed, dict) else None
    except (OSError, ValueError, RecursionError):  # Invalid is a ValueError
        return None
    if manifest is None or manifest.repo != repo or manifest.commit != path.stem:
        return None
    return manifest
