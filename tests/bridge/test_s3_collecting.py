"""Garbage goes from a bucket, and nothing that anybody relies on, whoever else is at it."""

from __future__ import annotations

import hashlib
import math
import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest

from tests.bridge.test_repos import Opener
from tests.s3 import S3Server, s3_server
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.blobs_s3 import Bucket, S3Blobs, Uses, open_bucket
from weighbridge.adapters.progress import SilentReporter
from weighbridge.bridge import Bridge
from weighbridge.bridge.collecting import LEAST_GRACE_S, Collected
from weighbridge.domain.access import LOCAL
from weighbridge.domain.package import IngestRequest
from weighbridge.domain.ref import ModelRef
from weighbridge.doors.demo.models import MADE
from weighbridge.settings import load_settings

DAYS_AGO = 40 * 24 * 3600.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    with s3_server(tmp_path / "s3") as server:
        yield server


@pytest.fixture
def bucket(server: S3Server) -> Bucket:
    return open_bucket("s3://models/x", load_settings(server.environ).s3)


def machine(bucket: Bucket, disk: Path, *, fresh_s: float = 0.0, settled_s: float = 120.0) -> S3Blobs:
    """A store on a disk of its own. Nothing counts as marked already, however young it is."""
    uses = Uses(bucket, fresh_s=fresh_s, settled_s=settled_s)
    return S3Blobs(bucket, FolderBlobs(disk), kept_bytes=1 << 40, uses=uses)


def later() -> float:
    """An instant after everything that was written so far, and before all that will be: it has come.

    S3 tells times in whole seconds.
    """
    instant = math.ceil(time.time()) + 1.0
    while time.time() < instant:
        time.sleep(0.05)
    return instant


def test_what_nobody_used_goes_and_what_somebody_was_told_of_stays(bucket: Bucket, tmp_path: Path) -> None:
    store, other = machine(bucket, tmp_path / "one"), machine(bucket, tmp_path / "two")
    names = [store.add(f"content {n}".encode()) for n in range(4)]
    assert store.discard(names[0], time.time() - 60) is None
    limit = later()
    assert other.holds(names[0])
    assert other.add(b"content 1") == names[1]
    assert [store.is_idle(name, limit) for name in names] == [False, False, True, True]
    assert [store.discard(name, limit) for name in names] == [None, None, 9, 9]
    assert store.discard(names[2], limit) is None
    assert sorted(found for found, _ in other.walk()) == sorted(names[:2])
    assert other.add(b"content 2") == names[2]
    assert machine(bucket, tmp_path / "three").path(names[2]).read_bytes() == b"content 2"
    assert list(bucket.walk("removing-v1")) == []
    store.sweep(-60)
    assert list(bucket.walk("used-v1")) == []


def test_whoever_is_told_that_a_content_is_there_finds_it_there(bucket: Bucket, tmp_path: Path) -> None:
    contents = {hashlib.sha256(text).hexdigest(): text for text in (b"%d" % n for n in range(24))}
    collector, user = machine(bucket, tmp_path / "one"), machine(bucket, tmp_path / "two")
    for text in contents.values():
        collector.add(text)
    limit, gone = later(), list[str]()

    def collect() -> None:
        gone.extend(name for name in contents if collector.discard(name, limit) is not None)

    def rely(names: list[str]) -> None:
        for name in names:
            assert user.add(contents[name]) == name

    at_once = [threading.Thread(target=collect)]
    at_once += [threading.Thread(target=rely, args=([*contents][n::3],)) for n in range(3)]
    for thread in at_once:
        thread.start()
    for thread in at_once:
        thread.join()
    fresh = machine(bucket, tmp_path / "three")
    assert {name: fresh.path(name).read_bytes() for name in contents} == contents
    assert len(gone) <= len(contents)


def test_a_collector_that_died_holds_nobody_up_for_ever(bucket: Bucket, tmp_path: Path) -> None:
    store = machine(bucket, tmp_path / "one", settled_s=0.1)
    name = store.add(b"content")
    bucket.put(f"removing-v1/{name}/left", b"")
    assert store.holds(name)
    assert list(bucket.walk("removing-v1")) == []


def test_uploads_that_nobody_ended_are_ended_when_they_are_old(bucket: Bucket, tmp_path: Path) -> None:
    unfinished = bucket.unfinished
    assert unfinished is not None
    ours = ("x/blobs-v1/sha256/ab/" + "ab" * 32, "x/org/a & b/1.0.0/package.zip")
    for key in (*ours, "x/somebody/else", "y/another/package.zip"):
        unfinished._asked("POST", key, {"uploads": ""})

    def left() -> set[str]:
        return set(re.findall("<Key>(.*)</Key>", unescape(unfinished._asked("GET", "", {"uploads": ""}))))

    assert bucket.abort_unfinished(3600) == 0
    assert len(left()) == 4
    machine(bucket, tmp_path / "one").sweep(-60)
    assert left() == {"x/somebody/else", "y/another/package.zip"}
    unfinished._asked("POST", ours[0], {"uploads": ""})
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert replace(unfinished, secret="another one").abort(later) == 0
    assert unfinished.abort(later) == 1


def collect(bridge: Bridge, *, dry_run: bool = False) -> Collected:
    return bridge.collecting.run(LOCAL, SilentReporter(), grace_s=LEAST_GRACE_S, dry_run=dry_run)


def test_a_registry_collects_its_bucket(opener: Opener, server: S3Server) -> None:
    bridge = opener(WEIGHBRIDGE_STORE_URL="s3://models/x", **server.environ)
    package = bridge.packages.ingest(LOCAL, IngestRequest(ref=ModelRef.parse(MADE))).package
    bucket = open_bucket("s3://models/x", load_settings(server.environ).s3)
    bucket.put("blobs-v1/sha256/ab/" + "ab" * 32, b"nobody knows this")
    bucket.put("of/somebody/else", b"what is not ours")
    server.kill()
    then = time.time() - DAYS_AGO
    for file in server.folder.rglob("*"):
        if file.is_file():
            os.utime(file, (then, then))
    server.start()
    young = "cd" * 32
    bucket.put(f"blobs-v1/sha256/cd/{young}", b"just sent")
    seen, before = collect(bridge, dry_run=True), {name for name, _ in bucket.walk("")}
    assert seen.removed_bytes >= len(b"nobody knows this")
    done = collect(bridge)
    assert (done.removed, done.removed_bytes, done.kept) == (seen.removed, seen.removed_bytes, seen.kept)
    left = {name for name, _ in bucket.walk("")}
    assert before - left <= {name for name in before if name.startswith("blobs-v1/")}
    held = {name.rpartition("/")[2] for name in left}
    assert {file.sha256 for file in package.manifest.files} <= held
    assert {package.evidence_sha256, package.verdict_sha256, young, "else"} <= held
    assert "ab" * 32 not in held
    assert bridge.packing.kept([package.id])[package.id].key in left
    bridge.upkeep.withdraw(LOCAL, package.id, "a worm")
    assert collect(bridge, dry_run=True).zip_bytes == collect(bridge).zip_bytes > 0
    assert not any(name.endswith("package.zip") for name, _ in bucket.walk(""))
