"""Discussions and pull requests, as the Hub spells them.

GET  /api/{kind}s/{repo}/discussions[?p=&type=&status=&author=]     a page of them
GET  .../discussions/{n}[?diff=1]                                   one, with its events
POST .../discussions                                                begin one
POST .../discussions/{n}/{comment|status|title|merge}
POST .../discussions/{n}/comment/{id}/{edit|hide}
"""

from __future__ import annotations

from weighbridge.bridge.discussions import Talk
from weighbridge.bridge.talks import PAGE
from weighbridge.domain.discussion import Discussion, DiscussionQuery, Event, EventKind, Status
from weighbridge.domain.hosted import DEFAULT_BRANCH, Repository, spelled
from weighbridge.domain.json_values import Json, JsonObject, text
from weighbridge.doors.hub.answers import Answer, NoRoute, json_answer
from weighbridge.doors.hub.visits import Visit
from weighbridge.errors import BadInput, NotFound

_TYPES = {"": None, "all": None, "discussion": False, "pull_request": True}
_STATUSES = {
    "": (),
    "all": (),
    "open": (Status.OPEN, Status.DRAFT),
    "closed": (Status.CLOSED, Status.MERGED),
}
_PAGES = 100_000


def look(visit: Visit) -> Answer:
    """Every ``GET``."""
    match visit.place.rest:
        case ():
            return _listing(visit)
        case (number,):
            return _details(visit, _number(number))
    raise _no_route(visit)


def act(visit: Visit) -> Answer:
    """Every ``POST``."""
    match visit.place.rest:
        case ():
            return _begin(visit)
        case (number, "comment"):
            words = visit.discussions.comment(
                visit.principal, visit.repo, _number(number), _needed(visit.document(), "comment")
            )
            return json_answer({"newMessage": event_json(words)})
        case (number, "comment", event_id, "edit"):
            content = _needed(visit.document(), "content")
            words = visit.discussions.edit(visit.principal, visit.repo, _number(number), event_id, content)
            return json_answer({"updatedComment": event_json(words)})
        case (number, "comment", event_id, "hide"):
            words = visit.discussions.hide(visit.principal, visit.repo, _number(number), event_id)
            return json_answer({"updatedComment": event_json(words)})
        case (number, "status"):
            return _set_status(visit, _number(number))
        case (number, "title"):
            title = _needed(visit.document(), "title")
            event = visit.discussions.rename(visit.principal, visit.repo, _number(number), title)
            return json_answer({"newTitle": event_json(event)})
        case (number, "merge"):
            comment = text(visit.document(), "comment") or ""
            made = visit.discussions.merge(visit.principal, visit.repo, _number(number), comment)
            return json_answer({"mergeCommitId": made.id})
    raise _no_route(visit)


def _listing(visit: Visit) -> Answer:
    asked = visit.request.value
    if asked("type") not in _TYPES or asked("status") not in _STATUSES:
        raise BadInput("'type' is all, discussion or pull_request; 'status' is all, open or closed")
    page = 0 if asked("p") in ("", "0") else visit.request.number("p", 0, _PAGES)
    query = DiscussionQuery(
        pulls=_TYPES[asked("type")], statuses=_STATUSES[asked("status")], author=asked("author").lower()
    )
    there, count, found = visit.discussions.listed(visit.principal, visit.repo, query, page)
    shown: list[Json] = [_discussion_json(there, each) for each in found]
    return json_answer({"discussions": shown, "count": count, "start": page * PAGE})


def _details(visit: Visit, number: int) -> Answer:
    talk = visit.discussions.talk(visit.principal, visit.repo, number)
    return json_answer(_talk_json(talk, diff=visit.request.flag("diff")))


def _begin(visit: Visit) -> Answer:
    body = visit.document()
    made = visit.discussions.open(
        visit.principal,
        visit.repo,
        _needed(body, "title"),
        text(body, "description") or "",
        pull=body.get("pullRequest") is True,
    )
    there = visit.repos.repository(visit.principal, visit.repo)
    return json_answer({"num": made.number, "url": address_of(visit, there, made)})


def _set_status(visit: Visit, number: int) -> Answer:
    body = visit.document()
    wanted = _needed(body, "status")
    if wanted not in (Status.OPEN, Status.CLOSED, Status.DRAFT):
        raise BadInput("'status' is neither 'open' nor 'closed'")
    event = visit.discussions.set_status(
        visit.principal, visit.repo, number, Status(wanted), text(body, "comment") or ""
    )
    return json_answer({"newStatus": event_json(event)})


def address_of(visit: Visit, repository: Repository, discussion: Discussion) -> str:
    """Where a discussion is; the client reads the number out of it."""
    return f"{visit.address(repository.id)}/discussions/{discussion.number}"


def _talk_json(talk: Talk, *, diff: bool) -> JsonObject:
    found = dict(_discussion_json(talk.repository, talk.discussion))
    found["events"] = [event_json(event) for event in talk.events]
    if talk.discussion.is_pull:
        merged = talk.discussion.merged_as or None
        found["changes"] = {"base": f"refs/heads/{DEFAULT_BRANCH}", "mergeCommitId": merged}
        found["filesWithConflicts"] = list(talk.conflicts)
        if diff:
            found["diff"] = talk.diff
    return found


def _discussion_json(repository: Repository, discussion: Discussion) -> JsonObject:
    return {
        "num": discussion.number,
        "title": discussion.title,
        "status": discussion.status.value,
        "isPullRequest": discussion.is_pull,
        "createdAt": spelled(discussion.created_at),
        "author": {"name": discussion.author, "type": "user"},
        "repo": {"name": repository.id.full_name, "type": repository.id.kind.value},
    }


def event_json(event: Event) -> JsonObject:
    """One event, with the data that its kind has."""
    data: JsonObject
    match event.kind:
        case EventKind.COMMENT:
            data = {"edited": event.edited, "hidden": event.hidden, "latest": {"raw": event.text}}
        case EventKind.STATUS:
            data = {"status": event.text}
        case EventKind.TITLE:
            data = {"from": event.before, "to": event.text}
        case EventKind.COMMIT:
            data = {"subject": event.text, "oid": event.commit}
    return {
        "id": event.id,
        "type": event.kind.value,
        "createdAt": spelled(event.at),
        "author": {"name": event.author, "type": "user"},
        "data": data,
    }


def _number(spelled: str) -> int:
    if not spelled.isascii() or not spelled.isdigit() or len(spelled) > 9:
        raise NotFound(f"{spelled[:20]!a} is not the number of a discussion")
    return int(spelled)


def _needed(body: JsonObject, key: str) -> str:
    value = text(body, key)
    if value is None:
        raise BadInput(f"the body has no '{key}'")
    return value


def _no_route(visit: Visit) -> NoRoute:
    return NoRoute(f"this Hub has no {visit.request.method} {visit.request.path[:200]}")
