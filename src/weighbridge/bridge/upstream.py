"""The Hub that the settings name, as every part of the house asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weighbridge.adapters.hub_http import Contact
    from weighbridge.ports import Hub
    from weighbridge.settings import Settings


def upstream_hub(
    settings: Settings, *, token: str | None = None, offline: bool = False, contact: Contact | None = None
) -> Hub:
    """The upstream, or whoever answers in its place where nothing may be asked.

    ``token`` is used instead of that of the settings, ``contact`` is told whether the Hub answers.

    Raises:
        BadInput: the address is none, or the token cannot stand in a header.
    """
    if offline or settings.offline:
        from weighbridge.adapters.hub_offline import OfflineHub

        return OfflineHub()
    from weighbridge.adapters.hub_http import HttpHub

    return HttpHub(
        settings.upstream,
        token=token or settings.token,
        environ=settings.environ,
        connections=settings.connections,
        contact=contact,
    )
