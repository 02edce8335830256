"""JSON that we wrote and somebody hands back: a field of another kind is an error there, not "not there"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject


def require_shape(
    source: JsonObject,
    what: str,
    *,
    objects: Sequence[str] = (),
    lists: Sequence[str] = (),
    texts: Sequence[str] = (),
) -> None:
    """Nothing, if each of these fields is of its kind, or missing, or null.

    ``objects`` hold an object, ``lists`` an array of objects, ``texts`` a string. ``what`` names the
    document in the error.

    Raises:
        Invalid: one is of another kind.
    """
    for key in objects:
        if not isinstance(source.get(key), (Mapping, type(None))):
            raise Invalid(f"{what}.{key}", source[key], "is not an object")
    for key in lists:
        value = source.get(key)
        if not isinstance(value, (Sequence, type(None))) or isinstance(value, str):
            raise Invalid(f"{what}.{key}", value, "is not an array")
        for number, item in enumerate(value or ()):
            if not isinstance(item, Mapping):
                raise Invalid(f"{what}.{key}[{number}]", item, "is not an object")
    for key in texts:
        if not isinstance(source.get(key), (str, type(None))):
            raise Invalid(f"{what}.{key}", source[key], "is not a string")


def require_values(source: JsonObject, what: str, kind: type[str] | type[Mapping[str, object]]) -> None:
    """Nothing, if every value is of ``kind``.

    Raises:
        Invalid: one is not.
    """
    for key, value in source.items():
        if not isinstance(value, kind):
            raise Invalid(f"{what}[{key!r}]", value, "is of another kind")
