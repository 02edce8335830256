"""A group: some members of an organization, and the repositories that are theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from weighbridge.domain.access import Role
from weighbridge.domain.hosted import Repository
from weighbridge.domain.invalid import Invalid

_NAME_LIMIT, _DESCRIPTION_LIMIT = 64, 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of an organization, which the Hub calls a resource group.

    Its ``id`` stays, and is what ``Repository.group`` and ``Principal.groups`` hold; ``name`` is
    unique in the organization. ``created_at`` is aware UTC.
    """

    id: str
    organization: str
    name: str
    created_at: datetime
    created_by: str
    description: str = ""
    members: Mapping[str, Role] = field(default_factory=dict)
    repositories: tuple[Repository, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > _NAME_LIMIT or not self.name.isprintable():
            raise Invalid(
                "group name",
                self.name[:100],
                "cannot be one",
                hint=f"1 to {_NAME_LIMIT} characters, in one line",
            )
        if len(self.description) > _DESCRIPTION_LIMIT or "\0" in self.description:
            raise Invalid("group description", self.description[:20], "is too long or no text")

    @property
    def full_name(self) -> str:
        """``organization/name``."""
        return f"{self.organization}/{self.name}"
