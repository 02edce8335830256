"""The models that say they were made from another one, as the upstream lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.bridge.upstream import token_for
from weighbridge.domain.about import Child, Children
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, text, texts, whole
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.domain.repo_query import RepoQuery
from weighbridge.errors import WeighbridgeError

if TYPE_CHECKING:
    from weighbridge.settings import Settings

MOST = 20
_MARK = "base_model:"


def children_of(settings: Settings, repo: RepoId) -> Children:
    """The most downloaded models made from ``repo``: one page of a list, asked for twice at most.

    Nothing hangs on it, so a Hub that does not answer is told in the result and not raised.
    """
    if repo.kind is not RepoKind.MODEL:
        return Children()
    if settings.offline:
        return Children(unknown="no request is made offline")
    from weighbridge.adapters.hub_http import HttpHub, Patience

    hub = HttpHub(
        settings.upstream,
        token=token_for(settings),
        environ=settings.environ,
        patience=Patience(tries=2, total_s=5.0),
    )
    try:
        page = hub.find(RepoQuery(tags=(f"{_MARK}{repo.full_name}",)), limit=MOST)
    except WeighbridgeError as error:
        return Children(unknown=error.message)
    finally:
        hub.close()
    found = tuple(child for row in page.rows if (child := _child(row, repo)))
    return Children(known=found[:MOST], has_more=page.cursor is not None or len(found) > MOST)


def _child(row: JsonObject, base: RepoId) -> Child | None:
    """A row that names its base; a Hub that does not know the filter lists everything."""
    named = [tag.removeprefix(_MARK) for tag in texts(row, "tags") if tag.startswith(_MARK)]
    relations = [
        relation for relation, _, id in (name.rpartition(":") for name in named) if id == base.full_name
    ]
    try:
        repo = RepoId.parse(text(row, "id") or "")
    except Invalid:
        return None
    if not relations or repo == base:
        return None
    return Child(repo=repo.full_name, relation=max(relations), downloads=whole(row, "downloads"))
