"""One fetch through the library alone, as a process: HUB REPO HOME [CONNECTIONS]. Used by benchmarks."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.hub_http import HttpHub
from weighbridge.domain.manifest import FileEntry
from weighbridge.domain.ref import ModelRef


def main() -> None:
    """Resolve, list, fetch, check every hash, and link everything into a folder."""
    address, name, home = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    helpers = int(sys.argv[4]) if len(sys.argv) > 4 else 15
    hub, blobs = HttpHub(address), FolderBlobs(home, connections=helpers)
    info = hub.info(ModelRef.parse(name))
    manifest = hub.manifest(info.repo, info.commit)
    folder = home / "laid-out"
    folder.mkdir(parents=True)

    def fetch(entry: FileEntry) -> None:
        known = blobs.fetch(entry, partial(hub.open, info.repo, info.commit, entry))
        (folder / entry.path).hardlink_to(blobs.path(known.sha256 or ""))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fetch, manifest.files))


if __name__ == "__main__":
    main()
