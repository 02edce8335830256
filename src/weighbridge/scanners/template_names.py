"""Follows texts that a chat template puts together to where it uses them as the name of an item or attribute.

``{% set k = u ~ u ~ "class" ~ u ~ u %}{{ x[k] }}`` shows the name nowhere whole. What is followed is
coarse: a variable holds such a text if any assignment to its name says so, wherever that stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from jinja2 import nodes

_PLAIN_FILTERS = frozenset(
    """
    length count list first last sort items dictsort int float abs round select reject selectattr rejectattr
    map unique default d sum min max batch slice trim lower upper capitalize title random groupby safe
    """.split()  # noqa: SIM905
)
"""Filters that put no text together: what they give stood in what they are given."""
_PLAIN_METHODS = frozenset(
    """
    keys values items get pop index find rfind count split rsplit splitlines partition rpartition strip lstrip
    rstrip lower upper startswith endswith copy append extend insert removeprefix removesuffix
    """.split()  # noqa: SIM905
)
_PLAIN_FUNCTIONS = frozenset({"range", "namespace", "raise_exception", "strftime_now"})
_NUMBERS = frozenset({"length", "count", "int", "float", "abs", "round"})
_LOOP = frozenset({"index", "index0", "revindex", "revindex0", "length"})
_LISTS = (nodes.List, nodes.Tuple)
_MAX_ROUNDS = 10
_ARGUMENT = "(argument)"
"""Stands for all that functions of the template's own are called with."""


@dataclass(slots=True)
class Names:
    """``made``: variables, attributes and parameters that may hold a text put together; ``texts``: those
    that are set to anything but a number; ``fixed``: those that are set to a text of the template's own.
    """

    made: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    fixed: set[str] = field(default_factory=set)

    def spells(self, expression: nodes.Node) -> bool:
        """Whether a text is put together anywhere in an expression that is no number."""
        return not self._is_number(expression) and any(map(self._spells, _text_within(expression)))

    def _spells(self, node: nodes.Node) -> bool:
        if isinstance(node, nodes.Name):
            return node.name in self.made or node.name.endswith("_token")
        if isinstance(node, nodes.Getattr):
            return node.attr in self.made
        if isinstance(node, nodes.Filter):
            return node.name not in _PLAIN_FILTERS or self._is_fixed(node.node)
        if isinstance(node, nodes.Call):
            return self._calls(node)
        if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
            return node.arg.step is not None or self._is_fixed(node.node)
        if isinstance(node, nodes.Add):
            return not any(self._is_number(s) or isinstance(s, _LISTS) for s in (node.left, node.right))
        if isinstance(node, (nodes.Mod, nodes.Mul)):
            return self._is_text(node.left) or self._is_text(node.right)
        return isinstance(node, nodes.Concat)

    def _calls(self, node: nodes.Call) -> bool:
        function = node.node
        if isinstance(function, nodes.Getattr):
            return function.attr not in _PLAIN_METHODS or self._is_fixed(function.node)
        return not (isinstance(function, nodes.Name) and function.name in _PLAIN_FUNCTIONS)

    def _is_number(self, node: nodes.Node) -> bool:
        if isinstance(node, nodes.Const):
            return isinstance(node.value, (int, float))
        if isinstance(node, nodes.Filter):
            return node.name in _NUMBERS
        if isinstance(node, nodes.Getattr):
            return node.attr in _LOOP
        if isinstance(node, nodes.Add):
            return any(
                isinstance(s, nodes.Const) and isinstance(s.value, int) for s in (node.left, node.right)
            )
        if isinstance(node, nodes.Call):
            return isinstance(node.node, nodes.Name) and node.node.name == "range"
        return isinstance(node, (nodes.Sub, nodes.Neg, nodes.FloorDiv))

    def _is_fixed(self, node: nodes.Node | None) -> bool:
        """Whether a text that stands in the template is cut or turned into another one."""
        if isinstance(node, nodes.Const):
            return isinstance(node.value, str)
        return isinstance(node, nodes.Name) and node.name in self.fixed

    def _is_text(self, node: nodes.Node) -> bool:
        if isinstance(node, nodes.Const):
            return isinstance(node.value, str)
        return isinstance(node, nodes.Name) and node.name in self.texts


def made_names(tree: nodes.Template) -> Names:
    """The names of a template that may hold a text put together."""
    names, bound = Names(), list(_bindings(tree))
    for name, value in bound:
        if value is None:
            names.made.add(name)
        elif not names._is_number(value):
            names.texts.add(name)
            listed = value.items if isinstance(value, _LISTS) else [value]
            if any(map(names._is_fixed, listed)):
                names.fixed.add(name)
    for _ in range(_MAX_ROUNDS):
        fresh = {
            name
            for name, value in bound
            if value is not None and name not in names.made and names.spells(value)
        }
        if not fresh:
            return names
        names.made |= fresh
    names.made |= {name for name, _ in bound}
    return names


def _bindings(tree: nodes.Template) -> Iterator[tuple[str, nodes.Node | None]]:
    """Every name and what it is bound to; None is a text that the template writes."""
    for node in _within(tree):
        if isinstance(node, (nodes.Assign, nodes.For)):
            value = node.node if isinstance(node, nodes.Assign) else node.iter
            yield from ((name, value) for name in _targets(node.target))
        elif isinstance(node, nodes.AssignBlock):
            yield from ((name, None) for name in _targets(node.target))
        elif isinstance(node, nodes.With):
            for target, value in zip(node.targets, node.values, strict=True):
                yield from ((name, value) for name in _targets(target))
        elif isinstance(node, (nodes.Macro, nodes.CallBlock)):
            for argument in node.args:
                yield argument.name, nodes.Name(_ARGUMENT, "load")
            yield from ((_ARGUMENT, value) for value in node.defaults)
        elif isinstance(node, nodes.Keyword):
            yield node.key, node.value
        elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
            called = node.args if node.node.name not in _PLAIN_FUNCTIONS else []
            yield from ((_ARGUMENT, value) for value in called)


def _targets(target: nodes.Node) -> Iterator[str]:
    for node in _within(target):
        if isinstance(node, nodes.Name):
            yield node.name
        elif isinstance(node, nodes.NSRef):
            yield node.attr


def _text_within(expression: nodes.Node) -> Iterator[nodes.Node]:
    """The parts whose text may be part of the whole: not the object of which an attribute is read."""
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
            waiting += [node.node.node, *node.args, *(pair.value for pair in node.kwargs)]
        elif not isinstance(node, nodes.Getattr):
            waiting.extend(node.iter_child_nodes())


def _within(node: nodes.Node) -> Iterator[nodes.Node]:
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.iter_child_nodes())
