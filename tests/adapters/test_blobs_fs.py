"""The folder of blobs: what lies where, locks and kills across processes, a failing medium."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from tests.adapters.hub_bits import entry_of, head, quick, source_of
from tests.contract.test_blob_store import MIB, Origin, content_of
from tests.contract.test_blob_store import entry_of as entry_for
from tests.hub_server import HubRepo, HubServer, serve_hub
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.hub_http import HttpHub
from weighbridge.domain.manifest import FileEntry, sha256
from weighbridge.domain.ref import RepoId
from weighbridge.errors import DigestMismatch, HubDown, NoSuchFile, RateLimited, SizeMismatch, StoreDown

LARGE = content_of(40 * MIB + 12_345)
FILES = {"small.txt": b"small", "medium.bin": content_of(3 * MIB + 1), "large.bin": LARGE}
PATHS = list(FILES)


@pytest.fixture(scope="module")
def served() -> Iterator[HubServer]:
    with serve_hub({"org/model": FILES}) as server:
        yield server


@pytest.fixture
def hub(served: HubServer) -> Iterator[HubServer]:
    served.forget()
    yield served
    served.forget()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def left(home: Path) -> list[str]:
    """Every file in the home but the tag, by its path."""
    found = (path.relative_to(home) for path in home.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if path.name != "CACHEDIR.TAG")


def ranges(hub: HubServer, path: str) -> list[str | None]:
    return [asked.range for asked in hub.asked(f"*/resolve/*/{path}")]


def asked_once(hub: HubServer, path: str) -> bool:
    """Whether nothing was asked for twice; a slow machine may ask for a large file in ranges."""
    asked = ranges(hub, path)
    return asked[0] is None and len(set(asked)) == len(asked)


@pytest.mark.parametrize("path", PATHS)
def test_a_file_lies_under_its_sha256_and_nothing_else_remains(hub: HubServer, home: Path, path: str) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, path)
    known = FolderBlobs(home).fetch(entry, source_of(client, hub, entry))
    name = hashlib.sha256(FILES[path]).hexdigest()
    assert left(home) == [f"blobs-v1/sha256/{name[:2]}/{name}"]
    assert known.sha256 == name
    blob = home / left(home)[0]
    assert blob.stat().st_mode & 0o777 == 0o444
    assert (home / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
    assert asked_once(hub, path)


@pytest.mark.parametrize("path", PATHS)
def test_a_hub_that_alters_one_byte(hub: HubServer, home: Path, path: str) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, path)
    hub.fault(f"*/resolve/*/{path}", flip=len(FILES[path]) // 2)
    with pytest.raises(DigestMismatch) as caught:
        FolderBlobs(home).fetch(entry, source_of(client, hub, entry))
    assert caught.value.path == path
    assert left(home) == []
    assert asked_once(hub, path), "never retried in silence"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("grow", [-1, 1])
def test_a_hub_that_sends_another_length(hub: HubServer, home: Path, path: str, grow: int) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, path)
    for fault in ({"grow": grow}, {"grow": grow, "no_length": True, "ignore_range": True}):
        hub.fault(f"*/resolve/*/{path}", **fault)
        with pytest.raises((SizeMismatch, HubDown)):
            FolderBlobs(home).fetch(entry, source_of(client, hub, entry))
        assert "blobs-v1" not in "".join(left(home))
        hub.forget()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("status", "kind"), [(429, RateLimited), (500, HubDown), (404, NoSuchFile)])
def test_a_hub_in_trouble_midway(
    hub: HubServer, home: Path, path: str, status: int, kind: type[Exception]
) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, path)
    at = f"*/resolve/*/{path}"
    hub.fault(at, cut_after=entry.size_bytes * 3 // 4, times=1)
    hub.fault(at, status=status)
    with pytest.raises(kind):
        FolderBlobs(home).fetch(entry, source_of(client, hub, entry))
    assert "blobs-v1" not in "".join(left(home))
    hub.forget()
    assert FolderBlobs(home).fetch(entry, source_of(client, hub, entry)).sha256
    kept = entry.size_bytes * 3 // 4 // MIB * MIB
    assert ranges(hub, path) == [f"bytes={kept}-" if kept else None]


CHILD = """
import sys
from functools import partial
from itertools import pairwise
from pathlib import Path
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.hub_http import HttpHub
from weighbridge.domain.ref import RepoId
url, commit, path, home = sys.argv[1:]
hub, repo = HttpHub(url), RepoId.parse("org/model")
entry = hub.manifest(repo, commit).by_path[path]
print(FolderBlobs(Path(home)).fetch(entry, partial(hub.open, repo, commit, entry)).sha256)
"""


def child(hub: HubServer, home: Path, path: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, hub.url, head(hub), path, str(home)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_for(what: object, process: subprocess.Popen[str]) -> None:
    """Until ``what()`` is true; the suite's time limit ends a test that waits for ever."""
    assert callable(what)
    while not what():
        assert process.poll() is None
        time.sleep(0.005)


