"""Ranges in pieces: every byte, and little memory however many clients read slowly."""

from __future__ import annotations

import hashlib
import re
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.doors.asgi_server import call
from tests.hub_process import hub_process

CLIENTS, LIMIT_KB = 100, 250_000
SIZE = 40_000_000
FILE = "/acme/large/resolve/main/model.bin"


@pytest.fixture(scope="module")
def content() -> bytes:
    return b"".join(hashlib.sha256(b"%d" % n).digest() * 4000 for n in range(-(-SIZE // 128_000)))[:SIZE]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> Path:
    folder = tmp_path_factory.mktemp("models")
    (folder / "acme" / "large").mkdir(parents=True)
    (folder / "acme" / "large" / "model.bin").write_bytes(content)
    return folder


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    with hub_process(folder) as address:
        call(address, "HEAD", FILE)
        yield address


def test_every_byte_of_many_ranges_at_once(url: str, content: bytes) -> None:
    starts = range(1, SIZE // 2, 1_300_007)

    def fetched(start: int) -> bool:
        stop = start + 9_000_001
        got = call(url, "GET", FILE, headers={"Range": f"bytes={start}-{stop - 1}"})
        return got.status == 206 and got.body == content[start:stop]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(fetched, starts))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("header", ["Range: bytes=1-39999999\r\n", ""], ids=["ranges", "whole files"])
def test_a_hundred_clients_that_do_not_read_cost_little(url: str, header: str) -> None:
    address = urlsplit(url)
    with ExitStack() as clients:
        for _ in range(CLIENTS):
            client = clients.enter_context(socket.create_connection((address.hostname, address.port or 0)))
            client.sendall(f"GET {FILE} HTTP/1.1\r\nHost: x\r\n{header}\r\n".encode())
            assert client.recv(12).startswith(b"HTTP/1.1 20")
        pid = _listener(address.port or 0)
        before, now = -1, _memory_kb(pid)
        while now != before:  # until every buffer is full
            time.sleep(0.5)
            before, now = now, _memory_kb(pid)
        assert now < LIMIT_KB
    assert call(url, "HEAD", FILE).status == 200


def _memory_kb(pid: str) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


def _listener(port: int) -> str:
    """The process that listens on a port."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    nodes = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"}
    for file in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(file.readlink()) in nodes:
                return file.parts[2]
        except OSError:
            continue
    raise AssertionError(f"nobody listens on {port}")
