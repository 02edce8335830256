"""What a model was made from, as evidence: its base models and its data sets, read from the Hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from weighbridge.domain.evidence import DataSet, Evidence, Parent, Source, SourceState
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import child, objects, text, texts
from weighbridge.domain.manifest import FileEntry
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.repo import ModelInfo
from weighbridge.domain.weights import deployable
from weighbridge.errors import Denied, IntegrityError, NotFound, Unreachable
from weighbridge.ports import BlobStore, Hub

PARENT_LIMIT = 8
"""How many declared base models are looked up; a merge of more is judged by the first ones."""
DATA_SET_LIMIT = 12
CARD_LIMIT_BYTES = 1024 * 1024
_FILES_LIMIT = 1000
_Found = TypeVar("_Found", Parent, DataSet)
_Declared = TypeVar("_Declared")


def parents_of(draft: Evidence, hub: Hub, blobs: BlobStore) -> tuple[Parent, ...]:
    """Every base model that is declared somewhere, as the Hub has it."""
    declared = list(_declared_parents(draft).items())[:PARENT_LIMIT]
    return _side_by_side(lambda named: _read_parent(named[0], named[1], hub, blobs), declared)


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
    with ThreadPoolExecutor(max_workers=len(declared), thread_name_prefix="gather") as pool:
        return tuple(pool.map(read, declared))


def _declared_parents(draft: Evidence) -> dict[str, tuple[str, str]]:
    """Id to (relation, where it is declared), the most trustworthy declaration first.

    Order of vetting: the Hub's ``baseModels``, the card's ``base_model``, adapter_config.json,
    and the ``base_model:`` tags.
    """
    found: dict[str, tuple[str, str]] = {}
    resolved = child(draft.info, "baseModels")
    relation = text(resolved, "relation") or ""
    for model in objects(resolved, "models"):
        if named := text(model, "id"):
            found.setdefault(named, (relation, "info:baseModels"))
    front = draft.front_matter or {}
    stated = text(front, "base_model_relation") or ""
    for named in texts(front, "base_model"):
        found.setdefault(named, (stated or relation, "README.md:base_model"))
    adapter = draft.json_of("adapter_config.json")
    if named := text(adapter, "base_model_name_or_path"):
        found.setdefault(named, ("adapter", "adapter_config.json:base_model_name_or_path"))
    for tag in texts(draft.info, "tags"):
        if tag.startswith("base_model:"):
            named = tag.rpartition(":")[2]
            between = tag.removeprefix("base_model:").rpartition(":")[0]
            found.setdefault(named, (between, "info:tags"))
    found.pop(draft.repo.full_name, None)
    return found


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
    try:
        info = hub.info(ModelRef(repo=RepoId.parse(id, kind)))
        files = hub.manifest(info.repo, info.commit).files
    except Invalid as error:
        return (
            Source(state=SourceState.ABSENT, reason=f"not a repository id: {error.why}"),
            None,
            (),
        )
    except NotFound as error:
        return Source(state=SourceState.ABSENT, reason=error.message), None, ()
    except (Unreachable, Denied, IntegrityError) as error:
        return Source(state=SourceState.UNREACHABLE, reason=error.message), None, ()
    return Source(state=SourceState.READ), info, files


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
