"""The one place that knows both flows and adapters. One method per verb; ``wiring`` puts them together.

``open_bridge`` is for the registry, ``bridge.models.open_models`` for the commands of a model
list, which start many times a day and must not wait for a database library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from weighbridge.errors import StoreDown

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.bridge.audit import Audit
    from weighbridge.bridge.bundles import Bundles
    from weighbridge.bridge.collecting import Collecting
    from weighbridge.bridge.figures import Figures
    from weighbridge.bridge.health import Health
    from weighbridge.bridge.hub import HubDesk
    from weighbridge.bridge.jobs import Jobs
    from weighbridge.bridge.operator_evidence import OperatorEvidence
    from weighbridge.bridge.packages import Packages
    from weighbridge.bridge.packing import Packing
    from weighbridge.bridge.papers import Papers
    from weighbridge.bridge.people import People
    from weighbridge.bridge.repos import Repos
    from weighbridge.bridge.upkeep import Upkeep
    from weighbridge.bridge.xet import XetDesk
    from weighbridge.bridge.zips import Zips
    from weighbridge.ports import Engine
    from weighbridge.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """The registry, wired: what each of its doors calls; it is closed at the end of its ``with``."""

    packages: Packages
    papers: Papers
    people: People
    audit: Audit
    hub: HubDesk
    repos: Repos
    xet: XetDesk
    upkeep: Upkeep
    evidence: OperatorEvidence
    bundles: Bundles
    jobs: Jobs
    health: Health
    figures: Figures
    zips: Zips
    packing: Packing
    collecting: Collecting
    close: Callable[[], None]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_bridge(settings: Settings, *, retry_s: float = 30.0, engine: Engine | None = None) -> Bridge:
    """The registry on the home, the database and the upstream that the settings name.

    A judgement that fails for a reason outside is tried again after ``retry_s`` seconds, then
    after twice that, and so on. ``engine`` has jobs done once
    ``jobs.begin`` was called; without one, whoever asks does them.

    Raises:
        BadInput: a setting asks for what this version cannot do.
        StoreDown: the home or the database cannot be used.
    """
    from weighbridge.bridge.wiring import wired

    _make_home(settings.home)
    return wired(settings, retry_s, engine)


def durable_engine(settings: Settings) -> Engine:
    """The engine of servers and workers: beside the catalogue in PostgreSQL, else a file in the home."""
    from weighbridge.adapters.engine_dbos import DbosEngine

    shared = settings.database_url.startswith("postgresql")
    place = settings.database_url if shared else settings.home / "engine.sqlite3"
    return DbosEngine(place, at_once=settings.jobs_at_once)


def now() -> datetime:
    """The one clock of the house: aware UTC."""
    return datetime.now(UTC)


def _make_home(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreDown(
            f"cannot make {home}: {error.strerror}", hint="WEIGHBRIDGE_HOME names another place"
        ) from error
