"""``weighbridge evidence``: what an operator knows of a model and the Hub does not say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from weighbridge.bridge import open_bridge
from weighbridge.domain.access import LOCAL
from weighbridge.domain.attached import Attached
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.doors.cli.render import AsJson, printable, show_json, show_table
from weighbridge.errors import BadInput
from weighbridge.settings import load_settings

evidence_app = App(name="evidence", help="Attach results that you measured, list and remove them.")
Kind = Annotated[RepoKind, Parameter(help="What the repository is.")]


@evidence_app.command(name="add", help="Attach results that you measured to a repository.")
def add(
    repo: str,
    *,
    metric: str = "performance_claims",
    file: Path,
    kind: Kind = RepoKind.MODEL,
    json: AsJson = False,
) -> None:
    """Attach results that you measured to a repository; later judgements of it count them.

    Parameters
    ----------
    repo
        The repository, as org/name; it need not be in the registry yet.
    metric
        The metric that reads it.
    file
        JSON or YAML as in the Hub's .eval_results/*.yaml: a list of entries with dataset.id,
        dataset.task_id and value, and if known source.url, date and notes.
    """
    from weighbridge.bridge.operator_evidence import MOST_BYTES, read_entries

    try:
        with file.open("rb") as opened:
            written = opened.read(MOST_BYTES + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read '{file}': {error}") from error
    document = read_entries(written, about=str(file))
    with open_bridge(load_settings()) as bridge:
        attached = bridge.evidence.add(LOCAL, RepoId.parse(repo, kind), metric, document)
    if json:
        show_json(attached.to_json())
    else:
        print(f"attached to {attached.repo}: {_said(attached)}; judge it again: weighbridge ingest {repo}")


@evidence_app.command(name="remove", help="Take away what was attached.")
def remove(id: str, *, json: AsJson = False) -> None:
    """Take away what was attached: later judgements do not count it.

    Parameters
    ----------
    id
        Its id, as 'weighbridge evidence list' shows it.
    """
    with open_bridge(load_settings()) as bridge:
        bridge.evidence.remove(LOCAL, id)
    if json:
        show_json({"id": id, "removed": True})
    else:
        print(f"removed {printable(id)}")


@evidence_app.command(name="list", help="Show what was attached, newest first.")
def list_evidence(repo: str | None = None, *, kind: Kind = RepoKind.MODEL, json: AsJson = False) -> None:
    """Show what was attached, newest first.

    Parameters
    ----------
    repo
        Only to this repository. Default: to all.
    """
    with open_bridge(load_settings()) as bridge:
        found = bridge.evidence.listed(LOCAL, RepoId.parse(repo, kind) if repo else None, limit=500)
    if json:
        show_json([each.to_json() for each in found])
    else:
        rows = [
            (str(each.repo), each.note.metric, each.note.by, each.note.at, _said(each), each.id)
            for each in found
        ]
        show_table(("REPOSITORY", "METRIC", "BY", "AT", "RESULTS", "ID"), rows)


def _said(attached: Attached) -> str:
    """The number of results, and the first one."""
    entries = attached.note.entries
    dataset = entries[0].get("dataset") if entries else None
    named = dataset.get("id") if isinstance(dataset, dict) else None
    first = f"{printable(str(named))} {entries[0].get('value')}" if entries else ""
    return first if len(entries) == 1 else f"{first} and {len(entries) - 1} more"
