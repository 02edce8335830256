"""Access requests, likes and organizations, as the Hub spells them.

POST   [/api/{kind}s]/{repo}/ask-access                              be let in, or wait for it
GET    /api/{kind}s/{repo}/user-access-request/{pending|accepted|rejected}
POST   .../user-access-request/{handle|grant}
POST   .../like          DELETE .../like          GET .../likers     GET /api/users/{user}/likes
GET    /api/organizations/{name}/settings/repositories
"""

from __future__ import annotations

from weighbridge.domain.access import AccessRequest, AccessStatus, Verb, may, role_in
from weighbridge.domain.hosted import spelled
from weighbridge.domain.json_values import Json, JsonObject, text
from weighbridge.doors.hub.answers import Answer, NoRoute, json_answer
from weighbridge.doors.hub.visits import Visit
from weighbridge.errors import BadInput, NotPermitted

_STATES = set(AccessStatus)


def ask(visit: Visit) -> Answer:
    """Ask to be let in to a gated repository."""
    status = visit.repos.guests.ask(visit.principal, visit.repo)
    return json_answer({"status": status.value})


def requests(visit: Visit) -> Answer:
    """The requests in a state."""
    if visit.rest not in _STATES:
        raise NoRoute("requests are pending, accepted or rejected")
    found = visit.repos.guests.requests(visit.principal, visit.repo, AccessStatus(visit.rest))
    return json_answer([_request_json(each) for each in found])


def decide(visit: Visit) -> Answer:
    """``handle`` and ``grant``."""
    body, guests = visit.document(), visit.repos.guests
    user = text(body, "user") or ""
    wanted = user or text(body, "requestId") or ""
    if not wanted or (visit.rest == "grant" and not user):
        raise BadInput("the body names no 'user'")
    if visit.rest == "grant":
        guests.grant(visit.principal, visit.repo, user)
        return json_answer({})
    status = text(body, "status") or ""
    if visit.rest != "handle":
        raise NoRoute("access requests are handled or granted")
    if status not in _STATES:
        raise BadInput("'status' is none of pending, accepted and rejected")
    reason = text(body, "rejectionReason") or ""
    guests.handle(visit.principal, visit.repo, wanted, AccessStatus(status), reason)
    return json_answer({})


def like(visit: Visit) -> Answer:
    """Like a repository."""
    visit.repos.guests.like(visit.principal, visit.repo)
    return json_answer({})


def unlike(visit: Visit) -> Answer:
    """Like it no longer."""
    visit.repos.guests.like(visit.principal, visit.repo, likes=False)
    return json_answer({})


def likers(visit: Visit) -> Answer:
    """Who likes a repository."""
    names = visit.repos.guests.likers(visit.principal, visit.repo)
    return json_answer([_user_json(name) for name in names])


def likes(visit: Visit) -> Answer:
    """What a user likes, as far as the caller may see it."""
    found = visit.repos.guests.likes(visit.place.name, lambda each: may(visit.principal, Verb.SEE, each))
    shown: list[Json] = [
        {"createdAt": spelled(at), "repo": {"name": each.id.full_name, "type": each.id.kind.value}}
        for each, at in found
    ]
    return json_answer(shown)


def organization_repositories(visit: Visit) -> Answer:
    """The repositories of an organization, for its members."""
    if role_in(visit.principal, visit.place.name) is None:
        raise NotPermitted(f"'{visit.principal.name}' is not a member of '{visit.place.name}'")
    found = visit.repos.of_namespace(visit.place.name)
    return json_answer(
        [
            {
                "id": each.id.full_name,
                "type": each.id.kind.value,
                "updatedAt": spelled(each.created_at),
                "visibility": "private" if each.private else "public",
                "storage": 0,
                "storagePercent": 0,
            }
            for each in found
        ]
    )


def _request_json(request: AccessRequest) -> JsonObject:
    return {
        "requestId": request.id,
        "status": request.status.value,
        "timestamp": spelled(request.at),
        "user": {**_user_json(request.user), "email": None},
        "rejectionReason": request.reason or None,
    }


def _user_json(name: str) -> JsonObject:
    return {"user": name, "fullname": name, "avatarUrl": "", "type": "user"}
