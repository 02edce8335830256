"""Whom a Hub takes the bearer of a token for."""

from __future__ import annotations

from collections.abc import Mapping

from weighbridge.adapters.hub_client import HubClient
from weighbridge.domain.credential import Identity
from weighbridge.errors import BadListing


def identity(hub: HubClient) -> Identity:
    """Who asks, as the Hub sees it.

    Raises:
        NotAuthenticated: the Hub does not know the token, or there is none.
        NotFound: the address is no Hub's.
        BadListing: the Hub names nobody.
        RateLimited, HubDown: it did not answer.
    """
    with hub.asking("who this is") as api:
        said: object = api.whoami()
    found = Identity.from_hub_json(said) if isinstance(said, Mapping) else None
    if found is None:
        raise BadListing(f"{hub.endpoint} does not say who this is", hint="is this address a Hub?")
    return found
