"""A registry behind its bridge: a real store, a real catalogue, an upstream on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bridge.opening import a_registry
from tests.bridge.test_repos import ANN, REPO, Opener
from tests.hub_server import HubServer, serve_hub
from tests.made_models import ONE_PERSON, Made, train
from weighbridge.bridge import Bridge


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return train(tmp_path_factory.mktemp("made"))


@pytest.fixture
def good(made: Made) -> dict[str, bytes]:
    return dict(made.model)


@pytest.fixture(scope="module")
def upstream(made: Made) -> Iterator[HubServer]:
    with serve_hub(made.repos()) as server:
        yield server


@pytest.fixture
def opener(upstream: HubServer, tmp_path: Path) -> Iterator[Opener]:
    opened: list[Bridge] = []
    policy = tmp_path / "policy.yaml"
    policy.write_text(ONE_PERSON)

    def open_one(**more: str) -> Bridge:
        opened.append(a_registry(tmp_path, upstream.url, **{"WEIGHBRIDGE_POLICY": str(policy), **more}))
        return opened[-1]

    yield open_one
    for bridge in opened:
        bridge.close()


@pytest.fixture
def bridge(opener: Opener) -> Bridge:
    made = opener()
    made.repos.create(ANN, REPO)
    return made
