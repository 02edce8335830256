"""Reads YAML for what a loader would build from it: tags, Hydra's ``_target_``, names with their arguments.

Only the events of the parser are looked at: nothing is built, and an alias is not followed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from weighbridge.domain.scan import Severity
from weighbridge.scanners.builders import judge_pair, judge_running, judge_tag
from weighbridge.scanners.notes import LIMIT, Notes, shown
from weighbridge.scanners.pickle_names import judge_global
from weighbridge.scanners.templates import find_escape

MAX_YAML_BYTES = 256 << 10
"""The parser takes six microseconds a byte; a longer text is only searched for the words that matter."""
_MAX_EVENTS = 500_000
_MAX_DEPTH = 500
"""The parser looks at every open bracket again for each one that follows."""
_BRACKET = re.compile(rb"[\[\]{}]")
_KNOWN = re.compile(
    r"nemo\.(?:collections|core)(?:\.[a-z_][a-z0-9_]*)*\.[A-Z]\w*"
    r"|torch\.(?:nn|optim)(?:\.[a-z_][a-z0-9_]*)*\.[A-Z]\w*"
    r"|torchaudio\.transforms\.[A-Z]\w*|pytorch_lightning\.callbacks\.[A-Z]\w*"
)
_PLAIN_TAGS = frozenset("none bool str unicode int long float complex list tuple dict bytes".split())  # noqa: SIM905
_SCRIPT = re.compile(r"\A\s*bash\b|\n|\bimport\b|\(")
_FOREIGN = re.compile(r".*\.(?:os|sys|subprocess|shutil|socket|builtins|importlib|pickle)\..*")


def judge_yaml(raw: bytes, notes: Notes, where: str = "", *, builds: bool = False) -> None:
    """Note what the text would make a loader import.

    With ``builds`` (a NeMo or Hydra configuration) a name that is not known is ``block``, else ``review``.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if len(raw) > MAX_YAML_BYTES:
        notes.review(LIMIT, f"a YAML text of {len(raw)} bytes was only searched", where)
        for rule, word in (
            ("yaml.python", b"python/"),
            ("yaml.target", b"_target_"),
            ("config.target", b"!apply:"),
        ):
            if word in raw:
                notes.block(rule, f"a long YAML text holds {word.decode()}", where)
        return
    if _depth(raw) > _MAX_DEPTH:
        report = notes.block if builds else notes.review
        report(LIMIT, f"a YAML text nests more than {_MAX_DEPTH} deep", where)
        return
    walk = _Walk(notes, where, builds)
    try:
        for number, event in enumerate(YAML(typ="safe", pure=True).parse(raw)):
            if number > _MAX_EVENTS:
                notes.review(LIMIT, "a YAML text of too many parts was not read", where)
                return
            walk.event(event)
    except (YAMLError, ValueError, RecursionError, AttributeError, TypeError) as error:
        report = notes.block if builds else notes.review
        report("yaml.malformed", f"cannot be parsed as YAML: {shown(str(error))}", where)


def _depth(raw: bytes) -> int:
    """How many brackets are open at most; those in quotes count too."""
    depth = most = 0
    for found in _BRACKET.finditer(raw):
        depth = depth + 1 if found[0] in b"[{" else max(0, depth - 1)
        most = max(most, depth)
    return most


def _is_known_tag(tag: str) -> bool:
    """Whether a Python tag names a plain type, or a class that a pickle may name too."""
    what = tag.partition("python/")[2]
    verb, _, name = what.partition(":")
    if not name:
        return verb in _PLAIN_TAGS
    module, _, attribute = name.rpartition(".")
    return judge_global(module or "builtins", attribute) is not Severity.BLOCK


@dataclass(slots=True)
class _Open:
    """A mapping or a list that has not ended; ``key`` waits for its value."""

    is_mapping: bool
    key: str | None = None
    pairs: list[tuple[str, str, str]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)


