"""What scanners said, kept between processes: never wrong, never more than it may be."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from weighbridge.adapters.scan_cache import MOST_IN_A_FOLDER, ScanCache
from weighbridge.domain.scan import FileScan, Finding, ScanState, Severity
from weighbridge.scanners import RULES, scan_tree

SHA256 = "a" * 64


def scan(sha256: str = SHA256, message: str = "calls os.system") -> FileScan:
    finding = Finding(rule="pickle.global", severity=Severity.BLOCK, path="a.pkl", message=message)
    return FileScan(
        path="a.pkl", sha256=sha256, format="pickle", state=ScanState.SCANNED, findings=(finding,)
    )


def key(sha256: str = SHA256, name: str = "a.pkl", rules: str = "1") -> str:
    return f"{rules}:{sha256}:{name}"


def test_another_process_finds_what_was_kept(tmp_path: Path) -> None:
    ScanCache(tmp_path)[key()] = scan()
    later = ScanCache(tmp_path)
    assert later.get(key()) == scan()
    assert list(later) == [key()]
    del later[key()]
    assert key() not in ScanCache(tmp_path)


def test_other_rules_another_name_and_another_content_are_not_known(tmp_path: Path) -> None:
    cache = ScanCache(tmp_path)
    cache[key()] = scan()
    assert all(
        other not in cache for other in (key(rules="2"), key(name="b.pkl"), key("b" * 64), "", "nonsense")
    )


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b'{"key": 1}', b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_entry_is_not_there(tmp_path: Path, damage: bytes) -> None:
    cache = ScanCache(tmp_path)
    cache[key()] = scan()
    (entry,) = tmp_path.glob("scans-v1/*/*.json")
    entry.write_bytes(damage)
    assert cache.get(key()) is None
    assert list(cache) == []
    cache[key()] = scan()
    assert cache.get(key()) == scan()


def test_an_entry_of_another_content_is_not_believed(tmp_path: Path) -> None:
    cache = ScanCache(tmp_path)
    cache[key()] = scan("b" * 64)
    assert cache.get(key()) is None


def test_the_oldest_go_when_a_folder_is_full(tmp_path: Path) -> None:
    cache = ScanCache(tmp_path)
    names = (f"{n}.pkl" for n in range(10**7))
    same = (n for n in names if hashlib.sha256(key(name=n).encode()).hexdigest().startswith("00"))
    for _ in range(MOST_IN_A_FOLDER + 1):
        cache[key(name=next(same))] = scan()
    assert MOST_IN_A_FOLDER // 2 < len(cache) <= MOST_IN_A_FOLDER
    assert not list((tmp_path / "tmp").iterdir())


def test_an_entry_of_any_length_is_not_kept(tmp_path: Path) -> None:
    cache = ScanCache(tmp_path)
    cache[key()] = scan(message="x" * 100_000)
    assert not cache


def test_a_home_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "scans-v1").write_bytes(b"a file")
    cache = ScanCache(tmp_path)
    cache[key()] = scan()
    assert cache.get(key()) is None


def test_a_tree_is_scanned_out_of_the_cache(tmp_path: Path) -> None:
    cache, content = ScanCache(tmp_path / "home"), b"print('hello')\n"
    (tmp_path / "a.txt").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    first = scan_tree([("a.txt", tmp_path / "a.txt", sha256)], cache)
    assert list(cache) == [f"{RULES}:{sha256}:a.txt"]
    assert scan_tree([("x/a.txt", tmp_path / "gone", sha256)], cache).files[0].state is first.files[0].state


def test_what_may_change_while_it_is_scanned_is_not_kept(tmp_path: Path) -> None:
    cache = ScanCache(tmp_path / "home")
    (tmp_path / "a.txt").write_bytes(b"x")
    scan_tree([("a.txt", tmp_path / "a.txt", SHA256)], cache, keep=False)
    assert not cache
