"""The verbs of organizations: namespaces that several users share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime

from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge.access import require
from weighbridge.domain.access import AuditLine, Permission, Principal, Role, checked_account, role_in
from weighbridge.domain.invalid import Invalid
from weighbridge.errors import BadName
from weighbridge.settings import Settings


class Organizations:
    """One method per verb. An admin of the registry makes them; their own admins name the members."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog, self._now = catalog, now

    def add(self, by: Principal, name: str) -> None:
        """Make an organization.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``.
            BadName: it cannot be the name of one.
            Conflict: a user or an organization has it.
        """
        require(by, Permission.ADMIN)
        at = self._now()
        try:
            checked_account(name)
        except Invalid as error:
            raise BadName(f"'{name}' cannot be the name of an organization", hint=error.hint) from error
        self._catalog.add_organization(name, at, by.name, self._line(by, "add", name))

    def set_member(self, by: Principal, organization: str, user: str, role: Role | None) -> None:
        """Give a user a role; None: no longer a member.

        Raises:
            NotAuthenticated, NotPermitted: the caller is not an admin of the organization.
            NotFound: there is no such organization, user or member.
        """
        if role_in(by, organization) is not Role.ADMIN or not self._catalog.is_organization(organization):
            require(by, Permission.ADMIN)
        detail = f"{user} {role.value if role else 'removed'}"
        self._catalog.set_member(organization, user, role, self._line(by, "member", organization, detail))

    def listed(self, by: Principal) -> Mapping[str, Mapping[str, Role]]:
        """Every organization with its members and their roles. Raises as ``add`` for the permission."""
        require(by, Permission.ADMIN)
        return self._catalog.organizations()

    def _line(self, by: Principal, verb: str, target: str, detail: str = "") -> AuditLine:
        return AuditLine(
            at=self._now(), by=by.name, verb=f"organization.{verb}", target=target, detail=detail
        )


@contextmanager
def open_organizations(settings: Settings, now: Callable[[], datetime]) -> Iterator[Organizations]:
    """The organizations alone, for the commands of the machine that holds the home.

    Raises:
        BadInput: a setting cannot be used.
        StoreDown: the database cannot be used.
    """
    with closing(Catalog.open(settings.catalog_url)) as catalog:
        yield Organizations(catalog, now)
