"""``weighbridge refusal``: what was not admitted, and why, on the machine that holds the home."""

from __future__ import annotations

import re

from cyclopts import App

from weighbridge.bridge import open_bridge
from weighbridge.domain.access import LOCAL
from weighbridge.domain.explained import explained
from weighbridge.domain.package import Refusal
from weighbridge.domain.ref import RepoId
from weighbridge.doors.cli.render import AsJson, printable, show_json, show_note, show_table
from weighbridge.doors.cli.verdicts import show_lines, verdict_lines, width
from weighbridge.settings import load_settings

refusal_app = App(name="refusal", help="List what was not admitted, and show why.")
_OPENING = re.compile(r"^\w+ does not meet quality requirements\. Failed metrics: ")


@refusal_app.command(name="list")
def list_refusals(
    *, repo: str | None = None, limit: int = 50, after: str | None = None, json: AsJson = False
) -> None:
    """Show refusals, newest first.

    Parameters
    ----------
    repo
        Only those of org/name, or of datasets/org/name.
    limit
        How many at most.
    after
        The id of the last refusal of the page before.
    """
    wanted = RepoId.read(repo) if repo else None
    with open_bridge(load_settings()) as bridge:
        found = bridge.packages.refusals(LOCAL, wanted, limit=limit, after=after)
    following = found[-1].id if found and len(found) == limit else None
    if json:
        show_json({"refusals": [one.to_json() for one in found], "next": following})
        return
    show_table(("REFUSAL", "MODEL", "AT", "BY", "WHY"), list(map(_row, found)))
    if following:
        show_note(f"the next page: --after {following}")


@refusal_app.command
def show(id: str, /, *, json: AsJson = False) -> None:
    """Show one refusal: what failed, where that was seen, and what would raise it.

    Parameters
    ----------
    id
        As 'weighbridge refusal list' tells it; that of its job is the same.
    """
    with open_bridge(load_settings()) as bridge:
        refusal, verdict = bridge.packages.refusal(LOCAL, id)
    if json:
        show_json({**refusal.to_json(), "verdict": explained(verdict)})
        return
    print(printable(f"{_spelled(refusal)} (commit {refusal.commit[:12]}, by {refusal.created_by})"))
    print(printable(refusal.sentence))
    show_lines(verdict_lines(verdict, width()))


def _row(refusal: Refusal) -> tuple[str, ...]:
    at = f"{refusal.created_at:%Y-%m-%d %H:%M}"
    why = _OPENING.sub("", refusal.sentence)
    return (refusal.id, _spelled(refusal), at, refusal.created_by, why)


def _spelled(refusal: Refusal) -> str:
    return f"{refusal.ref.repo.spelled}@{refusal.ref.revision}"
