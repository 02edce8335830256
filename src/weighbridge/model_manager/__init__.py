"""Models for an application and its tests: fetched, verified, kept. See docs/model-manager.md.

    from weighbridge.model_manager import ModelManager, ensure_models

    ensure_models("config/model_manager/models.yaml")
    manager = ModelManager.from_config("config/model_manager/models.yaml")
    path = manager.ensure_model("all-minilm")

config      ModelSpec and ModelsConfig: what is asked for
errors      what can go wrong
ensuring    the work, one call into the bridge for each lock
cli         python -m weighbridge.model_manager
"""

from __future__ import annotations

from os import fspath
from pathlib import Path

from weighbridge.bridge.single_models import elsewhere, faults_at, is_right
from weighbridge.errors import NotFound
from weighbridge.model_manager.config import AnyPath, ModelsConfig, ModelSpec, require_level, spec_of
from weighbridge.model_manager.ensuring import made_ready, opened, paths_of, place_of, read_config
from weighbridge.model_manager.errors import (
    BadChecksumError,
    ConfigurationError,
    DownloadError,
    MissingModelError,
    ModelManagerError,
    bad_checksum,
    translated,
)

__all__ = [
    "BadChecksumError",
    "ConfigurationError",
    "DownloadError",
    "MissingModelError",
    "ModelManager",
    "ModelManagerError",
    "ModelSpec",
    "ModelsConfig",
    "download_model",
    "ensure_models",
    "get_model_path",
    "is_cached",
    "verify_model",
]


class ModelManager:
    """Every operation on the models of one configuration."""

    def __init__(self, config: ModelsConfig) -> None:
        self.config = config

    @classmethod
    def from_config(cls, config_path: AnyPath) -> ModelManager:
        """The manager of a model list.

        Raises:
            ConfigurationError: there is no such file, or it has mistakes; all of them are told with their
                ``file:line:column``.
        """
        return cls(read_config(opened(), config_path))

    def ensure_all(self) -> dict[str, str]:
        """Make every model ready, and give the folder of each by its id.

        What is held and whole is only checked, at the configured level; what is not is fetched, from the
        revision that the lock pins.

        Raises:
            ModelManagerError: some models failed. The others were made ready all the same: ``paths`` has
                their folders, ``failures`` what went wrong with each of the rest. It is of the class that
                all failures share, as in DownloadError.
        """
        made = made_ready(opened(), tuple(self.config.models), self.config.cache_dir, self.config.verify)
        return paths_of(made)

    def ensure_model(self, model_id: str) -> str:
        """Make one model ready, and give its folder.

        Raises:
            MissingModelError: no such model is configured.
            DownloadError: it could not be had; ``__cause__`` says why.
            BadChecksumError: the Hub gave other bytes than it listed.
            ConfigurationError: what is asked for cannot be, such as a file that no revision has.
        """
        model = self.get_model_spec(model_id)
        (outcome,) = made_ready(opened(), (model,), self.config.cache_dir, self.config.verify)
        if outcome.error is not None:
            raise outcome.error
        return str(outcome.synced.folder)

    def get_model_spec(self, model_id: str) -> ModelSpec:
        """The model of an id. Raises MissingModelError."""
        return self.config.spec(model_id)


def ensure_models(config_path: AnyPath, cache_dir: AnyPath | None = None) -> dict[str, str]:
    """Make every model of a list ready, and give the folder of each by its id.

    ``cache_dir`` takes the place of the list's own; where it is relative, to the working folder.

    Raises:
        ConfigurationError: as ``ModelManager.from_config``.
        ModelManagerError: as ``ModelManager.ensure_all``.
    """
    config = ModelManager.from_config(config_path).config
    if cache_dir is not None:
        config = ModelsConfig(models=config.models, cache_dir=cache_dir, verify=config.verify)
    return ModelManager(config).ensure_all()


def is_cached(spec: ModelSpec, cache_dir: AnyPath) -> bool:
    """Whether a model's folder shows just what its revision was pinned to: every file, and no other bytes.

    No Hub is asked. A spec whose repository, revision or files are others than those that were pinned is not
    cached, and neither is a folder with a file that is missing or was changed.

    Raises:
        ConfigurationError: the lock or the list that the spec comes from cannot be read.
    """
    models = opened()
    with translated():
        asked = spec_of(spec)
        return is_right(
            models, elsewhere(place_of(models, spec, cache_dir), Path(cache_dir), [asked]), asked.id
        )


def get_model_path(spec: ModelSpec, cache_dir: AnyPath) -> str:
    """The folder in which a model is, or will be."""
    return str(Path(cache_dir).absolute() / spec_of(spec).folder)


def download_model(spec: ModelSpec, cache_dir: AnyPath) -> str:
    """Fetch a model, unless it is held, and give its folder. Every byte is hashed on its way in.

    A revision is pinned when it is first asked for, in the lock of the list that the spec comes from, else
    in ``<cache_dir>/.weighbridge/pins/<id>.lock``; from then on it means that commit.

    Raises:
        DownloadError, BadChecksumError, ConfigurationError: as ``ModelManager.ensure_model``.
    """
    (outcome,) = made_ready(opened(), (spec,), cache_dir, "none")
    if outcome.error is not None:
        raise outcome.error
    return str(outcome.synced.folder)


def verify_model(path: AnyPath, verify_level: str) -> None:
    """Compare a folder with what was laid out there: ``none`` (the files are there), ``size`` or ``sha256``.

    Raises:
        BadChecksumError: files are missing or are others; the message names every one.
        MissingModelError: there is no such folder, or it was not laid out here.
        ConfigurationError: there is no such level.
    """
    require_level(verify_level)
    try:
        faults = faults_at(Path(fspath(path)), verify_level)
    except NotFound as error:
        raise MissingModelError(str(error), hint=error.hint, cause=error) from error
    if faults:
        raise bad_checksum(str(path), faults)
