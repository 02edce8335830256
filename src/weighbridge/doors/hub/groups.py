"""Groups, which the Hub calls resource groups, as it spells them.

GET    /api/organizations/{org}/resource-groups          POST {"name", "description", "users", "repos"}
GET    /api/organizations/{org}/resource-groups/{id}     DELETE
POST   .../{id}/users {"users": [{"user", "role"}]}      PATCH .../{id}/users/{user} {"role"}      DELETE
GET    /api/{kind}s/{repo}/resource-group                POST {"resourceGroupId": id or null}
"""

from __future__ import annotations

from weighbridge.domain.access import Role
from weighbridge.domain.group import Group
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, JsonObject, objects, text
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.doors.hub.answers import Answer, json_answer
from weighbridge.doors.hub.visits import Visit
from weighbridge.errors import BadInput, BadName

_MANY = 1000


def listed(visit: Visit) -> Answer:
    """The groups of an organization that the caller sees."""
    found = visit.repos.groups.listed(visit.principal, visit.place.name)
    return json_answer([_group_json(each) for each in found])


def add(visit: Visit) -> Answer:
    """Make a group."""
    body = visit.document()
    made = visit.repos.groups.add(
        visit.principal,
        visit.place.name,
        text(body, "name") or "",
        text(body, "description") or "",
        _members(body),
        [_repo(each) for each in objects(body, "repos")[:_MANY]],
    )
    return json_answer(_group_json(made))


def show(visit: Visit) -> Answer:
    """One group."""
    return json_answer(
        _group_json(visit.repos.groups.group(visit.principal, visit.place.name, visit.place.rest[0]))
    )


def delete(visit: Visit) -> Answer:
    """Take a group away."""
    visit.repos.groups.delete(visit.principal, visit.place.name, visit.place.rest[0])
    return json_answer({})


def add_members(visit: Visit) -> Answer:
    """Put members into a group."""
    members = _members(visit.document())
    if not members:
        raise BadInput("the body names no 'users'")
    group = visit.repos.groups.set_members(
        visit.principal, visit.place.name, visit.place.rest[0], dict(members)
    )
    return json_answer(_group_json(group))


def change_member(visit: Visit) -> Answer:
    """Give a member of a group another role."""
    group, _, user = visit.place.rest
    role = _role(visit.document())
    changed = visit.repos.groups.set_members(visit.principal, visit.place.name, group, {user.lower(): role})
    return json_answer(_group_json(changed))


def remove_member(visit: Visit) -> Answer:
    """Take a member out of a group."""
    group, _, user = visit.place.rest
    changed = visit.repos.groups.set_members(visit.principal, visit.place.name, group, {user.lower(): None})
    return json_answer(_group_json(changed))


def group_of(visit: Visit) -> Answer:
    """The group that a repository is in; null where it is in none that the caller sees."""
    found = visit.repos.groups.group_of(visit.principal, visit.repo)
    return json_answer(_group_json(found) if found else None)


def put(visit: Visit) -> Answer:
    """Give a repository to a group, or to none."""
    body = visit.document()
    wanted = body.get("resourceGroupId")
    if "resourceGroupId" not in body or not (wanted is None or isinstance(wanted, str)):
        raise BadInput("the body names no 'resourceGroupId'")
    visit.repos.groups.put(visit.principal, visit.repo, wanted)
    return group_of(visit)


def _members(body: JsonObject) -> dict[str, Role]:
    found = objects(body, "users")
    if len(found) > _MANY:
        raise BadInput(f"more than {_MANY} users are named at once")
    return {(text(each, "user") or "").lower(): _role(each) for each in found}


def _role(spelled: JsonObject) -> Role:
    role = text(spelled, "role") or ""
    if role not in set(Role):
        raise BadInput(f"'role' is none of {', '.join(Role)}")
    return Role(role)


def _repo(spelled: JsonObject) -> RepoId:
    kind = text(spelled, "type") or "model"
    if kind not in set(RepoKind):
        raise BadInput(f"'type' is none of {', '.join(RepoKind)}")
    try:
        return RepoId.parse(text(spelled, "name") or "", RepoKind(kind))
    except Invalid as error:
        raise BadName(str(error), hint=error.hint) from error


def _group_json(group: Group) -> JsonObject:
    users: list[Json] = [
        {"user": name, "name": name, "fullname": name, "avatarUrl": "", "type": "user", "role": role.value}
        for name, role in group.members.items()
    ]
    repos: list[Json] = [
        {"name": each.id.full_name, "type": each.id.kind.value, "private": each.private}
        for each in group.repositories
    ]
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "users": users,
        "repos": repos,
        "autoJoin": {"enabled": False},
    }
