"""Users and organizations, as the Hub spells them.

GET  /api/users/{user}/overview              GET /api/users/{user}/likes
GET  /api/organizations/{name}/overview      GET /api/organizations/{name}/members
GET  /api/settings/repositories              GET /api/organizations/{name}/settings/repositories
     /api/organizations/{name}/resource-groups/...                              groups.py
"""

from __future__ import annotations

from weighbridge.bridge.profiles import Profile
from weighbridge.domain.access import role_in
from weighbridge.domain.hosted import Repository, spelled
from weighbridge.domain.json_values import Json, JsonObject
from weighbridge.domain.ref import RepoKind
from weighbridge.doors.hub import groups
from weighbridge.doors.hub.answers import Answer, json_answer
from weighbridge.doors.hub.visits import Deed, Place, Visit
from weighbridge.errors import NotPermitted


def user(visit: Visit) -> Answer:
    """A user, as far as the caller may know."""
    found = visit.repos.profiles.user(visit.principal, visit.place.name)
    orgs: list[Json] = [organization_json(name) for name in found.organizations]
    return json_answer(
        {
            **user_json(found.name),
            **_counts(found),
            "details": "",
            "createdAt": spelled(found.since),
            "isPro": False,
            "numLikes": found.likes,
            "orgs": orgs,
        }
    )


def likes(visit: Visit) -> Answer:
    """What a user likes, as far as the caller may see it."""
    found = visit.repos.guests.likes(visit.principal, visit.place.name)
    shown: list[Json] = [
        {"createdAt": spelled(at), "repo": {"name": each.id.full_name, "type": each.id.kind.value}}
        for each, at in found
    ]
    return json_answer(shown)


def organization(visit: Visit) -> Answer:
    """An organization, as far as the caller may know."""
    found = visit.repos.profiles.organization(visit.principal, visit.place.name)
    mine: JsonObject = {"roleInOrg": found.role.value} if found.role else {}
    return json_answer(
        {
            **organization_json(found.name),
            **_counts(found),
            "details": "",
            "createdAt": spelled(found.since),
            "isVerified": False,
            "numUsers": found.members,
            **mine,
        }
    )


def members(visit: Visit) -> Answer:
    """Who belongs to an organization."""
    found = visit.repos.profiles.members(visit.principal, visit.place.name)
    return json_answer(
        [{**user_json(name), "isPro": False, "role": role.value} for name, role in found.items()]
    )


def own_repositories(visit: Visit) -> Answer:
    """The caller's repositories and what they hold."""
    return _storage(visit, visit.repos.owned(visit.principal))


def organization_repositories(visit: Visit) -> Answer:
    """The repositories of an organization and what they hold, for its members."""
    if role_in(visit.principal, visit.place.name) is None:
        raise NotPermitted(f"'{visit.principal.name}' is not a member of '{visit.place.name}'")
    return _storage(visit, visit.repos.of_namespace(visit.principal, visit.place.name))


def _storage(visit: Visit, found: tuple[Repository, ...]) -> Answer:
    held = visit.repos.profiles.storage(found)
    return json_answer(
        [
            {
                "id": each.id.full_name,
                "type": each.id.kind.value,
                "updatedAt": spelled(each.created_at),
                "visibility": "private" if each.private else "public",
                "storage": held[each.key][0],
                "storagePercent": held[each.key][1],
            }
            for each in found
        ]
    )


def user_json(name: str) -> JsonObject:
    """A user, in short."""
    return {"user": name, "fullname": name, "avatarUrl": "", "type": "user"}


def organization_json(name: str) -> JsonObject:
    """An organization, in short."""
    return {"name": name, "fullname": name, "avatarUrl": "", "type": "org"}


def _counts(found: Profile) -> JsonObject:
    counts = found.repositories
    return {
        "numModels": counts[RepoKind.MODEL],
        "numDatasets": counts[RepoKind.DATASET],
        "numSpaces": counts[RepoKind.SPACE],
        "numFollowers": 0,
        "numFollowing": 0,
        "isFollowing": False,
    }


_OF_USER = {
    ("GET", "overview"): Deed(handle=user, anyone=True),
    ("GET", "likes"): Deed(handle=likes, anyone=True),
}
_OF_ORGANIZATION = {
    ("GET", "overview"): Deed(handle=organization, anyone=True),
    ("GET", "members"): Deed(handle=members, anyone=True),
    ("GET", "settings/repositories"): Deed(handle=organization_repositories),
    ("GET", "resource-groups"): Deed(handle=groups.listed),
    ("POST", "resource-groups"): Deed(handle=groups.add),
}
_OF_GROUP = {
    ("GET", 0): Deed(handle=groups.show),
    ("DELETE", 0): Deed(handle=groups.delete),
    ("POST", 1): Deed(handle=groups.add_members),
    ("PATCH", 2): Deed(handle=groups.change_member),
    ("DELETE", 2): Deed(handle=groups.remove_member),
}
"""By the method and how many segments follow the id of the group: none, ``users``, ``users/{user}``."""


def find(method: str, segments: tuple[str, ...]) -> tuple[Deed, Place] | None:
    """What an address below ``/api/users`` or ``/api/organizations`` does; None where it is none."""
    match segments:
        case ("users", name, *rest):
            deed = _OF_USER.get((method, "/".join(rest)))
        case ("organizations", name, "resource-groups", _, *rest) if rest[:1] in ([], ["users"]):
            deed = _OF_GROUP.get((method, len(rest)))
            return (deed, Place(name=name, rest=segments[3:])) if deed else None
        case ("organizations", name, *rest):
            deed = _OF_ORGANIZATION.get((method, "/".join(rest)))
        case _:
            return None
    return (deed, Place(name=name)) if deed else None
