"""Accounts and tokens: who there is, and with what they call."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from weighbridge.domain.access import Permission, can
from weighbridge.doors.rest.callers import Caller, TheBridge, address_of
from weighbridge.doors.rest.people_shapes import (
    ACCOUNT,
    TOKEN_ID,
    KeptToken,
    MadeToken,
    PasswordIn,
    TokenIn,
    TokenPage,
    UserChange,
    UserIn,
    UserOut,
    UserPage,
)
from weighbridge.doors.rest.shapes import Limit

router = APIRouter(tags=["accounts"])
Name = Annotated[str, Path(pattern=ACCOUNT, description="the account")]


@router.get("/users", summary="List accounts by name")
def users(
    bridge: TheBridge,
    caller: Caller,
    limit: Limit = 100,
    after: Annotated[str | None, Query(pattern=ACCOUNT, description="'next' of the page before")] = None,
) -> UserPage:
    """Needs the permission `admin`."""
    found = bridge.people.users(caller, limit, after or "")
    return UserPage(
        users=[UserOut.of(user) for user in found], next=found[-1].name if len(found) == limit else None
    )


@router.post("/users", summary="Open an account", status_code=201)
def add_user(wanted: UserIn, bridge: TheBridge, caller: Caller) -> UserOut:
    """Needs the permission `admin`; a name that was ever taken is answered with 409."""
    return UserOut.of(bridge.people.add_user(caller, wanted.name, wanted.permissions, wanted.password))


@router.get("/user/{name}", summary="One account")
def user(name: Name, bridge: TheBridge, caller: Caller) -> UserOut:
    """One's own, or with the permission `admin` any."""
    return UserOut.of(bridge.people.user(caller, name))


@router.patch("/user/{name}", summary="Close an account")
def change_user(name: Name, _wanted: UserChange, bridge: TheBridge, caller: Caller) -> UserOut:
    """Its password and its tokens count no more, at once. Needs the permission `admin`.

    Nobody closes the own account or the last one with `admin`: 409.
    """
    bridge.people.disable(caller, name)
    return UserOut.of(bridge.people.user(caller, name))


@router.post("/user/{name}/password", summary="Change a password", status_code=204)
def set_password(name: Name, wanted: PasswordIn, bridge: TheBridge, caller: Caller, request: Request) -> None:
    """One's own with the old one, or with the permission `admin` any. Whoever logged in must do so again.

    A wrong old password is answered with 403, and after some of them with 429.
    """
    bridge.people.set_password(caller, name, wanted.password, wanted.old_password, address_of(request))


@router.get("/tokens", summary="List tokens, newest first")
def tokens(
    bridge: TheBridge,
    caller: Caller,
    user: Annotated[str | None, Query(pattern=ACCOUNT, description="only those of this account")] = None,
    limit: Limit = 100,
    after: Annotated[str | None, Query(pattern=TOKEN_ID, description="'next' of the page before")] = None,
) -> TokenPage:
    """One's own; with the permission `admin` everybody's. No secret is among them."""
    whose = user if user or can(caller, Permission.ADMIN) else caller.name
    found = bridge.people.tokens(caller, whose, limit, after)
    return TokenPage(
        tokens=[KeptToken.of(token) for token in found], next=found[-1].id if len(found) == limit else None
    )


@router.post("/tokens", summary="Make a token", status_code=201)
def create_token(wanted: TokenIn, bridge: TheBridge, caller: Caller) -> MadeToken:
    """Its secret is told this once. It may at most what its user may, and who makes it.

    For somebody else, or asked for with a token that was not given for a password, it needs the
    permission `admin`.
    """
    token, secret = bridge.people.create_token(
        caller, wanted.user or caller.name, wanted.permissions, wanted.expires_days
    )
    return MadeToken.model_validate({**token.to_json(), "token": secret})


@router.delete("/token/{id}", summary="Revoke a token", status_code=204)
def revoke_token(
    id: Annotated[str, Path(pattern=TOKEN_ID, description="as GET /tokens tells it")],
    bridge: TheBridge,
    caller: Caller,
) -> None:
    """At once: one's own, or with the permission `admin` anybody's. One that was revoked stays so.

    A token that was not given for a password revokes itself, and others with `admin` only.
    """
    bridge.people.revoke_token(caller, id)
