"""Places that a JSON text names: files that a loader opens because the text says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from weighbridge.domain.paths import path_faults
from weighbridge.scanners.notes import Notes, shown

RULE = "index.outside"
_FILES = ("_file", "_path", "_library", "filename")


def note_places(pairs: Iterable[tuple[str, object]], notes: Notes) -> None:
    """Note every file that is named outside of the repository, and every other host.

    ``pairs`` are all keys with their values, at any depth: maps of shards (transformers, Keras), the weights
    of TensorFlow.js, the tables of a data set, vocabularies and libraries.
    """
    for key, value in pairs:
        for place in _named(key, value):
            faults = path_faults(place.removeprefix("./"))
            if faults:
                notes.block(RULE, f"{key} names {shown(place)}, which {faults[0].why}", key, place)
        # A path of the machine that wrote the text is harmless; another host is asked with one's password.
        if key.endswith(_FILES) and isinstance(value, str) and value.startswith(("\\\\", "//")):
            notes.block(RULE, f"{key} names {shown(value)} on another host", key, value)


def _named(key: str, value: object) -> Iterator[str]:
    if key == "weight_map" and isinstance(value, dict):
        yield from _texts(value.values())
    elif key == "weightsManifest" and isinstance(value, list):
        yield from _texts(group.get("paths") for group in value if isinstance(group, dict))
    elif key == "_data_files" and isinstance(value, list):
        yield from _texts(table.get("filename") for table in value if isinstance(table, dict))


def _texts(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                yield text
