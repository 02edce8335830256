"""``weighbridge audit``: who changed and downloaded what, on the machine that holds the home."""

from __future__ import annotations

from datetime import UTC, datetime

from weighbridge.bridge import open_bridge
from weighbridge.domain.access import LOCAL
from weighbridge.domain.audit import AuditQuery
from weighbridge.doors.cli.render import AsJson, show_json, show_note, show_table
from weighbridge.errors import BadInput
from weighbridge.settings import load_settings


def audit(
    *,
    by: str = "",
    verb: str = "",
    target: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
    after: str | None = None,
    json: AsJson = False,
) -> None:
    """Show who changed and downloaded what, newest first.

    Downloads and failed log-ins are kept for WEIGHBRIDGE_AUDIT_DAYS, changes for ever.

    Parameters
    ----------
    by
        Who did it: an account, 'anonymous', or 'local' for commands on this machine.
    verb
        What was done, as in download, ingest, withdraw, login.failed.
    target
        What it was done to: all of it, or what stands before its '@'.
    since
        The first day or instant (UTC).
    until
        The first day or instant (UTC) that is no more wanted.
    limit
        How many lines at most.
    after
        The id of the last line of the page before.
    """
    if limit < 1:
        raise BadInput("--limit is at least 1")
    about = AuditQuery(by=by, verb=verb, target=target, since=_utc(since), until=_utc(until))
    with open_bridge(load_settings()) as bridge:
        lines = bridge.audit.lines(LOCAL, about=about, limit=limit, after=after)
    following = lines[-1].id if lines and len(lines) == limit else None
    if json:
        show_json({"lines": [line.to_json() for line in lines], "next": following})
        return
    rows = [
        (line.id, f"{line.at:%Y-%m-%d %H:%M:%S}", line.by, line.verb, line.target, line.detail)
        for line in lines
    ]
    show_table(("ID", "AT", "BY", "VERB", "TARGET", "DETAIL"), rows)
    if following:
        show_note(f"there may be more: --after {following}")


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at
