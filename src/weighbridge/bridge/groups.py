"""The verbs of groups: which members of an organization have which of its repositories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from uuid import uuid4

from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge.access import require
from weighbridge.domain.access import AuditLine, Permission, Principal, Role, Verb, governs, may, role_in
from weighbridge.domain.group import Group
from weighbridge.domain.hosted import Repository
from weighbridge.domain.ref import RepoId
from weighbridge.errors import BadInput, NoSuchRepo, NotFound, NotPermitted
from weighbridge.settings import Settings


class Groups:
    """One method per verb. The admins of an organization make groups; a group's own fill it.

    Each raises NotPermitted where the caller has no such role, for organizations and groups that
    exist and those that do not alike; what changes anything asks for ``upload`` too, so that no token
    that may only read gives others a role.
    """

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog, self._now = catalog, now

    def add(
        self,
        by: Principal,
        organization: str,
        name: str,
        description: str = "",
        members: Mapping[str, Role] | None = None,
        repositories: Sequence[RepoId] = (),
    ) -> Group:
        """Make a group.

        Raises:
            NotFound: there is no such organization; somebody is no member of it.
            Conflict: it has a group of this name.
            Invalid: it cannot be the name of one.
            NoSuchRepo, BadInput: a repository is not there, or is in another namespace.
        """
        require(by, Permission.UPLOAD)
        organization = organization.lower()
        if not governs(by, organization):
            raise _not_permitted(by, organization)
        group = Group(
            id=uuid4().hex[:24],
            organization=organization,
            name=name,
            description=description,
            created_at=self._now(),
            created_by=by.name,
            members=dict(members or {}),
            repositories=tuple(self._movable(by, repo, organization) for repo in repositories),
        )
        self._catalog.add_group(group, self._line(by, "add", group))
        return group

    def listed(self, by: Principal, organization: str) -> tuple[Group, ...]:
        """The groups of an organization: all for its admins, for others those that they are in."""
        organization = organization.lower()
        if role_in(by, organization) is None:
            raise _not_permitted(by, organization)
        mine = {id for id, _ in by.groups}
        found = self._catalog.groups_in(organization)
        return tuple(each for each in found if governs(by, organization) or each.id in mine)

    def group(self, by: Principal, organization: str, wanted: str) -> Group:
        """One group, by its id or its name.

        Raises:
            NotFound: there is none that the caller sees.
        """
        for each in self.listed(by, organization):
            if wanted in (each.id, each.name):
                return each
        raise NotFound(
            f"'{organization}' has no group '{wanted[:100]}'", hint="'weighbridge org group list' shows them"
        )

    def set_members(
        self, by: Principal, organization: str, wanted: str, roles: Mapping[str, Role | None]
    ) -> Group:
        """Give members of the organization roles in a group; None: no longer in it. All or nothing.

        Raises:
            NotFound: there is no such group; somebody is no member of the organization, or was not
                in the group.
        """
        require(by, Permission.UPLOAD)
        group = self._governed(by, organization, wanted)
        said = ", ".join(f"{user} {role.value if role else 'removed'}" for user, role in roles.items())
        self._catalog.set_group_members(group, roles, self._line(by, "member", group, said))
        return self.group(by, organization, group.id)

    def put(self, by: Principal, repo: RepoId, wanted: str | None) -> Repository:
        """Give a repository to a group of its organization, by id or name; None: to none.

        The caller must be an admin of the group that has it now and of the one that gets it.

        Raises:
            NoSuchRepo: there is no such repository.
            NotFound: there is no such group.
        """
        require(by, Permission.UPLOAD)
        organization = repo.namespace.lower()
        group = None if wanted is None else self._governed(by, organization, wanted)
        there = self._movable(by, repo, organization)
        line = AuditLine(
            at=self._now(),
            by=by.name,
            verb="repo.group",
            target=there.id.full_name,
            detail=group.full_name if group else "none",
        )
        self._catalog.put_in_group(there, group, line)
        return there

    def group_of(self, by: Principal, repo: RepoId) -> Group | None:
        """The group that a repository belongs to, if the caller sees it."""
        there = self._catalog.hosted(repo)
        if there is None or not may(by, Verb.SEE, there):
            raise NoSuchRepo(repo.full_name)
        known = there.group and (governs(by, there.id.namespace) or there.group in dict(by.groups))
        return self._catalog.group(there.group) if known else None

    def delete(self, by: Principal, organization: str, wanted: str) -> None:
        """Take a group away that has no repositories.

        Raises:
            NotFound: there is none.
            Conflict: it has; without it more people would see them.
        """
        require(by, Permission.UPLOAD)
        group = self.group(by, organization, wanted)
        if not governs(by, group.organization):
            raise _not_permitted(by, group.full_name)
        self._catalog.delete_group(group, self._line(by, "delete", group))

    def _governed(self, by: Principal, organization: str, wanted: str) -> Group:
        group = self.group(by, organization, wanted)
        if not governs(by, group.organization, group.id):
            raise _not_permitted(by, group.full_name)
        return group

    def _movable(self, by: Principal, repo: RepoId, organization: str) -> Repository:
        there = self._catalog.hosted(repo)
        if there is None or not may(by, Verb.SEE, there):
            raise NoSuchRepo(repo.full_name)
        if there.id.namespace.lower() != organization:
            raise BadInput(f"'{there.id}' is not a repository of '{organization}'")
        if not (may(by, Verb.OWN, there) and (not there.group or governs(by, organization, there.group))):
            raise _not_permitted(by, there.id.full_name)
        return there

    def _line(self, by: Principal, verb: str, group: Group, detail: str = "") -> AuditLine:
        return AuditLine(
            at=self._now(), by=by.name, verb=f"group.{verb}", target=group.full_name, detail=detail
        )


def _not_permitted(by: Principal, what: str) -> NotPermitted:
    return NotPermitted(f"'{by.name}' is no admin of '{what}', or there is none")


@contextmanager
def open_groups(settings: Settings, now: Callable[[], datetime]) -> Iterator[Groups]:
    """The groups alone, for the commands of the machine that holds the home.

    Raises:
        BadInput: a setting cannot be used.
        StoreDown: the database cannot be used.
    """
    with closing(Catalog.open(settings.catalog_url)) as catalog:
        yield Groups(catalog, now)
