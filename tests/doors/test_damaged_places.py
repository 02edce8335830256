"""Files that are damaged, foreign or without an end: nothing crashes, and nothing of others goes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.test_cli_models import FILES, WEIGHTS, Desk
from tests.hub_server import serve_hub


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with serve_hub({"org/a": FILES, "org/b": FILES}) as server:
        yield Desk(tmp_path, server)


def test_a_file_where_a_model_shall_lie_is_neither_replaced_nor_removed(desk: Desk) -> None:
    desk.run("lock")
    mine = desk.place / "models" / "a"
    mine.parent.mkdir()
    mine.write_text("mine")
    assert f"{mine} is a file" in desk.run("sync", code=5).stderr
    assert f"{mine} is a file" in desk.run("clean", "a", code=5).stderr
    assert mine.read_text() == "mine"


def test_clean_tells_of_a_folder_that_its_index_does_not_know(desk: Desk) -> None:
    desk.run("sync")
    (desk.place / "models" / ".weighbridge" / "index.json").unlink()
    assert "config.json" in desk.run("clean", "a", code=5).stderr
    assert (desk.place / "models" / "a" / "config.json").is_file()
    desk.run("sync")  # takes the folder over by its bytes
    desk.run("clean", "a")
    assert not (desk.place / "models" / "a").exists()


DEEP = "[" * 100_000


def test_what_is_nested_beyond_reading_is_a_lost_memory_or_a_bad_lock_and_no_crash(desk: Desk) -> None:
    desk.run("sync")
    memories = [
        desk.place / "models" / ".weighbridge" / "index.json",
        *(desk.place / "home" / "lists-v1").iterdir(),
        *(path for path in (desk.place / "home" / "manifests-v1").rglob("*.json")),
    ]
    for memory in memories:
        memory.write_text(DEEP)
    desk.run("sync")
    desk.run("lock", "--upgrade", "a")
    assert desk.states() == {"a": "held", "b": "held"}
    desk.lock.write_text(DEEP)
    assert "models.lock: lock" in desk.run("sync", code=2).stderr


def test_a_size_that_somebody_wrote_into_the_lock_is_not_held(desk: Desk) -> None:
    desk.run("sync")
    locked = desk.lock.read_text()
    desk.lock.write_text(locked.replace(f'"size": {len(WEIGHTS)}', f'"size": {len(WEIGHTS) - 1}'))
    assert desk.states()["a"] == "stale"
    assert "model.safetensors" in desk.run("sync", "a", code=7).stderr
    desk.lock.write_text(locked)
    assert desk.json("sync")["models"][0]["fetched_bytes"] == 0


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a file without an end")
def test_a_list_and_a_lock_without_an_end_are_not_read_to_it(desk: Desk) -> None:
    assert "a model list has at most" in desk.run("list", "--config", "/dev/zero", code=2).stderr
    desk.lock.symlink_to("/dev/zero")
    assert "a lock has at most" in desk.run("list", code=2).stderr


def test_what_is_right_is_held_where_neither_folder_nor_home_can_be_written(desk: Desk) -> None:
    desk.run("sync")
    for file in (desk.place / "models" / "a").iterdir():
        os.utime(file, (1, 1))  # as in the layer of an image: right bytes, other receipts
    tmp = desk.place / "models" / ".weighbridge" / "tmp"
    tmp.rmdir()
    tmp.write_text("nothing can be written beside me")
    nowhere = {"WEIGHBRIDGE_HOME": str(tmp / "home")}
    assert "held" in desk.run("sync", "--frozen", "--offline", **nowhere).stdout
    wrong = desk.place / "models" / "a" / "config.json"
    wrong.unlink()
    wrong.write_bytes(b"[]")
    said = desk.run("sync", "--frozen", "--offline", code=6, **nowhere).stderr
    assert "WEIGHBRIDGE_HOME names another place" in said
    assert wrong.read_bytes() == b"[]"
