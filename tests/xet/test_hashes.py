"""Hashes: their spelling, and the tree over them."""

from __future__ import annotations

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.invalid import Invalid
from weighbridge.xet.hashes import (
    NO_CHUNKS,
    HashTree,
    XetHash,
    chunk_hash,
    file_hash,
    hash_text,
    parse_hash,
    xorb_hash,
)

raw_hashes = st.binary(min_size=32, max_size=32)
leaves = st.lists(st.tuples(raw_hashes.map(XetHash), st.integers(1, 131072)), max_size=300)
NODE_KEY = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")


def level_by_level(nodes: list[tuple[XetHash, int]]) -> XetHash:
    """The tree as the protocol page tells it: whole levels, groups cut with the whole list in sight."""
    while len(nodes) > 1:
        above = []
        while nodes:
            size = min(9, len(nodes))
            if len(nodes) > 2:
                cuts = [i + 1 for i in range(2, size) if int.from_bytes(nodes[i][0][24:], "little") % 4 == 0]
                size = cuts[0] if cuts else size
            group, nodes = nodes[:size], nodes[size:]
            lines = b"".join(b"%s : %d\n" % (hash_text(node).encode(), length) for node, length in group)
            above.append((XetHash(blake3(lines, key=NODE_KEY).digest()), sum(length for _, length in group)))
        nodes = above
    return nodes[0][0]


@given(raw_hashes)
def test_the_spelling_is_read_back(raw: bytes) -> None:
    assert parse_hash(hash_text(raw)) == raw


def test_each_eight_bytes_are_turned_around() -> None:
    assert hash_text(bytes(range(32))) == ("07060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918")


@pytest.mark.parametrize(
    "text", ["", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 64 + "\n", " " + "0" * 63]
)
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="64 lowercase hex"):
        parse_hash(text)


@given(leaves.filter(bool))
def test_the_tree_grown_leaf_by_leaf_has_the_root_of_the_tree_built_by_levels(
    nodes: list[tuple[XetHash, int]],
) -> None:
    assert xorb_hash(nodes) == level_by_level(nodes)


@given(leaves)
def test_the_length_is_that_of_all_leaves(nodes: list[tuple[XetHash, int]]) -> None:
    tree = HashTree()
    for node, length in nodes:
        tree.add(node, length)
    assert tree.length == sum(length for _, length in nodes)


def test_one_chunk_names_its_xorb_but_not_its_file() -> None:
    tree = HashTree()
    name = chunk_hash(b"a chunk")
    tree.add(name, 7)
    assert xorb_hash([(name, 7)]) == name
    assert file_hash(tree) != name


def test_no_chunks_have_the_name_of_zeros() -> None:
    assert file_hash(HashTree()) == xorb_hash([]) == NO_CHUNKS
