"""Where xorbs lie: by namespace, visible when they are whole, and gone when nobody uses them."""

from __future__ import annotations

import errno
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from weighbridge.adapters.xorb_files import KEPT_S, XorbFiles
from weighbridge.errors import StoreDown

NAME, OTHER = "a" * 64, "b" * 64


def put(files: XorbFiles, owner: str, name: str, content: bytes, table: bytes = b"table") -> None:
    with files.writing(owner, name) as file:
        file.write(content)
        files.keep(file, owner, name, len(content), table)


def everything(home: Path) -> list[str]:
    return sorted(
        file.name for file in (home / "xorbs-v1").rglob("*") if file.is_file() and file.name != "id"
    )


def test_what_was_kept_is_its_namespace_s(tmp_path: Path) -> None:
    files = XorbFiles(tmp_path)
    put(files, "Ann", NAME, b"content and a footer")
    assert files.table("ann", NAME) == b"table", "namespaces do not mind upper and lower case"
    assert files.table("bob", NAME) is None
    assert files.table("ann", OTHER) is None
    with files.opened("ann", NAME) as file:
        assert file.read() == b"content and a footer"
    assert everything(tmp_path) == [NAME, f"{NAME}.table"]


def test_a_footer_is_cut_off(tmp_path: Path) -> None:
    files = XorbFiles(tmp_path)
    with files.writing("ann", NAME) as file:
        file.write(b"contentXETBLOB")
        files.keep(file, "ann", NAME, 7, b"")
    with files.opened("ann", NAME) as kept:
        assert kept.read() == b"content"
    assert files.table("ann", NAME) == b""


def test_what_was_not_kept_leaves_nothing(tmp_path: Path) -> None:
    files = XorbFiles(tmp_path)

    def break_off() -> None:
        with files.writing("ann", NAME) as file:
            file.write(b"begun")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        break_off()
    assert files.table("ann", NAME) is None
    assert everything(tmp_path) == []


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    files = XorbFiles(tmp_path)

    def fill_up() -> None:
        with files.writing("ann", NAME) as file:
            file.write(b"begun")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StoreDown, match="No space left"):
        fill_up()
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
    for file in (tmp_path / "xorbs-v1" / "ann").rglob("*"):
        os.utime(file, (long_ago, long_ago))
    assert files.table("ann", OTHER) is not None, "asking is using"
    begun = tmp_path / "xorbs-v1" / "ann" / "aa" / f"{NAME}.0.begun"
    begun.write_bytes(b"1")
    assert files.sweep() == 8
    assert files.table("ann", NAME) is None
    assert begun.exists(), "somebody may still be writing it"
    os.utime(begun, (long_ago, long_ago))
    assert files.sweep() == 1
    assert everything(tmp_path) == [OTHER, f"{OTHER}.table"]


@pytest.mark.parametrize(("owner", "name"), [("../x", NAME), ("", NAME), ("ann", "../x"), ("ann", "A" * 64)])
def test_names_that_were_not_checked(tmp_path: Path, owner: str, name: str) -> None:
    with pytest.raises(ValueError, match="is none"):
        XorbFiles(tmp_path).table(owner, name)


def test_a_disk_that_fails(tmp_path: Path) -> None:
    (tmp_path / "xorbs-v1").write_bytes(b"a file, not a folder")
    files = XorbFiles(tmp_path)
    with pytest.raises(StoreDown, match="the store of xorbs"):
        files.id()
    with pytest.raises(StoreDown, match="the store of xorbs"), files.writing("ann", NAME):
        pytest.fail("nothing can be written there")
