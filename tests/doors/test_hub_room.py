"""What callers may keep in memory and in threads, all together and each: nobody takes all of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from tests.doors.uploading import Registry, registry_at
from weighbridge.doors.hub.room import Room, Shares

MIB = 1 << 20


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry_at(tmp_path_factory.mktemp("registry") / "home") as running:
        for user in ("ann", "bob"):
            assert running.call(user, "POST", "/api/repos/create", {"name": "m"}).status == 200
        yield running


def test_large_bodies_wait_until_there_is_room_and_small_ones_do_not() -> None:
    async def main() -> list[str]:
        room, order = Room(10 * MIB), list[str]()

        async def body(name: str, size: int, until: asyncio.Event) -> None:
            async with room.of(size):
                order.append(name)
                await until.wait()

        end, ended = asyncio.Event(), asyncio.Event()
        ended.set()
        first = asyncio.create_task(body("first", 8 * MIB, end))
        await asyncio.sleep(0)
        second = asyncio.create_task(body("second", 8 * MIB, ended))
        await asyncio.sleep(0)
        await body("small", 1000, ended)
        await body("fits", 2 * MIB, ended)
        end.set()
        await asyncio.gather(first, second)
        return order

    assert asyncio.run(main()) == ["first", "small", "fits", "second"]


def test_room_comes_back_from_who_went_away() -> None:
    async def main() -> str:
        room, wait = Room(8 * MIB), asyncio.Event()

        async def body() -> None:
            async with room.of(8 * MIB):
                await wait.wait()

        holding, waiting = asyncio.create_task(body()), asyncio.create_task(body())
        await asyncio.sleep(0)
        for gone in (waiting, holding):
            gone.cancel()
        await asyncio.gather(waiting, holding, return_exceptions=True)
        async with room.of(8 * MIB):
            return "there is room"

    assert asyncio.run(main()) == "there is room"


def test_a_share_is_of_one_caller() -> None:
    async def main() -> list[str]:
        shares, order, end = Shares(1), list[str](), asyncio.Event()

        async def body(name: str) -> None:
            async with shares.of(name):
                order.append(name)
                await end.wait()

        tasks = [asyncio.create_task(body(name)) for name in ("ann", "ann", "bob")]
        while len(order) < 2:
            await asyncio.sleep(0)
        order.append("then")
        end.set()
        await asyncio.gather(*tasks)
        return order

    assert asyncio.run(main()) == ["ann", "bob", "then", "ann"]


def test_forty_slow_uploads_of_one_user_keep_no_other_waiting(registry: Registry) -> None:
    granted = registry.call("ann", "GET", "/api/models/ann/m/xet-write-token/main").json
    place = f"{urlsplit(granted['casUrl']).path}/v1/xorbs/default/{'a' * 64}"
    head = (
        f"POST {place} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {granted['accessToken']}\r\n"
        f"Content-Length: 60000000\r\n\r\nabc"
    )
    lines = b'{"key":"header","value":{"summary":"x"}}\n{"key":"file","value":{"path":"a","content":"x"}}'
    with ExitStack() as slow:
        for _ in range(40):
            line = socket.create_connection(("127.0.0.1", urlsplit(registry.url).port or 0), 600)
            slow.enter_context(line).sendall(head.encode())
        assert registry.call("bob", "POST", "/api/models/bob/m/commit/main", lines).status == 200


@pytest.mark.parametrize("value", [b"[],", b'"",'])
def test_a_body_of_too_many_values_is_not_read(registry: Registry, value: bytes) -> None:
    for path in ("/api/validate-yaml", "/api/models/ann/m/paths-info/main"):
        got = registry.call("", "POST", path, b'{"a":[' + value * 600_000 + b"1]}")
        assert (got.status, got.json["error"]) == (413, "the body has more than 500000 values")


def test_a_body_that_is_too_long_is_refused_by_its_header(registry: Registry) -> None:
    head = (
        "POST /api/models/ann/m/paths-info/main HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n{"
    )
    with socket.create_connection(("127.0.0.1", urlsplit(registry.url).port or 0), 600) as line:
        line.sendall(head.encode())
        assert line.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_query_of_too_many_fields_is_bad_input(registry: Registry) -> None:
    got = registry.call("", "GET", "/api/models?" + "a=1&" * 2001)
    assert (got.status, got.json["error"]) == (400, "the query has more than 2000 fields")
    assert registry.call("", "GET", "/api/models?" + "a=1&" * 1999).status == 200
