"""The visible table of scanners."""

from __future__ import annotations

from weighbridge.ports import Scanner
from weighbridge.scanners.formats import FORMATS, FormatScanner
from weighbridge.scanners.media import MediaScanner
from weighbridge.scanners.pickles import HiddenPickleScanner, PickleScanner
from weighbridge.scanners.safetensors import SafetensorsScanner
from weighbridge.scanners.sandbox import Sandbox
from weighbridge.scanners.text import TextScanner

RULES = "2026.11.11"
"""The version of the rule set: a change of any rule changes it, and what is stored is scanned again."""

HIDDEN = "hidden pickle"
"""The one scanner that reads a file without vouching for it."""


def scanners(sandbox: Sandbox | None = None) -> dict[str, Scanner]:
    """Every scanner that looks into files, sharing ``sandbox``; a file that several take is read by each."""
    return {
        "safetensors": SafetensorsScanner(sandbox),
        "pickle": PickleScanner(sandbox),
        HIDDEN: HiddenPickleScanner(sandbox),
        **{name: FormatScanner(name, sandbox) for name in FORMATS},
        "text": TextScanner(sandbox),
        "media": MediaScanner(),
    }


SCANNERS = scanners()
