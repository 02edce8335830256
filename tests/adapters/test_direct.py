"""Past the page cache and through it the same bytes arrive, in whatever pieces they come."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.adapters.direct import PIECE_BYTES, DirectReader, DirectWriter

CONTENT = os.urandom(1 << 16) * 49 + b"end"
PLACES = [Path(tempfile.gettempdir()), *(place for place in [Path("/dev/shm")] if place.is_dir())]
"""A disk, and memory, which takes no direct I/O on older systems."""


@contextmanager
def a_file(place: Path) -> Iterator[int]:
    with tempfile.TemporaryFile(dir=place, buffering=0) as file:
        yield file.fileno()


@given(st.lists(st.integers(0, len(CONTENT)), max_size=8), st.sampled_from(PLACES))
def test_pieces_make_no_difference(cuts: list[int], place: Path) -> None:
    with a_file(place) as file:
        writer = DirectWriter(file)
        for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), len(CONTENT)], strict=True):
            writer.write(CONTENT[start:stop])
        writer.finish()
        assert os.pread(file, len(CONTENT) + 1, 0) == CONTENT


@given(st.integers(0, len(CONTENT)), st.integers(0, 2 * PIECE_BYTES), st.sampled_from(PLACES))
def test_any_stretch_is_read(start: int, length: int, place: Path) -> None:
    with a_file(place) as file:
        os.write(file, CONTENT)
        reader = DirectReader(file)
        assert bytes(reader.read(start, start + length)) == CONTENT[start : start + length]
        assert bytes(reader.read(0, 3)) == CONTENT[:3]


def test_nothing_is_written_as_nothing(tmp_path: Path) -> None:
    with a_file(tmp_path) as file:
        writer = DirectWriter(file)
        writer.write(b"")
        writer.finish()
        assert os.fstat(file).st_size == 0


def test_a_stretch_begins_anywhere(tmp_path: Path) -> None:
    """Direct I/O refuses what does not begin at a block; that goes through the cache."""
    with a_file(tmp_path) as file:
        for at in (3, PIECE_BYTES, 10 * PIECE_BYTES + 4095):
            writer = DirectWriter(file, at)
            writer.write(CONTENT)
            writer.finish()
            assert os.pread(file, len(CONTENT) + 1, at) == CONTENT
        assert os.pread(file, 3, 0) == bytes(3)


def test_the_end_of_a_file_is_read_as_directly_as_its_beginning(tmp_path: Path) -> None:
    with a_file(tmp_path) as file:
        os.write(file, CONTENT)
        reader = DirectReader(file)
        before = fcntl.fcntl(file, fcntl.F_GETFL)
        assert bytes(reader.read(len(CONTENT) - 5, len(CONTENT) + 90_000)) == CONTENT[-5:]
        assert fcntl.fcntl(file, fcntl.F_GETFL) == before


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="a filesystem that has no direct I/O")
def test_where_there_is_no_direct_io_the_cache_is_used() -> None:
    with Path("/proc/version").open("rb", buffering=0) as file:
        reader = DirectReader(file.fileno())
        assert bytes(reader.read(0, 5)) == b"Linux"
        assert bytes(reader.read(2, 5)) == b"nux"
