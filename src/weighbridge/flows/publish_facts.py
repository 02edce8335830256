"""What the small files of a folder say, and under which licence it may be published."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from weighbridge.domain.json_values import JsonObject, child, mended, objects, text, texts
from weighbridge.domain.licence import Licence, licence_of, stated_by_parent
from weighbridge.domain.made_model import Documents, Said
from weighbridge.domain.model_files import is_later_part
from weighbridge.domain.own_card import StatedLicence, is_repo
from weighbridge.domain.publication import OwnFile
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.domain.repo import ModelInfo
from weighbridge.domain.secret_text import secret_in
from weighbridge.domain.training import Result
from weighbridge.errors import BadInput, Denied, IntegrityError, NotFound, Unreachable
from weighbridge.ports import Hub

SMALL_BYTES, TEXT_BYTES, STATE_BYTES = 1 << 20, 4 << 20, 64 << 20
"""How long a configuration, a text that is searched for secrets, and the Trainer's diary may be."""
_HEADS_LIMIT = 64
_MERGES = ("mergekit_config.yml", "mergekit_config.yaml")
_RESULTS = ("eval_results.json", "all_results.json")


def documents_of(
    listed: Mapping[str, OwnFile],
    published: Iterable[str],
    yaml: Callable[[str], object],
    gguf_head: Callable[[Path], JsonObject],
) -> tuple[Documents, tuple[str, ...]]:
    """The files that tell how the model was made, parsed; and which of them cannot be read."""
    notes: list[str] = []

    def read(name: str, limit: int = SMALL_BYTES) -> JsonObject:
        return _object(listed.get(name), limit, json.loads, notes)

    def first(names: Iterable[str], parse: Callable[[str], object]) -> JsonObject:
        read_ones = (_object(listed.get(name), SMALL_BYTES, parse, notes) for name in names)
        return next(filter(None, read_ones), {})

    paths = tuple(published)
    models = [path for path in paths if path.lower().endswith(".gguf") and not is_later_part(path)]
    models = [path for path in models if not path.rpartition("/")[2].lower().startswith("mmproj")] or models
    found = Documents(
        paths=paths,
        adapter=read("adapter_config.json"),
        config=read("config.json"),
        trainer_state=read("trainer_state.json", STATE_BYTES),
        training_args=read("training_args.json"),
        results=first(_RESULTS, json.loads),
        merge=first(_MERGES, yaml),
        gguf={path: gguf_head(listed[path].place) for path in models[:_HEADS_LIMIT]},
    )
    return found, tuple(notes)


def _object(one: OwnFile | None, limit: int, parse: Callable[[str], object], notes: list[str]) -> JsonObject:
    """The object in a file; empty where there is none, with a note where there is something else."""
    if one is None:
        return {}
    if one.size_bytes > limit:
        notes.append(f"{one.path} is longer than {limit:,} bytes and was not read")
        return {}
    try:
        found = parse(one.place.read_bytes().decode("utf-8", "replace"))
        value = mended(found) if isinstance(found, (dict, list)) else None
    except (OSError, ValueError, RecursionError) as error:
        notes.append(f"{one.path} cannot be read: {error}")
        return {}
    if not isinstance(value, Mapping):
        notes.append(f"{one.path} is not an object, and was not read")
        return {}
    return value


def said_with(said: Said, theirs: JsonObject) -> tuple[Said, tuple[str, ...]]:
    """The maker's words completed by the metadata of the card that is there, which count where both speak."""
    mine: dict[str, tuple[str, ...]] = {
        "base_model": said.base_models,
        "datasets": said.datasets,
        "license": (said.license,) if said.license else (),
        "language": said.languages,
        "pipeline_tag": (said.task,) if said.task else (),
    }
    notes = [
        f"README.md says {key}: {', '.join(texts(theirs, key))}, which is kept; --replace-card writes it anew"
        for key, words in mine.items()
        if words and texts(theirs, key) and set(words) != set(texts(theirs, key))
    ]
    licence = texts(theirs, "license")
    bases = tuple(filter(is_repo, texts(theirs, "base_model")))
    if bases != texts(theirs, "base_model"):
        notes.append("README.md names a base model that is no repository: mend it, or give --replace-card")
    return replace(
        said,
        base_models=bases or said.base_models,
        datasets=tuple(dict.fromkeys((*said.datasets, *texts(theirs, "datasets")))),
        license=licence[0] if licence else said.license,
        license_name=(text(theirs, "license_name") or "") if licence else said.license_name,
        license_link=(text(theirs, "license_link") or "") if licence else said.license_link,
        languages=texts(theirs, "language") or said.languages,
        task=text(theirs, "pipeline_tag") or said.task,
    ), tuple(notes)


def other_results(theirs: JsonObject, found: Iterable[Result]) -> tuple[str, ...]:
    """A word on results that the card that is there does not have, where it has its own."""
    rows = [row for index in objects(theirs, "model-index") for row in objects(index, "results")]
    shown = [(one.get("type"), one.get("value")) for row in rows for one in objects(row, "metrics")]
    if not theirs.get("model-index") or all((one.name, one.value) in shown for one in found):
        return ()
    return ("README.md has other results (model-index), which are kept; --replace-card writes it anew",)


def require_no_secret(files: Mapping[str, OwnFile]) -> None:
    """Nothing, if no text among the files holds what looks like a token or a key.

    Raises:
        BadInput: one does.
        NotFound: one cannot be read.
    """
    for path, one in files.items():
        if one.size_bytes > TEXT_BYTES:
            continue
        try:
            content = one.place.read_bytes()
        except OSError as error:
            raise NotFound(f"'{path}' cannot be read: {error.strerror}") from error
        if b"\0" not in content and (kind := secret_in(content.decode("utf-8", "replace"))):
            raise BadInput(
                f"'{path}' holds what looks like {kind}",
                hint="take it out: what is published stays in the history of the repository",
            )


def licence_for(
    said: Said, bases: Iterable[str], hub: Hub, address: str
) -> tuple[StatedLicence, tuple[str, ...]]:
    """The licence that was chosen, else the least free one of the base models; and what is odd about it."""
    if said.license:
        known = said.license.lower() == "other" or licence_of(said.license)
        notes = () if known else (f"'{said.license}' is no identifier of a licence on the Hub",)
        id = known.id if isinstance(known, Licence) else said.license
        return StatedLicence(id=id, name=said.license_name, link=said.license_link), notes
    found: list[tuple[float, StatedLicence]] = []
    told: list[str] = []
    for base in bases:
        info, why = _base(base, hub)
        rows = stated_by_parent(info.raw) if info else ()
        if info and rows:
            least = min(rows, key=lambda row: row.permissiveness())
            found.append((least.permissiveness(), _inherited(info, base, address)))
        else:
            told.append(f"the licence of {base} is not known{f': {why}' if why else ''}; give --license")
    if not found:
        return StatedLicence(), tuple(told)
    return min(found, key=lambda one: one[0])[1], tuple(told)


def _base(id: str, hub: Hub) -> tuple[ModelInfo | None, str]:
    try:
        return hub.info(ModelRef(repo=RepoId.parse(id))), ""
    except (NotFound, Unreachable, Denied, IntegrityError) as error:
        return None, error.message


def _inherited(info: ModelInfo, base: str, address: str) -> StatedLicence:
    card = child(info.raw, "cardData")
    link = text(card, "license_link") or ""
    if link and not link.startswith(("https://", "http://")):
        link = f"{address}/{base}/blob/main/{link.removeprefix('./')}"
    return StatedLicence(
        id=info.license or "", name=text(card, "license_name") or "", link=link, inherited_from=base
    )
