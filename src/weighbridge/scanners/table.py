"""The visible table of scanners."""

from __future__ import annotations

from weighbridge.ports import Scanner
from weighbridge.scanners.media import MediaScanner
from weighbridge.scanners.pickles import PickleScanner
from weighbridge.scanners.safetensors import SafetensorsScanner
from weighbridge.scanners.sandbox import Sandbox
from weighbridge.scanners.text import TextScanner

RULES = "2026.11.1"
"""The version of the rule set: a change of any rule changes it, and what is stored is scanned again."""


def scanners(sandbox: Sandbox | None = None) -> dict[str, Scanner]:
    """Every scanner that looks into files, sharing ``sandbox``; a file that several take is read by each."""
    return {
        "safetensors": SafetensorsScanner(sandbox),
        "pickle": PickleScanner(sandbox),
        "text": TextScanner(),
        "media": MediaScanner(),
    }


SCANNERS = scanners()
