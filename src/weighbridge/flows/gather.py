"""Collect everything that judging may look at, once, before the weights are fetched.

Small text files come through the blob store like every other byte: they are hashed on the way
in and are not fetched a second time when the model is ensured.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate

from weighbridge.domain.evidence import Evidence, Parent, Source, SourceState, Text, weight_format
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, JsonObject, child, objects, text, texts
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.domain.repo import ModelInfo
from weighbridge.domain.weights import deployable
from weighbridge.errors import Denied, NotFound, Unreachable
from weighbridge.ports import BlobStore, Hub

TEXT_LIMIT_BYTES = 256 * 1024
"""Larger text files are not captured: nothing that a metric reads is that long."""
CARD_LIMIT_BYTES = 1024 * 1024
TEXTS_LIMIT_BYTES = 16 * 1024 * 1024
"""All texts together: the evidence is held in memory, and a repository may have any number of files."""
PARENT_LIMIT = 8
"""How many declared base models are looked up; a merge of more is judged by the first ones."""

_CAPTURED = re.compile(
    r"""
    README\.md | (?:LICEN[SC]E|COPYING|NOTICE|USE_POLICY)[^/]* | requirements[^/]*\.txt
    | (?:adapter_|tokenizer_|generation_|preprocessor_|processor_|data_)?config\.json
    | config_sentence_transformers\.json | modules\.json | model_index\.json
    | chat_template\.(?:jinja|json)
    | (?:.+/)?[^/]+\.index\.json | \.eval_results/[^/]+\.ya?ml | (?:.+/)?[^/]+\.py
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """How foreign formats become values; the bridge brings the libraries."""

    front_matter: Callable[[str], tuple[JsonObject | None, str]]
    yaml: Callable[[str], Json]
    header: Callable[[str, BlobStore], JsonObject]


Fetch = Callable[[Iterable[FileEntry]], Mapping[str, FileEntry]]
"""Takes entries into the store and gives them back, by path, with their sha256 known."""


def gather(
    info: ModelInfo,
    manifest: Manifest,
    hub: Hub,
    blobs: BlobStore,
    fetch: Fetch,
    readers: Readers,
    at: datetime,
) -> Evidence:
    """Everything but what the weights' headers say; see ``with_headers``.

    Raises:
        Whatever the Hub raises for a file that its own listing names. A parent that cannot be
        reached is recorded, not raised.
    """
    wanted, beyond = texts_of(manifest)
    captured = _captured_texts(wanted, blobs, fetch)
    card = captured.get("README.md")
    front, error = readers.front_matter(card.content) if card else (None, "")
    draft = Evidence(
        manifest=manifest,
        sources={
            "info": Source(state=SourceState.READ),
            "texts": Source(state=SourceState.READ, reason=_left_out(beyond)),
            "headers": Source(state=SourceState.UNREACHABLE, reason="the weights are not fetched yet"),
        },
        info=info.raw,
        texts=captured,
        front_matter=front,
        front_matter_error=error,
        eval_results={
            path: {"results": readers.yaml(kept.content)}
            for path, kept in captured.items()
            if path.startswith(".eval_results/")
        },
        captured_at=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    parents = _parents(draft, hub)
    return replace(draft, parents=parents, sources={**draft.sources, "parents": _state_of(parents)})


def with_headers(draft: Evidence, blobs: BlobStore, readers: Readers) -> Evidence:
    """The evidence, final: with what the headers of the held weight files say."""
    headers = {
        entry.path: readers.header(entry.sha256, blobs)
        for entry in draft.files
        if entry.sha256 and weight_format(entry.path) == "safetensors"
    }
    read = Source(state=SourceState.READ)
    return replace(draft, headers=headers, sources={**draft.sources, "headers": read})


def is_captured(entry: FileEntry) -> bool:
    """Whether a file's text belongs into the evidence."""
    limit = CARD_LIMIT_BYTES if entry.path == "README.md" else TEXT_LIMIT_BYTES
    return entry.size_bytes <= limit and _CAPTURED.fullmatch(entry.path) is not None


def texts_of(manifest: Manifest) -> tuple[list[FileEntry], int]:
    """The files whose text belongs into the evidence, code last, and how many more there would be."""
    found = [entry for entry in manifest.files if is_captured(entry)]
    found.sort(key=lambda entry: (entry.path.lower().endswith(".py"), entry.path.count("/"), entry.path))
    sums = accumulate(entry.size_bytes for entry in found)
    wanted = [entry for entry, total in zip(found, sums, strict=True) if total <= TEXTS_LIMIT_BYTES]
    return wanted, len(found) - len(wanted)


def _left_out(count: int) -> str:
    return f"{count} further texts are beyond the limit of {TEXTS_LIMIT_BYTES} bytes" if count else ""


def _captured_texts(wanted: Iterable[FileEntry], blobs: BlobStore, fetch: Fetch) -> dict[str, Text]:
    held = fetch(wanted)
    captured = {}
    for path, entry in sorted(held.items()):
        if entry.sha256 is None:
            continue
        with blobs.open(entry.sha256) as file:
            content = file.read().decode("utf-8", "replace")
        captured[path] = Text(content=content, sha256=entry.sha256)
    return captured


def _state_of(parents: tuple[Parent, ...]) -> Source:
    away = [parent.id for parent in parents if parent.source.state is SourceState.UNREACHABLE]
    if away:
        return Source(state=SourceState.UNREACHABLE, reason=f"could not read {', '.join(away)}")
    return Source(state=SourceState.READ if parents else SourceState.ABSENT)


def _parents(draft: Evidence, hub: Hub) -> tuple[Parent, ...]:
    declared = list(_declared_parents(draft).items())[:PARENT_LIMIT]
    if not declared:
        return ()
    with ThreadPoolExecutor(max_workers=len(declared), thread_name_prefix="gather") as pool:
        return tuple(pool.map(lambda named: _read_parent(named[0], named[1], hub), declared))


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


def _read_parent(id: str, declared: tuple[str, str], hub: Hub) -> Parent:
    relation, declared_in = declared

    def parent(source: Source, info: JsonObject | None = None, size: int | None = None) -> Parent:
        return Parent(
            id=id, relation=relation, declared_in=declared_in, source=source, info=info, weight_bytes=size
        )

    try:
        ref = ModelRef(repo=RepoId.parse(id))
        info = hub.info(ref)
        files = hub.manifest(ref.repo, info.commit).files
    except Invalid as error:
        return parent(Source(state=SourceState.ABSENT, reason=f"not a repository id: {error.why}"))
    except NotFound as error:
        return parent(Source(state=SourceState.ABSENT, reason=error.message))
    except (Unreachable, Denied) as error:
        return parent(Source(state=SourceState.UNREACHABLE, reason=error.message))
    return parent(Source(state=SourceState.READ), info.raw, deployable(files).size_bytes or None)
