"""The official client over HTTP: what it is told, and what its errors become."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hub_server import HubServer, serve_hub
from weighbridge.adapters.hub_client import LONGEST_SILENCE_S, HubClient
from weighbridge.adapters.hub_client.people import identity
from weighbridge.adapters.hub_client.repos import HubRepos
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.errors import (
    BadInput,
    BadListing,
    Conflict,
    Disabled,
    Gated,
    HubDown,
    NoSuchRepo,
    NoSuchRevision,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    RateLimited,
    WeighbridgeError,
)

CANARY = "canary-5e0f2b71-any-shape"
REPO = RepoId.parse("acme/words")


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with serve_hub({"acme/words": {"config.json": b"{}"}}) as server:
        yield server


def _failure(hub: HubServer, token: str | None = CANARY, revision: str | None = None) -> WeighbridgeError:
    client = HubClient(hub.url, token=token)
    with (
        pytest.raises(WeighbridgeError) as failed,
        client.asking("the commits of 'acme/words'", repo=REPO, revision=revision) as api,
    ):
        api.list_repo_refs("acme/words")
    told = f"{failed.value} {failed.value.hint} {failed.value!r}"
    assert CANARY not in told
    assert failed.value.__cause__ is None
    return failed.value


def test_the_token_and_our_name_are_sent_and_nothing_of_the_machine_is(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_machine")
    hub.fault("/api/models/acme/words/refs", body=b'{"branches": [], "converts": [], "tags": []}')
    for token in (CANARY, None):
        with HubClient(f"{hub.url}/", token=token).asking("refs", repo=REPO) as api:
            api.list_repo_refs("acme/words")
    first, second = (asked.headers for asked in hub.asked("*/refs"))
    assert first["authorization"] == f"Bearer {CANARY}"
    assert "authorization" not in second
    assert first["user-agent"].startswith("weighbridge/")


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "", BadInput),
        (401, "", NotAuthenticated),
        (403, "", NotPermitted),
        (403, "GatedRepo", Gated),
        (404, "RepoNotFound", NoSuchRepo),
        (404, "RevisionNotFound", NoSuchRevision),
        (404, "", NoSuchRepo),
        (409, "", Conflict),
        (412, "", Conflict),
        (422, "", BadInput),
        (429, "", RateLimited),
        (451, "", Disabled),
        (500, "", HubDown),
        (503, "", HubDown),
    ],
)
def test_an_answer_that_says_no_is_told_as_what_it_means(
    hub: HubServer, status: int, code: str, error: type[WeighbridgeError]
) -> None:
    said = "Invalid credentials in Authorization header" if status == 401 else f"said {CANARY}\x1b[31m loudly"
    headers = {"X-Error-Code": code} if code else {}
    hub.fault(status=status, headers=headers, body=json.dumps({"error": said}).encode())
    failed = _failure(hub)
    assert type(failed) is error
    assert "\x1b" not in str(failed)


def test_a_limit_says_for_how_long(hub: HubServer) -> None:
    hub.fault(status=429, headers={"Retry-After": "37"}, body=b"", times=1)
    first = _failure(hub)
    hub.fault(status=429, headers={"RateLimit": '"api";r=0;t=41'}, body=b"")
    second = _failure(hub)
    assert isinstance(first, RateLimited)
    assert isinstance(second, RateLimited)
    assert (first.retry_after_s, second.retry_after_s) == (37.0, 41.0)


def test_without_a_token_a_missing_repository_says_how_to_log_in(hub: HubServer) -> None:
    hub.fault(status=401, headers={"X-Error-Code": "RepoNotFound"}, body=b"{}")
    failed = _failure(hub, token=None)
    assert isinstance(failed, NoSuchRepo)
    assert "weighbridge login" in failed.hint


def test_a_missing_revision_is_told_by_name(hub: HubServer) -> None:
    hub.fault(status=404, headers={"X-Error-Code": "RevisionNotFound"}, body=b"{}")
    failed = _failure(hub, revision="v9")
    assert str(failed) == "'acme/words' has no revision 'v9'"


def test_a_hub_that_is_not_there_cannot_be_reached() -> None:
    client = HubClient("http://127.0.0.1:9", token=CANARY)
    with (
        pytest.raises(HubDown, match="cannot be reached for who this is") as failed,
        client.asking("who this is") as api,
    ):
        api.whoami()
    assert CANARY not in str(failed.value)


def test_a_hub_that_closes_the_connection_cannot_be_reached(hub: HubServer) -> None:
    hub.fault(raw=b"")
    assert isinstance(_failure(hub), HubDown)


def test_an_address_that_is_no_hub_says_so(hub: HubServer) -> None:
    hub.fault(status=404, body=b"<html>")
    client = HubClient(hub.url, token=CANARY)
    with pytest.raises(NotFound, match="not know who this is") as failed, client.asking("who this is") as api:
        api.whoami()
    assert failed.value.hint == "is this address a Hub?"


def test_offline_nothing_is_asked(hub: HubServer) -> None:
    client = HubClient(hub.url, token=None, offline=True)
    with pytest.raises(HubDown, match="HF_HUB_OFFLINE"), client.asking("refs", repo=REPO) as api:
        api.list_repo_refs("acme/words")
    assert hub.requests == []


def test_our_own_errors_and_mistakes_in_the_code_pass_as_they_are(hub: HubServer) -> None:
    client = HubClient(hub.url, token=None)
    for error in (BadInput("ours"), KeyError("a mistake")):
        with pytest.raises(type(error)) as passed, client.asking("refs"):
            raise error
        assert passed.value is error


@pytest.mark.parametrize("endpoint", ["huggingface.co", "https://me:secret@hub.test", "file:///etc"])
def test_what_is_no_address_is_refused(endpoint: str) -> None:
    with pytest.raises(Invalid) as refused:
        HubClient(endpoint, token=None)
    assert "secret" not in str(refused.value)


def test_a_name_that_the_client_refuses_is_bad_input(hub: HubServer) -> None:
    bad: Any = "a/b/c"
    with pytest.raises(BadInput), HubClient(hub.url, token=None).asking("refs", repo=REPO) as api:
        api.list_repo_refs(bad)


def test_a_hub_that_sends_us_elsewhere_does_not_send_the_token_there(hub: HubServer) -> None:
    with serve_hub({"acme/words": {"config.json": b"{}"}}) as other:
        hub.fault(redirect=f"{other.url}/api/models/acme/words/refs", status=307)
        with HubClient(hub.url, token=CANARY).asking("refs", repo=REPO) as api:
            api.list_repo_refs("acme/words")
        (asked,) = other.requests
        assert CANARY not in str(asked.headers)


def test_a_hub_that_says_nothing_is_not_waited_for_without_end(hub: HubServer) -> None:
    from huggingface_hub import get_session

    with HubClient(hub.url, token=None).asking("refs", repo=REPO) as api:
        api.list_repo_refs("acme/words")
    assert get_session().timeout.read == LONGEST_SILENCE_S


_FIELDS = [
    "name",
    "type",
    "orgs",
    "auth",
    "accessToken",
    "roleInOrg",
    "branches",
    "tags",
    "converts",
    "ref",
    "targetCommit",
    "id",
    "lastModified",
    "gated",
    "private",
    "downloads",
    "siblings",
    "cardData",
    "url",
]
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_FIELDS), inner, max_size=6),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=_ANY)
def test_whatever_a_hub_says_is_read_or_told_as_an_error_of_ours(hub: HubServer, said: Any) -> None:
    hub.forget()
    hub.fault(body=json.dumps(said).encode())
    client = HubClient(hub.url, token=CANARY)
    repos = HubRepos(client)
    for ask in (
        lambda: identity(client),
        lambda: repos.names(REPO),
        lambda: repos.listed("acme", RepoKind.MODEL, 10),
        lambda: repos.create(REPO, private=False),
    ):
        try:
            ask()
        except WeighbridgeError as error:
            assert isinstance(error, (BadListing, BadInput, HubDown))  # noqa: PT017
            assert CANARY not in str(error)  # noqa: PT017


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 5000, b"{"])
def test_what_is_no_json_is_a_bad_listing(hub: HubServer, body: bytes) -> None:
    hub.fault(body=body)
    client = HubClient(hub.url, token=CANARY)
    for ask in (lambda: identity(client), lambda: HubRepos(client).names(REPO)):
        with pytest.raises(BadListing, match="cannot read"):
            ask()
