"""What model lists said, by the sha256 of their bytes. A memory: losing it costs a parse."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, JsonObject, canonical, objects, text, texts
from weighbridge.domain.lock import Spec, repo_of
from weighbridge.domain.ref import ModelRef

KEPT = 100
"""So many lists are remembered; beyond that the memory starts anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a list says, wherever it stands."""

    cache_dir: str
    verify: str
    layout: str = "dir"
    specs: tuple[Spec, ...]


def recall(path: Path) -> Said | None:
    """What is remembered in ``path``; None where it cannot be read or holds what cannot be."""
    try:
        source = json.loads(path.read_bytes())
        cache_dir, verify = text(source, "cache_dir"), text(source, "verify")
        specs = tuple(map(_spec, objects(source, "models")))
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
    layout = text(source, "layout") or "dir"
    return Said(cache_dir=cache_dir or "", verify=verify, layout=layout, specs=specs) if verify else None


def remember(path: Path, said: Said) -> None:
    """Keep it, if the home lets us."""
    models: list[Json] = [
        {
            "id": spec.id,
            "kind": spec.ref.repo.kind.value,
            "repo": spec.ref.repo.full_name,
            "revision": spec.ref.revision,
            "files": list(spec.files),
            "local_dir": spec.local_dir,
            "license": spec.license,
        }
        for spec in said.specs
    ]
    document: JsonObject = {
        "cache_dir": said.cache_dir,
        "verify": said.verify,
        "layout": said.layout,
        "models": models,
    }
    fresh = path.with_name(f".{os.urandom(8).hex()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        known = list(path.parent.iterdir())
        for old in known if len(known) >= KEPT else ():
            old.unlink(missing_ok=True)
        fresh.write_bytes(canonical(document))
        fresh.replace(path)


def _spec(source: JsonObject) -> Spec:
    repo, revision = text(source, "repo"), text(source, "revision")
    if repo is None or revision is None:
        raise Invalid("remembered model", dict(source), "names no repository or revision")
    return Spec(
        id=text(source, "id") or "",
        ref=ModelRef(repo=repo_of(repo, text(source, "kind") or ""), revision=revision),
        files=texts(source, "files"),
        local_dir=text(source, "local_dir") or "",
        license=text(source, "license"),
    )
