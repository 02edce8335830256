"""What a model list says, read node by node so that every mistake has its place."""

from __future__ import annotations

from dataclasses import replace

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from weighbridge.adapters.model_list.memory import Said
from weighbridge.adapters.yaml_nodes import NULL, Reading, compose
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.lock import Spec, pattern_fault, repo_of
from weighbridge.domain.paths import collisions
from weighbridge.domain.ref import ModelRef, RepoKind
from weighbridge.errors import BadConfig

VERIFY_LEVELS = ("none", "size", "sha256")
RESERVED_FOLDER = ".weighbridge"
LAYOUTS = ("dir", "hf-cache")
_LIST_KEYS = ("cache_dir", "layout", "verify", "models")
_MODEL_KEYS = ("id", "repo_id", "revision", "local_dir", "files", "kind", "license")


def parse(path: str, text: str) -> Said:
    """What the text of a model list says; ``path`` is for the messages.

    Raises:
        BadConfig: it has mistakes; the error holds the place of each.
    """
    reading = Reading()
    root = compose(path, text)
    fields = reading.fields(root, _LIST_KEYS, "the model list")
    cache_dir = reading.text(fields.get("cache_dir"), "cache_dir") or ""
    layout = reading.one_of(fields.get("layout"), "layout", LAYOUTS) or "dir"
    verify = reading.one_of(fields.get("verify"), "verify", VERIFY_LEVELS) or "sha256"
    specs = _specs(reading, fields.get("models"), root)
    if reading.places:
        raise BadConfig(path, reading.places, hint=reading.hint)
    return Said(cache_dir=cache_dir, verify=verify, layout=layout, specs=specs)


def _specs(reading: Reading, node: Node | None, root: Node | None) -> tuple[Spec, ...]:
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


def _take_folder(reading: Reading, folders: dict[str, Node], node: ScalarNode) -> None:
    """Two models in one folder, or one inside the other, would overwrite each other."""
    clash = collisions([*folders, node.value])
    if clash:
        other = clash[0].first if clash[0].first != node.value else clash[0].second
        reading.wrong(node, f"folder '{node.value}' clashes with another model's folder '{other}'")
        return
    folders[node.value] = node


def _spec(reading: Reading, item: Node) -> Spec | None:
    mistakes = len(reading.places)
    fields = reading.fields(item, _MODEL_KEYS, "a model")
    if not isinstance(item, MappingNode):
        return None
    given = {name: reading.text(fields.get(name), name) for name in _MODEL_KEYS if name != "files"}
    files = reading.texts(fields.get("files"), "files", "leave it out to take all files")
    for name in ("id", "repo_id"):
        if name not in fields or fields[name].tag == NULL:
            reading.wrong(fields.get(name, item), f"a model needs '{name}'")
    for pattern in files:
        if fault := pattern_fault(pattern):
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
            id=given["id"] or "id",
            ref=ref or ModelRef(repo=some),
            files=tuple(pattern for pattern in files if not pattern_fault(pattern)),
            license=given["license"],
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


def _value_of(item: Node, *names: str) -> Node:
    """The node under the first of ``names`` that is there, or the whole entry."""
    if not isinstance(item, MappingNode):
        return item
    found = {key.value: value for key, value in item.value if isinstance(key, ScalarNode)}
    return next((found[name] for name in names if name in found), item)
