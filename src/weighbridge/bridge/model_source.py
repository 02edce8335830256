"""Where an application takes its models from: a Hub or a folder of its own, and never the other one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from weighbridge.bridge.model_files import HeldModel, ModelFiles, open_model_files
from weighbridge.bridge.reporting import reporter_for
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import FileEntry, sha256
from weighbridge.domain.paths import checked_path
from weighbridge.errors import BadInput, NotFound, StoreDown
from weighbridge.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """What the environment tells an application to use (``USE_HF_MODELS`` and its companions).

    ``repo_id`` is empty where the models are those of ``local``. ``hint`` is the next step for
    whoever has no file there.
    """

    local: Path
    repo_id: str = ""
    revision: str = "main"
    classifier_file: str
    condition_file: str
    hint: str = ""
    _files: ModelFiles | None = field(default=None, repr=False)

    @property
    def is_hub(self) -> bool:
        """Whether the models come from a Hub."""
        return self._files is not None

    def find(self, filename: str) -> HeldModel:
        """The file, from the one place that was chosen.

        Raises:
            NotFound: the folder has no such file.
            What ``ModelFiles.get`` raises.
        """
        if self._files is not None:
            return self._files.get(self.repo_id, filename, self.revision, reporter_for())
        try:
            path = self.local / checked_path(filename)
        except Invalid as error:
            raise BadInput(str(error), hint=error.hint) from error
        return _local(path, filename, self.hint)


def model_source(settings: Settings, *, local: Path, cache_subdir: str, hint: str = "") -> ModelSource:
    """The source that the settings name; nothing is asked of a Hub yet.

    Raises:
        BadInput: the Hub is to be used, and no repository is named.
    """
    if settings.use_hf_models and not settings.model_repo:
        raise BadInput(
            "USE_HF_MODELS is set, but HF_REPO_ID is not",
            hint="name the repository, as in HF_REPO_ID=org/name; there is none by default",
        )
    files = open_model_files(settings, cache_subdir) if settings.use_hf_models else None
    return ModelSource(
        local=local,
        repo_id=settings.model_repo if files else "",
        revision=settings.model_revision or "main",
        classifier_file=settings.classifier_file,
        condition_file=settings.condition_file,
        hint=hint,
        _files=files,
    )


def _local(path: Path, filename: str, hint: str) -> HeldModel:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"there is no model '{path}'", hint=hint) from error
    except OSError as error:
        raise StoreDown(f"cannot read '{path}': {error.strerror or error}") from error
    return HeldModel(path=path, files=(FileEntry(path=filename, size_bytes=size, digests=(sha256(digest),)),))
