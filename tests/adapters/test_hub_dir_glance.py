"""A folder is known again by one stat per file and folder: every kind of change must show."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hub_process import TINY, write_repo
from weighbridge.adapters.hub_dir import FolderHub
from weighbridge.adapters.hub_dir.glance import Glance
from weighbridge.domain.ref import ModelRef, RepoId

REPO = RepoId.parse("acme/tiny")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = write_repo(tmp_path, "acme/tiny", TINY)
    (root / "empty").mkdir()
    (root / "link.json").symlink_to("config.json")
    return root


def sidecar(root: Path) -> Path:
    return root.with_name("tiny.hub.json")


def look(root: Path) -> Glance:
    glance = Glance.take(root, sidecar(root))
    until_time_has_passed(root)
    return glance


def until_time_has_passed(root: Path) -> None:
    """What is written from now on has another time: file systems count it in steps, some in seconds."""
    probe = root.parents[1] / "probe"
    probe.touch()
    begun = probe.stat().st_ctime_ns
    while probe.stat().st_ctime_ns == begun:
        time.sleep(0.001)
        probe.touch()


def rewrite_unseen(root: Path) -> None:
    """Other bytes of the same length, and the old modification time."""
    file = root / "config.json"
    before = file.stat()
    file.write_bytes(b"x" * before.st_size)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def relink(root: Path) -> None:
    (root / "link.json").unlink()
    (root / "link.json").symlink_to("README.md")


CHANGES: dict[str, Callable[[Path], object]] = {
    "written": lambda root: (root / "config.json").write_bytes(b"{}"),
    "written with its old time": rewrite_unseen,
    "new at the top": lambda root: (root / "new.json").touch(),
    "new in a folder that was empty": lambda root: (root / "empty" / "new.json").touch(),
    "new deep below": lambda root: (root / "sub dir" / "deep" / "new.json").touch(),
    "gone": lambda root: (root / "sub dir" / "other.json").unlink(),
    "renamed": lambda root: (root / "empty.txt").rename(root / "other.txt"),
    "a link leads elsewhere": relink,
    "a sidecar appears": lambda root: sidecar(root).write_text("{}"),
    "the folder is another one": lambda root: (root.rename(root.with_name("old")), root.mkdir()),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_changes_shows(root: Path, change: Callable[[Path], object]) -> None:
    glance = look(root)
    assert glance.holds()
    change(root)
    assert not glance.holds()
    assert not glance.held_lately()


def test_what_git_and_the_client_keep_is_not_looked_at(root: Path) -> None:
    for name in (".git", ".cache/huggingface"):
        (root / name).mkdir(parents=True)
    glance = look(root)
    (root / ".git" / "HEAD").touch()
    (root / ".cache" / "huggingface" / "x.lock").touch()
    assert glance.holds()


def test_what_just_changed_is_not_trusted(root: Path) -> None:
    hub, seen = FolderHub(root.parent.parent), list[bool]()
    assert hub.watch(REPO) is None  # nothing was said yet
    while not seen:  # again where this machine stood still for so long that it has settled meanwhile
        (root / "config.json").touch()
        glance = Glance.take(root)
        states = (glance.settled, glance.left_alone)
        hub.info(ModelRef(repo=REPO))
        is_watched = hub.watch(REPO) is not None
        if time.time_ns() - glance.newest_ns < 900_000_000:
            seen = [*states, is_watched]
    assert seen == [False] * 3


def test_a_change_shows_sooner_where_time_is_counted_finely(root: Path) -> None:
    while not (glance := Glance.take(root)).quiet:
        assert not glance.settled
    whole = glance.newest_ns // 1_000_000_000 * 1_000_000_000
    assert not Glance(marks=(), taken_ns=whole + 1_500_000_000, newest_ns=whole).quiet
    assert Glance(marks=(), taken_ns=whole + 2_500_000_000, newest_ns=whole).quiet


def test_a_settled_folder_is_watched_until_it_changes(root: Path) -> None:
    hub = FolderHub(root.parent.parent)
    while (holds := hub.watch(REPO)) is None:  # a second after the last change
        before = hub.info(ModelRef(repo=REPO)).commit
        time.sleep(0.1)
    assert holds()
    (root / "config.json").write_bytes(b'{"other": true}')
    while holds():  # it may say so for ten times as long as looking takes
        time.sleep(0.001)
    assert hub.info(ModelRef(repo=REPO)).commit != before
    assert not holds()  # what was said before is never true again