class _Walk:
    """Follows the events of one text: which mapping has which keys, and what their values say."""

    def __init__(self, notes: Notes, where: str, builds: bool) -> None:
        self.notes, self.where, self.builds = notes, where, builds
        self.open: list[_Open] = []
        self.anchored: dict[str, str] = {}

    def event(self, event: object) -> None:
        """Judge one event of the parser."""
        from ruamel.yaml.events import (
            AliasEvent,
            MappingEndEvent,
            MappingStartEvent,
            ScalarEvent,
            SequenceEndEvent,
            SequenceStartEvent,
        )

        self.tag(event)
        if isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            self.imports()
        if isinstance(event, ScalarEvent):
            if event.value == "_target_" and event.anchor is not None:
                why = "the key _target_ has a second name, which was not followed"
                self.notes.block("yaml.target", why, self.where)
            if event.anchor is not None:
                self.anchored[event.anchor] = event.value
            self.text(event.value, self.at(event))
        elif isinstance(event, AliasEvent):
            if self.open and self.open[-1].key == "_target_":
                self.notes.block("yaml.target", "_target_ is an alias, which was not followed", self.where)
            self.text(self.anchored.get(event.anchor or "", ""), self.at(event))
        elif isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            self.open.append(_Open(isinstance(event, MappingStartEvent)))
        elif isinstance(event, (MappingEndEvent, SequenceEndEvent)) and self.open:
            self.close()

    def imports(self) -> None:
        """A mapping or a list begins: under ``custom_imports`` it lists modules (MMEngine)."""
        if self.open and self.open[-1].key == "custom_imports":
            self.notes.review(
                "code.custom_imports", "custom_imports makes a loader import modules", self.where
            )

    def at(self, event: object) -> str:
        """Where an event stands, for a message."""
        line = getattr(getattr(event, "start_mark", None), "line", 0) + 1
        return f"{self.where}:{line}".lstrip(":")

    def tag(self, event: object) -> None:
        """Judge the tag of a value."""
        tag = str(getattr(event, "tag", None) or "")
        if "python/" in tag:
            why = f"the tag {shown(tag)} makes a loader call Python"
            report = self.notes.review if _is_known_tag(tag) else self.notes.block
            report("yaml.python", why, self.at(event).rpartition(":")[2], tag)
        elif tag.startswith("!"):
            judge_tag(tag, self.notes, self.at(event))

    def text(self, value: str, at: str) -> None:
        """A key, a value or an item of a list."""
        top = self.open[-1] if self.open else _Open(False)
        find_escape(value, self.notes, at)
        judge_running(value, self.notes, at)
        if top.is_mapping and top.key is None:
            top.key = value
            top.keys.add(value)
            return
        if not top.is_mapping:
            judge_pair("", value, (), self.notes, at)
        elif top.key == "_target_":
            judge_target(value, self.notes, at, self.builds)
        elif top.key is not None:
            top.pairs.append((top.key, value, at))
            self.named(top.key, value, at)
        top.key = None

    def named(self, key: str, value: str, at: str) -> None:
        """What two keys with a name of their own make a loader do."""
        if key == "download" and _SCRIPT.search(value):
            # Ultralytics hands such a text to the shell or to Python.
            self.notes.review("config.script", f"a loader runs it to fetch the data: {shown(value)}", at)
        elif key == "class_name" and value in ("Lambda", "__lambda__"):
            self.notes.block("keras.code", f"a layer of class {shown(value)} carries code", at, value)

    def close(self) -> None:
        """The innermost mapping or list ends: it is a key, a value or an item of the next one."""
        done = self.open.pop()
        for key, value, at in done.pairs:
            judge_pair(key, value, done.keys, self.notes, at)
        if self.open and self.open[-1].is_mapping:
            top = self.open[-1]
            top.key = "" if top.key is None else None


def judge_target(target: str, notes: Notes, at: str, builds: bool = False) -> None:
    """Note what ``_target_`` names; ``builds`` as in ``judge_yaml``."""
    if _KNOWN.fullmatch(target) and not _FOREIGN.fullmatch(target):
        notes.review("yaml.target", f"makes a loader build {shown(target)}", at, target)
    elif builds or _FOREIGN.fullmatch(f".{target}"):
        notes.block("yaml.target", f"makes a loader call {shown(target)}", at, target)
    else:
        notes.review("yaml.target", f"may make a loader build {shown(target)}", at, target)
