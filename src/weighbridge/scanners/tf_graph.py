"""Judges a TensorFlow graph: every operator of it and of its functions, and who may write checkpoints.

Every SavedModel can save and restore itself: a placeholder for a file name, and two functions that only the
main graph calls with it. The same operators fed with anything else write where the model wants.
"""

from __future__ import annotations

from collections.abc import Collection

from weighbridge.domain.scan import Severity
from weighbridge.scanners.notes import LimitExceeded, Notes, shown
from weighbridge.scanners.protobuf import BYTES, Message
from weighbridge.scanners.tf_table import CALCULATING, CHECKPOINTS, FOREIGN

_MAX_NAME_BYTES = 1 << 16
_MAX_OPERATOR_BYTES = 200
_PATH_INPUTS = {"MergeV2Checkpoints": 2}
"""How many of the first inputs of an operator are paths, where it is not one."""


class Graph:
    """One GraphDef.

    ``savers`` are the placeholders for names of checkpoints, None where nothing says which those are;
    ``callables`` are the functions that a user calls.
    """

    def __init__(
        self, notes: Notes, savers: Collection[str] | None = None, callables: Collection[str] = ()
    ) -> None:
        self._notes, self._placeholders, self._callables = notes, savers, callables
        self._saving: set[str] = set()
        self._inputs: dict[str, list[str]] = {}
        self._started: list[tuple[str, list[str], int]] = []
        self._calls: list[tuple[str, str, list[str], int]] = []

    def scan(self, graph: Message) -> None:
        """Note what the graph would do beyond calculating.

        Raises:
            Malformed, LimitExceeded: as the bytes are.
        """
        for part in graph.parts():
            if part.wire != BYTES:
                continue
            if part.number == 1:
                self._node(part.body, "")
            elif part.number == 2:
                for function in part.body.parts():
                    if function.number == 1 and function.wire == BYTES:
                        self._function(function.body)
        self._check_checkpoints()

    def _function(self, function: Message) -> None:
        name = "?"
        for part in function.parts():
            if part.number == 1 and part.wire == BYTES:
                for field in part.body.parts():
                    if field.number == 1 and field.wire == BYTES:
                        name = field.body.text(_MAX_NAME_BYTES)
        for part in function.parts():
            if part.number == 3 and part.wire == BYTES:
                self._node(part.body, name)

    def _node(self, node: Message, function: str) -> None:
        name, kinds, inputs, calls = "", [], [], []
        for part in node.parts():
            if part.wire != BYTES:
                continue
            if part.number == 1:
                name = part.body.text(_MAX_NAME_BYTES)
            elif part.number == 2:
                kinds.append(self._operator(part.body))
            elif part.number == 3:
                inputs.append(part.body.text(_MAX_NAME_BYTES))
            elif part.number == 5:
                calls += _called(part.body)
        self._calls += [(function, called, inputs, node.start) for called in calls]
        if not function:
            self._inputs[name] = inputs
        for kind in kinds:
            if kind in CHECKPOINTS and function:
                self._saving.add(function)
            elif kind in CHECKPOINTS:
                self._started.append((kind, inputs[: _PATH_INPUTS.get(kind, 1)], node.start))

    def _operator(self, name: Message) -> str:
        if name.size > _MAX_OPERATOR_BYTES:
            raise LimitExceeded(f"the name of an operator takes {name.size} bytes")
        kind = name.text()
        if kind in FOREIGN:
            why = f"the graph runs {shown(kind)}, which reaches outside of it"
            self._notes.block("tf.operator", why, name.start, kind)
        elif kind not in CALCULATING and kind not in CHECKPOINTS:
            why = f"the operator {shown(kind)} is not one that only calculates"
            self._notes.review("tf.unknown_operator", why, name.start, kind)
        return kind

    def _check_checkpoints(self) -> None:
        for caller, called, inputs, at in self._calls:
            if called in self._saving and caller:
                self._note(
                    f"the function {shown(caller)} calls {shown(called)}, which writes or reads checkpoints",
                    at,
                )
            elif called in self._saving:
                self._started.append((called, inputs[:1], at))
        for function in sorted(self._saving.intersection(self._callables)):
            self._note(f"a caller may call {shown(function)}, which writes or reads checkpoints", 0)
        for kind, inputs, at in self._started:
            if not all(self._comes_from_a_saver(name) for name in inputs) or not inputs:
                self._note(f"{shown(kind)} writes or reads a file that the graph itself names", at)

    def _note(self, why: str, at: int) -> None:
        severity = Severity.REVIEW if self._placeholders is None else Severity.BLOCK
        self._notes.add(severity, "tf.checkpoint", why, at)

    def _comes_from_a_saver(self, name: str) -> bool:
        """Whether a value is made of a saver's placeholder, among others."""
        waiting, seen = [name], set[str]()
        while waiting:
            name = waiting.pop().removeprefix("^").partition(":")[0]
            if name in (self._placeholders or ()):
                return True
            if name not in seen:
                seen.add(name)
                waiting.extend(self._inputs.get(name, ()))
        return False


def _called(entry: Message) -> list[str]:
    """The functions that an attribute names: AttrValue.func (10), or .list (1).func (9)."""
    found: list[str] = []
    for part in entry.parts():
        if part.number != 2 or part.wire != BYTES:
            continue
        for value in part.body.parts():
            if value.number == 10 and value.wire == BYTES:
                found += _names(value.body)
            elif value.number == 1 and value.wire == BYTES:
                for item in value.body.parts():
                    if item.number == 9 and item.wire == BYTES:
                        found += _names(item.body)
    return found


def _names(target: Message) -> list[str]:
    parts = (part for part in target.parts() if (part.number, part.wire) == (1, BYTES))
    return [part.body.text(_MAX_NAME_BYTES) for part in parts]
