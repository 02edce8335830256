"""The YAML at the top of a model card, as plain JSON values.

The text comes from strangers, so it is read without any constructor: the node tree that
ruamel.yaml composes is turned into strings, numbers, lists and objects here, within a budget.
Numbers and booleans are those of YAML 1.2 (``no`` is a word), as on the Hub.
"""

from __future__ import annotations

from collections.abc import Hashable

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from weighbridge.domain.json_values import Json, JsonObject, mended

LIMIT_BYTES = 256 * 1024
"""Longer YAML is refused: the longest real card's is a tenth of it."""
LIMIT_NODES = 40_000
"""A card of results on every benchmark that there is has 30,000 values, and each takes time to read.
Aliases count each time they are used, so that a few lines cannot unfold into gigabytes."""
LIMIT_DEPTH = 50

_TAG = "tag:yaml.org,2002:"


class _Refused(ValueError):
    pass


def front_matter(text: str) -> tuple[JsonObject | None, str]:
    """The card's front matter and what is wrong with it (empty where nothing is).

    ``(None, "")`` means that the text has none. Dates stay the text that they are.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None or lines[first].rstrip() != "---":
        return None, ""
    for number in range(first + 1, len(lines)):
        if lines[number].rstrip() == "---":
            return yaml_object("\n".join(lines[first + 1 : number]), first_line=first + 2)
    return None, "the front matter is not closed by a line '---'"


def yaml_object(text: str, *, first_line: int = 1) -> tuple[JsonObject | None, str]:
    """One YAML document that is a mapping, and what is wrong with it (empty where nothing is).

    ``first_line`` is what the first line is called in messages. Empty text is an empty object.
    """
    value, error = yaml_value(text, first_line=first_line)
    if value is None:
        return (None, error) if error else ({}, "")
    if not isinstance(value, dict):
        return None, "the YAML is not a mapping of names to values"
    return value, ""


def yaml_value(text: str, *, first_line: int = 1) -> tuple[Json, str]:
    """One YAML document of any shape (None where it is empty), and what is wrong with it."""
    if len(text.encode("utf-8", "surrogatepass")) > LIMIT_BYTES:
        return None, f"the YAML is longer than {LIMIT_BYTES} bytes"
    try:
        reader = YAML(typ="safe", pure=True)
        reader.Composer = _Composer
        root = reader.compose(text)
        return (None if root is None else mended(_Reader().value(root, 0))), ""
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + first_line}: " if mark else ""
        return None, where + (error.problem or error.context or "not YAML")
    except YAMLError as error:
        return None, str(error).partition("\n")[0]
    except RecursionError:
        return None, f"nested more than {LIMIT_DEPTH} levels deep"
    except _Refused as error:
        return None, str(error)
    except (ValueError, OverflowError):  # Python's versions word these differently
        return None, "a number or a character that does not exist"


class _Composer(Composer):
    """Stops while it reads: what is too large is not read to its end first."""

    def __init__(self, loader: YAML | None = None) -> None:
        super().__init__(loader)
        # An anchor may be used again (YAML 1.2, 7.1); a warning for each would fill a log.
        self.warn_double_anchors = False
        self._left, self._deep = LIMIT_NODES, 0

    def compose_node(self, parent: Node | None, index: Node | int | None) -> Node:
        self._left -= 1
        self._deep += 1
        if self._left < 0:
            raise _Refused(f"more than {LIMIT_NODES} values")
        if self._deep > LIMIT_DEPTH + 2:
            raise _Refused(f"nested more than {LIMIT_DEPTH} levels deep")
        node: Node = super().compose_node(parent, index)
        self._deep -= 1
        return node


class _Reader:
    """Turns nodes into JSON values and stops when they become too many."""

    def __init__(self) -> None:
        self._left = LIMIT_NODES

    def value(self, node: Node, depth: int) -> Json:
        self._left -= 1
        if self._left < 0:
            raise _Refused(f"more than {LIMIT_NODES} values (aliases count each time)")
        if depth > LIMIT_DEPTH:
            raise _Refused(f"nested more than {LIMIT_DEPTH} levels deep")
        if isinstance(node, ScalarNode):
            return _scalar(str(node.tag), node.value)
        if isinstance(node, SequenceNode):
            return [self.value(item, depth + 1) for item in node.value]
        if isinstance(node, MappingNode):
            return self._mapping(node, depth)
        raise _Refused("a value that is no scalar, list or mapping")

    def _mapping(self, node: MappingNode, depth: int) -> Json:
        found: dict[str, Json] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode) or not isinstance(key.value, Hashable):
                raise _Refused("a key that is not a plain word")
            name = str(key.value)
            if name in found:
                raise _Refused(f"the key {name[:60]!r} stands twice")
            found[name] = self.value(value, depth + 1)
        return found


def _scalar(tag: str, value: str) -> Json:
    kind = tag.removeprefix(_TAG)
    if kind == "null":
        return None
    if kind == "bool":
        return value.lower() == "true"
    if kind == "int":
        return _whole(value)
    if kind == "float":
        return _real(value)
    return value


def _whole(value: str) -> Json:
    digits = value.replace("_", "").lower()
    if len(digits) > 30:  # no count or size is that long; Python refuses thousands of digits
        return value
    try:
        return int(digits, 0) if digits.lstrip("+-").startswith(("0x", "0o", "0b")) else int(digits)
    except ValueError:
        return value


def _real(value: str) -> Json:
    try:
        number = float(value.replace("_", ""))
    except ValueError:
        return value
    return number if number == number and abs(number) != float("inf") else value
