"""SIGKILL of the server while a file is sent in parts: the same addresses go on at the next one.

Four points in the ordinary tests, fifty in ``make torture``.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.torture.killing import broken_blobs, killed_after, left_of, seed
from tests.torture.test_kill_upload import REPO, Server

POINTS = [
    pytest.param(4, id="four"),
    pytest.param(50, id="fifty", marks=pytest.mark.torture),
]
PART = 1 << 20
PATIENCE_S = 600.0


class Sending:
    """A client that sends every part, in any order, until it was taken, and completes the upload."""

    def __init__(self, server: Server, content: bytes, rng: random.Random) -> None:
        self.server, self.content, self.rng = server, content, rng
        self.oid = hashlib.sha256(content).hexdigest()
        asked = {
            "operation": "upload",
            "transfers": ["basic", "multipart"],
            "objects": [{"oid": self.oid, "size": len(content)}],
        }
        token = {"Authorization": f"Bearer {server.token}"}
        (known,) = self._ask("POST", f"/{REPO}.git/info/lfs/objects/batch", asked, token)[1]["objects"]
        action = known["actions"]["upload"]
        self.whole = action["href"]
        self.parts = {int(name): href for name, href in action["header"].items() if name.isdigit()}
        self.tags: dict[int, str] = {}
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        order = list(self.parts)
        self.rng.shuffle(order)
        for number in order:
            piece = self.content[(number - 1) * PART : number * PART]
            self.tags[number] = self._ask("PUT", self.parts[number], piece)[0]
        parts = [{"partNumber": number, "etag": tag} for number, tag in sorted(self.tags.items())]
        self._ask("POST", self.whole, {"oid": self.oid, "parts": parts})

    def _ask(self, method: str, href: str, body: Any, headers: Any = None) -> tuple[str, Any]:
        """The ETag and the JSON of an answer; asked again while there is nobody to answer."""
        at, limit = urlsplit(href), time.monotonic() + PATIENCE_S
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        while True:
            try:
                line = HTTPConnection(urlsplit(self.server.url).netloc, timeout=600)
                line.request(method, f"{at.path}?{at.query}", sent, headers or {})
                answer = line.getresponse()
                said = json.loads(answer.read())
                assert answer.status == 200, said
                return answer.headers.get("etag", ""), said
            except (OSError, HTTPException):
                assert time.monotonic() < limit
                time.sleep(0.02)
            finally:
                line.close()


@pytest.mark.parametrize("points", POINTS)
def test_an_upload_in_parts_goes_on_after_every_kill(points: int, tmp_path: Path) -> None:
    rng = random.Random(seed())
    home = tmp_path / "home"
    home.mkdir()
    server = Server(home, WEIGHBRIDGE_LFS_PART_BYTES=str(PART))
    try:
        made = HTTPConnection(urlsplit(server.url).netloc, timeout=600)
        made.request(
            "POST", "/api/repos/create", b'{"name": "m"}', {"Authorization": f"Bearer {server.token}"}
        )
        assert made.getresponse().status == 200
        caught = 0
        while caught < points:
            sending = Sending(server, rng.randbytes(24 * PART + rng.randrange(PART)), rng)
            while sending.thread.is_alive() and caught < points:
                caught += killed_after(server.process, rng.uniform(0.01, 0.4))
                assert left_of(server.process) == []
                assert broken_blobs(home) == []
                server.start()
            sending.thread.join(PATIENCE_S)
            held = home / "blobs-v1" / "sha256" / sending.oid[:2] / sending.oid
            assert held.read_bytes() == sending.content
        assert [file.name for file in (home / "tmp").glob("parts-*") if file.stat().st_size] == []
    finally:
        server.stop()
