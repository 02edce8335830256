"""All that metrics may look at, captured once.

Everything here was read by ``flows.gather``; a metric sees nothing else, so the same evidence
gives the same scores years later. What each source said, and whether it could be read: ``sources``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_shape import require_shape, require_values
from weighbridge.domain.json_values import JsonObject, child, mended, objects, text
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.ref import RepoId
from weighbridge.domain.repo import Commit, DiscussionHead, Owner
from weighbridge.domain.sources import (
    DataSet,
    Likeness,
    OperatorNote,
    Origin,
    Parent,
    Resemblance,
    Source,
    SourceState,
    Text,
    commit_from_json,
    commit_to_json,
    data_set_from_json,
    discussion_from_json,
    operator_note_from_json,
    origin_from_json,
    owner_from_json,
    parent_from_json,
    resemblance_from_json,
    source_from_json,
)

__all__ = [
    "EVIDENCE_FORMAT",
    "DataSet",
    "Evidence",
    "Likeness",
    "ModelShape",
    "OperatorNote",
    "Parent",
    "Resemblance",
    "Source",
    "SourceState",
    "Text",
    "evidence_from_json",
    "weight_format",
]
EVIDENCE_FORMAT = 3
_READ_FORMATS = (1, 2, 3)
"""Format 1 had neither history, owner, data sets nor registry; there they read as unreachable. Format 2
had no ancestors."""


_OBJECTS = ("manifest", "sources", "info", "texts", "front_matter", "eval_results", "headers", "blocked",
            "owner", "origin")  # fmt: skip
_LISTS = ("parents", "ancestors", "commits", "discussions", "data_sets", "resemblances", "notes")
_TEXTS = ("front_matter_error", "captured_at")


class ModelShape(StrEnum):
    """What a repository is, read from its files only, never from its card."""

    ADAPTER = "adapter"
    GGUF = "gguf"
    DIFFUSERS = "diffusers"
    FULL = "full"
    NONE = "none"


WEIGHT_FORMATS: Mapping[str, str] = {
    ".safetensors": "safetensors",
    ".bin": "bin",
    ".pt": "pt",
    ".pth": "pt",
    ".ckpt": "ckpt",
    ".h5": "h5",
    ".keras": "keras",
    ".onnx": "onnx",
    ".gguf": "gguf",
    ".msgpack": "msgpack",
    ".tflite": "tflite",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".joblib": "joblib",
    ".npz": "npz",
    ".ot": "rust",
    ".mlmodel": "coreml",
    ".pb": "tf",
    ".nemo": "nemo",
}
"""File endings that hold weights, and what the format is called here, most preferred first."""
_NOT_WEIGHTS = re.compile(
    r"(^|/)(training_args|optimizer|scheduler|rng_state[^/]*|scaler)\.(bin|pt|pth|pkl)$"
)


def weight_format(path: str) -> str | None:
    """The weight format that a path's ending names, or None for a file that holds no weights."""
    dot = path.rfind(".")
    if dot <= path.rfind("/") or _NOT_WEIGHTS.search(path):
        return None
    return WEIGHT_FORMATS.get(path[dot:].lower())


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that judging may look at, for one commit of one repository.

    Attributes:
        sources: state by name, see ``sources.SOURCES``.
        info: the Hub's answer for the revision, with what it says at length (source ``details``:
            ``baseModels``, ``childrenModelCount``, ``evalResults``, ``securityRepoStatus``).
        texts: small text files by path (README.md, LICENSE, config.json, index files ...).
        front_matter: the card's YAML, parsed; None where there is none or it is broken.
        front_matter_error: what is wrong with the YAML; empty where nothing is.
        eval_results: the parsed ``.eval_results/*.yaml`` files by path, each under ``results``
            (by the format a list).
        headers: by path, what the header of a weight file says: ``{"format", "tensors",
            "parameters", "dtypes", "metadata"}``, or ``{"error"}``.
        blocked: the files that the scanners block, by path, with the rule that did.
        parents: the base models, as the card and adapter_config.json declare them.
        ancestors: the base models of the base models, nearest first; of them only ``info`` is read,
            and their scores here.
        commits: the history, newest first, at most a thousand.
        discussions: discussions and pull requests, newest first, at most a thousand.
        owner: who publishes under the namespace; None where the Hub knows nobody.
        data_sets: the data sets that the card, the tags and the results name.
        resemblances: what other repositories here, or in the shipped list, have in common with it.
        notes: what operators attached.
        captured_at: when (``YYYY-MM-DDTHH:MM:SSZ``); no score depends on it.
        origin: the registry whose bundle brought it; None where this one captured it.
    """

    manifest: Manifest
    sources: Mapping[str, Source]
    info: JsonObject = field(default_factory=dict)
    texts: Mapping[str, Text] = field(default_factory=dict)
    front_matter: JsonObject | None = None
    front_matter_error: str = ""
    eval_results: Mapping[str, JsonObject] = field(default_factory=dict)
    headers: Mapping[str, JsonObject] = field(default_factory=dict)
    blocked: Mapping[str, str] = field(default_factory=dict)
    parents: tuple[Parent, ...] = ()
    ancestors: tuple[Parent, ...] = ()
    commits: tuple[Commit, ...] = ()
    discussions: tuple[DiscussionHead, ...] = ()
    owner: Owner | None = None
    data_sets: tuple[DataSet, ...] = ()
    resemblances: tuple[Resemblance, ...] = ()
    notes: tuple[OperatorNote, ...] = ()
    captured_at: str = ""
    origin: Origin | None = None

    @property
    def repo(self) -> RepoId:
        """The repository that is judged."""
        return self.manifest.repo

    @property
    def files(self) -> tuple[FileEntry, ...]:
        """Every file of the revision."""
        return self.manifest.files

    def state(self, source: str) -> SourceState:
        """The state of a source; one that was never asked is unreachable."""
        known = self.sources.get(source)
        return known.state if known else SourceState.UNREACHABLE

    def content(self, path: str) -> str | None:
        """The text of a file, or None where the revision has none or it was not captured."""
        known = self.texts.get(path)
        return known.content if known else None

    def json_of(self, path: str) -> JsonObject:
        """The object that a captured JSON file holds; empty where it is missing or broken."""
        try:
            parsed = mended(json.loads(self.content(path) or "{}"))
        except (ValueError, RecursionError):
            return {}
        return parsed if isinstance(parsed, dict) else {}

    @property
    def shape(self) -> ModelShape:
        """What the files say this is: an adapter, a GGUF repository, a pipeline, a full model."""
        paths = self.manifest.by_path
        formats = {weight_format(path) for path in paths} - {None}
        if "adapter_config.json" in paths:
            return ModelShape.ADAPTER
        if "model_index.json" in paths:
            return ModelShape.DIFFUSERS
        if not formats:
            return ModelShape.NONE
        return ModelShape.GGUF if formats == {"gguf"} else ModelShape.FULL

    def to_json(self) -> JsonObject:
        """The stored form; ``evidence_from_json`` reads it back."""
        return {
            "evidence_format": EVIDENCE_FORMAT,
            "manifest": self.manifest.to_json(),
            "sources": {name: source.to_json() for name, source in self.sources.items()},
            "info": self.info,
            "texts": {p: {"content": t.content, "sha256": t.sha256} for p, t in self.texts.items()},
            "front_matter": self.front_matter,
            "front_matter_error": self.front_matter_error,
            "eval_results": dict(self.eval_results),
            "headers": dict(self.headers),
            "blocked": dict(self.blocked),
            "parents": [parent.to_json() for parent in self.parents],
            "ancestors": [parent.to_json() for parent in self.ancestors],
            "commits": [commit_to_json(commit) for commit in self.commits],
            "discussions": [discussion.to_json() for discussion in self.discussions],
            "owner": self.owner.to_json() if self.owner else None,
            "data_sets": [data_set.to_json() for data_set in self.data_sets],
            "resemblances": [resemblance.to_json() for resemblance in self.resemblances],
            "notes": [note.to_json() for note in self.notes],
            "captured_at": self.captured_at,
            **({"origin": self.origin.to_json()} if self.origin else {}),
        }


def evidence_from_json(source: JsonObject) -> Evidence:
    """Read what ``Evidence.to_json`` wrote.

    Raises:
        Invalid: the bundle is of another format, lacks its manifest, or a field is not what it must be.
    """
    if source.get("evidence_format") not in _READ_FORMATS:
        raise Invalid("evidence_format", source.get("evidence_format"), f"is none of {_READ_FORMATS}")
    _require_whole(source)
    front, sources, blocked = source.get("front_matter"), child(source, "sources"), child(source, "blocked")
    return Evidence(
        manifest=Manifest.from_json(child(source, "manifest")),
        sources={name: source_from_json(child(sources, name)) for name in sources},
        info=child(source, "info"),
        texts={
            path: Text(
                content=str(child(kept, path).get("content", "")),
                sha256=text(child(kept, path), "sha256") or "",
            )
            for kept in (child(source, "texts"),)
            for path in kept
        },
        front_matter=front if isinstance(front, Mapping) else None,
        front_matter_error=text(source, "front_matter_error") or "",
        eval_results=_objects_by_path(child(source, "eval_results")),
        headers=_objects_by_path(child(source, "headers")),
        blocked={path: text(blocked, path) or "" for path in blocked},
        parents=tuple(parent_from_json(p) for p in objects(source, "parents")),
        ancestors=tuple(parent_from_json(p) for p in objects(source, "ancestors")),
        commits=tuple(commit_from_json(c) for c in objects(source, "commits")),
        discussions=tuple(discussion_from_json(d) for d in objects(source, "discussions")),
        owner=owner_from_json(child(source, "owner")),
        data_sets=tuple(data_set_from_json(d) for d in objects(source, "data_sets")),
        resemblances=tuple(resemblance_from_json(r) for r in objects(source, "resemblances")),
        notes=tuple(operator_note_from_json(n) for n in objects(source, "notes")),
        captured_at=text(source, "captured_at") or "",
        origin=origin_from_json(child(source, "origin")),
    )


def _require_whole(source: JsonObject) -> None:
    """Nothing, if every field is of its kind: one that is not must not read as "nothing there"."""
    require_shape(source, "evidence", objects=_OBJECTS, lists=_LISTS, texts=_TEXTS)
    for key in ("sources", "texts", "eval_results", "headers"):
        require_values(child(source, key), f"evidence.{key}", Mapping)
    require_values(child(source, "blocked"), "evidence.blocked", str)
    for path, kept in child(source, "texts").items():
        if not isinstance(kept, Mapping) or not isinstance(kept.get("content"), str):
            raise Invalid("evidence.texts", path, "has no content")


def _objects_by_path(source: JsonObject) -> dict[str, JsonObject]:
    return {path: child(source, path) for path in source}
