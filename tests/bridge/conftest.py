"""A registry behind its bridge: a real store, a real catalogue, an upstream on loopback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.bridge.test_repos import ANN, REPO, Opener
from tests.hub_server import HubRepo, HubServer, serve_hub
from tests.torture.killing import tree
from weighbridge.bridge import Bridge, open_bridge
from weighbridge.doors.demo.models import MADE, train_made
from weighbridge.settings import load_settings


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("made")
    train_made(folder)
    return tree(folder / MADE)


@pytest.fixture(scope="module")
def upstream(good: Mapping[str, bytes]) -> Iterator[HubServer]:
    repo = HubRepo(dict(good))
    repo.info = {"library_name": "numpy", "pipeline_tag": "text-classification"}
    with serve_hub({MADE: repo}) as server:
        yield server


@pytest.fixture
def opener(upstream: HubServer, tmp_path: Path) -> Iterator[Opener]:
    opened: list[Bridge] = []

    def open_one(**more: str) -> Bridge:
        environ = {
            "WEIGHBRIDGE_HOME": str(tmp_path / "home"),
            "WEIGHBRIDGE_UPSTREAM": upstream.url,
            "HOME": str(tmp_path),
            **more,
        }
        opened.append(open_bridge(load_settings(environ)))
        return opened[-1]

    yield open_one
    for bridge in opened:
        bridge.close()


@pytest.fixture
def bridge(opener: Opener) -> Bridge:
    made = opener()
    made.repos.create(ANN, REPO)
    return made
