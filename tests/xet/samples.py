"""Files of the kinds that a client packs differently, the same on every run."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Mapping

from weighbridge.xet.claims import Leaves
from weighbridge.xet.shards import Term
from weighbridge.xet.xorbs import Xorb

WORDS = "truck weigh bridge yard axle load scale ticket driver gross tare net seal gate dock".split(" ")  # noqa: SIM905


def random_bytes(count: int, seed: int = 1) -> bytes:
    """Nothing to pack: chunks go raw."""
    return random.Random(seed).randbytes(count)


def words(count: int, seed: int = 2) -> bytes:
    """Packed by LZ4."""
    rng = random.Random(seed)
    return (" ".join(rng.choices(WORDS, k=count // 3))).encode()[:count]


def floats(count: int, seed: int = 3) -> bytes:
    """float32 weights of one scale: packed by groups of four bytes and LZ4."""
    rng = random.Random(seed)
    values = count // 4
    return struct.pack(f"<{values}f", *(rng.gauss(0, 0.02) for _ in range(values)))


def small() -> Mapping[str, bytes]:
    """Few chunks of every scheme; what the recorded samples in tests/golden/xet were made of."""
    return {
        "random.bin": random_bytes(20_001),
        "words.txt": words(100_002),
        "weights.bin": floats(40_000) + b"end",
        "zeros.bin": bytes(300_000),
    }


def held(*xorbs: Xorb) -> Callable[[Term], Leaves | None]:
    """What ``verify_reconstruction`` asks, of xorbs that were read."""
    known = {xorb.hash: xorb.leaves for xorb in xorbs}

    def leaves(term: Term) -> Leaves | None:
        found = known.get(term.xorb_hash)
        return None if found is None else found[term.start : term.end]

    return leaves
