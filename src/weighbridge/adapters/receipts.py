"""Which contents each namespace has sent: only these may its commits name.

    <home>/received-v1/<namespace>/<ab>/<sha256>         empty

A sha256 stands in every listing, also in that of a gated repository. Whoever could have a content
put into a repository of its own by naming it would be let in by nobody. A lost receipt costs one
more upload.
"""

from __future__ import annotations

import re
from pathlib import Path

from weighbridge.errors import StoreDown

_OWNER, _NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*"), re.compile(r"[0-9a-f]{64}")


class Receipts:
    """Receipts by namespace and sha256; every method raises StoreDown where the disk fails."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "received-v1"

    def add(self, owner: str, sha256: str) -> None:
        """Note that a namespace has sent a content."""
        place = self._place(owner, sha256)
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.touch(mode=0o600)
        except OSError as error:
            raise self._failed(error) from error

    def has(self, owner: str, sha256: str) -> bool:
        """Whether a namespace has sent a content."""
        try:
            return self._place(owner, sha256).exists()
        except OSError as error:
            raise self._failed(error) from error

    def _place(self, owner: str, sha256: str) -> Path:
        if not _OWNER.fullmatch(owner) or not _NAME.fullmatch(sha256):
            raise ValueError("a namespace or a sha256 that was checked before is none")
        return self._folder / owner.lower() / sha256[:2] / sha256

    def _failed(self, error: OSError) -> StoreDown:
        return StoreDown(f"the receipts at '{self._folder}' failed: {error.strerror or error}")
