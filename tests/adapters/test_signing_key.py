"""The key of a home is made once, whoever asks first, and is nobody else's to read."""

from __future__ import annotations

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from weighbridge.adapters.signing_key import KEY_BYTES, signing_key
from weighbridge.errors import StoreDown


def test_it_stays(tmp_path: Path) -> None:
    key = signing_key(tmp_path)
    assert len(key) == KEY_BYTES
    assert signing_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "signing.key").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["signing.key"]


def test_every_home_has_another(tmp_path: Path) -> None:
    homes = [tmp_path / name for name in ("one", "two")]
    for home in homes:
        home.mkdir()
    assert signing_key(homes[0]) != signing_key(homes[1])


def test_all_who_come_at_once_get_the_same(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from weighbridge.adapters.signing_key import signing_key\n"
    )
    program += "print(signing_key(Path(sys.argv[1])).hex())"
    command = [sys.executable, "-c", program, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    with ThreadPoolExecutor(16) as pool:
        here = set(pool.map(lambda _: signing_key(tmp_path).hex(), range(64)))
    there = {process.communicate(timeout=600)[0].strip() for process in running}
    assert len(here | there) == 1


@pytest.mark.parametrize("content", [b"", b"short", b"x" * (KEY_BYTES + 1)])
def test_what_is_no_key(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "signing.key"
    place.write_bytes(content)
    place.chmod(0o600)
    with pytest.raises(StoreDown, match="is no key") as caught:
        signing_key(tmp_path)
    assert str(place) in caught.value.message


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_one_that_others_may_read(tmp_path: Path, mode: int) -> None:
    signing_key(tmp_path)
    (tmp_path / "signing.key").chmod(mode)
    with pytest.raises(StoreDown, match="may be read by others") as caught:
        signing_key(tmp_path)
    assert caught.value.hint


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "none").write_text("a file")
    with pytest.raises(StoreDown, match=r"signing\.key"):
        signing_key(tmp_path / "none")
