"""Tokens for Hubs: kept, forgotten, and whom they speak for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.bridge.upstream import credentials, hub_client
from weighbridge.domain.credential import Credential, Identity
from weighbridge.domain.endpoint import checked_token, hub_address, origin_of
from weighbridge.errors import NotAuthenticated

if TYPE_CHECKING:
    from weighbridge.domain.json_values import JsonObject
    from weighbridge.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """Which Hub, the token that is used there, and whom the Hub takes us for where it was asked.

    ``kept`` is where the token was put by ``log_in``. ``used`` is what counts from now on: of an
    earlier source, as HF_TOKEN, where there is one.
    """

    endpoint: str
    identity: Identity | None
    used: Credential
    kept: Credential | None = None

    def to_json(self) -> JsonObject:
        """Everything but the token."""
        who = self.identity
        return {
            "endpoint": self.endpoint,
            "name": who.name if who else None,
            "kind": who.kind if who else None,
            "organizations": dict(who.organizations) if who else {},
            "may": who.may if who else "",
            "source": self.used.source.value,
            "place": self.used.place,
        }


def log_in(
    settings: Settings, token: str, *, endpoint: str = "", in_keyring: bool = False, check: bool = True
) -> LoggedIn:
    """Ask the Hub whom a token speaks for, then keep it; without ``check`` the Hub is not asked.

    Raises:
        Invalid: the address or the token is none.
        NotAuthenticated: the Hub does not know the token; it is not kept.
        NotFound, BadListing: the address is no Hub's.
        RateLimited, HubDown: the Hub did not answer; nothing is kept.
        BadInput, MissingExtra, StoreDown: it cannot be kept.
    """
    from weighbridge.adapters.hub_client.people import identity

    hub, token = hub_address(endpoint or settings.upstream), checked_token(token)
    who = identity(hub_client(settings, hub, token=token)) if check else None
    store = credentials(settings)
    kept = store.keep(hub, token, in_keyring=in_keyring)
    return LoggedIn(endpoint=origin_of(hub), identity=who, used=store.find(hub) or kept, kept=kept)


def log_out(settings: Settings, endpoint: str = "") -> tuple[str, str | None, Credential | None]:
    """Forget a Hub's token: the Hub, where the token was, and what is still used for that Hub.

    Raises:
        Invalid, BadInput, MissingExtra, StoreDown: as ``log_in``.
    """
    hub = endpoint or settings.upstream
    store = credentials(settings)
    return origin_of(hub), store.forget(hub), store.find(hub)


def who(settings: Settings, endpoint: str = "") -> LoggedIn:
    """Whom a Hub takes us for, with the token that every command uses there.

    Raises:
        NotAuthenticated: there is no token for this Hub, or the Hub does not know it.
        NotFound, BadListing, RateLimited, HubDown: as ``log_in``.
    """
    from weighbridge.adapters.hub_client.people import identity

    hub = hub_address(endpoint or settings.upstream)
    used = credentials(settings).find(hub)
    if used is None:
        raise NotAuthenticated(
            f"there is no token for {origin_of(hub)}", hint=f"run 'weighbridge login --endpoint {hub}'"
        )
    found = identity(hub_client(settings, hub, token=used.token))
    return LoggedIn(endpoint=origin_of(hub), identity=found, used=used)
