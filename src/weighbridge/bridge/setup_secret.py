"""The one-time secret of the first start, in a file of the home that only its owner reads."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from weighbridge.errors import NotAuthenticated, StoreDown


class SetupSecret:
    """Whoever can read it opens the first account."""

    def __init__(self, home: Path) -> None:
        self.path = home / "setup-secret"

    def write(self) -> None:
        """A new secret, whole or not at all; one that nobody has used yet stays.

        Raises:
            StoreDown: it cannot be written.
        """
        draft = self.path.with_name(f"{self.path.name}.{uuid4().hex}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(number, "w") as file:
                file.write(secrets.token_urlsafe(32) + "\n")
            with suppress(FileExistsError):
                self.path.hardlink_to(draft)
            draft.unlink()
        except OSError as error:
            raise StoreDown(
                f"cannot write {self.path}: {error.strerror}", hint="check the home's owner"
            ) from error

    def use(self, secret: str, is_wanted: Callable[[], bool]) -> None:
        """Use the secret up, if it is this one and ``is_wanted`` still.

        Raises:
            NotAuthenticated: it is wrong, was used, or is not wanted any more.
        """
        wrong = NotAuthenticated(
            "the set-up secret is wrong or was used", hint=f"it is in {self.path.name} in the home"
        )
        try:
            kept = self.path.read_bytes().strip()
            given = secret.encode("utf-8", "replace")
            if not kept or not secrets.compare_digest(kept, given) or not is_wanted():
                raise wrong
            self.path.unlink()  # of two at once, one fails here
        except FileNotFoundError:
            raise wrong from None

    def forget(self) -> None:
        """There is an account: the secret opens none any more."""
        self.path.unlink(missing_ok=True)
