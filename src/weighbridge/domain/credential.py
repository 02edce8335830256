"""A token for one Hub and where it was found, and whom the Hub takes its bearer for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from weighbridge.domain.json_values import JsonObject, child, objects, text


class Source(StrEnum):
    """Where a token was found, in the order in which they are asked."""

    GIVEN = "given"
    ENVIRONMENT = "environment"
    TOKEN_FILE = "token-file"
    CREDENTIALS = "credentials"
    KEYRING = "keyring"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A token, kept out of ``repr``; ``place`` is the variable, file or keyring that holds it."""

    token: str = field(repr=False)
    source: Source
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom a Hub takes us for.

    ``organizations`` are the names and the role in each, empty where the Hub does not say;
    ``may`` is what the Hub says of the token, as in "read", "write" or "fineGrained".
    """

    name: str
    kind: str
    organizations: Mapping[str, str]
    may: str = ""

    @staticmethod
    def from_hub_json(raw: JsonObject) -> Identity | None:
        """What ``/api/whoami-v2`` says; None where it names nobody."""
        name = text(raw, "name")
        if not name:
            return None
        given = child(child(raw, "auth"), "accessToken")
        organizations = {
            text(one, "name") or "": text(one, "roleInOrg") or "" for one in objects(raw, "orgs")
        }
        organizations.pop("", None)
        return Identity(
            name=name,
            kind=text(raw, "type") or "user",
            organizations=organizations,
            may=text(given, "role") or "",
        )
