"""The thread that sees to it that no job is forgotten lives on, whatever its rounds meet."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.registry_process import wait_for
from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.engine_inline import InlineEngine
from weighbridge.adapters.worker_life import WorkerLives
from weighbridge.bridge import open_bridge
from weighbridge.bridge.keeper import Keeper
from weighbridge.ports import Checkpoint
from weighbridge.settings import load_settings


def test_a_round_that_fails_as_nobody_foresaw_is_logged_and_followed_by_another(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    catalog, rounds = Catalog.open(tmp_path / "catalog.sqlite3"), list[int]()
    lives, engine = WorkerLives(tmp_path), InlineEngine()
    lives.begin(engine.worker)

    def give_back() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise ZeroDivisionError("a mistake of ours")

    keeper = Keeper(catalog, engine, lives, give_back, lambda: datetime.now(UTC))
    with caplog.at_level(logging.ERROR, "weighbridge.bridge.keeper"):
        keeper.start()
        wait_for(lambda: len(rounds) > 1 and not keeper.is_down)
    keeper.close()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "a mistake of ours" in caplog.text
    lives.end(engine.worker)
    catalog.close()


class Stumbling(InlineEngine):
    """An engine whose first start fails as nobody foresaw."""

    def __init__(self) -> None:
        super().__init__()
        self.starts = 0

    def start(self, perform: Callable[[str, Checkpoint], None]) -> None:
        self.starts += 1
        if self.starts == 1:
            raise ZeroDivisionError("a mistake of ours")
        super().start(perform)


def test_a_server_whose_engine_cannot_be_started_says_so_and_starts_it_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Stumbling()
    bridge = open_bridge(load_settings({"WEIGHBRIDGE_HOME": str(tmp_path)}), engine=engine)
    with caplog.at_level(logging.ERROR, "weighbridge.bridge.jobs"):
        bridge.jobs.begin_soon()
        wait_for(lambda: bool(bridge.jobs.trouble))
        wait_for(lambda: bridge.jobs.has_begun and not bridge.jobs.trouble)
    bridge.close()
    assert engine.starts == 2
    assert "a mistake of ours" in caplog.text
