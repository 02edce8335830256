"""What can go wrong, as the connector's document has it: Python's own errors, with everything that we know.

    NotConnected          RuntimeError         nobody has connected yet
    BadCredentials        ValueError           no token, or one that cannot be one
    BadRequest            ValueError           an argument that cannot mean anything
    CannotConnect         ConnectionError      the Hub does not answer, or does not know the token
    NoSuchModel           FileNotFoundError    the Hub has no such model, or hides it from this token
    NoSuchFolder          FileNotFoundError    there is nothing to upload
    ConnectorError        RuntimeError         everything else that a Hub, a file or a policy says

All of them are ``weighbridge.errors.WeighbridgeError`` as well: ``code`` and ``hint`` say what and what
next, ``__cause__`` is the typed error behind it (``Gated``, ``RateLimited``, ``HubDown``, ...).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from weighbridge.domain.invalid import Invalid
from weighbridge.errors import BadInput, NotFound, Unreachable, WeighbridgeError


class NotConnected(BadInput, RuntimeError):
    """Nobody has connected yet."""

    code = "not-connected"

    def __init__(self) -> None:
        super().__init__(
            "Not connected to HuggingFace",
            hint='await connector.connect({"token": ...}), or connect_public() to read without one',
        )


class BadRequest(BadInput, ValueError):
    """An argument that cannot mean anything."""


class BadCredentials(BadRequest):
    """There is no token, or what was given cannot be one; any shape can."""

    code = "bad-credentials"


class CannotConnect(Unreachable, ConnectionError):
    """The Hub does not answer, or does not know the token; ``__cause__`` says which."""

    code = "cannot-connect"


class NoSuchModel(NotFound, FileNotFoundError):
    """The Hub has no such model, or does not show it to this token."""

    code = "no-such-model"


class NoSuchFolder(NotFound, FileNotFoundError):
    """There is nothing at the path."""

    code = "no-such-folder"


class ConnectorError(WeighbridgeError, RuntimeError):
    """What was asked for could not be done; ``code`` and ``hint`` are those of ``__cause__``."""

    code = "connector"


@contextmanager
def translated() -> Iterator[None]:
    """Typed errors of the lower floors leave as the documented ones, each with its cause."""
    try:
        yield
    except (WeighbridgeError, Invalid) as error:
        raise as_documented(error) from error


def as_documented(error: WeighbridgeError | Invalid) -> WeighbridgeError:
    """The documented error for a typed one."""
    if isinstance(error, _OURS):
        return error
    if isinstance(error, Invalid | BadInput):
        return BadRequest(str(error), hint=error.hint)
    if not isinstance(error, NotFound):
        return failed(error)
    told = NoSuchModel(str(error), hint=error.hint)
    told.code = error.code
    return told


def failed(error: WeighbridgeError | Invalid) -> ConnectorError:
    """The error of something that could not be done, whatever the reason."""
    told = ConnectorError(str(error), hint=error.hint)
    told.code = "bad-input" if isinstance(error, Invalid) else error.code
    return told


_OURS = (NotConnected, BadRequest, CannotConnect, NoSuchModel, NoSuchFolder, ConnectorError)
