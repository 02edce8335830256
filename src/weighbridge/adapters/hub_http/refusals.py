"""An answer that says no, as the error that it means.

The Hub types its errors by ``X-Error-Code``; a Hub that does not is read by its status and by
what was asked. A private repository looks like a missing one on purpose, so the hint says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from weighbridge.domain.ref import RepoId
from weighbridge.errors import (
    BadListing,
    Disabled,
    Gated,
    HubDown,
    NoSuchFile,
    NoSuchRepo,
    NoSuchRevision,
    NotAuthenticated,
    NotPermitted,
    WeighbridgeError,
)

_HIDDEN = "if it is private or gated, run 'weighbridge login', or give a token that may read it in HF_TOKEN"
_LONGEST_MESSAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is being asked of which Hub, for the words of an error; no address, no credentials.

    ``what`` is asked of the Hub itself, where no repository is named.
    """

    hub: str
    repo: RepoId | None = None
    revision: str | None = None
    path: str | None = None
    what: str = "list of repositories"

    def __str__(self) -> str:
        parts = [f"'{self.repo}'" if self.repo else f"its {self.what}"]
        parts += [f"at '{self.revision[:40]}'"] if self.revision else []
        parts += [f"file '{self.path}'"] if self.path else []
        return " ".join(parts)


def refusal(question: Question, status: int, code: str, message: str, *, has_token: bool) -> WeighbridgeError:
    """The error that a final answer means; ``message`` is shown printable and cut."""
    by_code = _by_code(question, code)
    if by_code is not None:
        return by_code
    said = f": {message}" if message else ""
    if status == 401:
        if has_token or "credentials" in message.lower():
            return NotAuthenticated(
                f"{question.hub} does not accept the token{said}",
                hint="run 'weighbridge login', or give a valid token in HF_TOKEN",
            )
        return _missing_repo(question) if question.repo else _no_token(question)
    if status == 451 or (status == 403 and "disabled" in message.lower()):
        return Disabled(f"{question.hub} has taken {question} out of service{said}")
    if status == 403:
        return NotPermitted(f"{question.hub} does not permit {question}{said}")
    if status in (404, 410):
        return _missing(question)
    if status == 400:
        return BadListing(f"{question.hub} does not understand the request for {question}{said}")
    return HubDown(f"{question.hub} answered {status} for {question}{said}")


def _by_code(question: Question, code: str) -> WeighbridgeError | None:
    repo, revision = str(question.repo), question.revision or "main"
    if code == "RepoNotFound":
        return _missing_repo(question)
    if code == "RevisionNotFound":
        return NoSuchRevision(repo, revision)
    if code == "EntryNotFound" and question.path:
        return NoSuchFile(repo, revision, question.path)
    if code == "GatedRepo":
        return Gated(repo)
    return None


def _no_token(question: Question) -> WeighbridgeError:
    return NotAuthenticated(f"{question.hub} shows {question} only to those it knows", hint=_HIDDEN)


def _missing(question: Question) -> WeighbridgeError:
    repo, revision = str(question.repo), question.revision
    if question.path:
        return NoSuchFile(repo, revision or "main", question.path)
    if revision and revision != "main":
        return NoSuchRevision(repo, revision, hint="or there is no such repository")
    return _missing_repo(question)


def _missing_repo(question: Question) -> WeighbridgeError:
    if question.repo is None:
        return HubDown(f"{question.hub} has no {question.what}", hint="is this address a Hub?")
    return NoSuchRepo(str(question.repo), hint=_HIDDEN)


def said(header: str, body: bytes, token: str | None) -> str:
    """What a server said of its error, fit for one line: printable, cut, without our token."""
    text = header
    if not text:
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        error = answer.get("error") if isinstance(answer, dict) else None
        text = error if isinstance(error, str) else ""
    if token:
        text = text.replace(token, "***")
    line = "".join(char if char.isprintable() else " " for char in text).strip()
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}..."
