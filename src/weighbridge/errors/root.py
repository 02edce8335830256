"""What every error of Weighbridge is."""

from __future__ import annotations


class WeighbridgeError(Exception):
    """The base of all: a message for people, a stable ``code`` for programs, a next step."""

    code = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message, self.hint = message, hint
        super().__init__(message)
