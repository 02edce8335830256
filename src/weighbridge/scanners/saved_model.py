"""Reads TensorFlow graphs: SavedModel, frozen graphs, and the Keras metadata beside them.

Format: ``saved_model.proto``, ``meta_graph.proto``, ``graph.proto``, ``saved_object_graph.proto`` of
TensorFlow 2.21. A graph is a program in operators; those that only calculate are listed in ``tf_table``.
"""

from __future__ import annotations

from contextlib import suppress
from typing import BinaryIO

from weighbridge.domain.paths import path_faults
from weighbridge.domain.scan import Severity
from weighbridge.scanners.keras_config import MAX_CONFIG_BYTES, judge_keras_json
from weighbridge.scanners.notes import UNSUPPORTED, LimitExceeded, Malformed, Notes, shown
from weighbridge.scanners.protobuf import BYTES, VARINT, Message, message
from weighbridge.scanners.tf_graph import Graph

_METADATA_NAME = "keras_metadata.pb"
_FINGERPRINT_NAME = "fingerprint.pb"
_MODEL_NAME = "saved_model.pb"
_SAVED_MODEL = {(1, VARINT), (2, BYTES)}
_FINGERPRINT = {*((number, VARINT) for number in range(1, 6)), (6, BYTES), (7, BYTES)}
_GRAPH = {(1, BYTES), (2, BYTES), (3, VARINT), (4, BYTES), (5, BYTES)}
_MAX_NAME_BYTES = 1 << 16


def scan_tensorflow(source: BinaryIO, size: int, name: str, notes: Notes) -> None:
    """Note what the graphs of a ``.pb`` file would do.

    Raises:
        Malformed: it is neither a SavedModel nor a graph.
        LimitExceeded: it holds too many fields.
    """
    whole = message(source, size)
    base = name.rpartition("/")[2].lower()
    kinds = {(part.number, part.wire) for part in whole.parts()}
    if base == _METADATA_NAME:
        _scan_metadata(whole, notes)
    elif base == _FINGERPRINT_NAME and kinds <= _FINGERPRINT:
        return
    elif kinds <= _SAVED_MODEL and (2, BYTES) in kinds:
        _scan_saved_model(whole, notes)
    elif kinds <= _GRAPH and (1, BYTES) in kinds:
        Graph(notes).scan(whole)
    elif base == _MODEL_NAME:
        raise Malformed("is no SavedModel")
    else:
        # Readers skip fields that they do not know, so it may be either one all the same.
        notes.review(UNSUPPORTED, "no scanner for this protocol buffer")
        for scan in (_scan_saved_model, lambda found, seen: Graph(seen).scan(found)):
            tried = Notes(name)
            with suppress(Malformed, LimitExceeded):
                scan(whole, tried)
            notes.take([found for found in tried.findings if found.severity is Severity.BLOCK])


def _scan_saved_model(whole: Message, notes: Notes) -> None:
    for part in whole.parts():
        if part.number == 2 and part.wire == BYTES:
            _scan_meta_graph(part.body, notes)


def _scan_meta_graph(meta: Message, notes: Notes) -> None:
    saver, callable_names = _savers_and_callables(meta)
    for part in meta.parts():
        if part.wire != BYTES:
            continue
        if part.number == 2:
            Graph(notes, saver, callable_names).scan(part.body)
        elif part.number == 6:
            _scan_path(part.body, notes)
        elif part.number == 7:
            _scan_objects(part.body, notes)


def _savers_and_callables(meta: Message) -> tuple[set[str], set[str]]:
    """The placeholders for a checkpoint's name (saver_def), and the functions that a caller may call."""
    names: set[str] = set()
    callables: set[str] = set()
    for part in meta.parts():
        if part.number == 3 and part.wire == BYTES:
            names |= {
                f.body.text().partition(":")[0] for f in part.body.parts() if (f.number, f.wire) == (1, BYTES)
            }
        elif part.number == 7 and part.wire == BYTES:
            for entry in part.body.parts():
                if entry.number == 2 and entry.wire == BYTES:
                    callables |= {
                        f.body.text(_MAX_NAME_BYTES)
                        for f in entry.body.parts()
                        if (f.number, f.wire) == (1, BYTES)
                    }
    return names, callables


def _scan_path(entry: Message, notes: Notes) -> None:
    for part in entry.parts():
        if part.number == 2 and part.wire == BYTES:
            path = part.body.text(_MAX_NAME_BYTES)
            faults = path_faults(path)
            if faults:
                why = f"names the file {shown(path)!r}, a path that {faults[0].why}"
                notes.block("tf.outside", why, entry.start, path)


def _scan_objects(objects: Message, notes: Notes) -> None:
    """Keras before 2.5 kept the configuration of each layer as JSON beside its variables."""
    for node in objects.parts():
        if node.number == 1 and node.wire == BYTES:
            for part in node.body.parts():
                if part.number == 4 and part.wire == BYTES:
                    _scan_metadata_text(part.body, 3, notes)


def _scan_metadata(metadata: Message, notes: Notes) -> None:
    for node in metadata.parts():
        if node.number != 1 or node.wire != BYTES:
            raise Malformed("the Keras metadata holds something else than nodes", node.body.start)
        _scan_metadata_text(node.body, 5, notes)


def _scan_metadata_text(node: Message, number: int, notes: Notes) -> None:
    for part in node.parts():
        if part.number == number and part.wire == BYTES and part.body.size:
            judge_keras_json(part.body.raw(MAX_CONFIG_BYTES), notes, str(part.body.start))
