"""The verbs of evidence that operators attach: it counts in later judgements of the repository."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import uuid4

from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.front_matter import yaml_value
from weighbridge.bridge.access import require
from weighbridge.domain.access import AuditLine, Permission, Principal, sight_of
from weighbridge.domain.attached import Attached, checked_entries, checked_metric
from weighbridge.domain.json_values import Json
from weighbridge.domain.ref import RepoId
from weighbridge.domain.sources import OperatorNote
from weighbridge.errors import BadInput

MOST_BYTES = 256 * 1024


def read_entries(text: str, *, about: str) -> Json:
    """The document in a JSON or YAML text; JSON is YAML.

    Raises:
        BadInput: it is neither, or too long; ``about`` names it.
    """
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise BadInput(f"'{about}' is longer than {MOST_BYTES} bytes")
    document, error = yaml_value(text)
    if error:
        raise BadInput(f"'{about}' is neither JSON nor YAML: {error}")
    return document


class OperatorEvidence:
    """One method per verb."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog, self._now = catalog, now

    def add(self, principal: Principal, repo: RepoId, metric: str, document: Json) -> Attached:
        """Attach entries to a repository; it need not be here yet.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``: it may open the gate.
            Invalid: no metric reads it, or an entry is not complete.
        """
        require(principal, Permission.ADMIN)
        at, entries = self._now(), checked_entries(document)
        note = OperatorNote(
            metric=checked_metric(metric),
            by=principal.name,
            at=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            entries=entries,
        )
        attached = Attached(id=str(uuid4()), repo=repo, note=note)
        count = "1 entry" if len(entries) == 1 else f"{len(entries)} entries"
        line = AuditLine(
            at=at, by=principal.name, verb="evidence", target=repo.full_name, detail=f"{metric}: {count}"
        )
        self._catalog.attach(attached, line)
        return attached

    def remove(self, principal: Principal, id: str) -> None:
        """Take what was attached away; later judgements do not count it, those before keep it.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``.
            NotFound: it is not there (any more).
        """
        require(principal, Permission.ADMIN)
        there = self._catalog.note(id)
        line = AuditLine(
            at=self._now(),
            by=principal.name,
            verb="evidence.remove",
            target=there.repo.full_name,
            detail=f"{there.note.metric}: of {there.note.by}, {there.note.at}",
        )
        self._catalog.detach(id, line)

    def listed(
        self,
        principal: Principal,
        repo: RepoId | None = None,
        *,
        limit: int = 100,
        after: str | None = None,
    ) -> Sequence[Attached]:
        """What was attached, newest first, to one repository or to all.

        Raises:
            NotAuthenticated, NotPermitted: without ``upload``.
            BadInput: ``after`` is no note.
        """
        require(principal, Permission.UPLOAD)
        return self._catalog.attached(repo, limit=limit, after=after, sight=sight_of(principal))
