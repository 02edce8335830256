"""What a command is to look at: a path on this machine, or a repository of the upstream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.ref import ModelRef, RepoKind
from weighbridge.errors import NoSuchRepo, NotFound

Kind = Literal[RepoKind.MODEL, RepoKind.DATASET]
"""What is weighed."""
_PATHS = ("/", "./", "../", "~")


def path_or_repo(spelled: str, kind: RepoKind = RepoKind.MODEL) -> Path | ModelRef:
    """What is there is a path, and so is what begins like one; what can be a repository is one.

    Raises:
        NotFound: it is neither.
    """
    path = Path(spelled)
    if spelled.startswith(_PATHS) or spelled in (".", "..") or path.exists():
        return path
    try:
        return ModelRef.read(spelled, kind)
    except Invalid as error:
        raise NotFound(
            f"there is no file or folder '{spelled}', and no repository can be called so: {error.why}",
            hint="a repository is org/name, org/name@revision or datasets/org/name; ./name is always a path",
        ) from error


@contextmanager
def either(spelled: str) -> Iterator[None]:
    """Says of a repository that is not found that there is no such path either."""
    try:
        yield
    except NoSuchRepo as error:
        hint = f"there is no path '{spelled}' here either; ./{spelled} is always a path"
        raise NoSuchRepo(error.repo, hint=f"{error.hint}; {hint}" if error.hint else hint) from error
