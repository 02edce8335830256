"""What a model was made from, as evidence: its base models and its data sets, read from the Hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from weighbridge.context import carried
from weighbridge.domain.base_models import declared_base_models, declared_by_parent
from weighbridge.domain.evidence import DataSet, Evidence, Parent, Source, SourceState
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import texts
from weighbridge.domain.manifest import FileEntry
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.repo import ModelInfo
from weighbridge.domain.weights import deployable
from weighbridge.errors import Denied, IntegrityError, NotFound, Unreachable
from weighbridge.ports import BlobStore, Hub

PARENT_LIMIT = 8
"""How many declared base models are looked up; of further ones nothing is known."""
DUPLICATE = "duplicate"
"""The relation to what the registry itself made a repository from."""
NAMED_LIMIT = 64
"""How many further ones are named."""
ANCESTOR_LIMIT, GENERATIONS = 16, 5
"""How many base models of base models are looked up, and over how many generations."""
DATA_SET_LIMIT = 12
CARD_LIMIT_BYTES = 1024 * 1024
_FILES_LIMIT = 1000
_Found = TypeVar("_Found", Parent, DataSet)
_Declared = TypeVar("_Declared")
_Answer = TypeVar("_Answer")


def parents_of(draft: Evidence, origins: Sequence[RepoId], hub: Hub, blobs: BlobStore) -> tuple[Parent, ...]:
    """Every base model that is declared somewhere, as the Hub has it, after those that it is a copy of."""
    known = {id.full_name: (DUPLICATE, "registry:duplicate") for id in origins}
    declared = list({**declared_base_models(draft), **known}.items())
    read = _side_by_side(lambda named: _read_parent(*named, hub, blobs), declared[:PARENT_LIMIT])
    why = Source(state=SourceState.ABSENT, reason=f"not looked up: only {PARENT_LIMIT} base models are")
    beyond = declared[PARENT_LIMIT:NAMED_LIMIT]
    return (*read, *(_unread(id, relation, where, why) for id, (relation, where) in beyond))


def ancestors_of(repo: RepoId, parents: Sequence[Parent], hub: Hub) -> tuple[Parent, ...]:
    """The base models of the base models and so on, each once, nearest first.

    Where the line is longer than is looked at, the next ones are named with nothing known of them.
    """
    seen, found = {repo.full_name.lower(), *(parent.id.lower() for parent in parents)}, list[Parent]()
    generation: Sequence[Parent] = parents
    for left in reversed(range(GENERATIONS + 1)):
        wanted = dict[str, tuple[str, str]]()
        for parent in generation:
            for id, (relation, _) in declared_by_parent(parent.info or {}).items():
                if id.lower() not in seen and len(seen) < NAMED_LIMIT:
                    seen.add(id.lower())
                    wanted[id] = (relation, f"{parent.id}:base_model")
        room = ANCESTOR_LIMIT - len(found) if left else 0
        named = list(wanted.items())
        generation = _side_by_side(lambda one: _read_ancestor(*one, hub), named[: max(0, room)])
        why = Source(state=SourceState.ABSENT, reason="not looked up: the line of base models is too long")
        found += [*generation, *(_unread(id, *said, why) for id, said in named[max(0, room) :])]
    return tuple(found)


def data_sets_of(draft: Evidence, hub: Hub, blobs: BlobStore) -> tuple[DataSet, ...]:
    """Every data set that the card or a tag names, as the Hub has it."""
    declared = list(_declared_data_sets(draft).items())[:DATA_SET_LIMIT]
    return _side_by_side(lambda named: _read_data_set(named[0], named[1], hub, blobs), declared)


def state_of(relatives: Sequence[Parent] | Sequence[DataSet]) -> Source:
    """The state of all together: unreachable if one could not be asked for."""
    away = [each.id for each in relatives if each.source.state is SourceState.UNREACHABLE]
    if away:
        return Source(state=SourceState.UNREACHABLE, reason=f"could not read {', '.join(away)}")
    return Source(state=SourceState.READ if relatives else SourceState.ABSENT)


def _side_by_side(
    read: Callable[[tuple[str, _Declared]], _Found], declared: Sequence[tuple[str, _Declared]]
) -> tuple[_Found, ...]:
    if not declared:
        return ()
    with ThreadPoolExecutor(
        max_workers=len(declared), thread_name_prefix="gather", initializer=carried()
    ) as pool:
        return tuple(pool.map(read, declared))


def _declared_data_sets(draft: Evidence) -> dict[str, str]:
    """Id to where it is declared: the card's ``datasets``, then the ``dataset:`` tags."""
    found: dict[str, str] = {}
    for named in texts(draft.front_matter or {}, "datasets"):
        found.setdefault(named, "README.md:datasets")
    for tag in texts(draft.info, "tags"):
        if tag.startswith("dataset:"):
            found.setdefault(tag.removeprefix("dataset:"), "info:tags")
    return found


