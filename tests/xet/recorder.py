"""A Hub that says yes to everything and keeps what the real client sends: xorbs, shards, commits.

It stands apart from the product, so that what it records is the client's own doing.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

COMMIT = "c" * 40
UPLOAD = """
import sys
from huggingface_hub import HfApi
HfApi(token="t").upload_folder(repo_id="me/m", folder_path=sys.argv[1])
"""


class Recorder(ThreadingHTTPServer):
    """Keeps the bodies of xorbs by the name they came under, of shards and of commits in their order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.xorbs: dict[str, bytes] = {}
        self.shards: list[bytes] = []
        self.commits: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Recorder

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if "/xet-write-token/" in path:
            cas, expires = self.server.url + "/cas", int(time.time()) + 3600
            self._say(
                {"casUrl": cas, "exp": expires, "accessToken": "x"},
                headers={
                    "X-Xet-Cas-Url": cas,
                    "X-Xet-Token-Expiration": str(expires),
                    "X-Xet-Access-Token": "x",
                },
            )
        elif path.startswith("/api/models/me/m"):
            self._say({"id": "me/m", "sha": COMMIT, "siblings": [], "xetEnabled": True})
        else:
            self._say({"error": "not here"}, 404)

    def do_POST(self) -> None:
        body, path = self._body(), urlsplit(self.path).path
        if found := re.fullmatch(r"/cas(?:/v1)?/xorbs?/default/([0-9a-f]{64})", path):
            self.server.xorbs[found[1]] = body
            self._say({"was_inserted": True})
        elif re.fullmatch(r"/cas(/v1)?/shards?(/default.*)?", path):
            self.server.shards.append(body)
            self._say({"result": 1})
        elif "/preupload/" in path:
            named = [file["path"] for file in json.loads(body)["files"]]
            self._say({"files": [{"path": p, "uploadMode": "lfs", "shouldIgnore": False} for p in named]})
        elif path.endswith("/info/lfs/objects/batch"):  # huggingface_hub before 2 asks how to send
            self._say({"transfer": "xet", "objects": json.loads(body)["objects"]})
        elif "/commit/" in path:
            self.server.commits.append(body)
            self._say({"success": True, "commitOid": COMMIT, "hookOutput": "", "pullRequestUrl": None,
                       "commitUrl": f"{self.server.url}/me/m/commit/{COMMIT}"})  # fmt: skip
        else:
            self._say({"error": "not here"}, 404)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _say(self, answer: object, status: int = 200, *, headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def recording() -> Iterator[Recorder]:
    """A recorder on a free port of this machine, until the end."""
    server = Recorder()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def upload(server: Recorder, home: Path, folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files to the folder and let the real client upload it, with a home of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HF_") and "proxy" not in k.lower()}
    ran = subprocess.run(
        [sys.executable, "-c", UPLOAD, str(folder)],
        env={**kept, "HF_HOME": str(home), "HF_ENDPOINT": server.url, "HF_HUB_DISABLE_TELEMETRY": "1",
             "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1"},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
