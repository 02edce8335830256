"""The audit: which of its lines are asked for, and which of them are kept for a time only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from weighbridge.domain.access import AuditLine
from weighbridge.domain.ref import RepoId, RepoKind

DOWNLOAD, LOGIN_FAILED = "download", "login.failed"
PASSING = frozenset({DOWNLOAD, LOGIN_FAILED})
"""Verbs that change nothing: their lines may be forgotten, those of changes never are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """What all lines that are wanted have in common; what is empty does not matter.

    ``target`` is the whole of it, or what stands before its ``@``. ``since`` and ``until`` (which is not
    part of it) are aware UTC.
    """

    by: str = ""
    verb: str = ""
    target: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Sent:
    """What one caller was sent of one file of a commit, in one or more answers.

    ``bytes`` is what the answers promised; a client that hangs up may have got less.
    """

    at: datetime
    requests: int = 0
    bytes: int = 0

    def line(self, by: str, repo: RepoId, commit: str, path: str) -> AuditLine:
        """The line of the audit; the path stands last, because it may hold anything."""
        folder = "" if repo.kind is RepoKind.MODEL else f"{repo.kind.plural}/"
        detail = f"bytes={self.bytes} requests={self.requests} path={path}"
        return AuditLine(
            at=self.at, by=by, verb=DOWNLOAD, target=f"{folder}{repo.full_name}@{commit}", detail=detail
        )
