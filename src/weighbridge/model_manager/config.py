"""What is asked for: one model, and a list of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import TypeAlias

from weighbridge.bridge.single_models import VERIFY_LEVELS
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.lock import Spec, repo_of
from weighbridge.domain.paths import checked_path, collisions
from weighbridge.domain.ref import ModelRef
from weighbridge.model_manager.errors import ConfigurationError, MissingModelError

AnyPath: TypeAlias = str | PathLike[str]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model.

    Attributes:
        id: unique; also the folder's name.
        repo_id: the repository on the Hub, as in ``org/name``.
        revision: a branch, tag or commit. It is pinned on first use; the pin stays.
        local_dir: another folder below the cache folder.
        files: paths and patterns of the files to have; all of them where none is named.
        kind: ``model``, ``dataset`` or ``space``.
        license: refuse the model if its licence is another.
        source: the model list that this is an entry of; the lock beside it holds the pin. Without one, or
            where the list asks for something else, the pin lies in the cache folder.

    Raises:
        ConfigurationError: a value that cannot be one, such as an id that leaves the cache folder.
    """

    id: str
    repo_id: str
    revision: str = "main"
    local_dir: str | None = None
    files: Sequence[str] | None = None
    kind: str = field(default="model", kw_only=True)
    license: str | None = field(default=None, kw_only=True)
    source: Path | None = field(default=None, kw_only=True, compare=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.files, str) or not all(isinstance(p, str) and p for p in self.files or ()):
            raise ConfigurationError(f"model {self.id!r}: 'files' must be a list of texts")
        if self.files is not None and not self.files:
            raise ConfigurationError(f"model {self.id!r}: 'files' is empty; leave it out to take all files")
        object.__setattr__(self, "files", None if self.files is None else list(self.files))
        spec_of(self)


@dataclass(frozen=True, slots=True)
class ModelsConfig:
    """Models, the folder that they are laid out in, and how they are checked.

    Attributes:
        models: the wanted models.
        cache_dir: a folder; where it is relative, to the working folder.
        verify: ``none`` (the files are there), ``size`` or ``sha256``.

    Raises:
        ConfigurationError: two models of one id or in one folder, or no such level.
    """

    models: Sequence[ModelSpec]
    cache_dir: AnyPath = "models"
    verify: str = "sha256"

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", list(self.models))
        object.__setattr__(self, "cache_dir", fspath(self.cache_dir))
        require_level(self.verify)
        folders = [spec_of(model).folder for model in self.models]
        ids = [model.id for model in self.models]
        for id in ids:
            if sum(other.casefold() == id.casefold() for other in ids) > 1:
                raise ConfigurationError(f"two models have the id '{id}'")
        if collisions(folders):
            raise ConfigurationError("two models share a folder", hint="give one of them another local_dir")

    def spec(self, model_id: str) -> ModelSpec:
        """The model of an id. Raises MissingModelError."""
        known = {model.id: model for model in self.models}
        if model_id not in known:
            from difflib import get_close_matches

            near = get_close_matches(model_id, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there is {', '.join(known) or 'none'}"
            raise MissingModelError(f"no model '{model_id}' is configured", hint=hint)
        return known[model_id]


def spec_of(model: ModelSpec) -> Spec:
    """The domain's value for a model.

    Raises:
        ConfigurationError: one of its values cannot be one.
    """
    try:
        folder = checked_path(model.local_dir) if model.local_dir else ""
        if folder.split("/")[0].casefold() == ".weighbridge":
            raise Invalid("folder", folder, "is where Weighbridge keeps its index")
        return Spec(
            id=model.id,
            ref=ModelRef(repo=repo_of(model.repo_id, model.kind), revision=model.revision),
            files=tuple(model.files or ()),
            local_dir=folder,
            license=model.license,
        )
    except Invalid as error:
        raise ConfigurationError(f"model {model.id!r}: {error}", hint=error.hint, cause=error) from error
    except (TypeError, AttributeError) as error:
        raise ConfigurationError(f"model {model.id!r}: every value must be a text", cause=error) from error


def model_of(spec: Spec, source: Path) -> ModelSpec:
    """The entry of a list as its reader sees it."""
    return ModelSpec(
        id=spec.id,
        repo_id=spec.ref.repo.full_name,
        revision=spec.ref.revision,
        local_dir=spec.local_dir or None,
        files=spec.files or None,
        kind=spec.ref.repo.kind.value,
        license=spec.license,
        source=source,
    )


def require_level(level: str) -> None:
    """Raises ConfigurationError where there is no such level of checking."""
    if level not in VERIFY_LEVELS:
        known = ", ".join(VERIFY_LEVELS)
        raise ConfigurationError(f"verification level {level!r} is none of {known}")
