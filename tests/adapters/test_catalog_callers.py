"""Who calls, in every database: failed log-ins, log-ins, and accounts that another issuer vouches for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.catalogs import DATABASES, open_catalog
from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.access import AuditLine, Permission, Token, User
from weighbridge.domain.issuer import Vouched
from weighbridge.errors import NotAuthenticated

AT = datetime(2026, 11, 21, 8, 30, 15, tzinfo=UTC)
ISSUER = "https://login.acme.test"


@pytest.fixture(params=["memory", *DATABASES])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(request.param, tmp_path) as opened:
        yield opened


def line(at: datetime = AT) -> AuditLine:
    return AuditLine(at=at, by="anonymous", verb="login.failed", target="ada")


def somebody(name: str, subject: str) -> Vouched:
    return Vouched(name=f"corp:{name}", origin=f"{ISSUER} {subject}", permissions=frozenset())


def test_failures_and_log_ins_are_forgotten_each_in_their_time(catalog: Catalog) -> None:
    catalog.welcome("home", AT, AT - timedelta(days=30))
    for _ in range(2):
        catalog.failed(["name", "address"], line(), AT - timedelta(hours=1))
    assert catalog.failures(["home", "name", "none"]) == {"home": (0, AT), "name": (2, AT)}
    later = AT + timedelta(days=1)
    catalog.failed(["name"], line(later), later - timedelta(hours=1))
    assert catalog.failures(["home", "name", "address"]) == {"home": (0, AT), "name": (1, later)}
    catalog.welcome("other", AT + timedelta(days=30), AT + timedelta(seconds=1))
    assert set(catalog.failures(["home", "name", "other"])) == {"name", "other"}
    catalog.succeeded("name")
    assert set(catalog.failures(["home", "name", "other"])) == {"other"}


def test_a_subject_is_shut_out_under_all_its_names(catalog: Catalog) -> None:
    catalog.add_user(User(name="ann", permissions=frozenset(), created_at=AT), "hash", line())
    for who in (somebody("eve", "1"), somebody("eva", "1"), somebody("una", "2")):
        assert not catalog.vouch(who, line()).disabled
    catalog.disable("corp:eva", line())
    found = {user.name: user.disabled for user in catalog.users()}
    assert found == {"ann": False, "corp:eve": True, "corp:eva": True, "corp:una": False}
    with pytest.raises(NotAuthenticated, match="was closed"):
        catalog.vouch(somebody("ewa", "1"), line())
    with pytest.raises(NotAuthenticated, match="somebody else"):
        catalog.vouch(somebody("una", "3"), line())
    catalog.disable("ann", line())
    assert not catalog.user("corp:una").disabled


def test_a_token_for_a_password_is_one_for_that_password(catalog: Catalog) -> None:
    user = User(name="ann", permissions=frozenset({Permission.SEARCH}), created_at=AT)
    catalog.add_user(user, "the first hash", line())
    token = Token(id="t", user="ann", permissions=user.permissions, created_at=AT, is_session=True)
    catalog.set_password("ann", "the second hash", line())
    with pytest.raises(NotAuthenticated):
        catalog.add_token(token, "1" * 64, line(), "the first hash")
    assert catalog.tokens("ann") == ()
    catalog.add_token(token, "1" * 64, line(), "the second hash")
    assert catalog.tokens("ann") == (token,)
