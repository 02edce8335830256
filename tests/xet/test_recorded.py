"""What real clients sent, recorded: hf_xet 1.1.0 (with footers), 1.1.10 and 1.8.0.

They are uploads of ``samples.small()``; 1.1.10 and 1.8.0 made the same xorb of it.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from tests.xet import samples
from tests.xet.written import chunk_bytes, listing_of, verify_xorb, write_shard
from weighbridge.domain.invalid import Invalid
from weighbridge.xet.chunks import MAX_CHUNK_BYTES, Scheme
from weighbridge.xet.claims import verify_listing, verify_reconstruction
from weighbridge.xet.hashes import hash_text
from weighbridge.xet.shards import parse_shard
from weighbridge.xet.xorbs import Xorb, parse_xorb

FOLDER = Path(__file__).parents[1] / "golden" / "xet"
RECORDED = [("1.1.0", "1.1.0"), ("1.1.10", "1.8.0"), ("1.8.0", "1.8.0")]
"""Version of the shard, version of the xorb."""
NAMES = {
    "1.1.0": "ea0551ad7994f15810c7a7e3413b82f73a191277787b4a8c64a6233f08084b96",
    "1.8.0": "bc2d286700d7eb7d2e3c0b5f28c45eee354121389665a797f101c440f55581d5",
}


def read(version: str, ending: str) -> bytes:
    return (FOLDER / f"hf_xet-{version}.{ending}").read_bytes()


def rebuilt(source: bytes, xorb: Xorb, ranges: list[tuple[int, int]]) -> bytes:
    return b"".join(chunk_bytes(source, chunk) for start, end in ranges for chunk in xorb.chunks[start:end])


@pytest.mark.parametrize("version", NAMES)
def test_a_xorb_has_the_name_it_was_sent_under(version: str) -> None:
    assert hash_text(parse_xorb(read(version, "xorb")).hash) == NAMES[version]


@pytest.mark.parametrize(("shard_version", "xorb_version"), RECORDED)
def test_files_are_put_together_from_chunks(shard_version: str, xorb_version: str) -> None:
    source = read(xorb_version, "xorb")
    xorb = parse_xorb(source)
    shard = parse_shard(read(shard_version, "shard"))
    found = set()
    for file in shard.files:
        verify_reconstruction(file, samples.held(xorb))
        content = rebuilt(source, xorb, [(term.start, term.end) for term in file.terms])
        assert len(content) == file.length
        assert sha256(content).hexdigest() == file.sha256
        found.add(content)
    assert found == set(samples.small().values())


@pytest.mark.parametrize("version", ["1.1.10", "1.8.0"])
def test_listed_chunks_are_those_of_the_xorb(version: str) -> None:
    xorb = parse_xorb(read("1.8.0", "xorb"))
    (listing,) = parse_shard(read(version, "shard")).xorbs
    verify_listing(listing)
    assert listing.records == listing_of(xorb).records
    assert tuple(listing.leaves) == xorb.leaves
    assert listing.length == xorb.length


def test_every_way_of_packing_was_recorded() -> None:
    chunks = parse_xorb(read("1.8.0", "xorb")).chunks
    assert {chunk.scheme for chunk in chunks} == set(Scheme)
    assert max(chunk.length for chunk in chunks) == MAX_CHUNK_BYTES


def test_what_1_8_sends_is_written_the_same() -> None:
    recorded = read("1.8.0", "shard")
    assert write_shard(parse_shard(recorded)) == recorded


def test_a_footer_is_no_part_of_the_xorb() -> None:
    source = read("1.1.0", "xorb")
    whole = parse_xorb(source)
    assert source[whole.packed_length :].startswith(b"XETBLOB")
    assert parse_xorb(source[: whole.packed_length]) == whole


@pytest.mark.parametrize("version", NAMES)
def test_a_xorb_cut_anywhere_is_refused(version: str) -> None:
    source = read(version, "xorb")
    xorb = parse_xorb(source)
    edges = {0, 1, 7, 8, 9, len(source) - 1} | {
        c.packed_offset + d for c in xorb.chunks for d in (-9, -8, -1, 0, 1)
    }
    for end in sorted(edges):
        with pytest.raises(Invalid):
            verify_xorb(source[: max(end, 0)], xorb.hash)
