"""Looks over a chat template without rendering it: what a Jinja sandbox has been escaped with.

A template is parsed with the extensions that transformers uses. What it may do is small: read messages,
join text, call the few functions it is given. Names that begin with an underscore, the ``attr`` filter and
the loading of other templates are the ways out of that, so they are refused wherever they stand.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from weighbridge.scanners.notes import Notes, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Environment
    from jinja2.nodes import Getattr, Getitem, Node

MAX_TEMPLATE_BYTES = 256 << 10
_MAX_NODES = 200_000
_MAX_NUMBER = 100_000
"""The longest ``range`` of Jinja's own sandbox; a constant above it only costs time and memory."""
_LOADING = ("Import", "FromImport", "Include", "Extends")
_REACHING = {"attr", "map", "selectattr", "rejectattr", "groupby", "sort", "unique", "sum", "min", "max"}
"""Filters that take the name of an attribute; ``attr`` has no other use."""
RULE = "template.unsafe"
_PIECE = re.compile(r"_+|_+[a-z]+|[a-z]+_|_+[a-z]+_+")
"""What a name like ``__class__`` is put together from; ``tool_`` is too, and asks for a look."""
_FIELD = re.compile(r"\{[^}]*[._\[]")
FRAMES = frozenset(
    """
    gi_frame gi_code gi_yieldfrom cr_frame cr_code cr_await cr_origin ag_frame ag_code ag_await
    f_back f_builtins f_code f_globals f_locals f_trace tb_frame tb_next
    func_globals func_code func_closure func_defaults im_class im_func im_self mro
    """.split()  # noqa: SIM905
)
"""Ways to a module's globals that need no underscore in front: a filter like ``map`` gives a generator, which
has a frame. ``mro`` leads from a class to ``object``.
"""
_BRACKETS_AND_INSIDES = re.compile(
    r"\{\{|\{%|\}\}|%\}|__[a-z]{3,20}__|\b(?:gi_frame|f_globals|f_builtins|func_globals)\b|\|\s{0,9}attr\b"
)
_MOST_BETWEEN = 1000
"""Characters between the bracket that begins an expression and what it reaches for."""


def lint_template(text: str, notes: Notes, where: str = "") -> None:
    """Note every place of a template that reaches for what a chat template has no use for."""
    from jinja2 import TemplateError, nodes

    from weighbridge.scanners.template_loops import check_loops
    from weighbridge.scanners.template_names import made_names

    try:
        tree = _environment().parse(text)
    except (TemplateError, RecursionError, MemoryError, ValueError) as error:
        notes.block("template.malformed", f"the chat template cannot be parsed: {shown(str(error))}", where)
        return
    waiting: list[nodes.Node] = [tree]
    count, keys = 0, list[tuple[nodes.Node, int]]()
    while waiting:
        node = waiting.pop()
        count += 1
        if count > _MAX_NODES:
            notes.block("template.size", f"the chat template has more than {_MAX_NODES} parts", where)
            return
        _check(node, notes, where)
        keys.extend((key, getattr(node, "lineno", 0)) for key in _keys(node))
        waiting.extend(node.iter_child_nodes())
    check_loops(tree, notes, where)
    names = made_names(tree)
    for key, line in keys:
        if names.spells(key):
            at = f"{where}:{line}" if where else f"line {line}"
            notes.review("template.computed", "the chat template computes the name of an item", at)


def find_escape(text: str, notes: Notes, at: object = "", *, is_jinja: bool = True) -> None:
    """Note a text of any kind that reads as a template reaching for Python's insides.

    What is not known to be a chat template is not parsed as one: other languages write ``{{`` too, so
    where it may be one of those (not ``is_jinja``) it asks for a look.
    """
    if "{{" not in text and "{%" not in text:
        return
    opened = -1
    for found in _BRACKETS_AND_INSIDES.finditer(text):
        if found[0] in ("{{", "{%"):
            opened = found.start()
        elif found[0] in ("}}", "%}"):
            opened = -1
        elif opened >= 0 and found.start() - opened <= _MOST_BETWEEN:
            what = shown(text[opened : found.end()][-120:])
            report = notes.block if is_jinja else notes.review
            report(RULE, f"a text is a template that reaches for Python: {what}", at, found[0])
            return


@cache
def _environment() -> Environment:
    from jinja2 import Environment, nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.parser import Parser

    class Generation(Extension):
        """``{% generation %}``, with which transformers marks the words of the assistant."""

        tags = {"generation"}  # noqa: RUF012 - as Extension declares it

        def parse(self, parser: Parser) -> nodes.Node:
            """Everything up to the end of the block, as it stands."""
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    # Only Environment.parse is used: nothing is compiled or rendered, so there is nothing to escape.
    return Environment(extensions=[Generation, loopcontrols, "jinja2.ext.do"])  # noqa: S701


