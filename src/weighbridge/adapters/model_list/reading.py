"""What a model list says, read node by node so that every mistake has its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from weighbridge.adapters.model_list.memory import Said
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.lock import Spec, repo_of
from weighbridge.domain.paths import collisions
from weighbridge.domain.ref import ModelRef, RepoKind
from weighbridge.errors import BadConfig, Place

VERIFY_LEVELS = ("none", "size", "sha256")
RESERVED_FOLDER = ".weighbridge"
_LIST_KEYS = ("cache_dir", "verify", "models")
_MODEL_KEYS = ("id", "repo_id", "revision", "local_dir", "files", "kind", "license")
_STR, _NULL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null"
_NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp"}

Built = TypeVar("Built")


def parse(path: str, text: str) -> Said:
    """What the text of a model list says; ``path`` is for the messages.

    Raises:
        BadConfig: it has mistakes; the error holds the place of each.
    """
    reading = _Reading()
    root = _compose(path, text)
    fields = reading.fields(root, _LIST_KEYS, "the model list")
    cache_dir = reading.text(fields.get("cache_dir"), "cache_dir") or "models"
    verify = reading.one_of(fields.get("verify"), "verify", VERIFY_LEVELS) or "sha256"
    specs = _specs(reading, fields.get("models"), root)
    if reading.places:
        raise BadConfig(path, reading.places, hint=reading.hint)
    return Said(cache_dir=cache_dir, verify=verify, specs=specs)


def _compose(path: str, text: str) -> Node | None:
    try:
        root: Node | None = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise BadConfig(path, [Place(line, column, error.problem or "is not YAML")]) from error
    except (YAMLError, RecursionError) as error:
        raise BadConfig(path, [Place(1, 1, f"is not YAML ({str(error).splitlines()[0]})")]) from error
    return root


class _Reading:
    """Walks nodes and collects every mistake with its place."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.hint = ""

    def wrong(self, node: Node | None, message: str) -> None:
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
        if node is None or node.tag == _NULL:
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

    def texts(self, node: Node | None, name: str) -> tuple[str, ...]:
        """A list of texts; empty where there is none."""
        if node is None or node.tag == _NULL:
            return ()
        if not isinstance(node, SequenceNode):
            self.wrong(node, f"'{name}' must be a list of texts")
            return ()
        found = [self.text(item, name) for item in node.value]
        if any(item.tag == _NULL for item in node.value):
            self.wrong(node, f"'{name}' has an empty item")
        if not node.value:
            self.wrong(node, f"'{name}' is an empty list; leave it out to take all files")
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


def _specs(reading: _Reading, node: Node | None, root: Node | None) -> tuple[Spec, ...]:
    if not isinstance(node, SequenceNode):
        if isinstance(root, MappingNode):
            reading.wrong(node or root, "'models' must be a list of models")
        return ()
    ids: set[str] = set()
    folders: dict[str, Node] = {}
    specs = []
    for item in node.value:
        if (spec := _spec(reading, item)) is not None:
            specs.append(spec)
        id, folder = _value_of(item, "id"), _value_of(item, "local_dir", "id")
        if isinstance(id, ScalarNode) and id.value.casefold() in ids:
            reading.wrong(id, f"another model has the id '{id.value}' already")
        elif isinstance(id, ScalarNode) and isinstance(folder, ScalarNode):
            ids.add(id.value.casefold())
            _take_folder(reading, folders, folder)
    return tuple(specs)


def _take_folder(reading: _Reading, folders: dict[str, Node], node: ScalarNode) -> None:
    """Two models in one folder, or one inside the other, would overwrite each other."""
    clash = collisions([*folders, node.value])
    if clash:
        other = clash[0].first if clash[0].first != node.value else clash[0].second
        reading.wrong(node, f"folder '{node.value}' clashes with another model's folder '{other}'")
        return
    folders[node.value] = node


def _spec(reading: _Reading, item: Node) -> Spec | None:
    mistakes = len(reading.places)
    fields = reading.fields(item, _MODEL_KEYS, "a model")
    if not isinstance(item, MappingNode):
        return None
    given = {name: reading.text(fields.get(name), name) for name in _MODEL_KEYS if name != "files"}
    files = reading.texts(fields.get("files"), "files")
    for name in ("id", "repo_id"):
        if name not in fields or fields[name].tag == _NULL:
            reading.wrong(fields.get(name, item), f"a model needs '{name}'")
    for pattern in files:
        if fault := _pattern_fault(pattern):
            reading.wrong(fields["files"], f"file pattern {pattern!r} {fault}")
    kind = reading.one_of(fields.get("kind"), "kind", tuple(RepoKind)) or "model"
    # What is missing or wrong is replaced by something harmless, so that the rest is still checked.
    some = repo_of("org/name", "model")
    named = given["repo_id"]
    repo = reading.built(fields.get("repo_id"), lambda: repo_of(named, kind)) if named else some
    revision = given["revision"] or "main"
    ref = reading.built(fields.get("revision"), lambda: ModelRef(repo=repo or some, revision=revision))
    spec = reading.built(
        _value_of(item, "id"),
        lambda: Spec(
            id=given["id"] or "id", ref=ref or ModelRef(repo=some), files=files, license=given["license"]
        ),
    )
    if spec is not None and given["local_dir"]:
        folder, bare = given["local_dir"], spec
        spec = reading.built(fields["local_dir"], lambda: replace(bare, local_dir=_folder(folder)))
    return spec if len(reading.places) == mistakes else None


def _folder(name: str) -> str:
    if name.split("/")[0].casefold() == RESERVED_FOLDER:
        raise Invalid("folder", name, "is where Weighbridge keeps its index")
    return name


def _pattern_fault(pattern: str) -> str:
    """Why a pattern can match no file of any repository; empty where it may."""
    bare = pattern.removeprefix("!").removesuffix("/")
    if not bare:
        return "is empty"
    if bare.startswith("/") or ".." in bare.split("/") or "\\" in bare:
        return "is no path below the repository: write it as in 'onnx/*.json'"
    return ""


def _value_of(item: Node, *names: str) -> Node:
    """The node under the first of ``names`` that is there, or the whole entry."""
    if not isinstance(item, MappingNode):
        return item
    found = {key.value: value for key, value in item.value if isinstance(key, ScalarNode)}
    return next((found[name] for name in names if name in found), item)
