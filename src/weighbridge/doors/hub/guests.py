"""Access requests and likes, as the Hub spells them.

POST   [/api/{kind}s]/{repo}/ask-access                              be let in, or wait for it
GET    /api/{kind}s/{repo}/user-access-request/{pending|accepted|rejected}
POST   .../user-access-request/{handle|grant}
POST   .../like          DELETE .../like          GET .../likers
"""

from __future__ import annotations

from weighbridge.domain.access import AccessRequest, AccessStatus
from weighbridge.domain.hosted import spelled
from weighbridge.domain.json_values import JsonObject, text
from weighbridge.doors.hub.answers import Answer, NoRoute, json_answer
from weighbridge.doors.hub.people import user_json
from weighbridge.doors.hub.visits import Visit
from weighbridge.errors import BadInput

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
    return json_answer([user_json(name) for name in names])


def _request_json(request: AccessRequest) -> JsonObject:
    return {
        "requestId": request.id,
        "status": request.status.value,
        "timestamp": spelled(request.at),
        "user": {**user_json(request.user), "email": None},
        "rejectionReason": request.reason or None,
    }