@pytest.mark.parametrize(("path", "hold"), [("medium.bin", 2 * MIB + 99), ("large.bin", 10 * MIB + 99)])
def test_a_killed_process_is_taken_up_by_another(hub: HubServer, home: Path, path: str, hold: int) -> None:
    hub.fault(f"*/resolve/*/{path}", hold_after=hold, times=1)
    process = child(hub, home, path)
    blocks = hold // MIB

    def marked() -> bool:
        return any(p.read_bytes() == b"\x01" * blocks for p in (home / "partial").glob("*.ranges"))

    wait_for(marked, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert "blobs-v1" not in "".join(left(home))
    hub.forget()
    with child(hub, home, path) as second:
        assert second.communicate()[0].strip() == hashlib.sha256(FILES[path]).hexdigest()
    assert ranges(hub, path) == [f"bytes={blocks * MIB}-"]
    assert len(left(home)) == 1


def test_two_processes_fetch_one_file_once(hub: HubServer, home: Path) -> None:
    fault = hub.fault("*/resolve/*/large.bin", hold_after=5 * MIB, times=1)
    first = child(hub, home, "large.bin")
    wait_for(lambda: ranges(hub, "large.bin"), first)
    second = child(hub, home, "large.bin")
    wait_for(lambda: len(hub.asked("*/tree/*")) == 2, second)
    fault.release()
    wanted = hashlib.sha256(LARGE).hexdigest()
    assert [p.communicate()[0].strip() for p in (first, second)] == [wanted, wanted]
    assert asked_once(hub, "large.bin")
    assert len(left(home)) == 1


def test_a_slow_large_file_comes_over_several_connections(home: Path) -> None:
    with serve_hub({"org/model": {"large.bin": LARGE}}) as hub:
        client = quick(hub)
        entry = entry_of(client, hub, "large.bin")
        hub.fault("*/resolve/*", bytes_per_s=10_000_000)
        moved: list[int] = []
        known = FolderBlobs(home).fetch(entry, source_of(client, hub, entry), moved.append)
        assert (home / left(home)[0]).read_bytes() == LARGE
        assert known.sha256
        assert sum(moved) == len(LARGE)
        asked = ranges(hub, "large.bin")
    assert len(asked) > 1
    stretches = sorted(tuple(map(int, r[6:].split("-"))) for r in asked if r and not r.endswith("-"))
    assert all(a[1] < b[0] for a, b in pairwise(stretches))  # nothing asked twice


def test_helpers_that_are_refused_leave_the_work_to_the_first_connection(home: Path) -> None:
    with serve_hub({"org/model": {"large.bin": LARGE}}) as hub:
        client = quick(hub)
        entry = entry_of(client, hub, "large.bin")
        first = hub.fault("*/resolve/*", bytes_per_s=10_000_000, times=1)
        hub.fault("*/resolve/*", status=503, times=5)
        assert FolderBlobs(home).fetch(entry, source_of(client, hub, entry)).sha256
        assert first.times == 0
        assert (home / left(home)[0]).read_bytes() == LARGE


def test_a_lie_in_one_of_several_ranges_is_found(home: Path) -> None:
    with serve_hub({"org/model": {"large.bin": LARGE}}) as hub:
        client = quick(hub)
        entry = entry_of(client, hub, "large.bin")
        hub.fault("*/resolve/*", bytes_per_s=10_000_000, flip=len(LARGE) - 1)
        with pytest.raises(DigestMismatch):
            FolderBlobs(home).fetch(entry, source_of(client, hub, entry))
        assert left(home) == []


def test_ranges_out_of_order_are_used_again(home: Path) -> None:
    """A partial file with gaps, as several connections leave it: only the gaps are asked for."""
    entry = entry_for(LARGE, 1)
    folder = home / "partial"
    folder.mkdir(parents=True)
    data = bytearray(LARGE)
    blocks = bytearray(b"\x01" * 41)
    for block in (3, 4, 20, 40):
        blocks[block] = 0
        stop = min((block + 1) * MIB, len(LARGE))
        data[block * MIB : stop] = bytes(stop - block * MIB)
    (folder / f"sha256-{entry.sha256}").write_bytes(data)
    (folder / f"sha256-{entry.sha256}.ranges").write_bytes(blocks)
    origin = Origin(LARGE)
    assert FolderBlobs(home).fetch(entry, origin).sha256
    assert origin.asked == [(3 * MIB, 5 * MIB), (20 * MIB, 21 * MIB), (40 * MIB, None)]


@pytest.mark.parametrize("marks", [b"\x01" * 99, b"\x02\x01", b"\x01" * 41, b"garbage"])
def test_a_sidecar_that_cannot_be_right_is_not_believed(home: Path, marks: bytes) -> None:
    entry = entry_for(LARGE, 1)
    folder = home / "partial"
    folder.mkdir(parents=True)
    (folder / f"sha256-{entry.sha256}").write_bytes(b"x" * 1000)
    (folder / f"sha256-{entry.sha256}.ranges").write_bytes(marks)
    origin = Origin(LARGE)
    assert FolderBlobs(home).fetch(entry, origin).sha256
    assert origin.asked == [(0, None)]
    assert len(left(home)) == 1


def test_the_memory_of_a_fetch_does_not_grow_with_the_file(hub: HubServer, home: Path) -> None:
    script = CHILD + "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    peaks = []
    for path in ("medium.bin", "large.bin"):
        command = [sys.executable, "-c", script, hub.url, head(hub), path, str(home)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        peaks.append(int(done.stdout.split()[1]) * (1 if sys.platform == "darwin" else 1024))
    assert peaks[1] - peaks[0] < 16 * MIB


def test_sweep_removes_what_nobody_works_on(hub: HubServer, home: Path) -> None:
    client = quick(hub)
    blobs = FolderBlobs(home)
    kept = blobs.add(b"kept")
    entry = entry_of(client, hub, "large.bin")
    hub.fault("*/resolve/*/large.bin", status=404)
    with pytest.raises(NoSuchFile):
        blobs.fetch(entry, source_of(client, hub, entry))
    (home / "tmp" / "abandoned").write_bytes(b"12345")
    assert blobs.sweep(3600) == 0
    assert len(left(home)) == 5
    assert blobs.sweep(0) == 5
    assert left(home) == [f"blobs-v1/sha256/{kept[:2]}/{kept}"]


def test_sweep_leaves_what_somebody_works_on(hub: HubServer, home: Path) -> None:
    client, blobs = quick(hub), FolderBlobs(home)
    entry = entry_of(client, hub, "large.bin")
    fault = hub.fault("*/resolve/*/large.bin", hold_after=3 * MIB)
    working = threading.Thread(target=blobs.fetch, args=(entry, source_of(client, hub, entry)))
    working.start()
    while not list((home / "partial").glob("*.ranges")):
        time.sleep(0.005)
    blobs.sweep(0)
    assert [name for name in left(home) if name.startswith("partial")]
    fault.release()
    working.join()
    assert blobs.holds(entry.sha256 or "")


def test_a_file_larger_than_the_disk_is_refused_before_a_byte(home: Path) -> None:
    entry = FileEntry(path="w", size_bytes=1 << 49, digests=(sha256("0" * 64),))
    origin = Origin(b"")
    with pytest.raises(StoreDown, match="needed") as caught:
        FolderBlobs(home).fetch(entry, origin)
    assert origin.asked == []
    assert "WEIGHBRIDGE_HOME" in caught.value.hint


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    blobs = FolderBlobs(tmp_path / "file" / "home")
    assert not blobs.holds("0" * 64)
    assert list(blobs.walk()) == []
    with pytest.raises(StoreDown, match=str(tmp_path)):
        blobs.add(b"x")


def test_a_full_disk_names_the_place_and_a_remedy(home: Path) -> None:
    """A limit on file sizes is the nearest to a full disk that a test may set."""
    script = f"""
import resource, signal
from pathlib import Path
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.errors import StoreDown
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    FolderBlobs(Path({str(home)!r})).add(bytes(2000))
except StoreDown as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    assert str(home) in done.stdout
    assert left(home) == []


def test_hard_links_of_a_blob_outlive_its_removal(home: Path) -> None:
    blobs = FolderBlobs(home)
    name = blobs.add(b"abc")
    os.link(blobs.path(name), home / "mine")
    blobs.remove(name)
    assert (home / "mine").read_bytes() == b"abc"


def test_the_client_and_the_store_work_in_many_threads(hub: HubServer, home: Path) -> None:
    hub.repos["org/many"] = HubRepo({f"f{n}": b"%d" % n * 100 for n in range(200)})
    repo = RepoId.parse("org/many")
    client, blobs = HttpHub(hub.url), FolderBlobs(home)
    manifest = client.manifest(repo, hub.repos["org/many"].head)
    with ThreadPoolExecutor(8) as pool:
        sources = [partial(client.open, repo, manifest.commit, entry) for entry in manifest.files]
        known = list(pool.map(blobs.fetch, manifest.files, sources))
    assert {blobs.path(entry.sha256 or "").read_bytes() for entry in known} == {
        b"%d" % n * 100 for n in range(200)
    }
