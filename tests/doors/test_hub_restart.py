"""What was signed before a restart counts after it, and at another server on the same home."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from tests.doors.asgi_server import call, serving
from tests.doors.uploading import registry_at
from weighbridge.bridge import open_bridge
from weighbridge.doors.hub import hub_app
from weighbridge.settings import load_settings
from weighbridge.xet.hashes import hash_text
from weighbridge.xet.xorbs import Scheme, parse_xorb, write_xorb

CONTENT = b"begun before, sent afterwards" * 100
OID = sha256(CONTENT).hexdigest()


def test_an_upload_goes_on_at_the_next_server(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with registry_at(home) as before:
        assert before.call("ann", "POST", "/api/repos/create", {"name": "m"}).status == 200
        asked = {"operation": "upload", "objects": [{"oid": OID, "size": len(CONTENT)}]}
        answer = before.call("ann", "POST", "/ann/m.git/info/lfs/objects/batch", asked).json
        place = urlsplit(answer["objects"][0]["actions"]["upload"]["href"])
        granted = before.call("ann", "GET", "/api/models/ann/m/xet-write-token/main").json
    environ = {"WEIGHBRIDGE_HOME": str(home), "WEIGHBRIDGE_UPSTREAM": "http://127.0.0.1:9", "HOME": str(home)}
    bridge = open_bridge(load_settings(environ))
    try:
        with serving(hub_app(bridge.hub, bridge.repos, bridge.xet)) as after:
            assert call(after, "PUT", f"{place.path}?{place.query}", CONTENT).status == 200
            xorb = write_xorb([(CONTENT, Scheme.RAW)])
            path = f"{urlsplit(granted['casUrl']).path}/v1/xorbs/default/{hash_text(parse_xorb(xorb).hash)}"
            token = {"Authorization": f"Bearer {granted['accessToken']}"}
            assert call(after, "POST", path, xorb, token).json == {"was_inserted": True}
    finally:
        bridge.close()
    assert (home / "blobs-v1" / "sha256" / OID[:2] / OID).read_bytes() == CONTENT
