"""How alike two texts or two names are, by numbers that can be looked up in an index.

Cards: MinHash over word trigrams (Broder, "On the resemblance and containment of documents", 1997),
found again by bands of the signature (Indyk and Motwani 1998). Names: edit distance over folded
names, found again by their pieces (Li, Deng, Wang and Feng, "Pass-Join", VLDB 2011): whoever changes
two characters leaves one of three pieces as it was.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import pairwise

from weighbridge.domain.markdown import words

SIGNATURE_LENGTH = 128
_BANDS, _ROWS = 20, 5
"""A card that shares 0.8 of its trigrams shares a band but once in 2500; one that shares 0.3, in twenty."""
_PRIME = (1 << 61) - 1
LEAST_TRIGRAMS = 40
"""A shorter card says too little to be anybody's."""
_MOST_TRIGRAMS = 2048
"""Of a longer card those with the least hashes stand for all; it bounds the time to 30 ms."""
NAME_EDITS = 2
_READ_AS = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"))
_PUNCTUATION = str.maketrans("", "", "-_.")


def signature(texts: Iterable[str]) -> tuple[int, ...]:
    """The MinHash signature of the word trigrams of all texts; empty where there are too few of them."""
    hashes = set[int]()
    for text in texts:
        found = words(text)
        hashes.update(_hash(" ".join(run)) for run in zip(found, found[1:], found[2:], strict=False))
    if len(hashes) < LEAST_TRIGRAMS:
        return ()
    kept = sorted(hashes)[:_MOST_TRIGRAMS]
    return tuple(min((a * each + b) % _PRIME for each in kept) & 0xFFFFFFFF for a, b in _PERMUTATIONS)


def similarity(one: Sequence[int], other: Sequence[int]) -> float:
    """The share of places in which two signatures agree: it estimates the Jaccard similarity."""
    if not one or len(one) != len(other):
        return 0.0
    return sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


def bands(signed: Sequence[int]) -> tuple[str, ...]:
    """What signatures of like texts have in common: 16 hex digits for each band, none for no signature."""
    return tuple(
        f"{_hash(f'{band}:{signed[band * _ROWS : (band + 1) * _ROWS]}'):016x}"
        for band in range(_BANDS if signed else 0)
    )


def packed(signed: Sequence[int]) -> str:
    """A signature as text; ``unpacked`` reads it back."""
    return base64.b64encode(struct.pack(f"<{len(signed)}I", *signed)).decode("ascii")


def unpacked(text: str) -> tuple[int, ...]:
    """Read what ``packed`` wrote; empty for anything else."""
    try:
        return struct.unpack(f"<{SIGNATURE_LENGTH}I", base64.b64decode(text, validate=True))
    except (ValueError, struct.error):
        return ()


def folded_name(name: str) -> str:
    """A name as a hasty reader sees it: without case and punctuation, what looks alike made one."""
    folded = name.lower().translate(_PUNCTUATION)
    for seen, read in _READ_AS:
        folded = folded.replace(seen, read)
    return folded


def pieces(folded: str) -> tuple[str, ...]:
    """What the index keeps of a folded name: its length and each third of it, hashed."""
    return tuple(
        _piece(len(folded), place, folded[start:stop])
        for place, (start, stop) in enumerate(_thirds(len(folded)))
    )


def pieces_near(folded: str) -> tuple[str, ...]:
    """The pieces that a name within ``NAME_EDITS`` edits of this one may have; at most 75."""
    found = dict[str, None]()
    for length in range(max(3, len(folded) - NAME_EDITS), len(folded) + NAME_EDITS + 1):
        for place, (start, stop) in enumerate(_thirds(length)):
            for shifted in range(max(0, start - NAME_EDITS), start + NAME_EDITS + 1):
                cut = folded[shifted : shifted + stop - start]
                if len(cut) == stop - start:
                    found[_piece(length, place, cut)] = None
    return tuple(found)


def edits(one: str, other: str, most: int = NAME_EDITS) -> int:
    """The Levenshtein distance of two texts, or ``most`` + 1 where it is greater than ``most``."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def _thirds(length: int) -> tuple[tuple[int, int], ...]:
    cuts = [length * part // (NAME_EDITS + 1) for part in range(NAME_EDITS + 2)]
    return tuple(pairwise(cuts))


def _piece(length: int, place: int, cut: str) -> str:
    return f"{_hash(f'{length}:{place}:{cut}'):016x}"


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())


_PERMUTATIONS = tuple(
    (_hash(f"multiply {place}") % (_PRIME - 1) + 1, _hash(f"add {place}") % _PRIME)
    for place in range(SIGNATURE_LENGTH)
)
