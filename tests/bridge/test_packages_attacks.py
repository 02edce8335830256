"""Attacks on the registry's verbs: upstreams that lie in types, races, and what leaks to whom."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.bridge.test_packages import MADE, READER, UPLOADER, request
from tests.hub_server import HubRepo, HubServer, serve_hub
from tests.torture.killing import tree
from weighbridge.bridge import Bridge, open_bridge
from weighbridge.domain.access import LOCAL
from weighbridge.domain.evidence import evidence_from_json
from weighbridge.domain.json_values import canonical
from weighbridge.domain.policy import Waiver
from weighbridge.doors.demo.models import train_made
from weighbridge.flows.ingest import score_all
from weighbridge.metrics import METRICS
from weighbridge.settings import load_settings

NAME = "acme/odd"
ALL_WAIVED = tuple(Waiver(metric=metric, repo="", reason="a test", author="") for metric in METRICS)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("made")
    train_made(folder)
    return tree(folder / MADE)


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with serve_hub({}) as server:
        yield server


@pytest.fixture
def bridge(hub: HubServer, tmp_path: Path) -> Iterator[Bridge]:
    environ = {
        "WEIGHBRIDGE_HOME": str(tmp_path / "home"),
        "WEIGHBRIDGE_UPSTREAM": hub.url,
        "HOME": str(tmp_path),
    }
    opened = open_bridge(load_settings(environ))
    yield opened
    opened.close()


def offer(hub: HubServer, files: Mapping[str, bytes], name: str = NAME) -> HubRepo:
    repo = hub.repos[name] = HubRepo(files)
    repo.info = {"library_name": "numpy", "pipeline_tag": "text-classification"}
    return repo


def with_front_matter(good: Mapping[str, bytes], lines: str) -> dict[str, bytes]:
    return {**good, "README.md": good["README.md"].replace(b"---\n", f"---\n{lines}\n".encode(), 1)}


def safetensors(metadata: str) -> bytes:
    tensor = '"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}'
    header = f'{{"__metadata__": {metadata}, {tensor}}}'.encode()
    return struct.pack("<Q", len(header)) + header + bytes(4)


HALF = "\\ud800"
"""Half of a surrogate pair, as JSON and YAML escape it: text that no UTF-8 can hold."""


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("README.md", f'x: "{HALF}"\nlicense_name: "{HALF}"'.encode()),
        ("adapter_config.json", f'{{"base_model_name_or_path": "acme/{HALF}"}}'.encode()),
        ("config.json", f'{{"model_type": "{HALF}", "{HALF}": "{HALF}"}}'.encode()),
        (".eval_results/a.yaml", f'- task: {{id: "{HALF}"}}\n'.encode()),
        ("model.safetensors", safetensors(f'{{"format": "{HALF}"}}')),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_half_a_character_anywhere_is_judged_like_any_text(
    bridge: Bridge, hub: HubServer, good: dict[str, bytes], path: str, content: bytes
) -> None:
    files = with_front_matter(good, content.decode()) if path == "README.md" else {**good, path: content}
    offer(hub, files)
    package = bridge.packages.ingest(LOCAL, request(NAME, waivers=ALL_WAIVED)).package
    evidence = bridge.packages.evidence(LOCAL, package.id)
    assert canonical(evidence) == canonical(json.loads(canonical(evidence)))


def test_stored_evidence_and_policy_give_the_stored_scores(
    bridge: Bridge, hub: HubServer, good: dict[str, bytes]
) -> None:
    offer(hub, good)
    admission = bridge.packages.ingest(UPLOADER, request(NAME))
    evidence = evidence_from_json(bridge.packages.evidence(READER, admission.package.id))
    stored = bridge.packages.verdict(READER, admission.package.id)
    again = {score.metric: score for score in score_all(evidence, stored.policy, METRICS)}
    assert again == {score.metric: score for score in stored.scores}
