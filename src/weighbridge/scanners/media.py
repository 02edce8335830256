"""Pictures, sound and films of a model card: nothing loads them as code."""

from __future__ import annotations

from pathlib import Path

from weighbridge.domain.scan import Finding
from weighbridge.scanners.content import EXPECTED, ending_of
from weighbridge.scanners.sniff import MEDIA, kind_of


class MediaScanner:
    """Takes media by content; what their names and ends hide is checked for every file."""

    def takes(self, path: str, head: bytes) -> bool:
        """By content, where the name says the same: two bytes alone make nothing a sound."""
        kind = kind_of(head)
        return kind in MEDIA and kind in EXPECTED.get(ending_of(path), ())

    def scan(self, path: str, file: Path) -> tuple[Finding, ...]:
        """Nothing further to say."""
        return ()
