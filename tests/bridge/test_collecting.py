"""Garbage goes, and nothing else: beside ingestions, pushes, syncs and kills."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.bridge.test_repos import ANN, REPO, Opener, judged, large, model, put, small
from tests.hub_server import HubServer
from tests.registry_process import wait_for
from tests.torture.killing import broken_blobs, environment, killed_when, run, start, tree
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.lock_file import LockRegister, write_lock
from weighbridge.adapters.progress import SilentReporter
from weighbridge.bridge import Bridge, now
from weighbridge.bridge.collecting import LEAST_GRACE_S, Collected
from weighbridge.domain.access import LOCAL, Principal
from weighbridge.domain.hosted import LargeFile
from weighbridge.domain.job import Job, JobState
from weighbridge.domain.lock import Lock, LockEntry
from weighbridge.domain.manifest import FileEntry, Manifest, digests_of
from weighbridge.domain.package import IngestRequest, Package
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.doors.demo.models import MADE
from weighbridge.errors import BadInput, NotAuthenticated, NotFound

DAYS_AGO = 40 * 24 * 3600.0
ROUNDS = [pytest.param(10, id="ten"), pytest.param(100, id="hundred", marks=pytest.mark.torture)]


def aged(home: Path, *, but: frozenset[str] = frozenset()) -> None:
    """As if nothing in the home had been touched for long."""
    then = time.time() - DAYS_AGO
    for file in home.rglob("*"):
        if file.is_file() and file.name not in but and not file.name.startswith("catalog"):
            os.utime(file, (then, then))


def garbage(home: Path, content: bytes) -> str:
    """A content that nothing names, taken in long ago."""
    sha256 = FolderBlobs(home, durable=True).add(content)
    then = time.time() - DAYS_AGO
    os.utime(FolderBlobs(home).path(sha256), (then, then))
    return sha256


def collect(bridge: Bridge, *, dry_run: bool = False) -> Collected:
    return bridge.collecting.run(LOCAL, SilentReporter(), grace_s=LEAST_GRACE_S, dry_run=dry_run)


def ingested(bridge: Bridge, name: str = MADE) -> Package:
    return bridge.packages.ingest(LOCAL, IngestRequest(ref=ModelRef.parse(name))).package


def read(bridge: Bridge, package: Package, home: Path) -> None:
    """Every content of a package, its papers too, is there and right."""
    blobs = FolderBlobs(home)
    for sha256 in [
        *(file.sha256 or "" for file in package.manifest.files),
        package.evidence_sha256,
        package.verdict_sha256,
    ]:
        assert hashlib.sha256(blobs.path(sha256).read_bytes()).hexdigest() == sha256


def test_what_a_package_a_refusal_and_a_history_name_stays_and_the_rest_goes(
    bridge: Bridge, good: dict[str, bytes], upstream: HubServer, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    package = ingested(bridge)
    judged(bridge, put(bridge, *model(bridge, good)))
    first = put(bridge, large(bridge, "old.bin", b"of an old commit" * 20))
    second = put(bridge, large(bridge, "old.bin", b"of a new commit!" * 20))
    for commit in (first, second):
        judged(bridge, commit)
    bridge.repos.receive(ANN, REPO, hashlib.sha256(b"sent").hexdigest(), 4, [b"sent"])
    aged(home)
    lost = garbage(home, b"nobody knows this")
    seen = collect(bridge, dry_run=True)
    assert FolderBlobs(home).path(lost).exists()
    assert (seen.dry_run, seen.removed_bytes > 0) == (True, True)
    done = collect(bridge)
    assert (done.removed, done.removed_bytes) == (seen.removed, seen.removed_bytes)
    assert done.kept == sum(1 for _ in FolderBlobs(home).walk())
    assert not FolderBlobs(home).holds(lost)
    assert not FolderBlobs(home).holds(hashlib.sha256(b"sent").hexdigest())
    read(bridge, package, home)
    for content in (b"of an old commit" * 20, b"of a new commit!" * 20, *good.values()):
        assert FolderBlobs(home).holds(hashlib.sha256(content).hexdigest())
    for refusal in bridge.packages.refusals(LOCAL):
        assert FolderBlobs(home).holds(refusal.evidence_sha256)
    assert collect(bridge).removed == 0
    put(bridge, small("again.txt"))
    assert bridge.papers.find(LOCAL, MADE).id == package.id


def test_what_was_deleted_with_its_repository_goes(bridge: Bridge, tmp_path: Path) -> None:
    content = b"of a repository that is deleted" * 9
    put(bridge, large(bridge, "it.bin", content))
    bridge.repos.delete(ANN, REPO)
    aged(tmp_path / "home")
    collect(bridge)
    assert not FolderBlobs(tmp_path / "home").holds(hashlib.sha256(content).hexdigest())


def test_what_was_just_sent_or_asked_for_stays(bridge: Bridge, tmp_path: Path) -> None:
    home, blobs = tmp_path / "home", FolderBlobs(tmp_path / "home", durable=True)
    asked = garbage(home, b"asked for")
    added = garbage(home, b"added again")
    sent = garbage(home, b"sent again")
    file = tmp_path / "file"
    file.write_bytes(b"copied again")
    copied = garbage(home, file.read_bytes())
    left = garbage(home, b"left alone")
    new = blobs.add(b"new")
    assert blobs.holds(asked)
    blobs.add(b"added again")
    blobs.take(sent, len(b"sent again"), [b"sent again"])
    blobs.copy_in(file, copied, file.stat().st_size)
    collect(bridge)
    assert {sha for sha, _ in blobs.walk()} >= {asked, added, sent, copied, new}
    assert left not in {sha for sha, _ in blobs.walk()}


def test_a_lock_that_uses_the_home_keeps_its_contents(bridge: Bridge, tmp_path: Path) -> None:
    home = tmp_path / "home"
    content = b"of a model list"
    sha256 = garbage(home, content)
    entry = FileEntry(path="a.bin", size_bytes=len(content), digests=digests_of(content))
    manifest = Manifest(repo=RepoId.parse("org/listed"), commit="a" * 40, files=(entry,))
    place = tmp_path / "models.lock"
    write_lock(
        place, Lock(entries={"one": LockEntry(revision="main", patterns=(), license=None, manifest=manifest)})
    )
    LockRegister(home).note(place)
    collect(bridge)
    assert FolderBlobs(home).path(sha256).read_bytes() == content
    place.write_text("damaged")
    with pytest.raises(BadInput):
        collect(bridge)
    place.unlink()
    garbage(home, content)  # it was read above, which is a use
    collect(bridge)
    with pytest.raises(NotFound):
        FolderBlobs(home).path(sha256)


def test_what_was_used_since_the_oldest_active_job_was_asked_for_stays(
    opener: Opener, tmp_path: Path
) -> None:
    bridge = opener()
    home, repo = tmp_path / "home", RepoId.parse("org/slow")
    before, since = garbage(home, b"before the job"), garbage(home, b"since the job")
    asked = now().timestamp() - 20 * 24 * 3600
    os.utime(FolderBlobs(home).path(since), (asked + 5, asked + 5))
    job = Job(
        id="j1", verb="ingest", repo=repo, revision="main", commit="b" * 40, wish={}, wish_key="k",
        state=JobState.QUEUED, created_at=datetime.fromtimestamp(asked, UTC), by="ann",
    )  # fmt: skip
    catalog = Catalog.open(home / "catalog.sqlite3")
    catalog.add_job(job)
    catalog.close()
    collect(bridge)
    assert {sha for sha, _ in FolderBlobs(home).walk()} == {since} != {before}


def test_only_admins_and_never_at_once(bridge: Bridge) -> None:
    with pytest.raises(NotAuthenticated):
        bridge.collecting.run(Principal(name="", is_anonymous=True), SilentReporter(), grace_s=LEAST_GRACE_S)
    for grace_s in (0.0, LEAST_GRACE_S - 1, float("nan")):
        with pytest.raises(BadInput, match="an hour at least"):
            bridge.collecting.run(LOCAL, SilentReporter(), grace_s=grace_s)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_collecting_beside_ingestions_pushes_and_syncs_loses_nothing(
    rounds: int, opener: Opener, good: dict[str, bytes], upstream: HubServer, tmp_path: Path
) -> None:
    """Every content lies there already, old and named by nothing, when somebody begins to rely on it."""
    home = tmp_path / "home"
    working, clearing = opener(), opener()
    over, runs = threading.Event(), list[Collected]()

    def loop() -> None:
        while not over.is_set():
            runs.append(collect(clearing))

    garbage(home, b"what nobody will ever ask for")
    thread = threading.Thread(target=loop)
    thread.start()
    try:
        for number in range(rounds):
            repo = RepoId.parse(f"ann/r{number}")
            for file in upstream.repos[MADE].commits[upstream.repos[MADE].head].values():
                garbage(home, file.content)
            working.repos.create(ANN, repo)
            content = f"pushed in round {number}".encode() * 50
            sha256 = garbage(home, content)
            working.repos.receive(ANN, repo, sha256, len(content), [content])
            commit = put(working, LargeFile(path="a.bin", sha256=sha256, size_bytes=len(content)), repo=repo)
            assert FolderBlobs(home).path(sha256).read_bytes() == content
            judged(working, commit, repo)
            if number == 0:
                package = ingested(working)
            read(working, package, home)
            done = synced(home, tmp_path / f"p{number}", upstream.url)
            assert done == good, number
        wait_for(lambda: any(one.removed for one in runs) or not thread.is_alive())
    finally:
        over.set()
        thread.join()
    assert broken_blobs(home) == []
    assert sum(one.removed for one in runs) > 0


def synced(home: Path, project: Path, url: str) -> dict[str, bytes]:
    project.mkdir()
    (project / "models.yaml").write_text(f"models:\n  - id: made\n    repo_id: {MADE}\n")
    done = run(["sync"], environment(home, HF_ENDPOINT=url), project)
    assert done.returncode == 0, done.stderr
    return tree(project / "models" / "made")


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_killed_run_leaves_what_the_next_one_removes(rounds: int, bridge: Bridge, tmp_path: Path) -> None:
    home = tmp_path / "home"
    package = ingested(bridge)
    killed, places = 0, FolderBlobs(home)
    for number in range(rounds):
        lost = [garbage(home, f"{number} {one}".encode()) for one in range(60)]
        files = [places.path(sha256) for sha256 in lost]

        def has_begun(files: list[Path] = files, left: int = 59 - number % 50) -> bool:
            return sum(file.exists() for file in files) <= left

        process = start(["gc"], environment(home), tmp_path, tmp_path / "log")
        killed += killed_when(process, has_begun)
        done = run(["gc"], environment(home), tmp_path)
        assert done.returncode == 0, done.stderr
        assert not any(file.exists() for file in files)
        read(bridge, package, home)
    assert broken_blobs(home) == []
    assert killed > 0
