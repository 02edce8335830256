"""Configuration files in YAML, read node by node, so that every mistake is told with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from weighbridge.domain.invalid import Invalid
from weighbridge.errors import BadConfig, Place

NULL = "tag:yaml.org,2002:null"
_STR, _BOOL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:bool"
_FIGURES = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
_NUMBERS = {*_FIGURES, "tag:yaml.org,2002:timestamp"}
_PLAIN = re.compile(r"\d{1,9}(\.\d{0,9})?|\.\d{1,9}")

Built = TypeVar("Built")


def compose(path: str, text: str) -> Node | None:
    """The node tree of a document; None where it is empty.

    Raises:
        BadConfig: it is not YAML.
    """
    try:
        root: Node | None = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise BadConfig(path, [Place(line, column, error.problem or "is not YAML")]) from error
    except (YAMLError, RecursionError) as error:
        raise BadConfig(path, [Place(1, 1, f"is not YAML ({str(error).splitlines()[0]})")]) from error
    return root


class Reading:
    """Walks nodes and collects every mistake with its place."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.hint = ""

    def wrong(self, node: Node | None, message: str) -> None:
        """Note a mistake at a node; at the beginning where there is none."""
        mark = node.start_mark if node is not None else None
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        self.places.append(Place(line, column, message))

    def fields(self, node: Node | None, known: Sequence[str], what: str) -> dict[str, Node]:
        """The entries of a mapping by their key; unknown and repeated keys are mistakes."""
        if not isinstance(node, MappingNode):
            self.wrong(node, f"{what} must be a mapping with the keys {', '.join(known)}")
            return {}
        found: dict[str, Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else "(a collection)"
            if name not in known:
                near = get_close_matches(name, known, n=1, cutoff=0.6)
                meant = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
                self.wrong(key, f"unknown key {name!r} in {what}; {meant}")
            elif name in found:
                self.wrong(key, f"'{name}' stands twice in {what}")
            else:
                found[name] = value
        return found

    def text(self, node: Node | None, name: str) -> str | None:
        """A text; None where there is none. What YAML reads as a number must be quoted."""
        if node is None or node.tag == NULL:
            return None
        if not isinstance(node, ScalarNode) or node.tag not in (_STR, *_NUMBERS):
            self.wrong(node, f"'{name}' must be a text")
            return None
        if node.tag in _NUMBERS:
            self.wrong(node, f"'{name}' is a number to YAML, which may change it; quote it: '{node.value}'")
            return None
        if not node.value:
            self.wrong(node, f"'{name}' is empty")
            return None
        return str(node.value)

    def texts(self, node: Node | None, name: str, remedy: str = "leave it out") -> tuple[str, ...]:
        """A list of texts; empty where there is none."""
        if node is None or node.tag == NULL:
            return ()
        if not isinstance(node, SequenceNode):
            self.wrong(node, f"'{name}' must be a list of texts")
            return ()
        found = [self.text(item, name) for item in node.value]
        if any(item.tag == NULL for item in node.value):
            self.wrong(node, f"'{name}' has an empty item")
        if not node.value:
            self.wrong(node, f"'{name}' is an empty list; {remedy}")
        return tuple(item for item in found if item is not None)

    def one_of(self, node: Node | None, name: str, allowed: Sequence[str]) -> str | None:
        """A text out of a few."""
        value = self.text(node, name)
        if value is not None and value not in allowed:
            self.wrong(node, f"'{name}' is {value!r}, but must be one of {', '.join(allowed)}")
            return None
        return value

    def built(self, node: Node | None, make: Callable[[], Built]) -> Built | None:
        """What ``make`` gives, or a mistake at ``node`` where the domain refuses it."""
        try:
            return make()
        except Invalid as error:
            self.wrong(node, str(error))
            self.hint = self.hint or error.hint
            return None

    def number(self, node: Node | None, name: str, most: float = 1.0) -> float | None:
        """A number from 0 to ``most``; None where there is none."""
        if node is None or node.tag == NULL:
            return None
        spelled = node.value if isinstance(node, ScalarNode) and node.tag in _FIGURES else ""
        value = float(spelled) if _PLAIN.fullmatch(spelled) else -1.0
        if not 0.0 <= value <= most:
            self.wrong(node, f"'{name}' must be a number from 0 to {most:g}")
            return None
        return value

    def yes(self, node: Node | None, name: str) -> bool:
        """Whether it is ``true``; false where there is nothing."""
        if node is None or node.tag == NULL:
            return False
        if not isinstance(node, ScalarNode) or node.tag != _BOOL:
            self.wrong(node, f"'{name}' must be true or false")
            return False
        return str(node.value).lower() == "true"

    def numbers(
        self, node: Node | None, name: str, known: Sequence[str] = (), most: float = 1.0
    ) -> dict[str, float]:
        """A mapping of names to numbers; with ``known``, of these names only."""
        if node is None or node.tag == NULL:
            return {}
        if not isinstance(node, MappingNode):
            self.wrong(node, f"'{name}' must be a mapping of names to numbers")
            return {}
        names = known or [key.value for key, _ in node.value if isinstance(key, ScalarNode)]
        found = {
            key: self.number(value, key, most) for key, value in self.fields(node, names, f"'{name}'").items()
        }
        return {key: value for key, value in found.items() if value is not None}
