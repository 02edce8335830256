"""Collect everything that judging may look at, once, before the weights are fetched.

Small text files come through the blob store like every other byte: they are hashed on the way
in and are not fetched a second time when the model is ensured.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate
from pathlib import Path

from weighbridge.context import carried
from weighbridge.domain.evidence import Evidence, Source, SourceState, Text, weight_format
from weighbridge.domain.json_values import Json, JsonObject
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.domain.repo import ModelInfo
from weighbridge.flows.relatives import (
    CARD_LIMIT_BYTES,
    ancestors_of,
    answered,
    data_sets_of,
    parents_of,
    state_of,
)
from weighbridge.ports import BlobStore, Hub

TEXT_LIMIT_BYTES = 256 * 1024
"""Larger text files are not captured: nothing that a metric reads is that long."""
TEXTS_LIMIT_BYTES = 16 * 1024 * 1024
"""All texts together: the evidence is held in memory, and a repository may have any number of files."""
RESULTS_LIMIT = 128 * 1024
"""Characters of all result files together: a reader of YAML needs ten seconds for a million of them."""
HISTORY_LIMIT = 500
DISCUSSION_LIMIT = 200
"""The newest commits and discussions: the Hub gives fifty, or fewer, with each request."""
HEADER_FORMATS = ("safetensors", "gguf")
"""Weight files whose headers are read."""

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
    header: Callable[[Path, str], JsonObject]
    """Of a weight file in a format of ``HEADER_FORMATS``, and the format."""


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
    origins: Sequence[RepoId] = (),
) -> Evidence:
    """Everything but what the weights' headers say; see ``with_headers``.

    ``origins`` is what the registry knows the repository to be a duplicate of: base models like those
    that it declares.

    Raises:
        Whatever the Hub raises for a file that its own listing names. Any other source that cannot be
        reached is recorded, not raised.
    """
    with ThreadPoolExecutor(max_workers=5, thread_name_prefix="gather", initializer=carried()) as pool:
        ref = ModelRef(repo=info.repo, revision=info.commit)
        details = pool.submit(answered, lambda: hub.details(ref))
        commits = pool.submit(answered, lambda: tuple(hub.commits(info.repo, info.commit, HISTORY_LIMIT)))
        talks = pool.submit(answered, lambda: tuple(hub.discussions(info.repo, DISCUSSION_LIMIT)))
        owner = pool.submit(answered, lambda: hub.owner(info.repo))
        draft = _from_files(manifest, blobs, fetch, readers)
    draft = replace(
        draft,
        captured_at=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        info={**info.raw, **(details.result()[1] or {})},
        commits=commits.result()[1] or (),
        discussions=talks.result()[1] or (),
        owner=owner.result()[1],
        sources={
            **draft.sources,
            "info": Source(state=SourceState.READ),
            "details": details.result()[0],
            "commits": commits.result()[0],
            "discussions": talks.result()[0],
            "owner": owner.result()[0],
            "headers": Source(state=SourceState.UNREACHABLE, reason="the weights are not fetched yet"),
        },
    )
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="gather", initializer=carried()) as pool:
        beside = pool.submit(data_sets_of, draft, hub, blobs)
        parents = parents_of(draft, origins, hub, blobs)
        ancestors = ancestors_of(draft.repo, parents, hub)
        data_sets = beside.result()
    sources = {
        **draft.sources,
        "parents": state_of((*parents, *ancestors)),
        "data_sets": state_of(data_sets),
    }
    return replace(draft, parents=parents, ancestors=ancestors, data_sets=data_sets, sources=sources)


def with_files(draft: Evidence, blobs: BlobStore, readers: Readers) -> Evidence:
    """The evidence with what the revision's own small files say, read anew out of the store.

    Raises:
        NotFound: the store does not hold one of them.
    """
    read = _from_files(draft.manifest, blobs, lambda entries: {e.path: e for e in entries}, readers)
    return replace(
        draft,
        texts=read.texts,
        front_matter=read.front_matter,
        front_matter_error=read.front_matter_error,
        eval_results=read.eval_results,
        sources={**draft.sources, **read.sources},
    )


def _from_files(manifest: Manifest, blobs: BlobStore, fetch: Fetch, readers: Readers) -> Evidence:
    """What the revision's own small files say."""
    wanted, beyond = texts_of(manifest)
    captured = _captured_texts(wanted, blobs, fetch)
    card = captured.get("README.md")
    front, error = readers.front_matter(card.content) if card else (None, "")
    return Evidence(
        manifest=manifest,
        sources={"texts": Source(state=SourceState.READ, reason=_left_out(beyond))},
        texts=captured,
        front_matter=front,
        front_matter_error=error,
        eval_results=_results(captured, readers),
    )


def _results(captured: Mapping[str, Text], readers: Readers) -> dict[str, JsonObject]:
    """The files of results, by path, as many as RESULTS_LIMIT characters hold."""
    paths = [path for path in sorted(captured) if path.startswith(".eval_results/")]
    sums = accumulate(len(captured[path].content) for path in paths)
    read = [path for path, total in zip(paths, sums, strict=True) if total <= RESULTS_LIMIT]
    return {path: {"results": readers.yaml(captured[path].content)} for path in read}


def with_headers(draft: Evidence, place: Callable[[str], Path], readers: Readers) -> Evidence:
    """The evidence, final: with what the headers of the weight files say; ``place`` finds a sha256."""
    headers = {
        entry.path: readers.header(place(entry.sha256), format)
        for entry in draft.files
        if entry.sha256 and (format := weight_format(entry.path)) in HEADER_FORMATS
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
