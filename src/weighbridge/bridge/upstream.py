"""The Hub that the settings name, as every part of the house asks it; and every Hub's token."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weighbridge.adapters.credentials import Credentials
    from weighbridge.adapters.hub_client import HubClient
    from weighbridge.adapters.hub_http import Contact, Patience
    from weighbridge.ports import Hub
    from weighbridge.settings import Settings


def upstream_hub(
    settings: Settings,
    *,
    token: str | None = None,
    offline: bool = False,
    contact: Contact | None = None,
    patience: Patience | None = None,
) -> Hub:
    """The upstream, or whoever answers in its place where nothing may be asked.

    ``token`` is used instead of what ``credentials`` finds, ``contact`` is told whether the Hub answers,
    and ``patience`` is had with it.

    Raises:
        BadInput, Invalid: the address is none, or the token cannot stand in a header.
        BadInput: the file of tokens may be read by others.
    """
    if offline or settings.offline:
        from weighbridge.adapters.hub_offline import OfflineHub

        return OfflineHub()
    from weighbridge.adapters.hub_http import HttpHub

    return HttpHub(
        settings.upstream,
        token=token_for(settings, given=token),
        environ=settings.environ,
        connections=settings.connections,
        contact=contact,
        patience=patience,
    )


def hub_client(settings: Settings, endpoint: str = "", *, token: str | None = None) -> HubClient:
    """The official client for a Hub, by default the upstream, with the token that is kept for it.

    Raises:
        BadInput, Invalid: as ``upstream_hub``.
    """
    from weighbridge.adapters.hub_client import HubClient

    hub = endpoint or settings.upstream
    return HubClient(hub, token=token_for(settings, hub, given=token), offline=settings.offline)


def token_for(settings: Settings, endpoint: str = "", *, given: str | None = None) -> str | None:
    """The token for a Hub, by default the upstream; None where there is none.

    Raises:
        BadInput, Invalid: as ``upstream_hub``.
    """
    found = credentials(settings).find(endpoint or settings.upstream, given)
    return found.token if found else None


def credentials(settings: Settings) -> Credentials:
    """All tokens that this machine has, each for its Hub."""
    from weighbridge.adapters.credentials import Credentials
    from weighbridge.adapters.os_keyring import OsKeyring

    return Credentials(
        settings.home,
        environment={settings.upstream: settings.hf_token} if settings.hf_token else {},
        files={settings.token_file_hub: settings.token_file},
        keyring=OsKeyring(),
    )
