"""The folder below HF_HOME that an application has for its models."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

from weighbridge.adapters.lock_file import read_lock
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.lock import Lock
from weighbridge.domain.paths import checked_path
from weighbridge.errors import BadInput, Conflict, StoreDown
from weighbridge.settings import Settings

LOCK_NAME = "models.lock"
OWN_FOLDER = ".weighbridge"
OTHERS_FOLDERS = frozenset({"hub", "xet", "assets", "datasets", "modules", "accelerate"})
"""What Hugging Face's own tools keep in HF_HOME."""


def place_of(settings: Settings, cache_subdir: str) -> Path:
    """The folder of an application below HF_HOME.

    Raises:
        BadInput: it is no plain name, or one that Hugging Face's own tools use.
    """
    with told():
        checked_path(cache_subdir)
    if cache_subdir.split("/")[0].casefold() in OTHERS_FOLDERS:
        raise BadInput(
            f"cache_subdir '{cache_subdir}' belongs to Hugging Face's own tools",
            hint="take a name of the application's own",
        )
    return settings.hf_home / cache_subdir


def clear(place: Path) -> int:
    """Take away all that an application holds, pins too; the bytes of its models.

    It goes aside by a rename first, so that nobody sees half of it.

    Raises:
        Conflict: the folder is somebody else's.
        StoreDown: it cannot be removed.
    """
    require_ours(place)
    _sweep_cleared(place)
    if not place.is_dir():
        return 0
    leaving = place.with_name(f".{place.name}-cleared-{os.urandom(8).hex()}")
    try:
        lock = read_lock(place / LOCK_NAME) or Lock()
    except BadInput:
        lock = Lock()
    try:
        place.rename(leaving)
        shutil.rmtree(leaving)
    except OSError as error:
        raise StoreDown(f"cannot remove {place}: {error.strerror or error}") from error
    return sum(entry.manifest.total_bytes for entry in lock.entries.values())


def require_ours(place: Path) -> None:
    """Raises Conflict where the folder holds what was not put there by this module."""
    if place.is_dir() and not (place / OWN_FOLDER).is_dir() and not (place / LOCK_NAME).is_file():
        found = sorted(item.name for item in place.iterdir())
        if found:
            raise Conflict(
                f"{place} holds files that Weighbridge did not put there: {', '.join(found[:5])}",
                hint="take another cache_subdir",
            )


@contextmanager
def told() -> Iterator[None]:
    """A text that is not the value it should be is the caller's mistake."""
    try:
        yield
    except Invalid as error:
        raise BadInput(str(error), hint=error.hint) from error


def _sweep_cleared(place: Path) -> None:
    """Take away what a kill left of an earlier clearing."""
    for left in place.parent.glob(f".{escape(place.name)}-cleared-{'[0-9a-f]' * 16}"):
        shutil.rmtree(left, ignore_errors=True)
