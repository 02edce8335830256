"""``weighbridge org group``: groups of an organization, on the machine that holds the home."""

from __future__ import annotations

from cyclopts import App

from weighbridge.bridge import now
from weighbridge.bridge.groups import open_groups
from weighbridge.domain.access import LOCAL, Role
from weighbridge.domain.group import Group
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.doors.cli.render import AsJson, show_done, show_json, show_table
from weighbridge.settings import load_settings

group_app = App(name="group", help="Give some members of an organization some of its repositories.")


@group_app.command(name="add")
def group_add(organization: str, name: str, /, *, description: str = "", json: AsJson = False) -> None:
    """Make a group.

    Parameters
    ----------
    organization
        The organization.
    name
        What the group is called there.
    description
        A word about it.
    """
    with open_groups(load_settings(), now) as groups:
        made = groups.add(LOCAL, organization, name, description)
    show_done(
        _document(made), f"{made.full_name} was made; 'weighbridge org group member' fills it", as_json=json
    )


@group_app.command(name="member")
def group_member(
    organization: str, group: str, user: str, /, *, role: Role = Role.WRITE, json: AsJson = False
) -> None:
    """Put a member of the organization into a group, or change its role there.

    Parameters
    ----------
    organization
        The organization.
    group
        The group, by name or id.
    user
        The account.
    role
        'read' sees the group's private repositories, 'contributor' also makes repositories in it,
        'write' writes all of them, 'admin' also names its members and moves repositories.
    """
    with open_groups(load_settings(), now) as groups:
        changed = groups.set_members(LOCAL, organization, group, {user: role})
    show_done(_document(changed), f"{user} is {role.value} in {changed.full_name}", as_json=json)


@group_app.command(name="remove")
def group_remove(organization: str, group: str, user: str, /, *, json: AsJson = False) -> None:
    """Take somebody out of a group.

    Parameters
    ----------
    organization
        The organization.
    group
        The group, by name or id.
    user
        The account.
    """
    with open_groups(load_settings(), now) as groups:
        changed = groups.set_members(LOCAL, organization, group, {user: None})
    show_done(_document(changed), f"{user} is no longer in {changed.full_name}", as_json=json)


@group_app.command(name="repo")
def group_repo(
    repo: str, group: str | None = None, /, *, kind: RepoKind = RepoKind.MODEL, json: AsJson = False
) -> None:
    """Give a repository to a group; without a group: to all members of the organization again.

    Parameters
    ----------
    repo
        The repository: org/name.
    group
        The group, by name or id.
    kind
        What it is.
    """
    with open_groups(load_settings(), now) as groups:
        there = groups.put(LOCAL, RepoId.parse(repo, kind), group)
    where = f"belongs to the group {group}" if group else "belongs to no group"
    document: JsonObject = {"repo": there.id.full_name, "kind": kind.value, "group": group or ""}
    show_done(document, f"{there.id.full_name} {where}", as_json=json)


@group_app.command(name="delete")
def group_delete(organization: str, group: str, /, *, json: AsJson = False) -> None:
    """Take a group away that has no repositories.

    Parameters
    ----------
    organization
        The organization.
    group
        The group, by name or id.
    """
    with open_groups(load_settings(), now) as groups:
        groups.delete(LOCAL, organization, group)
    document: JsonObject = {"organization": organization, "group": group, "changed": "deleted"}
    show_done(document, f"{organization}/{group} is no more", as_json=json)


@group_app.command(name="list")
def group_list(organization: str, /, *, json: AsJson = False) -> None:
    """Show the groups of an organization, their members and repositories.

    Parameters
    ----------
    organization
        The organization.
    """
    with open_groups(load_settings(), now) as groups:
        found = groups.listed(LOCAL, organization)
    if json:
        show_json([_document(each) for each in found])
        return
    rows = [
        (
            each.name,
            each.id,
            ", ".join(f"{user} ({role.value})" for user, role in each.members.items()),
            ", ".join(repository.id.full_name for repository in each.repositories),
        )
        for each in found
    ]
    show_table(("NAME", "ID", "MEMBERS", "REPOSITORIES"), rows)


def _document(group: Group) -> JsonObject:
    return {
        "id": group.id,
        "organization": group.organization,
        "name": group.name,
        "description": group.description,
        "members": {user: role.value for user, role in group.members.items()},
        "repositories": [
            {"repo": each.id.full_name, "kind": each.id.kind.value} for each in group.repositories
        ],
    }