def _check(node: object, notes: Notes, where: str) -> None:
    from jinja2 import nodes

    line = getattr(node, "lineno", 0)
    at = f"{where}:{line}" if where else f"line {line}"
    if isinstance(node, (nodes.Getattr, nodes.Getitem)):
        _check_reach(node, notes, at)
    elif isinstance(node, nodes.Name) and node.name.startswith("__"):
        notes.block(RULE, f"the chat template names {shown(node.name)}", at, node.name)
    elif isinstance(node, nodes.Filter) and node.name in _REACHING:
        _check_filter(node, notes, at)
    elif type(node).__name__ in _LOADING:
        notes.block(RULE, f"the chat template loads another ({type(node).__name__.lower()})", at)
    elif isinstance(node, nodes.Const):
        _check_constant(node.value, notes, at)
    elif isinstance(node, nodes.Keyword):
        _check_keyword(node.key, notes, at)
    elif isinstance(node, nodes.Pow):
        notes.review("template.large", "the chat template raises to a power", at)


def _check_filter(node: object, notes: Notes, at: str) -> None:
    from jinja2 import nodes

    if not isinstance(node, nodes.Filter):
        return
    if node.name == "attr":
        notes.block(RULE, "the chat template uses the filter attr", at, "attr")
    for argument in (*node.args, *(pair.value for pair in node.kwargs)):
        if isinstance(argument, nodes.Const) and isinstance(argument.value, str):
            if any(part.startswith("_") or part in FRAMES for part in argument.value.split(".")):
                notes.block(RULE, f"the filter {node.name} reads {shown(argument.value)}", at, argument.value)
            elif node.name == "map" and argument.value == "attr":
                notes.block(RULE, "the chat template uses the filter attr", at, "attr")


def _keys(node: object) -> Iterator[Node]:
    """What a node takes for the name of an item, an attribute or a filter, where that is not constant."""
    from jinja2 import nodes

    if isinstance(node, nodes.Getitem) and not isinstance(node.arg, (nodes.Const, nodes.Slice)):
        yield node.arg
    elif isinstance(node, nodes.Filter) and node.name in _REACHING:
        named = [pair.value for pair in node.kwargs if pair.key == "attribute"]
        first = [] if node.name in ("sort", "unique", "min", "max") else node.args[:1]
        for key in (*first, *named):
            if not isinstance(key, nodes.Const):
                # No template of a model chooses its attributes, so whatever chooses them is looked at.
                yield nodes.Concat([key])


def _check_keyword(key: str, notes: Notes, at: str) -> None:
    """``dict(__class__=0)|first`` is a text that no constant shows."""
    if "__" in key:
        notes.block(RULE, f"the chat template spells {shown(key)}", at, key)
    elif key.startswith("_") or key.endswith("_"):
        notes.review("template.computed", f"the chat template holds {shown(key)!r}, a piece of a name", at)


def _holds_frame(text: str) -> bool:
    """Whether a name of ``FRAMES`` stands in a text, forwards or backwards."""
    return any(name in text or name in text[::-1] for name in FRAMES if len(name) > 3)


def _check_constant(value: object, notes: Notes, at: str) -> None:
    if isinstance(value, str) and ("__" in value or _holds_frame(value.lower())):
        notes.block(RULE, f"the chat template spells {shown(value)}", at, value)
    elif isinstance(value, str) and _PIECE.fullmatch(value):
        notes.review("template.computed", f"the chat template holds {shown(value)!r}, a piece of a name", at)
    elif isinstance(value, int) and abs(value) > _MAX_NUMBER:
        notes.review("template.large", f"the chat template counts to {shown(str(value)[:40])}", at)


def _check_reach(node: Getattr | Getitem, notes: Notes, at: str) -> None:
    """``x._name``, ``x["_name"]``, and ``"{0.__class__}".format``, whose pieces no constant shows whole."""
    from jinja2 import nodes

    name = _read(node)
    if name.startswith("_") or name in FRAMES:
        what = "attribute" if isinstance(node, nodes.Getattr) else "item"
        notes.block(RULE, f"the chat template reads the {what} {shown(name)}", at, name)
    elif name in ("format", "format_map"):
        if not isinstance(node.node, nodes.Const):
            notes.review("template.computed", "the chat template formats a text that it computes", at)
        elif _FIELD.search(str(node.node.value)):
            notes.block(RULE, f"the chat template formats {shown(str(node.node.value))}", at, "format")


def _read(node: Getattr | Getitem) -> str:
    """The name that is read, be it written as an attribute or as an item; empty where it is computed."""
    from jinja2 import nodes

    if isinstance(node, nodes.Getattr):
        return str(node.attr)
    return str(node.arg.value) if isinstance(node.arg, nodes.Const) else ""
