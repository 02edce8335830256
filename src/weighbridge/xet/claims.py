"""What a shard claims, held against what is in the xorbs.

Who checked a shard here knows that each file is made of chunks that exist, that it is named by
them, and that the sender knew every chunk it names. What the file's sha256 is can only be told
by putting it together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from weighbridge.domain.invalid import Invalid
from weighbridge.xet.hashes import HashTree, XetHash, file_hash, hash_text, range_hash, xorb_hash
from weighbridge.xet.shards import Listing, Reconstruction, Term

Leaves: TypeAlias = Sequence[tuple[XetHash, int]]
"""Hash and unpacked length of chunks of one xorb, in their order (``Xorb.leaves``)."""


def verify_listing(listing: Listing) -> None:
    """Refuse a listing whose chunks are not those that the xorb's name is made of.

    Raises:
        Invalid: they make up another name.
    """
    computed = xorb_hash(listing.leaves)
    if computed != listing.xorb_hash:
        raise Invalid("xorb", hash_text(listing.xorb_hash), f"is listed with chunks of {hash_text(computed)}")


def verify_reconstruction(file: Reconstruction, held: Callable[[Term], Leaves | None]) -> None:
    """Refuse a file that is not what its terms make, or whose sender shows no knowledge of them.

    Args:
        file: what the shard says.
        held: the chunks of a term as they were computed from the xorb's bytes, fewer where it has
            fewer; None for a xorb that the sender may not use.

    Raises:
        Invalid: a term names an unknown xorb or chunks that it has not, is of another length, or
            its range hash is missing or wrong; or the chunks make up another file.
    """
    tree = HashTree()
    for term in file.terms:
        for name, length in _proven(term, held(term)):
            tree.add(name, length)
    computed = file_hash(tree)
    if computed != file.file_hash:
        raise Invalid("file", hash_text(file.file_hash), f"is made of chunks of {hash_text(computed)}")


def _proven(term: Term, chunks: Leaves | None) -> Leaves:
    shown = hash_text(term.xorb_hash)
    if chunks is None:
        raise Invalid("xorb", shown, "is not known")
    if len(chunks) != term.end - term.start:
        raise Invalid("xorb", shown, f"has no chunks {term.start} to {term.end}")
    length = sum(size for _, size in chunks)
    if length != term.length:
        raise Invalid("term of xorb", shown, f"has {length} bytes, not {term.length}")
    if term.range_hash is None:
        raise Invalid("term of xorb", shown, "comes without a range hash")
    if range_hash(name for name, _ in chunks) != term.range_hash:
        raise Invalid("term of xorb", shown, "has another range hash")
    return chunks
