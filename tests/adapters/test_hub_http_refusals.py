"""Gated, private, missing, rate-limited, disabled and down are different errors; none shows a token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import pytest

from tests.adapters.hub_bits import REPO, entry_of, fetched, head, quick
from tests.hub_server import HubServer, serve_hub
from weighbridge.adapters.hub_http import HttpHub, Patience
from weighbridge.domain.manifest import FileEntry, sha256
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.errors import (
    BadInput,
    BadListing,
    Disabled,
    Gated,
    HubDown,
    NoSuchFile,
    NoSuchRepo,
    NoSuchRevision,
    NotAuthenticated,
    NotPermitted,
    RateLimited,
    WeighbridgeError,
)

TOKEN = "hf_secretsecretsecret"
MAIN = ModelRef(repo=REPO)


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with serve_hub({"org/model": {"a.txt": b"hello", "w.bin": bytes(20_000)}}, cdn=True) as server:
        yield server


def test_missing_private_gated_and_disabled(hub: HubServer) -> None:
    client = quick(hub)
    with pytest.raises(NoSuchRepo) as missing:
        client.info(ModelRef.parse("org/none"))
    assert "HF_TOKEN" in missing.value.hint
    repo = hub.repos["org/model"]
    entry = entry_of(client, hub, "a.txt")
    repo.gated = True
    with pytest.raises(Gated):
        fetched(client, hub, entry)
    repo.private = True
    for ask in (client.refs, lambda repo: client.manifest(repo, head(hub))):
        with pytest.raises(NoSuchRepo):
            ask(REPO)
    repo.private, repo.disabled = False, True
    with pytest.raises(Disabled, match="disabled"):
        client.info(MAIN)


def test_a_token_opens_what_is_private_and_gated(hub: HubServer) -> None:
    hub.token = TOKEN
    hub.repos["org/model"].private = hub.repos["org/model"].gated = True
    client = quick(hub, token=TOKEN)
    assert fetched(client, hub, entry_of(client, hub, "a.txt")) == b"hello"


def test_a_wrong_token(hub: HubServer) -> None:
    hub.token = TOKEN
    with pytest.raises(NotAuthenticated) as caught:
        quick(hub, token="hf_wrong").info(MAIN)
    assert "hf_wrong" not in f"{caught.value} {caught.value.hint}"


def test_missing_revision_and_file(hub: HubServer) -> None:
    client = quick(hub)
    with pytest.raises(NoSuchRevision, match="v9"):
        client.info(ModelRef(repo=REPO, revision="v9"))
    with pytest.raises(NoSuchRevision):
        client.manifest(REPO, "0" * 40)
    gone = FileEntry(path="gone.txt", size_bytes=1, digests=(sha256("0" * 64),))
    with pytest.raises(NoSuchFile, match=r"gone\.txt"):
        fetched(client, hub, gone)


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (401, {}, NoSuchRepo),
        (401, {"X-Error-Message": "Invalid credentials in Authorization header"}, NotAuthenticated),
        (403, {"X-Error-Message": "quota"}, NotPermitted),
        (403, {"X-Error-Code": "GatedRepo"}, Gated),
        (403, {"X-Error-Message": "Access to this resource is disabled."}, Disabled),
        (404, {}, NoSuchRepo),
        (404, {"X-Error-Code": "RevisionNotFound"}, NoSuchRevision),
        (410, {}, NoSuchRepo),
        (400, {}, BadListing),
        (416, {}, BadListing),
        (418, {}, HubDown),
        (451, {}, Disabled),
        (501, {}, HubDown),
        (302, {}, BadListing),
        (304, {}, HubDown),
    ],
)
def test_a_status_without_patience(
    hub: HubServer, status: int, headers: dict[str, str], kind: type[WeighbridgeError]
) -> None:
    hub.fault("*/revision/*", status=status, headers=headers)
    with pytest.raises(kind) as caught:
        quick(hub).info(MAIN)
    assert type(caught.value) is kind
    assert len(hub.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_trouble_is_waited_out(hub: HubServer, status: int) -> None:
    pauses: list[float] = []
    hub.fault("*/revision/*", status=status, times=3)
    assert quick(hub, pauses).info(MAIN).commit == head(hub)
    assert pauses == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(("status", "kind"), [(500, HubDown), (503, HubDown), (429, RateLimited)])
def test_a_lasting_trouble(hub: HubServer, status: int, kind: type[WeighbridgeError]) -> None:
    pauses: list[float] = []
    hub.fault("*/revision/*", status=status)
    with pytest.raises(kind):
        quick(hub, pauses).info(MAIN)
    assert (len(hub.requests), pauses) == (5, [0.5, 1.0, 2.0, 4.0])


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "7"},
        {"RateLimit": '"api";r=0;t=7', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'},
        {"Retry-After": formatdate(1_000_007, usegmt=True)},
    ],
)
def test_the_pause_that_the_hub_asks_for(hub: HubServer, headers: dict[str, str]) -> None:
    pauses: list[float] = []
    patience = Patience(sleep=pauses.append, now=lambda: 1_000_000.0)
    hub.fault("*/revision/*", status=429, headers=headers, times=2)
    quick(hub, patience=patience).info(MAIN)
    assert pauses == [7.0, 7.0]


def test_a_pause_longer_than_our_patience_is_told_at_once(hub: HubServer) -> None:
    pauses: list[float] = []
    hub.fault("*/revision/*", status=429, headers={"Retry-After": "3600"})
    with pytest.raises(RateLimited) as caught:
        quick(hub, pauses).info(MAIN)
    assert (caught.value.retry_after_s, pauses, len(hub.requests)) == (3600.0, [], 1)


@pytest.mark.parametrize("odd", ["soon", "-1", "Mon, 99 Foo 2026", "\xb2", '"api";r=0;t=x'])
def test_an_odd_pause_is_no_pause(hub: HubServer, odd: str) -> None:
    pauses: list[float] = []
    hub.fault("*/revision/*", status=429, headers={"Retry-After": odd, "RateLimit": odd}, times=1)
    quick(hub, pauses).info(MAIN)
    assert pauses == [0.5]


def test_nobody_is_there() -> None:
    with serve_hub() as gone:
        address = gone.url
    pauses: list[float] = []
    with pytest.raises(HubDown, match="cannot be reached") as caught:
        HttpHub(address, patience=Patience(sleep=pauses.append)).info(MAIN)
    assert len(pauses) == 4
    assert caught.value.hint


def test_a_kept_connection_that_was_closed_meanwhile_is_no_failure(hub: HubServer) -> None:
    pauses: list[float] = []
    client = quick(hub, pauses)
    client.info(MAIN)
    hub.hang_up()
    assert client.info(MAIN).commit == head(hub)
    assert (pauses, hub.connections) == ([], 2)


def test_one_connection_serves_many_requests(hub: HubServer) -> None:
    client = quick(hub)
    for path in ("a.txt", "a.txt"):
        fetched(client, hub, entry_of(client, hub, path))
    hub.fault("*/revision/*", status=404)
    with pytest.raises(NoSuchRepo):
        client.info(MAIN)
    client.refs(REPO)
    assert hub.connections == 1


def test_what_a_server_says_is_cut_printable_and_without_our_token(hub: HubServer) -> None:
    message = f"{TOKEN} \x1b[31m" + "x" * 1000
    hub.fault("*", status=403, body=b'{"error": "%s"}' % message.encode().replace(b"\x1b", b"\\u001b"))
    with pytest.raises(NotPermitted) as caught:
        quick(hub, token=TOKEN).info(MAIN)
    assert TOKEN not in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("token", ["a b", "a\nX-Evil: 1", "ü", "\x00"])
def test_a_token_that_cannot_stand_in_a_header(token: str) -> None:
    with pytest.raises(BadInput) as caught:
        HttpHub("http://127.0.0.1:1", token=token)
    assert token not in str(caught.value)


def test_a_token_is_in_no_repr(hub: HubServer) -> None:
    client = quick(hub, token=TOKEN)
    assert TOKEN not in repr(client)
    assert TOKEN not in repr(client.info)


def test_a_redirect_to_another_port_carries_no_token(hub: HubServer) -> None:
    hub.token = TOKEN
    client = quick(hub, token=TOKEN)
    assert fetched(client, hub, entry_of(client, hub, "w.bin")) == bytes(20_000)
    assert hub.cdn is not None
    assert "authorization" in hub.asked("*/resolve/*")[0].headers
    assert ["authorization" in asked.headers for asked in hub.cdn.requests] == [False]


def test_a_redirect_within_the_hub_carries_it(hub: HubServer) -> None:
    hub.fault("*/old/model/*", redirect=f"/api/models/org/model/revision/{head(hub)}", status=307)
    info = quick(hub, token=TOKEN).info(ModelRef(repo=RepoId.parse("old/model")))
    assert info.commit == head(hub)
    assert [asked.headers.get("authorization") for asked in hub.requests] == [f"Bearer {TOKEN}"] * 2


@pytest.mark.parametrize(
    "location",
    [
        "",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http://u:p@127.0.0.1/x",
        "http://[::1",
        "http://x:99999/",
    ],
)
def test_a_redirect_that_is_not_followed(hub: HubServer, location: str) -> None:
    hub.fault("*/revision/*", redirect=location)
    with pytest.raises(BadListing):
        quick(hub).info(MAIN)


def test_redirects_without_end(hub: HubServer) -> None:
    hub.fault("*", redirect="/again")
    with pytest.raises(BadListing, match="more than 5 times"):
        quick(hub).info(MAIN)
    assert len(hub.requests) == 6


def test_a_signed_address_appears_in_no_message(hub: HubServer) -> None:
    assert hub.cdn is not None
    client = quick(hub)
    entry = entry_of(client, hub, "w.bin")
    hub.cdn.fault("*", status=403)
    with pytest.raises(HubDown, match="the storage behind") as caught:
        fetched(client, hub, entry)
    assert "s3cr3t" not in f"{caught.value}{caught.value.__cause__}"
    assert len(hub.asked("*/resolve/*")) == 5  # every try asks for a fresh address


RAW: list[tuple[str, Callable[[], bytes]]] = [
    ("no HTTP", lambda: b"SSH-2.0-OpenSSH\r\n\r\n"),
    ("a cut head", lambda: b"HTTP/1.1 200 OK\r\nContent-"),
    ("a header without a colon", lambda: b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"),
    ("a folded header", lambda: b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"),
    ("two lengths", lambda: b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    ("a length that is no number", lambda: b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na"),
    ("an unknown coding", lambda: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"),
    ("a broken chunk", lambda: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ("a chunk without end", lambda: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"),
    ("a head without end", lambda: b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20_000),
]


@pytest.mark.parametrize(("what", "raw"), RAW, ids=[what for what, _ in RAW])
def test_what_is_not_http_is_a_hub_that_is_down(hub: HubServer, what: str, raw: Any) -> None:
    hub.fault("*/revision/*", raw=raw())
    with pytest.raises(HubDown):
        quick(hub).info(MAIN)


def test_chunks_and_interim_answers_are_read(hub: HubServer) -> None:
    body = b'{"sha":"%s"}' % head(hub).encode()
    chunks = b"%x\r\n%b\r\n%x;ext=1\r\n%b\r\n0\r\nTrailer: x\r\n\r\n" % (5, body[:5], len(body) - 5, body[5:])
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    hub.fault("*/revision/*", raw=interim + b"HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n" + chunks)
    assert quick(hub).info(MAIN).commit == head(hub)
