"""A zip that is never written: every stretch of it is that of the whole, and other programs read it."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.zip_layout import Member, ZipLayout, papers_folder

NAMES = st.lists(
    st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\\/"), min_size=1),
    unique=True,
    max_size=6,
)
CONTENTS = st.binary(max_size=300)


def stored(content: bytes) -> str:
    return sha256(content).hexdigest()


def layout_of(files: dict[str, bytes], inline: frozenset[str] = frozenset()) -> ZipLayout:
    return ZipLayout(
        tuple(
            Member(
                name=name,
                size_bytes=len(content),
                crc32=zlib.crc32(content),
                content=content if name in inline else stored(content),
            )
            for name, content in files.items()
        )
    )


def read(layout: ZipLayout, files: dict[str, bytes], start: int, stop: int) -> bytes:
    held = {stored(content): content for content in files.values()}
    return b"".join(
        (s.content if isinstance(s.content, bytes) else held[s.content])[s.start : s.stop]
        for s in layout.spans(start, stop)
    )


@given(
    data=st.data(), files=NAMES.flatmap(lambda names: st.fixed_dictionaries(dict.fromkeys(names, CONTENTS)))
)
def test_every_stretch_is_that_of_the_whole_and_the_whole_is_a_zip(
    data: st.DataObject, files: dict[str, bytes]
) -> None:
    inline = frozenset(data.draw(st.sets(st.sampled_from(sorted(files))))) if files else frozenset()
    layout = layout_of(files, inline)
    whole = read(layout, files, 0, layout.total_bytes)
    assert len(whole) == layout.total_bytes
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(0, len(whole) + 5))
    assert read(layout, files, start, stop) == whole[start:stop]
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == files
        assert {info.date_time for info in archive.infolist()} <= {(1980, 1, 1, 0, 0, 0)}
    assert layout_of(files, inline).sha256 == layout.sha256


def test_another_name_order_or_byte_is_another_archive() -> None:
    first = {"a": b"1", "b": b"2"}
    others: list[dict[str, bytes]] = [
        {"b": b"2", "a": b"1"}, {"a": b"1", "c": b"2"}, {"a": b"1", "b": b"3"}, {"a": b"1"}
    ]  # fmt: skip
    assert len({layout_of(files).sha256 for files in [first, *others]}) == 5


@pytest.mark.parametrize("size", [0xFFFFFFFE, 0xFFFFFFFF, 1 << 40])
def test_what_is_too_large_for_a_plain_zip_is_spelled_in_zip64(size: int) -> None:
    """The directory alone is read: Python's own reader finds the sizes and the places in it."""
    large = Member(name="large.bin", size_bytes=size, crc32=1, content="0" * 64)
    after = Member(name="after", size_bytes=1, crc32=zlib.crc32(b"x"), content=b"x")
    layout = ZipLayout((large, after))
    tail = read(layout, {}, size + (59 if size >= 0xFFFFFFFF else 39), layout.total_bytes)
    header = b"".join(s.content[:] for s in layout.spans(0, 39) if isinstance(s.content, bytes))
    assert struct.unpack_from("<H", header, 4)[0] == (20 if size < 0xFFFFFFFF else 45)
    with zipfile.ZipFile(_Sparse(layout.total_bytes, tail)) as archive:
        first, second = archive.infolist()
        assert (first.file_size, first.header_offset) == (size, 0)
        assert archive.read(second) == b"x"


def test_more_members_than_a_plain_zip_can_count() -> None:
    layout = ZipLayout(tuple(Member(name=f"{n}", size_bytes=0, crc32=0, content=b"") for n in range(0x10001)))
    whole = read(layout, {}, 0, layout.total_bytes)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert len(archive.infolist()) == 0x10001


def test_a_name_that_no_zip_can_hold() -> None:
    with pytest.raises(Invalid):
        Member(name="x" * 65536, size_bytes=0, crc32=0, content=b"")


def test_the_papers_never_meet_a_file_of_the_model() -> None:
    assert papers_folder(["a", "b/.weighbridge/c"]) == ".weighbridge"
    assert papers_folder([".Weighbridge/verdict.json"]) == ".weighbridge-"
    assert papers_folder([".weighbridge", ".weighbridge-/x"]) == ".weighbridge--"


class _Sparse(io.RawIOBase):
    """A file of zeros with a known end."""

    def __init__(self, size: int, tail: bytes) -> None:
        self._size, self._tail, self._at = size, tail, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def read(self, count: int = -1) -> bytes:
        left = self._size - self._at
        count = left if count < 0 else min(count, left)
        skipped = self._at - (self._size - len(self._tail))
        self._at += count
        assert skipped >= 0, "only the end is there"
        return self._tail[skipped : skipped + count]
