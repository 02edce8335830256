"""Parts of a content: they cover it, in order, and there are never too many."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.parts import MOST_PARTS, PartedContent, part_size

UPLOAD, OID = "ab" * 16, "cd" * 32


def content(size: int, part: int) -> PartedContent:
    return PartedContent(upload=UPLOAD, sha256=OID, size_bytes=size, part_bytes=part)


@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_the_parts_cover_the_content_without_gap_or_overlap(size: int, wanted: int) -> None:
    parted = content(size, part_size(size, wanted))
    assert 1 <= parted.count <= MOST_PARTS
    spans = [parted.span(number) for number in range(1, parted.count + 1)]
    assert spans[0][0] == 0
    assert spans[-1][1] == size
    assert all(stop == start for (_, stop), (start, _) in pairwise(spans))
    assert all(stop - start == parted.part_bytes for start, stop in spans[:-1])
    assert parted.count == 1 or parted.part_bytes >= wanted
    assert parted.part_bytes < 1 << 20 or parted.part_bytes % (1 << 20) == 0


@pytest.mark.parametrize("number", [-1, 0, 4, 10**9])
def test_a_part_that_there_is_not(number: int) -> None:
    with pytest.raises(Invalid, match="is none of the 3 parts"):
        content(25, 10).span(number)


@pytest.mark.parametrize(("size", "part"), [(0, 5), (5, 0), (-1, 5), (5, -1), (MOST_PARTS + 1, 1)])
def test_sizes_that_cannot_be(size: int, part: int) -> None:
    with pytest.raises(Invalid, match="fits no content"):
        content(size, part)


@pytest.mark.parametrize("upload", ["", "ab" * 15, "AB" * 16, "../" + "a" * 29, "ab" * 16 + "\n"])
def test_names_that_are_no_upload(upload: str) -> None:
    with pytest.raises(Invalid, match="32 hex digits"):
        PartedContent(upload=upload, sha256=OID, size_bytes=5, part_bytes=2)
