"""What the connector downloads is what ``from_pretrained`` of real transformers finds, without any Hub."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.doors.connecting import CANARY, a_hub
from tests.hub_server import HubRepo
from tests.loaders.environments import run_in
from weighbridge.connector import HuggingFaceConnector

pytestmark = pytest.mark.heavy


def test_from_pretrained_finds_a_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, cache = tmp_path / "made", tmp_path / "cache"
    run_in("torch", "reads_cache", "make", str(made))

    async def downloaded() -> Path:
        connector = HuggingFaceConnector()
        await connector.connect({"token": CANARY})
        assert await connector.check_compatibility("org/tiny", "transformers")
        return await connector.download_model("org/tiny", cache)

    with a_hub(tmp_path, monkeypatch) as hub:
        hub.repos["org/tiny"] = HubRepo({path.name: path.read_bytes() for path in made.iterdir()})
        folder = asyncio.run(downloaded())
    offline = {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cache)}
    found = run_in("torch", "reads_cache", "read", "org/tiny", folder.name, "main", **offline)
    assert found[folder.name] == found["main"]
