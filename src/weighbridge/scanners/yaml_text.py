"""Reads YAML for what a loader would build from it: Python tags, and Hydra's ``_target_``.

Only the events of the parser are looked at: nothing is built, and an alias is not followed.
"""

from __future__ import annotations

import re

from weighbridge.scanners.notes import LIMIT, Notes, shown

MAX_YAML_BYTES = 256 << 10
"""The parser takes six microseconds a byte; a longer text is only searched for the words that matter."""
_MAX_EVENTS = 500_000
_TARGETS = {"_target_", "target", "class_path"}
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_KNOWN = re.compile(
    r"nemo\.(?:collections|core)(?:\.[a-z_][a-z0-9_]*)*\.[A-Z]\w*"
    r"|torch\.(?:nn|optim)(?:\.[a-z_][a-z0-9_]*)*\.[A-Z]\w*"
    r"|torchaudio\.transforms\.[A-Z]\w*|pytorch_lightning\.callbacks\.[A-Z]\w*"
)
_FOREIGN = re.compile(r".*\.(?:os|sys|subprocess|shutil|socket|builtins|importlib|pickle)\..*")


def judge_yaml(raw: bytes, notes: Notes, where: str = "", *, builds: bool = False) -> None:
    """Note what the text would make a loader import.

    With ``builds`` (a NeMo or Hydra configuration) a name that is not known is ``block``, else ``review``.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.events import AliasEvent, ScalarEvent

    if len(raw) > MAX_YAML_BYTES:
        notes.review(LIMIT, f"a YAML text of {len(raw)} bytes was only searched", where)
        for rule, word in (("yaml.python", b"python/"), ("yaml.target", b"_target_")):
            if word in raw:
                notes.block(rule, f"a long YAML text holds {word.decode()}", where)
        return
    awaited = False
    try:
        for number, event in enumerate(YAML(typ="safe", pure=True).parse(raw)):
            if number > _MAX_EVENTS:
                notes.review(LIMIT, "a YAML text of too many parts was not read", where)
                return
            tag = str(getattr(event, "tag", None) or "")
            if "python/" in tag:
                line = event.start_mark.line + 1
                notes.block("yaml.python", f"the tag {shown(tag)} makes a loader call Python", line, tag)
            if isinstance(event, ScalarEvent):
                if event.value == "_target_" and event.anchor is not None:
                    notes.block(
                        "yaml.target", "the key _target_ has a second name, which was not followed", where
                    )
                if awaited:
                    _judge_target(
                        event.value, notes, f"{where}:{event.start_mark.line + 1}".lstrip(":"), builds
                    )
                awaited = not awaited and event.value == "_target_"
            else:
                if awaited and isinstance(event, AliasEvent):
                    notes.block("yaml.target", "_target_ is an alias, which was not followed", where)
                awaited = False
    except (YAMLError, ValueError, RecursionError, AttributeError, TypeError) as error:
        report = notes.block if builds else notes.review
        report("yaml.malformed", f"cannot be parsed as YAML: {shown(str(error))}", where)


def _judge_target(target: str, notes: Notes, at: str, builds: bool) -> None:
    if _KNOWN.fullmatch(target) and not _FOREIGN.fullmatch(target):
        notes.review("yaml.target", f"makes a loader build {shown(target)}", at, target)
    elif builds or _FOREIGN.fullmatch(f".{target}"):
        notes.block("yaml.target", f"makes a loader call {shown(target)}", at, target)
    else:
        notes.review("yaml.target", f"may make a loader build {shown(target)}", at, target)
