"""``weighbridge user`` and ``weighbridge token``: accounts, on the machine that holds the home.

Passwords are asked for, or read from standard input: arguments can be seen by everybody on the
machine and stay in the shell's history.
"""

from __future__ import annotations

import sys
from datetime import datetime
from getpass import getpass
from typing import Annotated

from cyclopts import App, Parameter

from weighbridge.bridge import now
from weighbridge.bridge.people import open_people
from weighbridge.domain.access import LOCAL, Permission
from weighbridge.doors.cli.render import AsJson, show_done, show_json, show_table
from weighbridge.errors import BadInput
from weighbridge.settings import load_settings

user_app = App(name="user", help="Add, list and disable accounts.")
token_app = App(name="token", help="Create, list and revoke access tokens.")

FromStdin = Annotated[
    bool, Parameter(name="--password-stdin", negative="", help="Read the password from standard input.")
]
Permissions = Annotated[
    tuple[Permission, ...], Parameter(name="--permission", negative="", consume_multiple=True)
]


@user_app.command(name="add")
def user_add(
    name: str, /, *, permission: Permissions = (), password_stdin: FromStdin = False, json: AsJson = False
) -> None:
    """Open an account; its password is asked for.

    Parameters
    ----------
    name
        Lower-case letters, digits, '-', '_' and '.'.
    permission
        What it may do: search, download, upload, admin; may be given several times. Default:
        search and download.
    """
    wanted = permission or (Permission.SEARCH, Permission.DOWNLOAD)
    with open_people(load_settings(), now) as people:
        user = people.add_user(LOCAL, name, wanted, _new_password(password_stdin))
    show_done(user.to_json(), f"{user.name} may {', '.join(sorted(user.permissions))}", as_json=json)


@user_app.command(name="list")
def user_list(*, json: AsJson = False) -> None:
    """Show every account and what it may do."""
    with open_people(load_settings(), now) as people:
        users = people.users(LOCAL)
    if json:
        show_json([user.to_json() for user in users])
        return
    rows = [
        (
            user.name,
            ", ".join(sorted(user.permissions)),
            "disabled" if user.disabled else "",
            _at(user.created_at),
        )
        for user in users
    ]
    show_table(("NAME", "MAY", "STATE", "SINCE"), rows)


@user_app.command(name="passwd")
def user_passwd(name: str, /, *, password_stdin: FromStdin = False, json: AsJson = False) -> None:
    """Change a password; whoever logged in with the old one must log in again.

    Parameters
    ----------
    name
        The account.
    """
    with open_people(load_settings(), now) as people:
        people.set_password(LOCAL, name, _new_password(password_stdin))
    show_done({"name": name, "changed": "password"}, f"the password of {name} was changed", as_json=json)


@user_app.command(name="disable")
def user_disable(name: str, /, *, json: AsJson = False) -> None:
    """Close an account: its password and its tokens count no more.

    Parameters
    ----------
    name
        The account.
    """
    with open_people(load_settings(), now) as people:
        people.disable(LOCAL, name)
    show_done({"name": name, "changed": "disabled"}, f"{name} is disabled", as_json=json)


@token_app.command(name="create")
def token_create(
    *, user: str, permission: Permissions = (), expires: int | None = None, json: AsJson = False
) -> None:
    """Make a token and print it; it is shown this once and is not kept.

    Parameters
    ----------
    user
        The account that it speaks for.
    permission
        What it may do, at most what its account may; may be given several times. Default: all of that.
    expires
        After how many days it ends. Default: when it is revoked.
    """
    with open_people(load_settings(), now) as people:
        token, secret = people.create_token(LOCAL, user, permission or None, expires)
    if json:
        show_json({**token.to_json(), "token": secret})
        return
    ends = f"ends {_at(token.expires_at)}" if token.expires_at else "ends when it is revoked"
    print(f"token {token.id} of {user}, {ends}:", file=sys.stderr, flush=True)
    print(secret)


@token_app.command(name="list")
def token_list(*, user: str | None = None, json: AsJson = False) -> None:
    """Show every token, without its secret.

    Parameters
    ----------
    user
        Only the tokens of this account.
    """
    at = now()
    with open_people(load_settings(), now) as people:
        tokens = people.tokens(LOCAL, user)
    if json:
        show_json([token.to_json() for token in tokens])
        return
    rows = [
        (
            token.id,
            token.user,
            ", ".join(sorted(token.permissions)),
            "holds" if token.holds(at) else "revoked" if token.revoked_at else "expired",
            _at(token.expires_at),
            _at(token.last_used_at),
        )
        for token in tokens
    ]
    show_table(("ID", "USER", "MAY", "STATE", "EXPIRES", "LAST USED"), rows)


@token_app.command(name="revoke")
def token_revoke(id: str, /, *, json: AsJson = False) -> None:
    """End a token at once.

    Parameters
    ----------
    id
        As 'weighbridge token list' shows it.
    """
    with open_people(load_settings(), now) as people:
        people.revoke_token(LOCAL, id)
    show_done({"id": id, "changed": "revoked"}, f"token {id} is revoked", as_json=json)


def _new_password(from_stdin: bool) -> str:
    """A password, asked for twice on a terminal.

    Raises:
        BadInput: there is no terminal, or the two are not the same.
    """
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise BadInput("there is no terminal to ask for the password", hint="use --password-stdin")
    password = getpass("Password: ")
    if getpass("Again: ") != password:
        raise BadInput("the two passwords are not the same")
    return password


def _at(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M") if at else "-"
