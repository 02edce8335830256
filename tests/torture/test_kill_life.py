"""SIGKILL of the server while repositories are duplicated, squashed, rewritten and deleted.

Four points in the ordinary tests, fifteen in ``make torture``.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from tests.registry_process import wait_for
from tests.torture.killing import seed
from tests.torture.test_kill_upload import REPO, Server

POINTS = [
    pytest.param(4, id="four"),
    pytest.param(15, id="fifteen", marks=pytest.mark.torture),
]
LARGE = random.Random(1).randbytes(300_000)


def ask(server: Server, method: str, path: str, body: object) -> bytes:
    """One call of the administrator."""
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    request = Request(f"{server.url}{path}", json.dumps(body).encode(), headers, method=method)
    with urlopen(request, timeout=600) as answer:
        content: bytes = answer.read()
        return content


def live(server: Server, number: int, done: list[int]) -> None:
    """One life after the other until the server is gone."""
    digest = hashlib.sha256(LARGE).hexdigest()
    try:
        while True:
            number += 1
            name = f"admin/c{number}"
            ask(server, "POST", f"/api/models/{REPO}/duplicate", {"repository": name})
            deletion = {"deletions": {"sha": [digest], "rewriteHistory": True}}
            ask(server, "POST", f"/api/models/{name}/lfs-files/batch", deletion)
            ask(server, "POST", f"/api/models/{name}/super-squash/main", {"message": "one"})
            ask(server, "POST", "/api/repos/move", {"fromRepo": name, "toRepo": f"{name}-moved"})
            if number % 8:
                ask(
                    server,
                    "DELETE",
                    "/api/repos/delete",
                    {"name": f"c{number}-moved", "organization": "admin"},
                )
            done.append(number)
    except HTTPError:
        raise
    except (URLError, HTTPException, OSError):
        return


def check(server: Server) -> int:
    """Every repository that is there is whole; how many there are."""
    names = [each["id"] for each in json.loads(server.get("/api/settings/repositories"))]
    for name in names:
        sha = json.loads(server.get(f"/api/models/{name}"))["sha"]
        history = json.loads(server.get(f"/api/models/{name}/commits/main"))
        assert history[0]["id"] == sha
        for commit in history:
            tree = json.loads(server.get(f"/api/models/{name}/tree/{commit['id']}?recursive=true"))
            for entry in tree:
                path = f"/{name}/resolve/{commit['id']}/{quote(entry['path'])}"
                assert len(server.get(path)) == entry["size"]
    return len(names)


@pytest.mark.parametrize("points", POINTS)
def test_every_repository_is_whole_or_not_there(points: int, tmp_path: Path) -> None:
    rng = random.Random(seed())
    home, folder = tmp_path / "home", tmp_path / "folder"
    home.mkdir()
    folder.mkdir()
    (folder / "weights.bin").write_bytes(LARGE)
    (folder / "a.txt").write_text("small")
    server, done = Server(home), list[int]()
    try:
        for turn in range(2):
            (folder / "a.txt").write_text(f"small {turn}")
            assert server.upload(folder, tmp_path / "client", xet=False).wait(timeout=600) == 0
        for point in range(points):
            before = len(done)
            living = threading.Thread(target=live, args=(server, 1000 * point, done))
            living.start()
            if not done:
                wait_for(lambda: bool(done) or not living.is_alive())  # noqa: B023  one that is whole
            living.join(rng.uniform(0.1, 1.5))
            server.process.kill()
            server.process.wait(timeout=600)
            living.join(600)
            assert not living.is_alive()
            server.start()
            assert check(server) >= 1 + sum(1 for number in done[before:] if number % 8 == 0)
    finally:
        server.stop()
    assert done, "the server was killed before anything had happened"
