"""A registry of its own for a test: behind its bridge, with a real store and a real catalogue."""

from __future__ import annotations

from pathlib import Path

from weighbridge.bridge import Bridge, open_bridge
from weighbridge.settings import load_settings


def a_registry(place: Path, upstream: str, **more: str) -> Bridge:
    """A registry in ``place``/home, which a ``with`` closes; ``more`` are further variables."""
    environ = {
        "WEIGHBRIDGE_HOME": str(place / "home"),
        "WEIGHBRIDGE_UPSTREAM": upstream,
        "HOME": str(place),
    }
    return open_bridge(load_settings({**environ, **more}))
