"""Logging in, and opening the first account."""

from __future__ import annotations

from fastapi import APIRouter, Request

from weighbridge.doors.rest.callers import TheBridge, address_of
from weighbridge.doors.rest.people_shapes import Login, SetUp, TokenOut

router = APIRouter(tags=["accounts"])


@router.post("/authenticate", summary="Get a token for a password")
def authenticate(login: Login, bridge: TheBridge, request: Request) -> TokenOut:
    """The token counts for 30 days; paste it into **Authorize** above."""
    return TokenOut(token=bridge.people.authenticate(login.username, login.password, address_of(request)))


@router.post("/setup", summary="Open the first account")
def set_up(wanted: SetUp, bridge: TheBridge) -> TokenOut:
    """With the one-time secret that the first start left in the home; the account may do everything."""
    return TokenOut(token=bridge.people.set_up(wanted.secret, wanted.username, wanted.password))
