"""Counts how often the loops of a chat template go round, where the template itself says so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.scanners.notes import Notes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2.nodes import Node

MAX_ROUNDS = 1_000_000
"""Of loops in loops, together. What a conversation makes a template do is not counted."""
_WIDTH = re.compile(r"%[-+ #0]*\d{6,}|:[^{}]*\d{6,}[^{}]*\}")


def check_loops(tree: Node, notes: Notes, where: str) -> None:
    """Note loops over ``range`` that multiply, macros that call themselves in one, and huge widths."""
    from jinja2 import nodes

    _check_growth(tree, notes, where)
    waiting: list[tuple[Node, int, str]] = [(tree, 1, "")]
    while waiting:
        node, rounds, macro = waiting.pop()
        line = getattr(node, "lineno", 0)
        at = f"{where}:{line}" if where else f"line {line}"
        if isinstance(node, nodes.Macro):
            rounds, macro = 1, node.name
        elif isinstance(node, nodes.For):
            rounds *= _count(node.iter)
            if rounds > MAX_ROUNDS:
                notes.review("template.large", f"the loops of the chat template go round {rounds} times", at)
                return
        elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
            if node.node.name == macro and rounds > 1:
                notes.review("template.large", "a macro of the chat template calls itself in a loop", at)
        elif isinstance(node, nodes.TemplateData):
            continue
        elif isinstance(node, nodes.Const) and isinstance(node.value, str) and _WIDTH.search(node.value):
            notes.review("template.large", "the chat template pads a text to a huge width", at)
        waiting += [(child, rounds, macro) for child in node.iter_child_nodes()]


def _check_growth(tree: Node, notes: Notes, where: str) -> None:
    """Note texts that are multiplied by large numbers, or put together with themselves again and again."""
    from jinja2 import nodes

    times = 1
    for node in _within(tree):
        line = getattr(node, "lineno", 0)
        at = f"{where}:{line}" if where else f"line {line}"
        if isinstance(node, nodes.Mul):
            for side in (node.left, node.right):
                if isinstance(side, nodes.Const) and isinstance(side.value, int):
                    times *= max(1, abs(side.value))
            if times > MAX_ROUNDS:
                notes.review("template.large", "the chat template multiplies by large numbers", at)
                return
        elif isinstance(node, nodes.Assign):
            own = _spelled(node.target)
            sides = [side for joined in _within(node.node) for side in _sides(joined)]
            if own and sum(_spelled(side) == own for side in sides) > 1:
                notes.review("template.large", f"the chat template doubles {own}", at)


def _within(node: Node) -> Iterator[Node]:
    # Not by recursion: a sum of a thousand parts is a thousand deep.
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.iter_child_nodes())


def _sides(node: Node) -> list[Node]:
    from jinja2 import nodes

    if isinstance(node, nodes.Concat):
        return list(node.nodes)
    return [node.left, node.right] if isinstance(node, nodes.Add) else []


def _spelled(node: Node) -> str:
    """A variable, or an attribute of one, as it is written; empty for anything else."""
    from jinja2 import nodes

    if isinstance(node, nodes.Name):
        return str(node.name)
    if isinstance(node, nodes.NSRef):
        return f"{node.name}.{node.attr}"
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return f"{node.node.name}.{node.attr}"
    return ""


def _count(source: Node) -> int:
    """The largest number that a loop is over, for ``range`` of constants; else 1."""
    from jinja2 import nodes

    if not isinstance(source, nodes.Call):
        return 1
    given = [argument.value for argument in source.args if isinstance(argument, nodes.Const)]
    return max([1, *(abs(value) for value in given if isinstance(value, int))])
