"""The accounts of a registry, with those whom other issuers vouch for where there are such."""

from __future__ import annotations

from functools import partial

from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge import now
from weighbridge.bridge.people import People
from weighbridge.settings import Settings


def registry_people(settings: Settings, catalog: Catalog) -> People:
    """Who calls; the libraries for other issuers are loaded only where the settings name some.

    Raises:
        BadConfig, BadInput: the file of issuers has mistakes, or cannot be read.
    """
    if settings.oidc_file is None:
        return People(catalog, settings, now)
    from weighbridge.adapters.hub_http.document import fetch_document
    from weighbridge.adapters.issuers_file import read_issuers
    from weighbridge.adapters.oidc import Issuers

    fetch = partial(fetch_document, environ=settings.environ)
    return People(catalog, settings, now, Issuers(read_issuers(settings.oidc_file), fetch))
