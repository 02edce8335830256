"""A written folder that was left in the middle of something, and one that many change at once."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.doors.written_folder import plain_files
from weighbridge.bridge.folder import FolderBridge, open_written_folder
from weighbridge.domain.access import LOCAL
from weighbridge.domain.hosted import Change, DeleteFile, SmallFile
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.errors import Conflict, NoSuchRepo, Renamed
from weighbridge.settings import load_settings

REPO = RepoId.parse("acme/m", RepoKind.MODEL)


@contextmanager
def opened(folder: Path) -> Iterator[FolderBridge]:
    bridge = open_written_folder(folder, load_settings({}))
    try:
        yield bridge
    finally:
        bridge.close()


def commit(bridge: FolderBridge, repo: RepoId = REPO, **files: str | None) -> str:
    changes: list[Change] = [
        DeleteFile(path=path) if content is None else SmallFile(path=path, content=content.encode())
        for path, content in files.items()
    ]
    return bridge.repos.commit(LOCAL, repo, "main", changes, title="pushed").id


def titles(bridge: FolderBridge, repo: RepoId = REPO) -> list[str]:
    return [each.title for each in bridge.hub.commits(LOCAL, repo.kind, repo.full_name, "main")]


def main(bridge: FolderBridge, repo: RepoId = REPO) -> str:
    return bridge.hub.info(LOCAL, repo.kind, repo.full_name).commit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one repository of two commits, and what it was before the second one."""
    folder = tmp_path / "folder"
    folder.mkdir()
    with opened(folder) as bridge:
        bridge.repos.create(LOCAL, REPO)
        commit(bridge, a="one", b="two", c="three")
        shutil.copytree(folder, tmp_path / "before", symlinks=True)
        commit(bridge, a="ONE", b=None, d="four")
    return folder


def record_of(folder: Path) -> Path:
    (record,) = folder.glob(".weighbridge-hub/copies-v1/*.json")
    return record


def test_the_files_follow_a_commit_that_a_kill_left_without_them(folder: Path, tmp_path: Path) -> None:
    after = plain_files(folder / "acme/m")
    before = tmp_path / "before"
    shutil.rmtree(folder / "acme")
    (before / "acme").rename(folder / "acme")
    record_of(folder).write_bytes(record_of(before).read_bytes())
    with opened(folder) as bridge:
        assert plain_files(folder / "acme/m") == after
        assert titles(bridge) == ["pushed", "pushed", "initial commit"]


@pytest.mark.parametrize("record", ["", "{", '{"kind": "model", "name": "acme/m", "files": {"a": [1]}}'])
def test_without_a_record_the_files_are_read_and_nothing_is_committed(folder: Path, record: str) -> None:
    after = plain_files(folder / "acme/m")
    record_of(folder).unlink() if not record else record_of(folder).write_text(record)
    with opened(folder) as bridge:
        assert titles(bridge) == ["pushed", "pushed", "initial commit"]
        assert plain_files(folder / "acme/m") == after
    assert json.loads(record_of(folder).read_bytes())["files"].keys() == after.keys()


def test_what_was_changed_while_nobody_served_is_committed(folder: Path) -> None:
    (folder / "acme/m/c").write_text("changed")
    (folder / "acme/m/d").unlink()
    with opened(folder) as bridge:
        assert titles(bridge) == ["Changed in the folder", "pushed", "pushed", "initial commit"]
        tree = bridge.hub.tree(LOCAL, REPO.kind, "acme/m", "main")
        assert tree.manifest.by_path.keys() == {".gitattributes", "a", "c"}
    assert plain_files(folder / "acme/m").keys() == {".gitattributes", "a", "c"}


def test_a_folder_moves_to_its_new_name_after_a_kill(folder: Path) -> None:
    before, to = record_of(folder).read_bytes(), RepoId.parse("lab/n", RepoKind.MODEL)
    with opened(folder) as bridge:
        bridge.repos.move(LOCAL, REPO, to)
        files = plain_files(folder / "lab/n")
        head = main(bridge, to)
    (folder / "lab").rename(folder / "acme")
    (folder / "acme/n").rename(folder / "acme/m")
    record_of(folder).write_bytes(before)
    with opened(folder) as bridge:
        assert plain_files(folder / "lab/n") == files
        assert not (folder / "acme").exists()
        assert main(bridge, to) == head
        assert titles(bridge, to)[0] == "pushed"
        with pytest.raises(Renamed):
            main(bridge)


def test_a_folder_that_was_put_aside_for_a_deletion_comes_back_unless_it_was_deleted(folder: Path) -> None:
    key, files = record_of(folder).stem, plain_files(folder / "acme/m")
    aside = folder / ".weighbridge-hub/deleted"
    aside.mkdir()
    (folder / "acme/m").rename(aside / key)
    shutil.copytree(aside / key, aside / "0123456789abcdef0123456789abcdef")
    with opened(folder) as bridge:
        assert plain_files(folder / "acme/m") == files
        assert list(aside.iterdir()) == []
        bridge.repos.delete(LOCAL, REPO)
        with pytest.raises(NoSuchRepo):
            main(bridge)
    assert not (folder / "acme").exists()
    assert not list(folder.glob(".weighbridge-hub/copies-v1/*"))


def test_the_second_one_who_writes_is_refused_and_the_next_one_is_not(folder: Path) -> None:
    with opened(folder), pytest.raises(Conflict, match="another"):
        open_written_folder(folder, load_settings({}))
    with opened(folder) as bridge:
        commit(bridge, e="five")


def test_without_its_history_the_folder_is_plain_files_again(folder: Path) -> None:
    files = plain_files(folder / "acme/m")
    shutil.rmtree(folder / ".weighbridge-hub")
    with opened(folder) as bridge:
        assert titles(bridge) == ["The folder as it is"]
        plain = main(bridge)
        commit(bridge, e="five")
        assert titles(bridge) == ["pushed", "The folder as it is"]
        assert bridge.hub.tree(LOCAL, REPO.kind, "acme/m", plain).manifest.by_path.keys() == files.keys()


def test_pushes_and_changes_by_hand_at_once_lose_nothing(folder: Path) -> None:
    root, rounds, writers = folder / "acme/m", 12, 3
    with opened(folder) as bridge:

        def pushing(number: int) -> None:
            for turn in range(rounds):
                commit(bridge, **{f"pushed-{number}-{turn}": str(turn), f"mine-{number}": str(turn)})

        def by_hand() -> None:
            for turn in range(rounds):
                (root / f"by-hand-{turn}").write_text(str(turn))
                main(bridge)

        threads = [threading.Thread(target=pushing, args=[number]) for number in range(writers)]
        threads.append(threading.Thread(target=by_hand))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        head = main(bridge)
        tree = bridge.hub.tree(LOCAL, REPO.kind, "acme/m", head)
        expected = {f"pushed-{number}-{turn}" for number in range(writers) for turn in range(rounds)}
        expected |= {f"by-hand-{turn}" for turn in range(rounds)} | {"a", "c", "d", ".gitattributes"}
        expected |= {f"mine-{number}" for number in range(writers)}
        assert tree.manifest.by_path.keys() == plain_files(root).keys() == expected
        for number in range(writers):
            assert (root / f"mine-{number}").read_text() == str(rounds - 1)
        assert main(bridge) == head
