"""Laws of reading: what was written is read back, and no change of a byte goes through unnoticed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import lz4.frame
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.xet.samples import held
from tests.xet.test_recorded import read
from tests.xet.written import chunk_bytes, listing_of, verify_xorb, write_shard, write_xorb
from weighbridge.domain.invalid import Invalid
from weighbridge.xet.chunks import Scheme, chunks_bytes, unpack
from weighbridge.xet.claims import verify_listing, verify_reconstruction
from weighbridge.xet.hashes import HashTree, XetHash, file_hash, range_hash
from weighbridge.xet.shards import Reconstruction, Shard, Term, parse_shard
from weighbridge.xet.xorbs import MAX_FOOTER_BYTES, MAX_XORB_CHUNKS, Xorb, XorbReader, parse_xorb

blocks = st.one_of(
    st.binary(min_size=1, max_size=400),
    st.tuples(st.binary(min_size=1, max_size=7), st.integers(1, 300)).map(lambda pair: pair[0] * pair[1]),
)
packings = st.lists(st.tuples(blocks, st.sampled_from(Scheme)), min_size=1, max_size=20)


def header(packed: int, scheme: int, length: int, version: int = 0) -> bytes:
    return bytes([version]) + packed.to_bytes(3, "little") + bytes([scheme]) + length.to_bytes(3, "little")


def plain(source: bytes, xorb: Xorb) -> list[bytes]:
    return [bytes(data) for data in chunks_bytes(lambda start, stop: source[start:stop], xorb.chunks)]


@given(packings)
def test_a_written_xorb_is_read_back(packing: list[tuple[bytes, Scheme]]) -> None:
    source = write_xorb(packing)
    xorb = parse_xorb(source)
    assert plain(source, xorb) == [data for data, _ in packing]
    assert xorb.packed_length == len(source)
    assert xorb.length == sum(len(data) for data, _ in packing)
    for chunk in xorb.chunks:
        packed = source[chunk.packed_offset : chunk.packed_offset + chunk.packed_length]
        assert unpack(packed, chunk) == chunk_bytes(source, chunk)


@given(packings, st.data())
def test_the_pieces_that_arrive_make_no_difference(
    packing: list[tuple[bytes, Scheme]], data: st.DataObject
) -> None:
    source = write_xorb(packing)
    if data.draw(st.booleans(), label="with a footer"):
        source += b"XETBLOB" + bytes(20) + (27).to_bytes(4, "little")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(source)), max_size=12)))
    reader = XorbReader()
    for start, end in zip([0, *cuts], [*cuts, len(source)], strict=True):
        reader.feed(memoryview(source)[start:end])
    assert reader.finish() == parse_xorb(source)


def test_a_xorb_may_arrive_byte_by_byte() -> None:
    source = write_xorb([(b"abcd" * 50, Scheme.GROUPED_LZ4), (b"raw", Scheme.RAW)])
    reader = XorbReader()
    for byte in source:
        reader.feed(bytes([byte]))
    assert reader.finish() == parse_xorb(source)


@given(packings, st.data())
def test_a_changed_byte_of_a_xorb_is_refused_or_changes_no_chunk(
    packing: list[tuple[bytes, Scheme]], data: st.DataObject
) -> None:
    """One content can be packed in several ways, and its name is that of the content."""
    source = write_xorb(packing)
    xorb = parse_xorb(source)
    changed = bytearray(source)
    changed[data.draw(st.integers(0, len(source) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read_again = verify_xorb(changed, xorb.hash)
    except Invalid:
        return
    assert plain(bytes(changed), read_again) == plain(source, xorb)


@given(st.integers(0, 105_958), st.integers(1, 255))
def test_a_changed_byte_of_a_recorded_xorb_is_refused_or_changes_no_chunk(at: int, flip: int) -> None:
    source = read("1.8.0", "xorb")
    xorb = parse_xorb(source)
    changed = bytearray(source)
    changed[at] ^= flip
    try:
        read_again = verify_xorb(changed, xorb.hash)
    except Invalid:
        return
    assert plain(bytes(changed), read_again) == plain(source, xorb)


@given(packings, st.data())
def test_a_cut_xorb_is_refused(packing: list[tuple[bytes, Scheme]], data: st.DataObject) -> None:
    source = write_xorb(packing)
    end = data.draw(st.integers(0, len(source) - 1))
    with pytest.raises(Invalid):
        verify_xorb(source[:end], parse_xorb(source).hash)


@given(st.binary(max_size=3000))
def test_any_bytes_are_read_or_refused(junk: bytes) -> None:
    for parse in (parse_xorb, parse_shard):
        try:
            parse(junk)
        except Invalid:
            continue


LIED = bytearray(lz4.frame.compress(b"short" * 9, store_size=True))
LIED[6:14] = (1 << 62).to_bytes(8, "little")


def outcome(pieces: list[bytes]) -> Xorb | str:
    """The xorb in these pieces, or why there is none."""
    reader = XorbReader()
    try:
        for piece in pieces:
            reader.feed(piece)
        return reader.finish()
    except Invalid as error:
        return error.why


headers = st.builds(
    header, st.integers(0, 400), st.integers(0, 4), st.integers(0, 400), st.sampled_from([0, 0, 0, 1])
)
hostile = st.lists(
    st.one_of(headers, blocks, packings.map(write_xorb), st.just(b"XETBLOB"), st.just(LIED)), max_size=12
).map(b"".join)


@settings(max_examples=300)
@given(hostile, st.lists(st.integers(0, 3000), max_size=30))
def test_what_is_wrong_is_wrong_in_the_same_way_in_any_pieces(source: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(source)) for cut in cuts), len(source)]
    pieces = [source[start:end] for start, end in pairwise(places)]
    assert outcome(pieces) == outcome([source])


numbers = st.one_of(
    st.integers(0, 9), st.sampled_from([8192, 8193, 1 << 17, 1 << 26, 1 << 30, 3 << 30, 2**32 - 1])
)
names = st.sampled_from([XetHash(b"a" * 32), XetHash(b"b" * 32), XetHash(b"\xff" * 32)])
terms = st.builds(
    lambda name, start, count, proof: Term(
        xorb_hash=name, start=start, end=start + count, length=count * 9000, range_hash=proof
    ),
    *(names, st.integers(0, 9), st.integers(1, 9), st.one_of(names, st.none())),
)
reconstructions = st.builds(
    Reconstruction,
    file_hash=names,
    terms=st.lists(terms, max_size=4).map(tuple),
    sha256=st.sampled_from([None, "5" * 64]),
)
shards = st.builds(
    lambda files, packing: Shard(files=tuple(files), xorbs=(listing_of(parse_xorb(write_xorb(packing))),)),
    *(st.lists(reconstructions, max_size=3), packings),
)


@settings(max_examples=300)
@given(shards, st.lists(st.tuples(st.integers(12, 300), numbers), max_size=2))
def test_a_shard_of_other_numbers_is_within_its_bounds_or_refused(
    made: Shard, changes: list[tuple[int, int]]
) -> None:
    source = bytearray(write_shard(made))
    for place, number in changes:
        at = place * 4 % len(source)
        source[at : at + 4] = number.to_bytes(4, "little")
    try:
        shard = parse_shard(source)
    except Invalid:
        return
    assert len([*shard.files, *shard.xorbs]) <= len(source) // 48
    for file in shard.files:
        assert all(0 <= term.start < term.end <= MAX_XORB_CHUNKS for term in file.terms)
        assert all(term.end - term.start <= term.length <= 64 << 20 for term in file.terms)
    for listing in shard.xorbs:
        assert sum(length for _, length in listing.leaves) == listing.length


LONG = lz4.frame.compress(bytes(50 << 20), store_size=True)
SKIPPED = b"\x50\x2a\x4d\x18\xff\xff\xff\xff"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (b"", "holds no chunk"),
        (header(3, 0, 3) + b"ab", "ends within a chunk"),
        (header(3, 0, 3, version=1) + b"abc", "unknown version"),
        (header(3, 3, 3) + b"abc", "unknown scheme"),
        (header(3, 0, 4) + b"abc", "is raw and has not 4 bytes"),
        (header(0, 0, 0), "a chunk of 0 bytes"),
        (header(1, 1, (128 << 10) + 1) + b"a", "a chunk of 131073 bytes"),
        (header(1000, 1, 64) + bytes(1000), "packed to 1000"),
        (header(9, 1, 64) + bytes(9), "no LZ4 frame"),
        (header(len(LONG), 1, 128 << 10) + LONG, "packed to"),
        (header(100_000, 1, 128 << 10) + LONG[:100_000], "no LZ4 frame of 131072 bytes"),
        (header(len(LIED), 1, 64) + bytes(LIED), "no LZ4 frame"),
        (header(len(SKIPPED), 1, 64) + SKIPPED, "no LZ4 frame"),
        (header(1, 0, 1) + b"a" + b"XETBLOB" + bytes(MAX_FOOTER_BYTES), "a footer of more than"),
        (header(1, 0, 1) + b"a" + b"XETBLOB" + bytes(20), "a footer of 27 bytes that says 0"),
        (b"XETBLOB" + (7).to_bytes(4, "little"), "holds no chunk"),
        ((header(1, 0, 1) + b"a") * (MAX_XORB_CHUNKS + 1), "more than 8192 chunks"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_hostile_xorb_is_refused_before_it_costs_anything(source: bytes, why: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Invalid, match=why):
            parse_xorb(source)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_xorb_that_unpacks_to_too_much_is_refused() -> None:
    full = lz4.frame.compress(bytes(128 << 10))
    chunk = header(len(full), 1, 128 << 10) + full
    assert parse_xorb(chunk * 512).length == 64 << 20
    with pytest.raises(Invalid, match="unpacks to more than"):
        parse_xorb(chunk * 513)


def files_of(xorb: Xorb, cuts: list[tuple[int, int]]) -> Iterator[Reconstruction]:
    for start, end in cuts:
        leaves, tree = xorb.leaves[start:end], HashTree()
        for name, length in leaves:
            tree.add(name, length)
        proof = range_hash(name for name, _ in leaves)
        term = Term(xorb_hash=xorb.hash, start=start, end=end, length=tree.length, range_hash=proof)
        yield Reconstruction(file_hash=file_hash(tree), terms=(term,), sha256=None)


@given(packings, st.data())
def test_a_written_shard_is_read_back_and_true(
    packing: list[tuple[bytes, Scheme]], data: st.DataObject
) -> None:
    xorb = parse_xorb(write_xorb(packing))
    last = len(xorb.chunks)
    pairs = st.tuples(st.integers(0, last - 1), st.integers(1, 8)).map(
        lambda p: (p[0], min(last, p[0] + p[1]))
    )
    files = tuple(files_of(xorb, data.draw(st.lists(pairs, max_size=4))))
    shard = Shard(files=files, xorbs=(listing_of(xorb),))
    parsed = parse_shard(write_shard(shard))
    assert [(f.file_hash, tuple(f.terms), f.sha256) for f in parsed.files] == [
        (f.file_hash, tuple(f.terms), f.sha256) for f in files
    ]
    assert tuple(parsed.xorbs) == tuple(parsed.xorbs) == tuple(shard.xorbs)
    for listing in parsed.xorbs:
        verify_listing(listing)
    for file in parsed.files:
        verify_reconstruction(file, held(xorb))


@settings(max_examples=300)
@given(st.integers(0, 1295), st.integers(1, 255))
def test_a_changed_byte_of_a_shard_is_refused_or_says_the_same(at: int, flip: int) -> None:
    """What no hash covers: unused bytes, the packed length, and the sha256 of a file.

    The last is told only by the file itself, so a reader has to compute it.
    """
    source = read("1.8.0", "shard")
    xorb = parse_xorb(read("1.8.0", "xorb"))
    changed = bytearray(source)
    changed[at] ^= flip
    try:
        shard = parse_shard(changed)
        for listing in shard.xorbs:
            verify_listing(listing)
        for file in shard.files:
            verify_reconstruction(file, held(xorb))
    except Invalid:
        return
    original = parse_shard(source)
    assert [(f.file_hash, *f.terms) for f in shard.files] == [(f.file_hash, *f.terms) for f in original.files]
    assert [tuple(each.leaves) for each in shard.xorbs] == [tuple(each.leaves) for each in original.xorbs]


@given(st.integers(0, 1295))
def test_a_cut_shard_is_refused(end: int) -> None:
    with pytest.raises(Invalid):
        parse_shard(read("1.8.0", "shard")[:end])


def shard_of(*records: tuple[bytes, int, int, int, int], tail: bytes = b"") -> bytes:
    packed = b"".join(r[0] + b"".join(n.to_bytes(4, "little") for n in r[1:]) for r in records)
    return read("1.8.0", "shard")[:48] + packed + tail


NAME, END = b"n" * 32, (b"\xff" * 32, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "records",
    [
        [(NAME, 0, 40_000, 0, 0), *[(NAME, 0, 9, 0, 1)] * 40_000, END, END],
        [*[(NAME, 0, 0, 0, 0)] * 40_000, END, END],
        [END, *[(NAME, 0, 1, 9, 9), (NAME, 0, 9, 0, 0)] * 20_000, END],
    ],
    ids=["terms", "files", "xorbs"],
)
def test_a_large_shard_takes_no_more_memory_than_its_bytes(
    records: list[tuple[bytes, int, int, int, int]],
) -> None:
    source = shard_of(*records)
    tracemalloc.start()
    try:
        shard = parse_shard(source)
        seen = sum(1 + sum(1 for _ in file.terms) for file in shard.files) + sum(1 for _ in shard.xorbs)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seen >= 20_000
    assert peak < len(source) // 2  # the source itself is held by who read it


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (b"x" * 48, "does not begin as shards do"),
        (read("1.8.0", "shard")[:32] + (3).to_bytes(16, "little"), "is not 2"),
        (shard_of(END), "ends too early"),
        (shard_of(END, END, tail=b"x"), "1 bytes behind its end"),
        (shard_of((NAME, 0, 0xFFFFFFFF, 0, 0)), "ends too early"),
        (shard_of((NAME, 1, 0, 0, 0), END, END), "unknown flags"),
        (shard_of((NAME, 0, 1, 0, 0), (NAME, 0, 9, 5, 5), END, END), "chunks 5 to 5"),
        (shard_of((NAME, 0, 1, 0, 0), (NAME, 0, 9, 0, 8193), END, END), "chunks 0 to 8193"),
        (shard_of((NAME, 0, 1, 0, 0), (NAME, 0, 131073, 0, 1), END, END), "1 chunks and 131073 bytes"),
        (shard_of((NAME, 0, 1, 0, 0), (NAME, 0, 9, 0, 9), END, END), "each too small"),
        (shard_of(END, (NAME, 0, 0, 0, 0), END), "a xorb of 0 chunks"),
        (shard_of(END, (NAME, 0, 8193, 0, 0), END), "a xorb of 8193 chunks"),
        (shard_of(END, (NAME, 0, 1, 9, 0), (NAME, 1, 9, 0, 0), END), "9 bytes at 1, behind 0"),
        (shard_of(END, (NAME, 0, 1, 9, 0), (NAME, 0, 8, 0, 0), END), "whose chunks have 8"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_shard_that_contradicts_itself_is_refused(source: bytes, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        parse_shard(source)


def test_a_sender_who_does_not_know_the_chunks_is_refused() -> None:
    xorb = parse_xorb(write_xorb([(b"one", Scheme.RAW), (b"two!", Scheme.RAW)]))
    (true,) = files_of(xorb, [(0, 2)])
    (term,) = true.terms

    def claim(known: bool = True, **other: object) -> None:
        values = {name: getattr(term, name) for name in ("xorb_hash", "start", "end", "length", "range_hash")}
        changed = Term(**{**values, **other})
        file = Reconstruction(file_hash=true.file_hash, terms=(changed,), sha256=None)
        verify_reconstruction(file, held(xorb) if known else lambda _: None)

    claim()
    for wrong, why in (
        ({"known": False}, "is not known"),
        ({"end": 3}, "no chunks 0 to 3"),
        ({"length": 8}, "has 7 bytes, not 8"),
        ({"range_hash": None}, "without a range hash"),
        ({"range_hash": XetHash(bytes(32))}, "another range hash"),
    ):
        with pytest.raises(Invalid, match=why):
            claim(**wrong)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="is made of chunks of"):
        verify_reconstruction(
            Reconstruction(file_hash=XetHash(bytes(32)), terms=true.terms, sha256=None),
            held(xorb),
        )
