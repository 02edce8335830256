"""What a Hub that only serves says of people and discussions: what its sidecars say.

GET  /api/users/{user}/overview      GET /api/organizations/{name}/overview
GET  /api/{kind}s/{repo}/discussions[?p=&type=&status=&author=]
"""

from __future__ import annotations

from weighbridge.bridge.hub import HubDesk
from weighbridge.domain.access import Principal
from weighbridge.domain.json_values import Json, JsonObject
from weighbridge.domain.ref import RepoKind
from weighbridge.domain.repo import OwnerKind
from weighbridge.doors.hub.answers import Answer, NoRoute, json_answer
from weighbridge.doors.hub.api import Call
from weighbridge.errors import BadInput, NoSuchOwner

_PAGE, _LIMIT = 10, 10_000
_TYPES = {"": (True, False), "all": (True, False), "discussion": (False,), "pull_request": (True,)}
_STATUSES = {
    "": ("open", "draft", "closed", "merged"),
    "all": ("open", "draft", "closed", "merged"),
    "open": ("open", "draft"),
    "closed": ("closed", "merged"),
}


def overview(desk: HubDesk, principal: Principal, kind: OwnerKind, name: str) -> Answer:
    """A user or an organization."""
    owner, counts = desk.owner(principal, name)
    if owner.kind is not kind:
        raise NoSuchOwner(name)
    spelled: JsonObject = {
        "fullname": owner.name,
        "avatarUrl": "",
        "numModels": counts[RepoKind.MODEL],
        "numDatasets": counts[RepoKind.DATASET],
        "numSpaces": counts[RepoKind.SPACE],
    }
    if kind is OwnerKind.USER:
        return json_answer({"user": owner.name, "type": "user", **spelled})
    members: JsonObject = {} if owner.members is None else {"numUsers": owner.members}
    return json_answer(
        {"name": owner.name, "type": "org", "isVerified": owner.is_verified, **members, **spelled}
    )


def discussions(call: Call) -> Answer:
    """A page of discussions and pull requests, newest first."""
    if call.revision != "main" or call.path:
        raise NoRoute("this Hub lists discussions, and does not hold what was said in them")
    asked = call.request.value
    if asked("type") not in _TYPES or asked("status") not in _STATUSES:
        raise BadInput("'type' is all, discussion or pull_request; 'status' is all, open or closed")
    page = 0 if asked("p") in ("", "0") else call.request.number("p", 0, _LIMIT)
    repo, found = call.desk.discussions(call.principal, call.kind, call.name, _LIMIT)
    chosen = [
        head
        for head in found
        if head.is_pull in _TYPES[asked("type")]
        and head.status in _STATUSES[asked("status")]
        and asked("author") in ("", head.author)
    ]
    shown: list[Json] = [
        {
            "num": head.number,
            "title": head.title,
            "status": head.status,
            "isPullRequest": head.is_pull,
            "createdAt": "1970-01-01T00:00:00.000Z",  # a sidecar does not say; clients ask for a time
            "author": {"name": head.author, "type": "user"},
            "repo": {"name": repo.full_name, "type": repo.kind.value},
        }
        for head in chosen[page * _PAGE : (page + 1) * _PAGE]
    ]
    return json_answer({"discussions": shown, "count": len(chosen), "start": page * _PAGE})
