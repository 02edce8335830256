"""``weighbridge package``: what is listed, and deleting it, on the machine that holds the home."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import App, Parameter

from weighbridge.bridge import open_bridge
from weighbridge.domain.access import LOCAL
from weighbridge.domain.listing import PackageQuery, Sort
from weighbridge.domain.package import Listed, PackageState
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.doors.cli.asking import have_typed
from weighbridge.doors.cli.render import AsJson, printable, show_json, show_note, show_table, size
from weighbridge.errors import BadInput
from weighbridge.settings import load_settings

package_app = App(name="package", help="List, search and delete packages, and the versions of one name.")
_COLUMNS = ("PACKAGE", "STATE", "SCORE", "LICENCE", "SIZE", "ADDED", "BY")


@package_app.command(name="list")
def list_packages(
    *,
    q: str = "",
    kind: RepoKind | None = None,
    state: PackageState | None = None,
    licence: str | None = None,
    minimum: list[str] | None = None,
    by: str | None = None,
    since: datetime | None = None,
    sort: Sort = Sort.CREATED_AT,
    limit: int = 100,
    after: str | None = None,
    json: AsJson = False,
) -> None:
    """Show packages, newest first.

    Parameters
    ----------
    q
        Words in the name or the beginning of the description, as any part, in any case.
    kind
        Only models, or only data sets.
    state
        Only what is active, or was withdrawn, or deleted.
    licence
        As the Hub spells it (apache-2.0), or a class of licences (permissive).
    minimum
        METRIC=X: what a metric, or net_score, must reach; may be given several times.
    by
        Who took it in.
    since
        The first day or instant (UTC).
    sort
        Newest, best and largest come first, names from a to z.
    limit
        How many at most.
    after
        The id of the last package of the page before.
    """
    wanted = PackageQuery(text=q, kind=kind, state=state, licence=licence, by=by, sort=sort, after=after)
    query = _narrowed(wanted, minimum or (), since, limit)
    with open_bridge(load_settings()) as bridge:
        found = bridge.packages.listing(LOCAL, query)
    if json:
        shown = [one.to_json() for one in found.packages]
        show_json({"packages": shown, "next": found.next, "total": found.total})
        return
    show_table(_COLUMNS, list(map(_row, found.packages)))
    if found.next:
        show_note(f"{len(found.packages)} of {found.total}; the next page: --after {found.next}")


@package_app.command
def versions(
    name: str, /, *, kind: RepoKind = RepoKind.MODEL, revision: str = "", json: AsJson = False
) -> None:
    """Show every version of a name, the highest first, and what the next one would be numbered.

    Parameters
    ----------
    name
        The repository, as org/name.
    kind
        What it is.
    revision
        Ask the Hub how this branch, tag or commit would be numbered.
    """
    with open_bridge(load_settings()) as bridge:
        found = bridge.packages.versions(LOCAL, RepoId.parse(name, kind), revision)
    latest = found.latest.version.text if found.latest else None
    following = found.next.text if found.next else None
    if json:
        told = [one.to_json() for one in found.packages]
        show_json({"name": found.repo.full_name, "latest": latest, "next": following, "versions": told})
        return
    show_table(_COLUMNS, list(map(_row, found.packages)))
    print(f"latest {latest or '-'}, next {following or '-'}")


@package_app.command
def delete(
    name: str,
    /,
    *,
    reason: str,
    yes: Annotated[bool, Parameter(negative="", help="Do not ask.")] = False,
    json: AsJson = False,
) -> None:
    """Delete a package for good; asks for its name. The entry stays, and its version stays taken.

    Clients are refused and shown the reason at once. What nothing else names goes with the next gc.

    Parameters
    ----------
    name
        The package, as org/name@version, or datasets/org/name@version.
    reason
        Why, and what to use instead; everybody who asks for it reads this.
    """
    with open_bridge(load_settings()) as bridge:
        found = bridge.upkeep.named(LOCAL, name)
        if not yes and found.state is not PackageState.DELETED:
            have_typed(found.spelled, f"{found.spelled} will be gone for good; this cannot be undone.")
        package = bridge.upkeep.delete(LOCAL, found.id, reason)
    if json:
        show_json(package.to_json())
    else:
        print(f"deleted {package.spelled}: {printable(package.state_reason)}")


def _narrowed(
    query: PackageQuery, minimum: Sequence[str], since: datetime | None, limit: int
) -> PackageQuery:
    if limit < 1:
        raise BadInput("--limit is at least 1")
    minima = dict(map(_minimum, minimum))
    return replace(
        query,
        min_net_score=minima.pop("net_score", None),
        minima=minima,
        since=since.replace(tzinfo=UTC) if since and since.tzinfo is None else since,
        limit=limit,
        counted=True,
    )


def _row(one: Listed) -> list[str]:
    return [
        one.spelled,
        one.state.value,
        f"{one.net_score:.2f}",
        one.licence or "-",
        size(one.size_bytes),
        f"{one.created_at:%Y-%m-%d}",
        one.created_by,
    ]


def _minimum(given: str) -> tuple[str, float]:
    metric, _, value = given.partition("=")
    try:
        return metric.strip(), float(value)
    except ValueError as error:
        raise BadInput(f"'{given}' is no minimum", hint="as in --minimum license=0.7") from error
