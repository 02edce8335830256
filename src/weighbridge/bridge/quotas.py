"""The verbs of quotas: how much the repositories of each namespace hold, and may hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime

from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge.access import require
from weighbridge.domain.access import AuditLine, Permission, Principal
from weighbridge.domain.quota import Quota
from weighbridge.errors import BadInput, NotFound, OverQuota
from weighbridge.settings import Settings

_MOST_BYTES = 1 << 60


class Quotas:
    """One method per verb.

    Those that ``require`` room come before anything was sent, and know more or less of what will
    be: they refuse only what cannot fit. The last word is the catalogue's, when it takes a commit.
    """

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog, self._now = catalog, now

    def require_any(self, namespace: str) -> None:
        """Nothing, if a namespace does not use more than it may.

        Raises:
            OverQuota: it does.
        """
        quota = self._catalog.quota(namespace)
        if quota.allowed_bytes and quota.used_bytes > quota.allowed_bytes:
            raise _over(quota, 0)

    def require(self, namespace: str, contents: Mapping[str, int]) -> None:
        """Nothing, if there is room for some contents: bytes by sha256.

        Raises:
            OverQuota: there is none.
        """
        quota = self._catalog.quota(namespace)
        if quota.takes(sum(contents.values())):
            return
        wanted = self._catalog.new_bytes(namespace, contents)
        if not quota.takes(wanted):
            raise _over(quota, wanted)

    def require_sizes(self, namespace: str, sizes: Iterable[int]) -> None:
        """Nothing, if there may be room for files of which only the sizes are known.

        Files of one size may be one content, and one that is there already.

        Raises:
            OverQuota: there is none.
        """
        wanted, quota = frozenset(sizes), self._catalog.quota(namespace)
        if quota.takes(sum(wanted)):
            return
        wanted -= self._catalog.known_sizes(namespace, wanted)
        if not quota.takes(sum(wanted)):
            raise _over(quota, sum(wanted))

    def of(self, namespace: str) -> Quota:
        """What a namespace uses and may use; the caller asked who may know."""
        return self._catalog.quota(namespace)

    def listed(self, by: Principal) -> tuple[Quota, ...]:
        """Every namespace that uses something, by name.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``.
        """
        require(by, Permission.ADMIN)
        return self._catalog.quotas()

    def set(self, by: Principal, namespace: str, allowed_bytes: int | None) -> Quota:
        """Give a namespace a quota of its own (0: no limit); None: the one that all have.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``.
            NotFound: there is no such user or organization.
            BadInput: it cannot be a number of bytes.
        """
        require(by, Permission.ADMIN)
        if allowed_bytes is not None and not 0 <= allowed_bytes <= _MOST_BYTES:
            raise BadInput(f"a quota cannot be {allowed_bytes} bytes", hint="0 means that there is no limit")
        name = namespace.lower()
        users = {user.name for user in self._catalog.users()}
        if name not in users and not self._catalog.is_organization(name):
            raise NotFound(f"there is no user and no organization '{namespace}'")
        detail = "as all" if allowed_bytes is None else str(allowed_bytes)
        line = AuditLine(at=self._now(), by=by.name, verb="quota.set", target=name, detail=detail)
        self._catalog.set_quota(name, allowed_bytes, line)
        return self._catalog.quota(name)


def _over(quota: Quota, wanted: int) -> OverQuota:
    return OverQuota(quota.namespace, used=quota.used_bytes, allowed=quota.allowed_bytes, wanted=wanted)


@contextmanager
def open_quotas(settings: Settings, now: Callable[[], datetime]) -> Iterator[Quotas]:
    """The quotas alone, for the commands of the machine that holds the home.

    Raises:
        BadInput: a setting cannot be used.
        StoreDown: the database cannot be used.
    """
    with closing(Catalog.open(settings.catalog_url, quota_bytes=settings.quota_bytes)) as catalog:
        yield Quotas(catalog, now)