def _read_parent(id: str, declared: tuple[str, str], hub: Hub, blobs: BlobStore) -> Parent:
    relation, declared_in = declared
    source, info, files = _read(id, RepoKind.MODEL, hub)
    return Parent(
        id=id,
        relation=relation,
        declared_in=declared_in,
        source=source,
        info=info.raw if info else None,
        weight_bytes=(deployable(files).size_bytes or None) if info else None,
        card=_card(info, files, hub, blobs),
    )


def _read_ancestor(id: str, declared: tuple[str, str], hub: Hub) -> Parent:
    relation, declared_in = declared
    source, info = _asked(id, RepoKind.MODEL, hub)
    return Parent(
        id=id, relation=relation, declared_in=declared_in, source=source, info=info.raw if info else None
    )


def _unread(id: str, relation: str, declared_in: str, source: Source) -> Parent:
    return Parent(id=id, relation=relation, declared_in=declared_in, source=source)


def _read_data_set(id: str, declared_in: str, hub: Hub, blobs: BlobStore) -> DataSet:
    source, info, files = _read(id, RepoKind.DATASET, hub)
    return DataSet(
        id=id,
        declared_in=declared_in,
        source=source,
        info=info.raw if info else None,
        card=_card(info, files, hub, blobs),
        files=tuple(entry.path for entry in files[:_FILES_LIMIT]),
    )


def _read(id: str, kind: RepoKind, hub: Hub) -> tuple[Source, ModelInfo | None, tuple[FileEntry, ...]]:
    source, info = _asked(id, kind, hub)
    if info is None:
        return source, None, ()
    source, files = answered(lambda: hub.manifest(info.repo, info.commit).files)
    return (source, info, files) if files is not None else (source, None, ())


def _asked(id: str, kind: RepoKind, hub: Hub) -> tuple[Source, ModelInfo | None]:
    try:
        ref = ModelRef(repo=RepoId.parse(id, kind))
    except Invalid as error:
        return Source(state=SourceState.ABSENT, reason=f"not a repository id: {error.why}"), None
    return answered(lambda: hub.info(ref))


def answered(ask: Callable[[], _Answer]) -> tuple[Source, _Answer | None]:
    """An answer of the Hub with the state of its source; None where there is none."""
    try:
        return Source(state=SourceState.READ), ask()
    except NotFound as error:
        return Source(state=SourceState.ABSENT, reason=error.message), None
    except (Unreachable, Denied, IntegrityError) as error:
        return Source(state=SourceState.UNREACHABLE, reason=error.message), None


def _card(info: ModelInfo | None, files: Sequence[FileEntry], hub: Hub, blobs: BlobStore) -> str:
    """The text of README.md; empty where there is none, or where it cannot be had."""
    entry = next((entry for entry in files if entry.path == "README.md"), None)
    if info is None or entry is None or entry.size_bytes > CARD_LIMIT_BYTES:
        return ""
    try:
        held = blobs.fetch(entry, lambda start, stop: hub.open(info.repo, info.commit, entry, start, stop))
        with blobs.open(held.sha256 or "") as file:
            return file.read().decode("utf-8", "replace")
    except (Unreachable, Denied, NotFound, IntegrityError):
        return ""
