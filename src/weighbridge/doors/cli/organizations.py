"""``weighbridge org``: organizations, on the machine that holds the home."""

from __future__ import annotations

from cyclopts import App

from weighbridge.bridge import now
from weighbridge.bridge.organizations import open_organizations
from weighbridge.domain.access import LOCAL, Role
from weighbridge.doors.cli.groups import group_app
from weighbridge.doors.cli.render import AsJson, show_done, show_json, show_table
from weighbridge.settings import load_settings

org_app = App(name="org", help="Make organizations, name their members, and group them.")
org_app.command(group_app)


@org_app.command(name="add")
def org_add(name: str, /, *, json: AsJson = False) -> None:
    """Make an organization: a namespace that its members share.

    Parameters
    ----------
    name
        Lower-case letters, digits, '-', '_' and '.'; no user may have it.
    """
    with open_organizations(load_settings(), now) as organizations:
        organizations.add(LOCAL, name)
    show_done(
        {"name": name, "changed": "added"},
        f"{name} was made; 'weighbridge org member' fills it",
        as_json=json,
    )


@org_app.command(name="member")
def org_member(name: str, user: str, /, *, role: Role = Role.WRITE, json: AsJson = False) -> None:
    """Make a user a member, or change its role.

    Parameters
    ----------
    name
        The organization.
    user
        The account.
    role
        'read' sees private repositories, 'contributor' also makes repositories, 'write' writes all
        of them, 'admin' also names members.
    """
    with open_organizations(load_settings(), now) as organizations:
        organizations.set_member(LOCAL, name, user, role)
    show_done(
        {"name": name, "user": user, "role": role.value}, f"{user} is {role.value} in {name}", as_json=json
    )


@org_app.command(name="remove")
def org_remove(name: str, user: str, /, *, json: AsJson = False) -> None:
    """End a membership.

    Parameters
    ----------
    name
        The organization.
    user
        The account.
    """
    with open_organizations(load_settings(), now) as organizations:
        organizations.set_member(LOCAL, name, user, None)
    show_done({"name": name, "user": user, "role": ""}, f"{user} is no longer in {name}", as_json=json)


@org_app.command(name="list")
def org_list(*, json: AsJson = False) -> None:
    """Show every organization and its members."""
    with open_organizations(load_settings(), now) as organizations:
        found = organizations.listed(LOCAL)
    if json:
        show_json([{"name": name, "members": dict(members)} for name, members in found.items()])
        return
    rows = [
        (name, ", ".join(f"{user} ({role.value})" for user, role in members.items()))
        for name, members in found.items()
    ]
    show_table(("NAME", "MEMBERS"), rows)
