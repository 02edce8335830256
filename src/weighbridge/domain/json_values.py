"""JSON from outside, read without trust: a missing, null or wrongly typed field is "not there".

A Hub's answers carry nulls and surprises in any field, so nothing in this project indexes into
them directly.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TypeAlias

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None
JsonObject: TypeAlias = Mapping[str, Json]


def text(source: JsonObject, key: str) -> str | None:
    """The string under ``key``, or None where there is no non-empty string."""
    value = source.get(key)
    return value if isinstance(value, str) and value else None


def number(source: JsonObject, key: str) -> int | float | None:
    """The finite number under ``key``, or None. A boolean is not a number."""
    value = source.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if abs(value) <= sys.float_info.max else None


def whole(source: JsonObject, key: str) -> int | None:
    """The integer under ``key``, or None. What 64 bits cannot hold counts nothing in this world."""
    value = source.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) < 1 << 63 else None


def child(source: JsonObject, key: str) -> JsonObject:
    """The object under ``key``, or an empty one."""
    value = source.get(key)
    return value if isinstance(value, Mapping) else {}


def items(source: JsonObject, key: str) -> Sequence[Json]:
    """The array under ``key``, or an empty one."""
    value = source.get(key)
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def texts(source: JsonObject, key: str) -> tuple[str, ...]:
    """The strings under ``key``: of an array its string items, of a lone string that string."""
    value = source.get(key)
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(item for item in items(source, key) if isinstance(item, str) and item)


def objects(source: JsonObject, key: str) -> tuple[JsonObject, ...]:
    """The objects in the array under ``key``; of a lone object that object."""
    value = source.get(key)
    if isinstance(value, Mapping):
        return (value,)
    return tuple(item for item in items(source, key) if isinstance(item, Mapping))


def is_unicode(text: str) -> bool:
    """Whether UTF-8 can hold ``text``: a command line may bring bytes that are no characters."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


MAX_DEPTH = 100
"""How deep a stranger's JSON may be nested; what is stored must be read again by any reader."""


def mended(value: Json, depth: int = 0) -> Json:
    """The value with halves of surrogate pairs replaced by U+FFFD, in keys too: no UTF-8 can hold them.

    JSON and YAML let strangers write them as escapes.

    Raises:
        RecursionError: it is nested more than MAX_DEPTH levels deep.
    """
    if depth > MAX_DEPTH:
        raise RecursionError(f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, str):
        return (
            value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        )
    if isinstance(value, Mapping):
        return {str(mended(key)): mended(item, depth + 1) for key, item in value.items()}
    return [mended(item, depth + 1) for item in value] if isinstance(value, Sequence) else value


def canonical(value: Json) -> bytes:
    """The one spelling of a JSON value: sorted keys, no spaces, UTF-8. Digests are taken of it."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest_of(value: Json) -> str:
    """The sha256 (64 hex digits) of the canonical spelling of ``value``."""
    return sha256(canonical(value)).hexdigest()
