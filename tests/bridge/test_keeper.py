"""The thread that sees to it that no job is forgotten lives on, whatever its rounds meet."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.registry_process import wait_for
from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.engine_inline import InlineEngine
from weighbridge.adapters.worker_life import WorkerLives
from weighbridge.bridge.keeper import Keeper


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
        wait_for(lambda: len(rounds) > 1 and not keeper.is_down, 60)
    keeper.close()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "a mistake of ours" in caplog.text
    lives.end(engine.worker)
    catalog.close()
