"""What the functions, the class and the command have in common: models are made ready, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import fspath
from pathlib import Path

from weighbridge.bridge.model_results import Synced
from weighbridge.bridge.models import Models, open_models
from weighbridge.bridge.reporting import reporter_for
from weighbridge.bridge.single_models import ModelList, elsewhere, list_of_one
from weighbridge.errors import NotFound
from weighbridge.model_manager.config import AnyPath, ModelsConfig, ModelSpec, model_of, spec_of
from weighbridge.model_manager.errors import ModelManagerError, as_ours, bad_checksum, several, translated
from weighbridge.settings import load_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one model."""

    model: ModelSpec
    synced: Synced
    error: ModelManagerError | None


def opened() -> Models:
    """The model verbs, by the environment as it is now."""
    with translated():
        return open_models(load_settings())


def read_config(models: Models, path: AnyPath) -> ModelsConfig:
    """The configuration in a model list.

    Raises:
        ConfigurationError: there is no such file, or it has mistakes; the message holds the place of each.
    """
    source = Path(fspath(path)).absolute()
    with translated():
        # The path in messages is the one that was given.
        listed = models.read(Path(fspath(path)))
    return ModelsConfig(
        models=[model_of(spec, source) for spec in listed.specs],
        cache_dir=listed.cache_dir,
        verify=listed.verify,
    )


def place_of(models: Models, model: ModelSpec, cache_dir: AnyPath, verify: str = "sha256") -> ModelList:
    """The list whose lock pins a model: the one that it is an entry of, else a list of its own."""
    spec, folder = spec_of(model), Path(cache_dir)
    if model.source is not None:
        try:
            listed = models.read(model.source)
        except NotFound:
            listed = None
        if listed is not None and spec in listed.specs:
            return elsewhere(listed, folder)
    return list_of_one(spec, folder, verify)


def made_ready(
    models: Models, wanted: Sequence[ModelSpec], cache_dir: AnyPath, level: str
) -> tuple[Outcome, ...]:
    """Every model fetched where it is not held, then checked at a level. None stops the others."""
    with translated():
        places = {model.id: place_of(models, model, cache_dir, level) for model in wanted}
        done: dict[str, Outcome] = {}
        for listed, of_list in _by_list(places, wanted):
            done.update(_made_ready(models, listed, of_list, level))
    return tuple(done[model.id] for model in wanted)


def paths_of(outcomes: Iterable[Outcome]) -> dict[str, str]:
    """The folder of each model by its id.

    Raises:
        ModelManagerError: some failed; the error lists all of them, and the folders of the others.
    """
    outcomes = tuple(outcomes)
    paths = {each.model.id: str(each.synced.folder) for each in outcomes if each.error is None}
    failures = {each.model.id: each.error for each in outcomes if each.error is not None}
    if failures:
        raise several(paths, failures)
    return paths


def _by_list(
    places: Mapping[str, ModelList], wanted: Sequence[ModelSpec]
) -> Iterable[tuple[ModelList, Sequence[ModelSpec]]]:
    """Models that one lock pins go together, so that they are resolved side by side."""
    grouped: dict[Path, tuple[ModelList, list[ModelSpec]]] = {}
    for model in wanted:
        listed = places[model.id]
        grouped.setdefault(listed.lock_path, (listed, []))[1].append(model)
    return grouped.values()


def _made_ready(
    models: Models, listed: ModelList, wanted: Sequence[ModelSpec], level: str
) -> dict[str, Outcome]:
    ids, reporter = [model.id for model in wanted], reporter_for()
    synced = {line.id: line for line in models.sync(listed, ids, reporter=reporter)}
    whole = [id for id in ids if synced[id].error is None]
    faults = {line.id: line.faults for line in models.verify(listed, whole, level=level)} if whole else {}
    if damaged := [id for id in whole if faults[id]]:
        synced |= {line.id: line for line in models.sync(listed, damaged, reporter=reporter)}
        faults |= {line.id: line.faults for line in models.verify(listed, damaged, level=level)}
    outcomes = {}
    for model in wanted:
        line, found = synced[model.id], faults.get(model.id, ())
        error = as_ours(line.error, model.id) if line.error else None
        error = error or (bad_checksum(model.id, found) if found else None)
        outcomes[model.id] = Outcome(model=model, synced=line, error=error)
    return outcomes
