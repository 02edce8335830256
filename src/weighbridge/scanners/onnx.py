"""Reads an ONNX model: whose operators it names, and which further files it wants.

Format: ``onnx/onnx.proto`` of ONNX 1.23. Operators of the standard domains, and functions that the model
itself spells out in them, are arithmetic. A domain of somebody else's needs that somebody's library.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from weighbridge.domain.paths import path_faults
from weighbridge.scanners.notes import LimitExceeded, Malformed, Notes, shown
from weighbridge.scanners.onnx_table import OPERATORS
from weighbridge.scanners.protobuf import BYTES, VARINT, Message, Part, message

_MAX_DEPTH = 32
_MAX_REPEATED = 10
"""How often a field may stand that has one value: readers differ in which one they take."""
_MODEL = {1: VARINT, 2: BYTES, 3: BYTES, 4: BYTES, 5: VARINT, 6: BYTES, 7: BYTES, 8: BYTES, 14: BYTES,
          20: BYTES, 25: BYTES, 26: BYTES}  # fmt: skip
_IR_VERSION, _GRAPH, _OPSETS, _TRAINING, _FUNCTIONS = 1, 7, 8, 20, 25
_PYTHON = {"PyOp", "PyCustomOp", "PythonOp", "PythonOpGrad"}
"""Operators of runtimes that call into Python."""
_MEMORY = "_ORT_MEM_ADDR_"
"""A location that onnxruntime takes for "in memory, at this address"."""


def scan_onnx(source: BinaryIO, size: int, name: str, notes: Notes) -> None:
    """Note operators and external data of one model.

    Raises:
        Malformed: it is no ModelProto.
        LimitExceeded: it is nested too deep or holds too many fields.
    """
    model, kept = message(source, size), set[int]()
    own: set[tuple[str, str]] = set()
    for part in model.parts():
        kept.add(part.number)
        if _MODEL.get(part.number, part.wire) != part.wire:
            raise Malformed(f"field {part.number} of the model has the wrong type", part.body.start)
        if part.number not in _MODEL:
            notes.review("onnx.unknown_field", f"field {part.number} of the model is not known", "model")
        if part.number == _FUNCTIONS:
            own |= _defined(part.body)
    if not {_IR_VERSION, _GRAPH, _OPSETS} <= kept:
        raise Malformed("has no version, no graph or no operator sets: it is no ONNX model")
    walk = _Walk(notes, own)
    for part in model.parts():
        if part.number == _GRAPH:
            walk.graph(part.body, 0)
        elif part.number == _TRAINING:
            for inner in part.body.parts():
                if inner.number in (1, 2):
                    walk.graph(inner.body, 0)
        elif part.number == _FUNCTIONS:
            walk.function(part.body)


def _defined(function: Message) -> set[tuple[str, str]]:
    """(domain, name) of a function that the model spells out."""
    fields = _texts(function, (1, 10))
    return {(domain, name) for name in fields[1] for domain in fields[10] or [""]}


class _Walk:
    def __init__(self, notes: Notes, own: set[tuple[str, str]]) -> None:
        self.notes, self.own = notes, own
        self.seen: set[tuple[str, str]] = set()

    def graph(self, graph: Message, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise LimitExceeded(f"graphs are nested more than {_MAX_DEPTH} deep")
        for part in _messages(graph):
            if part.number == 1:
                self.node(part.body, depth)
            elif part.number == 5:
                self.tensor(part.body)
            elif part.number == 15:
                self.sparse(part.body)

    def function(self, function: Message) -> None:
        for part in _messages(function):
            if part.number == 7:
                self.node(part.body, 0)
            elif part.number == 11:
                self.attribute(part.body, 0)

    def node(self, node: Message, depth: int) -> None:
        kinds, domains = [], []
        for part in _messages(node):
            if part.number == 4:
                kinds.append(part.body.text())
            elif part.number == 7:
                domains.append(part.body.text())
            elif part.number == 5:
                self.attribute(part.body, depth)
            if len(kinds) + len(domains) > _MAX_REPEATED:
                raise Malformed("a node with more than one operator", node.start)
        # Of a field that stands twice the last one counts, so some reader may take either.
        for domain in domains or [""]:
            for kind in kinds or [""]:
                self.operator(domain, kind, node.start)

    def operator(self, domain: str, kind: str, at: int) -> None:
        if (domain, kind) in self.seen:
            return
        self.seen.add((domain, kind))
        domain = "" if domain == "ai.onnx" else domain
        full = f"{domain}.{kind}" if domain else kind
        if kind in _PYTHON:
            self.notes.block("onnx.python", f"the operator {shown(full)} calls Python code", at, full)
        elif (domain, kind) in self.own:
            return
        elif domain not in OPERATORS:
            why = f"the operator {shown(full)} is not of a standard domain"
            self.notes.review("onnx.custom_domain", why, at, full)
        elif kind not in OPERATORS[domain]:
            self.notes.review("onnx.unknown_operator", f"the operator {shown(full)} is not known", at, full)

    def attribute(self, attribute: Message, depth: int) -> None:
        for part in _messages(attribute):
            if part.number in (5, 10):
                self.tensor(part.body)
            elif part.number in (6, 11):
                self.graph(part.body, depth + 1)
            elif part.number in (22, 23):
                self.sparse(part.body)

    def sparse(self, tensor: Message) -> None:
        for part in _messages(tensor):
            if part.number in (1, 2):
                self.tensor(part.body)

    def tensor(self, tensor: Message) -> None:
        for part in _messages(tensor):
            if part.number == 13:
                fields = _texts(part.body, (1, 2))
                if "location" in fields[1]:
                    for location in fields[2] or [""]:
                        self.external(location, tensor.start)

    def external(self, location: str, at: int) -> None:
        faults = path_faults(location.removeprefix("./"))
        if faults or _MEMORY in location:
            what = f"a path that {faults[0].why}" if faults else "an address in memory"
            why = f"its weights stand in {shown(location)!r}, {what}"
            self.notes.block("onnx.external_data", why, at, location)


def _messages(body: Message) -> Iterator[Part]:
    """The fields that may be messages or strings; numbers say nothing here."""
    return (part for part in body.parts() if part.wire == BYTES)


def _texts(body: Message, numbers: tuple[int, ...]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {number: [] for number in numbers}
    for part in _messages(body):
        if part.number in found:
            found[part.number].append(part.body.text())
            if len(found[part.number]) > _MAX_REPEATED:
                raise Malformed(f"a field {part.number} that stands too often", body.start)
    return found
