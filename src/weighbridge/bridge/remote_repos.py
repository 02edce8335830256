"""The repositories of any Hub, as its official client changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.bridge.login import who
from weighbridge.bridge.upstream import hub_client

if TYPE_CHECKING:
    from weighbridge.adapters.hub_client.repos import HubRepos
    from weighbridge.settings import Settings


def open_repos(settings: Settings, endpoint: str = "") -> HubRepos:
    """The repositories of a Hub, by default the upstream, with the token that is kept for it.

    Raises:
        BadInput, Invalid: the address is none, or the token cannot be read.
    """
    from weighbridge.adapters.hub_client.repos import HubRepos

    return HubRepos(hub_client(settings, endpoint))


def own_name(settings: Settings, endpoint: str = "") -> str:
    """The name under which a Hub knows us.

    Raises:
        NotAuthenticated: there is no token for this Hub, or the Hub does not know it.
        NotFound, BadListing, RateLimited, HubDown: the Hub does not say.
    """
    found = who(settings, endpoint).identity
    return found.name if found else ""
