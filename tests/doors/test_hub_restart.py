"""What was signed before a restart counts after it, and at another server on the same home."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from tests.doors.asgi_server import call, serving
from tests.doors.uploading import registry_at
from tests.xet.written import write_xorb
from weighbridge.bridge import open_bridge
from weighbridge.doors.hub import hub_app
from weighbridge.settings import load_settings
from weighbridge.xet.chunks import Scheme
from weighbridge.xet.hashes import hash_text
from weighbridge.xet.xorbs import parse_xorb

CONTENT = b"begun before, sent afterwards" * 100
OID = sha256(CONTENT).hexdigest()


@contextmanager
def _another(home: Path) -> Iterator[str]:
    """A further server on a home; its address."""
    environ = {
        "WEIGHBRIDGE_HOME": str(home),
        "WEIGHBRIDGE_POLICY": str(home / "policy.yaml"),
        "WEIGHBRIDGE_UPSTREAM": "http://127.0.0.1:9",
        "HOME": str(home),
    }
    bridge = open_bridge(load_settings(environ))
    try:
        with serving(hub_app(bridge.hub, bridge.repos, bridge.xet)) as url:
            yield url
    finally:
        bridge.close()


def test_an_upload_goes_on_at_the_next_server(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with registry_at(home) as before:
        assert before.call("ann", "POST", "/api/repos/create", {"name": "m"}).status == 200
        asked = {"operation": "upload", "objects": [{"oid": OID, "size": len(CONTENT)}]}
        answer = before.call("ann", "POST", "/ann/m.git/info/lfs/objects/batch", asked).json
        place = urlsplit(answer["objects"][0]["actions"]["upload"]["href"])
        granted = before.call("ann", "GET", "/api/models/ann/m/xet-write-token/main").json
    with _another(home) as after:
        assert call(after, "PUT", f"{place.path}?{place.query}", CONTENT).status == 200
        xorb = write_xorb([(CONTENT, Scheme.RAW)])
        path = f"{urlsplit(granted['casUrl']).path}/v1/xorbs/default/{hash_text(parse_xorb(xorb).hash)}"
        token = {"Authorization": f"Bearer {granted['accessToken']}"}
        assert call(after, "POST", path, xorb, token).json == {"was_inserted": True}
    assert (home / "blobs-v1" / "sha256" / OID[:2] / OID).read_bytes() == CONTENT


def test_the_parts_of_one_file_go_to_two_servers(tmp_path: Path) -> None:
    home, content = tmp_path / "home", os.urandom(6 * 50_000 + 1)
    oid = sha256(content).hexdigest()
    asked = {
        "operation": "upload",
        "transfers": ["basic", "multipart"],
        "objects": [{"oid": oid, "size": len(content)}],
    }
    with registry_at(home, WEIGHBRIDGE_LFS_PART_BYTES="50000") as one, _another(home) as other:
        assert one.call("ann", "POST", "/api/repos/create", {"name": "m"}).status == 200
        (known,) = one.call("ann", "POST", "/ann/m.git/info/lfs/objects/batch", asked).json["objects"]
        action = known["actions"]["upload"]
        sendings = [(one.url, 1), (other, 1), *((url, n) for n in range(2, 8) for url in (other, one.url))]
        tags: dict[int, str] = {}
        for url, number in sendings:
            at = urlsplit(action["header"][f"{number:05}"])
            piece = content[(number - 1) * 50_000 : number * 50_000]
            wrong = bytes(len(piece)) if url == other else piece  # the later sending counts
            got = call(url, "PUT", f"{at.path}?{at.query}", wrong)
            assert got.status == 200, got.json
            tags[number] = got.headers["etag"]
        at = urlsplit(action["header"]["00001"])
        tags[1] = call(other, "PUT", f"{at.path}?{at.query}", content[:50_000]).headers["etag"]
        parts = [{"partNumber": number, "etag": tag} for number, tag in tags.items()]
        at = urlsplit(action["href"])
        for url in (other, one.url):
            assert call(url, "POST", f"{at.path}?{at.query}", {"oid": oid, "parts": parts}).status == 200
    assert (home / "blobs-v1" / "sha256" / oid[:2] / oid).read_bytes() == content
