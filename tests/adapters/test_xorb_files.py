"""Where xorbs lie: by namespace, visible when they are whole, and gone when nobody uses them."""

from __future__ import annotations

import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from weighbridge.adapters.xorb_files import KEPT_S, XorbFiles
from weighbridge.errors import StoreDown

NAME, OTHER = "a" * 64, "b" * 64


def put(files: XorbFiles, owner: str, name: str, content: bytes, table: bytes = b"table") -> None:
    with files.writing(owner, name) as begun:
        begun.write(content)
        begun.keep(len(content), table)


def content_of(files: XorbFiles, owner: str, name: str, start: int = 0, stop: int = 1 << 20) -> bytes:
    with files.opened(owner, name) as read:
        return bytes(read(start, stop))


def everything(home: Path) -> list[str]:
    return sorted(
        file.name for file in (home / "xorbs-v2").rglob("*") if file.is_file() and file.name != "id"
    )


def test_what_was_kept_is_its_namespace_s(tmp_path: Path) -> None:
    files = XorbFiles(tmp_path)
    put(files, "Ann", NAME, b"content and a footer")
    assert files.table("ann", NAME, 0, 99) == b"table", "namespaces do not mind upper and lower case"
    assert files.table("ann", NAME, 1, 3) == b"ab"
    assert files.table("ann", NAME, 7, 9) == b""
    assert (files.has("ann", NAME), files.has("bob", NAME), files.has("ann", OTHER)) == (True, False, False)
    assert files.table("bob", NAME, 0, 99) is None
    assert files.table("ann", OTHER, 0, 99) is None
    assert content_of(files, "ann", NAME, 0, 20) == b"content and a footer"
    assert content_of(files, "ann", NAME, 8, 13) == b"and a"
    assert everything(tmp_path) == [NAME]


def test_a_footer_is_cut_off(tmp_path: Path) -> None:
    files = XorbFiles(tmp_path)
    with files.writing("ann", NAME) as begun:
        begun.write(b"contentXETBLOB")
        begun.keep(7, b"table")
    assert content_of(files, "ann", NAME, 0, 7) == b"content"
    assert files.table("ann", NAME, 0, 5) == b"table"


def test_a_xorb_as_large_as_they_come(tmp_path: Path) -> None:
    files, content = XorbFiles(tmp_path), bytes(range(251)) * 270_000
    with files.writing("ann", NAME) as begun:
        for start in range(0, len(content), 400_001):
            begun.write(content[start : start + 400_001])
        begun.keep(len(content) - 3_000_000, b"table" * 90_000)
    assert files.table("ann", NAME, 0, 1 << 20) == b"table" * 90_000
    for start, stop in ((0, 5), (1_000_003, 2_000_001), (64_000_000, len(content) - 3_000_000)):
        assert content_of(files, "ann", NAME, start, stop) == content[start:stop]


def test_what_was_not_kept_leaves_nothing(tmp_path: Path) -> None:
    files = XorbFiles(tmp_path)

    def break_off() -> None:
        with files.writing("ann", NAME) as begun:
            begun.write(b"begun")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        break_off()
    assert not files.has("ann", NAME)
    assert everything(tmp_path) == []


def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path) -> None:
    files = XorbFiles(tmp_path)
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, usual[1]))
    try:
        with pytest.raises(StoreDown, match="File too large"):
            put(files, "ann", NAME, bytes(4_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert everything(tmp_path) == []


def test_a_collection_has_one_name(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda _: XorbFiles(tmp_path).id(), range(64)))
    assert len(names) == 1
    assert XorbFiles(tmp_path).id() in names
    assert XorbFiles(tmp_path / "other").id() not in names
    assert everything(tmp_path) == []


def test_what_nobody_uses_goes_and_what_is_used_stays(tmp_path: Path) -> None:
    files = XorbFiles(tmp_path)
    put(files, "ann", NAME, b"12345", b"678")
    put(files, "ann", OTHER, b"12345")
    long_ago = time.time() - KEPT_S - 60
    for file in (tmp_path / "xorbs-v2" / "ann").rglob("*"):
        os.utime(file, (long_ago, long_ago))
    assert files.has("ann", OTHER), "asking is using"
    begun = tmp_path / "xorbs-v2" / "ann" / "aa" / f"{NAME}.0.begun"
    begun.write_bytes(b"1")
    assert files.sweep() == 16, "what was sent, what is in it, and eight bytes"
    assert not files.has("ann", NAME)
    assert begun.exists(), "somebody may still be writing it"
    os.utime(begun, (long_ago, long_ago))
    assert files.sweep() == 1
    assert everything(tmp_path) == [OTHER]


def test_what_an_earlier_format_left_is_removed(tmp_path: Path) -> None:
    former = tmp_path / "xorbs-v1" / "ann" / "aa" / NAME
    former.parent.mkdir(parents=True)
    former.write_bytes(b"1")
    XorbFiles(tmp_path).sweep()
    assert not (tmp_path / "xorbs-v1").exists()


@pytest.mark.parametrize(("owner", "name"), [("../x", NAME), ("", NAME), ("ann", "../x"), ("ann", "A" * 64)])
def test_names_that_were_not_checked(tmp_path: Path, owner: str, name: str) -> None:
    with pytest.raises(ValueError, match="is none"):
        XorbFiles(tmp_path).has(owner, name)


def test_a_disk_that_fails(tmp_path: Path) -> None:
    (tmp_path / "xorbs-v2").write_bytes(b"a file, not a folder")
    files = XorbFiles(tmp_path)
    with pytest.raises(StoreDown, match="the store of xorbs"):
        files.id()
    with pytest.raises(StoreDown, match="the store of xorbs"), files.writing("ann", NAME):
        pytest.fail("nothing can be written there")
