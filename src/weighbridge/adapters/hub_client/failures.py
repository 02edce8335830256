"""What the official client raises, as the error of ours that it means; no message holds the token.

The client's errors carry the request with its headers, so they are never chained to ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.domain.endpoint import redacted
from weighbridge.errors import (
    BadInput,
    BadListing,
    Conflict,
    Disabled,
    Gated,
    HubDown,
    NoSuchRepo,
    NoSuchRevision,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    RateLimited,
    WeighbridgeError,
)

if TYPE_CHECKING:
    from weighbridge.domain.ref import RepoId

LOG_IN = "run 'weighbridge login', or give a token in HF_TOKEN"
_LONGEST_MESSAGE = 300
_NETWORK = frozenset({"httpx", "httpx2", "httpcore", "httpcore2", "requests", "urllib3"})
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
_BUSY = frozenset({408, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked of which Hub, for the words of an error."""

    hub: str
    what: str
    repo: RepoId | None = None
    revision: str | None = None


def translated(error: Exception, asked: Asked, token: str | None) -> WeighbridgeError | None:
    """The error that it means, or None for one that is no answer of a Hub and no broken connection."""
    from huggingface_hub import errors

    if isinstance(error, errors.OfflineModeIsEnabled):
        return HubDown(
            f"{asked.hub} is not asked for {asked.what}: HF_HUB_OFFLINE is set", hint="unset HF_HUB_OFFLINE"
        )
    if isinstance(error, errors.HFValidationError):
        return BadInput(_line(str(error), token))
    if isinstance(error, errors.HfHubHTTPError):
        return _answered(error, asked, token)
    if type(error).__module__.partition(".")[0] in _NETWORK or isinstance(error, ConnectionError):
        cause = _line(str(error), token) or type(error).__name__
        return HubDown(
            f"{asked.hub} cannot be reached for {asked.what}: {cause}",
            hint="check the network, the address and the proxy settings",
        )
    return _within(error, asked, token)


def _within(error: Exception, asked: Asked, token: str | None) -> WeighbridgeError | None:
    """What went wrong in the client itself: it refuses what it was given, or cannot read the answer."""
    modules = _modules(error)
    if not isinstance(error, _UNREADABLE) or not any(name.startswith("huggingface_hub") for name in modules):
        return None
    refused = type(error) is ValueError and "huggingface_hub.utils._datetime" not in modules
    if refused:
        return BadInput(_line(str(error), token))
    return BadListing(
        f"{asked.hub} answers for {asked.what} with what its client cannot read ({type(error).__name__})",
        hint="is this address a Hub?",
    )


def _modules(error: Exception) -> list[str]:
    """The modules that the error came through, the outermost first."""
    found, place = [], error.__traceback__
    while place is not None:
        found.append(str(place.tb_frame.f_globals.get("__name__", "")))
        place = place.tb_next
    return found


def _answered(error: Exception, asked: Asked, token: str | None) -> WeighbridgeError:
    from huggingface_hub import errors

    response = getattr(error, "response", None)
    status = int(getattr(response, "status_code", 0) or 0)
    headers: Mapping[str, str] = getattr(response, "headers", None) or {}
    told = _line(headers.get("x-error-message") or getattr(error, "server_message", None) or "", token)
    said, repo = f": {told}" if told else "", str(asked.repo or "")
    if isinstance(error, errors.GatedRepoError):
        return Gated(repo)
    if isinstance(error, errors.DisabledRepoError) or status == 451:
        return Disabled(f"{asked.hub} has taken '{repo}' out of service{said}")
    if isinstance(error, errors.RevisionNotFoundError):
        return NoSuchRevision(repo, asked.revision or "main")
    if isinstance(error, errors.RepositoryNotFoundError) and asked.repo:
        return _unseen(repo, token)
    return _by_status(status, said, headers, asked, token)


def _by_status(
    status: int, said: str, headers: Mapping[str, str], asked: Asked, token: str | None
) -> WeighbridgeError:
    if status == 401:
        if token is None:
            return NotAuthenticated(f"{asked.hub} wants to know who asks for {asked.what}{said}", hint=LOG_IN)
        return NotAuthenticated(f"{asked.hub} does not accept the token for {asked.what}{said}", hint=LOG_IN)
    if status == 403:
        return NotPermitted(
            f"{asked.hub} does not permit {asked.what}{said}",
            hint="'weighbridge whoami' says who you are there; the token must be allowed to write",
        )
    if status in (404, 410):
        return _missing(said, asked, token)
    if status in (409, 412):
        return Conflict(f"{asked.hub} refuses {asked.what}{said or ': somebody was there first'}")
    if status == 429:
        pause_s = _pause_s(headers)
        after = "" if pause_s is None else f"; it asks for a pause of {pause_s:.0f} s"
        return RateLimited(f"{asked.hub} limits our requests for {asked.what}{after}", retry_after_s=pause_s)
    if status in _BUSY or not 400 <= status < 500:
        return HubDown(
            f"{asked.hub} answered {status} for {asked.what}{said}", hint="it may be back soon: try again"
        )
    return BadInput(f"{asked.hub} does not take {asked.what} ({status}){said}")


def _missing(said: str, asked: Asked, token: str | None) -> WeighbridgeError:
    if asked.revision:
        return NoSuchRevision(str(asked.repo or ""), asked.revision)
    if asked.repo:
        return _unseen(str(asked.repo), token)
    return NotFound(f"{asked.hub} does not know {asked.what}{said}", hint="is this address a Hub?")


def _unseen(repo: str, token: str | None) -> NoSuchRepo:
    seen = (
        f"if it is private, {LOG_IN}"
        if token is None
        else "check the name and its kind; what is private is shown only to a token that may see it"
    )
    return NoSuchRepo(repo, hint=seen)


def _pause_s(headers: Mapping[str, str]) -> float | None:
    """Seconds, from ``Retry-After`` or the ``t`` of ``RateLimit`` (IETF draft, as the Hub sends it)."""
    words = [headers.get("retry-after") or ""]
    words += [
        part.strip()[2:] for part in (headers.get("ratelimit") or "").split(";") if part.strip()[:2] == "t="
    ]
    return next((float(word) for word in words if word.isascii() and word.isdigit() and len(word) < 7), None)


def _line(text: str, token: str | None) -> str:
    """Fit for one line: printable, cut, without the token."""
    line = " ".join("".join(char if char.isprintable() else " " for char in redacted(text, token)).split())
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}..."
