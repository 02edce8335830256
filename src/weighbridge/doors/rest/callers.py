"""Who calls: the token out of the request, the principal out of the bridge."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param
from pydantic import BaseModel

from weighbridge.bridge import Bridge
from weighbridge.domain.access import Principal
from weighbridge.doors.proxies import client_address
from weighbridge.errors import NotAuthenticated

# These two only tell the documentation (its Authorize button); ``_secret`` reads the headers.
_BEARER = HTTPBearer(auto_error=False, scheme_name="token", description="the token of POST /authenticate")
_HEADER = APIKeyHeader(
    name="X-Authorization", auto_error=False, scheme_name="X-Authorization", description="the same token"
)


async def bridge_of(request: Request) -> Bridge:
    """The registry that this application stands before."""
    bridge = request.app.state.bridge
    assert isinstance(bridge, Bridge)  # noqa: S101 - rest_app put it there
    return bridge


def address_of(request: Request) -> str:
    """Where a request came from; empty for this machine."""
    return client_address(request.scope, request.app.state.proxies)


async def known_queries(request: Request) -> None:
    """A parameter that an address does not know would be without effect: it is refused, not passed over.

    Raises:
        RequestValidationError: there is one.
    """
    if not request.query_params:
        return
    known = _queries_of(request.scope["route"])
    told = f"there is no such parameter here; known: {', '.join(known)}" if known else "there are none here"
    if strange := sorted({name for name in request.query_params if name not in known}):
        raise RequestValidationError(
            [{"type": "extra_forbidden", "loc": ("query", name), "msg": told} for name in strange]
        )


def _queries_of(route: APIRoute) -> list[str]:
    """The names of a route's parameters; not out of its description, which takes a second to be made."""
    names = list[str]()
    for given in route.dependant.query_params:
        kind = given.field_info.annotation
        model = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
        names += model.model_fields if model else [given.alias]
    return names


TheBridge = Annotated[Bridge, Depends(bridge_of)]


def caller(
    request: Request,
    bridge: TheBridge,
    _bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)] = None,
    _header: Annotated[str | None, Depends(_HEADER)] = None,
) -> Principal:
    """Who calls; without a token, anonymous.

    Raises:
        NotAuthenticated: the token is no good, or it is no bearer token.
    """
    secret = _secret(request)
    principal = bridge.people.principal(secret)
    request.state.is_known = secret is not None
    return principal


Caller = Annotated[Principal, Depends(caller)]


def caller_again(request: Request, bridge: TheBridge) -> Callable[[], Principal]:
    """Who calls by now, for an answer that goes on: tokens are revoked meanwhile. Raises as ``caller``."""
    return partial(bridge.people.principal, _secret(request))


Again = Annotated[Callable[[], Principal], Depends(caller_again)]


def _secret(request: Request) -> str | None:
    # X-Authorization first: it is sent where Authorization belongs to a proxy in between.
    bare = request.headers.get("x-authorization")
    if bare is not None:
        scheme, rest = get_authorization_scheme_param(bare)
        return rest if scheme.lower() == "bearer" and rest else bare
    given = request.headers.get("authorization")
    if given is None:
        return None
    scheme, secret = get_authorization_scheme_param(given)
    if scheme.lower() != "bearer" or not secret:
        raise NotAuthenticated(
            "the Authorization header is no bearer token", hint="Authorization: Bearer ..."
        )
    return secret
