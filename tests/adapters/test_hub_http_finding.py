"""Pages of a Hub's list of models: asked for as the Hub has it, followed nowhere else, read without trust."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.adapters.hub_bits import quick
from tests.hub_server import HubServer, serve_hub
from weighbridge.adapters.hub_http import HttpHub, Patience
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.ref import RepoId
from weighbridge.domain.repo_query import RepoQuery, SortKey
from weighbridge.errors import (
    BadListing,
    HubDown,
    NoAnswer,
    NoSuchRepo,
    NotAuthenticated,
    NotPermitted,
    RateLimited,
    WeighbridgeError,
)

FILES = {"config.json": b"{}"}
EVERY = RepoQuery()


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with serve_hub({f"org/m{number}": FILES for number in range(5)}) as server:
        yield server


def asked_of(hub: HubServer) -> dict[str, list[str]]:
    return parse_qs(urlsplit(hub.requests[-1].target).query)


def test_every_condition_and_the_order_reach_the_hub(hub: HubServer) -> None:
    quick(hub).find(
        RepoQuery(
            search="ll ä&x=1",
            author="org",
            tags=("pytorch", "license:mit"),
            pipeline_tag="text-generation",
            gated=False,
            sort=SortKey.TRENDING,
        ),
        limit=7,
    )
    asked = asked_of(hub)
    assert "siblings" not in asked.pop("expand")
    assert asked == {
        "search": ["ll ä&x=1"],
        "author": ["org"],
        "filter": ["pytorch", "license:mit"],
        "pipeline_tag": ["text-generation"],
        "gated": ["false"],
        "sort": ["trendingScore"],
        "direction": ["-1"],
        "limit": ["7"],
    }


@pytest.mark.parametrize(
    "query", [RepoQuery(search="\ud800"), RepoQuery(tags=("\udcff",)), RepoQuery(search="x" * 10_000)]
)
def test_a_condition_that_no_address_can_hold_is_not_asked_for(hub: HubServer, query: RepoQuery) -> None:
    with pytest.raises(Invalid):
        quick(hub).find(query)
    assert not hub.requests


def test_no_more_than_the_hub_gives_is_asked_for_at_once(hub: HubServer) -> None:
    quick(hub).find(EVERY, limit=10**9)
    assert asked_of(hub)["limit"] == ["1000"]


def test_cursors_lead_through_all_pages_and_outlive_the_client(hub: HubServer) -> None:
    found, cursor = [], None
    while True:
        page = quick(hub).find(EVERY, cursor, limit=2)
        found += [row["id"] for row in page.rows]
        cursor = page.cursor
        if cursor is None:
            break
        assert cursor.startswith("/api/models?")
    assert sorted(map(str, found)) == [f"org/m{number}" for number in range(5)]
    assert len(hub.requests) == 3


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "/api/datasets?limit=1",
        "/api/models",
        "http://elsewhere/api/models?x",
        "@elsewhere/api/models?x",
        "/api/models?a b",
        "/api/models?a\r\nX: y",
        "/api/models?#a",
        ".elsewhere/api/models?x",
    ],
)
def test_a_cursor_of_somebody_else_is_not_followed(hub: HubServer, cursor: str) -> None:
    with pytest.raises(Invalid, match="not given by this Hub"):
        quick(hub).find(EVERY, cursor)
    assert not hub.requests


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("http://127.0.0.1:1/api/models?cursor=1", "on another server"),
        ("/api/datasets?cursor=1", "another list"),
        ("/api/whoami-v2", "another list"),
        ("", "in a circle"),
    ],
)
def test_pages_that_lead_astray(hub: HubServer, link: str, why: str) -> None:
    hub.fault("/api/models", body=b"[]", headers={"Link": f'<{link}>; rel="next"'})
    with pytest.raises(BadListing, match=why):
        quick(hub, token="hf_canary").find(EVERY)


def test_what_is_no_object_or_nested_too_deep_is_passed_over(hub: HubServer) -> None:
    deep: Any = {}
    for _ in range(200):
        deep = {"a": deep}
    rows = [None, 1, "x", [], {}, deep, {"id": None}, {"id": "a/b", "tags": {"x": "\ud800"}}]
    hub.fault("/api/models", body=json.dumps(rows).encode())
    page = quick(hub).find(EVERY)
    assert page.rows == ({"id": None}, {"id": "a/b", "tags": {"x": "\ufffd"}})
    assert page.cursor is None


@pytest.mark.parametrize("body", [b"{}", b"null", b"<html>", b"[" * 100_000, b""])
def test_an_answer_that_is_no_list(hub: HubServer, body: bytes) -> None:
    hub.fault("/api/models", body=body)
    with pytest.raises(BadListing):
        quick(hub).find(EVERY)


def test_an_answer_without_end_is_not_read(hub: HubServer) -> None:
    hub.fault("/api/whoami-v2", body=b"{", content_length=1 << 40, grow=2 << 20)
    hub.fault("*", body=b"[", content_length=1 << 40, grow=70 << 20)
    for ask in (
        lambda: quick(hub).find(EVERY),
        lambda: quick(hub).about(RepoId.parse("org/m1")),
        lambda: quick(hub).whoami(),
    ):
        with pytest.raises(BadListing, match="more than"):
            ask()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, NotAuthenticated),
        (403, NotPermitted),
        (404, HubDown),
        (429, RateLimited),
        (500, HubDown),
        (503, HubDown),
    ],
)
def test_refusals_are_told_apart(hub: HubServer, status: int, error: type[WeighbridgeError]) -> None:
    hub.fault("/api/models", status=status)
    for token in (None, "hf_canary"):
        with pytest.raises(error) as caught:
            quick(hub, token=token).find(EVERY)
        assert type(caught.value) is error
        assert "hf_canary" not in f"{caught.value} {caught.value.hint}"


def test_a_passing_trouble_is_waited_out(hub: HubServer) -> None:
    hub.fault("/api/models", times=1, status=429, headers={"Retry-After": "3"})
    hub.fault("/api/models", times=1, cut_after=5)
    pauses: list[float] = []
    assert len(quick(hub, pauses).find(EVERY).rows) == 5
    assert pauses[0] == 3


def test_one_model_is_described_by_one_request_with_the_size_of_each_file(hub: HubServer) -> None:
    said = quick(hub).about(RepoId.parse("org/m1"))
    assert hub.requests[-1].target == "/api/models/org/m1?blobs=true"
    assert len(hub.requests) == 1
    assert said["id"] == "org/m1"
    with pytest.raises(NoSuchRepo):
        quick(hub).about(RepoId.parse("org/none"))


def test_who_a_token_belongs_to(hub: HubServer) -> None:
    hub.fault("/api/whoami-v2", body=b'{"name": "ann"}')
    assert quick(hub, token="any-shape").whoami() == "ann"
    hub.forget()
    hub.fault("/api/whoami-v2", status=401)
    with pytest.raises(NotAuthenticated):
        quick(hub).whoami()
    hub.forget()
    hub.fault("/api/whoami-v2", status=404)
    with pytest.raises(HubDown, match="no record of accounts"):
        quick(hub).whoami()


def test_a_hub_that_was_not_reached_is_told_from_one_that_is_broken(hub: HubServer) -> None:
    hub.fault("/api/models", status=503)
    with pytest.raises(HubDown) as broken:
        quick(hub).find(EVERY)
    assert not isinstance(broken.value, NoAnswer)
    hub.forget()
    hub.fault("/api/models", raw=b"")
    with pytest.raises(NoAnswer):
        quick(hub).find(EVERY)


@contextmanager
def dripping(first: bytes, drop: bytes) -> Iterator[str]:
    """A server that begins to answer and then lets fall a drop from time to time, for ever."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    talking, _ = listening.accept()
                    with talking, suppress(OSError):
                        talking.recv(65536)
                        talking.sendall(first)
                        while not over.wait(0.01):
                            talking.sendall(drop)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"a"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n[", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 1000000\r\n\r\n[", b" "),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_a_hub_that_answers_drop_by_drop_is_not_waited_for(first: bytes, drop: bytes) -> None:
    with dripping(first, drop) as url:
        hub = HttpHub(url, read_timeout_s=0.2, patience=Patience(tries=1))
        with pytest.raises(NoAnswer):
            hub.find(EVERY)
