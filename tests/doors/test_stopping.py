"""A server that is stopped: what it is answering is finished, and who keeps a connection hears of its end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from tests.doors.asgi_server import serving
from tests.registry_process import wait_for
from weighbridge.doors.hub.request import Receive, Scope, Send
from weighbridge.doors.server import Parting

LARGE = os.urandom(1 << 20) * 12


def is_refused(host: str, port: int) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection((host, port)):
        return False
    return True


def test_who_is_being_answered_gets_all_of_it_and_nobody_else_is_let_in(tmp_path: Path) -> None:
    folder = tmp_path / "org" / "model"
    folder.mkdir(parents=True)
    (folder / "large.bin").write_bytes(LARGE)
    command = [sys.executable, "-m", "weighbridge", "hub", str(tmp_path), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        address = urlsplit(json.loads(process.stdout.readline())["url"])
        host, port = address.hostname or "", address.port or 0
        answers = []
        for _ in range(4):
            client = http.client.HTTPConnection(host, port)
            client.request("GET", "/org/model/resolve/main/large.bin")
            answers.append(client.getresponse())
        began = [answer.read(1000) for answer in answers]
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: is_refused(host, port))
        came = [first + answer.read() for first, answer in zip(began, answers, strict=True)]
        assert [content == LARGE for content in came] == [True] * 4
        assert process.wait(600) == 0


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    headers = [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


def test_a_kept_connection_is_told_that_it_ends() -> None:
    parting = Parting(hello)
    assert parting.begin() == 0
    parting = Parting(hello)
    with serving(parting) as url:
        client = http.client.HTTPConnection(urlsplit(url).netloc)
        for _ in range(2):
            client.request("GET", "/")
            answer = client.getresponse()
            assert (answer.read(), answer.getheader("connection")) == (b"hello", None)
        assert parting.begin() > 0
        client.request("GET", "/")
        answer = client.getresponse()
        assert (answer.read(), answer.getheader("connection")) == (b"hello", "close")
        client.close()
