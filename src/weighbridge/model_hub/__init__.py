"""Models for an application: one file of a repository, pinned, checked, downloaded once.

    from weighbridge.model_hub import download_model_from_hf

    path = download_model_from_hf("org/name", "classifier.safetensors", cache_subdir="my-app")

The Hub is the one of HF_ENDPOINT, the token the one of HF_TOKEN unless another is given; what is
held is in ``$HF_HOME/<cache_subdir>/``. A call either gives just the file that was asked for, or
raises one of ``weighbridge.errors``: never an empty folder, never another model. While something is
fetched, a bar on the terminal or a line in the log (stderr) says so.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from weighbridge.bridge.model_files import HeldModel, open_model_files
from weighbridge.bridge.model_folder import clear, place_of
from weighbridge.bridge.model_source import ModelSource, model_source
from weighbridge.bridge.reporting import reporter_for
from weighbridge.settings import load_settings

__all__ = [
    "HeldModel",
    "ModelSource",
    "clear_cache",
    "download_model_from_hf",
    "fetch_model",
    "load_pickled",
    "source_from_env",
    "upgrade_models",
    "verify_cache",
]


def download_model_from_hf(
    repo_id: str,
    filename: str,
    cache_subdir: str = "models",
    token: str | None = None,
    revision: str | None = None,
) -> Path:
    """Where the file lies, downloaded unless it is held. For what is known of it see ``fetch_model``.

    Raises:
        What ``fetch_model`` raises.
    """
    return fetch_model(repo_id, filename, cache_subdir, token, revision).path


def fetch_model(
    repo_id: str,
    filename: str,
    cache_subdir: str = "models",
    token: str | None = None,
    revision: str | None = None,
) -> HeldModel:
    """The file with its repository, commit and sha256; ``folder/`` as a name means all files below it.

    Without a revision ``main`` is meant. What a branch or a tag means is asked once, and holds for
    every file of the repository until ``upgrade_models``. A held file costs one ``stat``; one
    that was changed since is read again, and fetched again if it is wrong.

    Raises:
        BadInput: a name cannot be one.
        NoSuchRepo, NoSuchRevision, NoSuchFile: there is none, or it is not shown to this token.
        NotAuthenticated, NotPermitted, Gated: the token is missing, wrong or not let in.
        HubDown, RateLimited, StoreDown: the world is down; a retry may help.
        DigestMismatch, SizeMismatch, BadListing: the Hub gave other bytes than it listed.
        Conflict: the folder holds files of somebody else.
    """
    files = open_model_files(load_settings(), cache_subdir, token)
    return files.get(repo_id, filename, revision or "main", reporter_for())


def upgrade_models(
    repo_id: str, cache_subdir: str = "models", token: str | None = None, revision: str | None = None
) -> str:
    """Ask again what the revision means, move all held files of the repository there, give the commit.

    Raises:
        NoSuchFile: the new commit lacks one of the files; nothing has moved.
        What ``fetch_model`` raises.
    """
    files = open_model_files(load_settings(), cache_subdir, token)
    return files.upgrade(repo_id, revision or "main", reporter_for())


def clear_cache(cache_subdir: str = "models") -> int:
    """Remove what is held in ``$HF_HOME/<cache_subdir>/``, the pins too; gives the bytes of its models.

    Raises:
        Conflict: the folder holds files of somebody else.
        StoreDown: it cannot be removed.
    """
    return clear(place_of(load_settings(), cache_subdir))


def verify_cache(cache_subdir: str = "models") -> int:
    """Read every byte that is held in ``$HF_HOME/<cache_subdir>/``; how many files there are.

    Raises:
        IntegrityError: files are not what they were pinned to; each is named.
        Conflict: the folder holds files of somebody else.
    """
    return open_model_files(load_settings(), cache_subdir).verify()


def source_from_env(local: Path | str, cache_subdir: str = "models", *, hint: str = "") -> ModelSource:
    """The hub-or-local switch of an application: ``USE_HF_MODELS``, ``HF_REPO_ID`` and the others.

    ``local`` is the folder that is used while the switch is off, ``hint`` what to tell whoever has
    no file there. ``source.find(source.classifier_file)`` gives a file from the chosen place, or
    raises: nothing is ever taken from the other one.

    Raises:
        BadInput: a variable cannot mean what it holds, or no repository is named.
    """
    return model_source(load_settings(), local=Path(local), cache_subdir=cache_subdir, hint=hint)


def load_pickled(path: Path | str, reviewed: Collection[str] = ()) -> object:
    """The model of a ``.pkl`` or ``.joblib`` file, if the scanners allow it.

    Allowed are plain numbers and arrays. Classes of a library, scikit-learn's too, are put up for review:
    ``reviewed`` holds the sha256 of files that somebody has looked at. What is blocked stays blocked.
    Our own models are safetensors and need none of this.

    Raises:
        Unsafe: the scanners do not allow it; the error holds their findings.
        MissingExtra: ``weighbridge[sklearn]`` is not installed.
        CannotLoad: it is no pickle that this version of scikit-learn reads.
        NotFound, DigestMismatch, StoreDown: the file is not there, or changes while it is read.
    """
    from weighbridge.bridge import pickled  # brings all scanners

    return pickled.load_pickled(Path(path), load_settings(), reviewed)
