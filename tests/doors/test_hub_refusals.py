"""How the Hub door says no: each kind of error on the wire, and what never gets out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.asgi_server import call, serving
from tests.hub_process import TINY, write_repo
from weighbridge.adapters.hub_dir import FolderHub
from weighbridge.bridge.hub import HubDesk
from weighbridge.domain.access import Permission, Principal
from weighbridge.domain.ref import ModelRef
from weighbridge.domain.repo import ModelInfo
from weighbridge.doors.hub import hub_app
from weighbridge.doors.server import compose
from weighbridge.errors import (
    BadListing,
    Disabled,
    HubDown,
    NotAuthenticated,
    NotPermitted,
    RateLimited,
    StoreDown,
)

SECRET = "wbr_very-secret"


class FailingHub(FolderHub):
    """A folder whose info fails in the way that a test chose."""

    failure: Exception | None = None

    def info(self, ref: ModelRef) -> ModelInfo:
        if self.failure is not None:
            raise self.failure
        return super().info(ref)


class Members:
    """One token counts; without one nobody may do anything."""

    def principal(self, secret: str | None) -> Principal:
        if secret is None:
            return Principal(name="anonymous", is_anonymous=True)
        if secret != SECRET:
            raise NotAuthenticated("the token is unknown")
        return Principal(name="ann", permissions=frozenset({Permission.DOWNLOAD, Permission.UPLOAD}))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> FailingHub:
    folder = tmp_path_factory.mktemp("models")
    write_repo(folder, "acme/Tiny", TINY)
    return FailingHub(folder)


@pytest.fixture(scope="module")
def url(hub: FailingHub) -> Iterator[str]:
    with serving(hub_app(HubDesk(hub, Members()))) as address:
        yield address


@pytest.fixture(autouse=True)
def _sound(hub: FailingHub) -> Iterator[None]:
    yield
    hub.failure = None


def bearer(secret: str = SECRET) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(
    ("failure", "status", "message"),
    [
        (
            Disabled("acme/Tiny@1.0.0 was withdrawn: a backdoor"),
            403,
            "acme/Tiny@1.0.0 was withdrawn: a backdoor",
        ),
        (NotPermitted("no"), 403, "no"),
        (RateLimited("slow down", retry_after_s=2.4), 429, "slow down"),
        (HubDown("the Hub is away"), 503, "the Hub is away"),
        (StoreDown("the disk is full"), 500, "the disk is full"),
        (BadListing("it lists '../x'"), 502, "it lists '../x'"),
        (HubDown("two\r\nlines: gr\u00fc\u00dfe " + "x" * 600), 503, None),
    ],
)
def test_each_error_has_its_status(
    hub: FailingHub, url: str, failure: Exception, status: int, message: str | None
) -> None:
    hub.failure = failure
    got = call(url, "GET", "/acme/Tiny/resolve/main/config.json", headers=bearer())
    assert got.status == status
    assert "x-error-code" not in got.headers
    said = got.headers["x-error-message"]
    assert said == message or (message is None and said.startswith("two lines: gr\\xfc") and len(said) <= 500)
    assert got.json["error"] == str(failure)


def test_who_must_wait_is_told_how_long(hub: FailingHub, url: str) -> None:
    hub.failure = RateLimited("slow down", retry_after_s=2.4)
    assert call(url, "GET", "/api/models/a/b", headers=bearer()).headers["retry-after"] == "3"
    hub.failure = HubDown("away")
    assert call(url, "GET", "/api/models/a/b", headers=bearer()).headers["retry-after"] == "5"


def test_what_nobody_expected_says_nothing(
    hub: FailingHub, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    hub.failure = KeyError("/internal/path")
    with caplog.at_level(logging.ERROR):
        got = call(url, "GET", "/api/models/acme/Tiny", headers=bearer())
    assert (got.status, got.json) == (500, {"error": "internal error"})
    assert "/internal/path" in caplog.text, "the operator sees it"
    assert SECRET not in caplog.text


@pytest.mark.parametrize("name", ["acme/Tiny", "acme/none"])
def test_without_a_token_nothing_is_said_of_what_exists(url: str, name: str) -> None:
    got = call(url, "GET", f"/api/models/{name}")
    assert (got.status, got.headers["www-authenticate"]) == (401, "Bearer")
    assert got.json == {"error": "this Hub answers only callers with a token"}


def test_a_wrong_token_is_named_as_the_client_expects_it(url: str) -> None:
    for path in ("/api/models/acme/Tiny", "/api/whoami-v2", "/acme/Tiny/resolve/main/config.json"):
        got = call(url, "GET", path, headers=bearer("wrong"))
        assert (got.status, got.headers["x-error-message"]) == (
            401,
            "Invalid credentials in Authorization header",
        )


def test_with_the_token_it_works_but_for_what_it_may_not(url: str) -> None:
    got = call(url, "GET", "/acme/Tiny/resolve/main/config.json", headers=bearer())
    assert got.body == TINY["config.json"]
    assert call(url, "GET", "/api/models", headers=bearer()).status == 403, "search is another permission"
    me = call(url, "GET", "/api/whoami-v2", headers=bearer()).json
    assert (me["name"], me["auth"]["accessToken"]["role"]) == ("ann", "write")


def test_beside_another_application(hub: FailingHub, tmp_path: Path) -> None:
    write_repo(tmp_path, "acme/Other", TINY)
    rest, door = (hub_app(HubDesk(each)) for each in (FolderHub(tmp_path), hub))
    with serving(compose(rest, door)) as address:
        assert call(address, "GET", "/api/models/acme/Tiny").status == 200
        assert call(address, "GET", "/api/models/acme/Other").status == 404
        assert call(address, "GET", "/packages").json["error"] == "this Hub has no GET /packages"
