"""A model card as text: metadata written as YAML, and put into a card that is there already.

Of a card that is there not one character is changed: what it lacks is added below its own metadata.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from weighbridge.adapters.front_matter import front_matter
from weighbridge.domain.card import CARD_PATH
from weighbridge.domain.json_values import Json, JsonObject
from weighbridge.errors import BadInput

_REPAIR = "mend it, or give --replace-card to have it written anew"
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "inf", "nan"})
"""Words that one of YAML's versions takes for something else than a text."""
_FRONT = re.compile(
    r"\A(\ufeff?(?:[ \t]*(?:\r\n|\n|\r))*---[ \t]*(?:\r\n|\n|\r))(.*?)(^---[^\S\n]*$)",
    re.DOTALL | re.MULTILINE,
)
_LINE_END = re.compile(r"\r\n|\n|\r")


def written_card(fields: JsonObject, body: str) -> str:
    """A new card; without metadata where nothing is known."""
    if not fields:
        return body
    return f"---\n{_yaml(fields)}---\n\n{body}"


def said_by(card: str) -> JsonObject:
    """The metadata of a card that is there; empty where it has none.

    Raises:
        BadInput: they cannot be read.
    """
    front, fault = front_matter(card)
    if fault:
        raise BadInput(f"the metadata of {CARD_PATH} cannot be read: {fault}", hint=_REPAIR)
    return front or {}


def completed_card(card: str, fields: JsonObject) -> tuple[str, JsonObject]:
    """The card with the metadata that it lacks, and which those are.

    Raises:
        BadInput: its metadata cannot be read, or nothing can be added to them as they are written.
    """
    theirs = said_by(card)
    lacking = {key: value for key, value in fields.items() if key not in theirs}
    if not lacking:
        return card, {}
    end = found[0] if (found := _LINE_END.search(card)) else "\n"
    block = _yaml(lacking).replace("\n", end)
    head = _FRONT.match(card)
    if head is None:
        mark = "\ufeff" if card.startswith("\ufeff") else ""
        text = f"{mark}---{end}{block}---{end}{end}{card.removeprefix(mark)}"
    else:
        before, behind = card[: head.end(2)], card[head.start(3) :]
        text = before + block + behind
        theirs = front_matter(f"{before}#{end}{behind}")[0] or {}  # a text at the end ends with its line
    front, fault = front_matter(text)
    if fault or front != {**theirs, **lacking}:
        raise BadInput(
            f"nothing can be added to the metadata of {CARD_PATH} as they are written there",
            hint=f"write 'name: value' in lines, or give --replace-card; missing: {', '.join(lacking)}",
        )
    return text, lacking


class _Representer(RoundTripRepresenter):
    """Writes numbers so that they are numbers in YAML 1.1 too, which asks for a point in ``1.0e-05``."""


def _number(representer: RoundTripRepresenter, value: float) -> ScalarNode:
    spelled = repr(value)
    pointed = spelled if "." in spelled else spelled.replace("e", ".0e")
    node: ScalarNode = representer.represent_scalar("tag:yaml.org,2002:float", pointed)
    return node


_Representer.add_representer(float, _number)


def _yaml(fields: JsonObject) -> str:
    writer, stream = YAML(), io.StringIO()
    writer.Representer = _Representer
    writer.width = 1 << 20  # no line is folded: a fold in a text would be another text to some readers
    writer.dump(_quoted(fields), stream)
    return stream.getvalue()


def _quoted(value: Json) -> object:
    """The value with every text in quotes that is not a plain word in all of YAML's versions."""
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
        return value if plain else DoubleQuotedScalarString(value)
    if isinstance(value, Mapping):
        return {_quoted(key): _quoted(held) for key, held in value.items()}
    return [_quoted(held) for held in value] if isinstance(value, Sequence) else value
