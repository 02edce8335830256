"""What ``sync --layout hf-cache`` laid out is what ``from_pretrained`` of real transformers finds offline."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doors.test_cli_models import Desk
from tests.hub_server import serve_hub
from tests.loaders.environments import run_in

pytestmark = pytest.mark.heavy


def test_from_pretrained_works_offline_after_sync(tmp_path: Path) -> None:
    made, place = tmp_path / "made", tmp_path / "desk"
    place.mkdir()
    run_in("torch", "reads_cache", "make", str(made))
    files = {path.name: path.read_bytes() for path in made.iterdir()}
    with serve_hub({"org/tiny": files}) as server:
        desk = Desk(place, server)
        desk.list.write_text("layout: hf-cache\ncache_dir: hub\nmodels:\n  - {id: tiny, repo_id: org/tiny}\n")
        desk.run("sync")
        head = server.repos["org/tiny"].head
        server.requests.clear()
        offline = {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(place / "hub"), "HF_ENDPOINT": server.url}
        found = run_in("torch", "reads_cache", "read", "org/tiny", head, "main", **offline)
        assert server.requests == []
    assert found[head] == found["main"]
    assert isinstance(found["main"], list)
    assert found["none"] == found["main"][:1]
    assert found["main"][0] > 0
