"""Attacks on the registry's verbs: upstreams that lie in types, races, and what leaks to whom."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.bridge.opening import a_registry
from tests.bridge.test_packages import READER, UPLOADER, request
from tests.hub_server import HubRepo, HubServer, serve_hub
from tests.made_models import INFO, Made
from tests.registry_process import wait_for
from weighbridge.bridge import Bridge
from weighbridge.domain.access import LOCAL, Permission, Principal
from weighbridge.domain.evidence import evidence_from_json
from weighbridge.domain.json_values import canonical
from weighbridge.domain.policy import Waiver
from weighbridge.doors.demo.models import DATA
from weighbridge.errors import NotPermitted, Rejected
from weighbridge.flows.weighing import score_all
from weighbridge.metrics import METRICS

NAME = "acme/odd"
ALL_WAIVED = tuple(Waiver(metric=metric, repo="", reason="a test", author="") for metric in METRICS)


@pytest.fixture
def hub(made: Made) -> Iterator[HubServer]:
    with serve_hub({DATA: made.repos()[DATA]}) as server:
        yield server


@pytest.fixture
def bridge(hub: HubServer, tmp_path: Path) -> Iterator[Bridge]:
    with a_registry(tmp_path, hub.url) as opened:
        yield opened


def offer(hub: HubServer, files: Mapping[str, bytes], name: str = NAME) -> HubRepo:
    repo = hub.repos[name] = HubRepo(files)
    repo.info = dict(INFO)
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


def test_half_a_character_in_a_header_that_no_library_reads_is_refused_and_told(
    bridge: Bridge, hub: HubServer, good: dict[str, bytes]
) -> None:
    offer(hub, {**good, "model.safetensors": safetensors(f'{{"format": "{HALF}"}}')})
    with pytest.raises(Rejected, match="holds half a character") as refused:
        bridge.packages.ingest(LOCAL, request(NAME, waivers=ALL_WAIVED))
    case = bridge.packages.case_of_refusal(LOCAL, refused.value.refusal_id).to_json()
    assert canonical(case) == canonical(json.loads(canonical(case)))


def test_stored_evidence_and_policy_give_the_stored_scores(
    bridge: Bridge, hub: HubServer, good: dict[str, bytes]
) -> None:
    offer(hub, good)
    admission = bridge.packages.ingest(UPLOADER, request(NAME))
    evidence = evidence_from_json(bridge.packages.evidence(READER, admission.package.id))
    stored = bridge.packages.verdict(READER, admission.package.id)
    again = {score.metric: score for score in score_all(evidence, stored.policy, METRICS)}
    assert again == {score.metric: score for score in stored.scores}


def test_two_commits_at_once_without_a_version_are_both_listed(
    bridge: Bridge, hub: HubServer, good: dict[str, bytes]
) -> None:
    repo = offer(hub, good)
    second = repo.commit({**good, "README.md": good["README.md"] + b"\nMore.\n"})
    first = next(commit for commit in repo.commits if commit != second)
    gate = hub.fault("*/resolve/*/README.md", hold_after=0)
    with ThreadPoolExecutor(2) as pool, ExitStack() as at_end:
        at_end.callback(gate.release)
        running = [
            pool.submit(bridge.packages.ingest, LOCAL, request(f"{NAME}@{commit}"))
            for commit in (first, second)
        ]
        wait_for(lambda: all(hub.asked(f"*/resolve/{commit}/README.md") for commit in (first, second)))
        gate.release()
        packages = [future.result().package for future in running]
    assert {package.version.text for package in packages} == {"1.0.0", "1.1.0"}


def test_who_asks_for_the_same_at_once_waits_for_one_package(
    bridge: Bridge, hub: HubServer, good: dict[str, bytes]
) -> None:
    repo = offer(hub, good)
    gate = hub.fault("*/resolve/*/README.md", hold_after=0)
    with ThreadPoolExecutor(2) as pool, ExitStack() as at_end:
        at_end.callback(gate.release)
        running = [pool.submit(bridge.packages.ingest, LOCAL, request(NAME)) for _ in range(2)]
        wait_for(lambda: len(hub.asked(f"/api/models/{NAME}/revision/main")) == 2)
        gate.release()
        packages = {future.result().package.id for future in running}
    assert len(packages) == 1
    assert len(hub.asked(f"/api/models/{NAME}/refs")) == 1
    assert [package.manifest.commit for package in bridge.packages.packages(LOCAL)] == [repo.head]
    assert len(bridge.audit.lines(LOCAL)) == 1


def test_evidence_holds_file_contents_so_it_asks_for_download(
    bridge: Bridge, hub: HubServer, good: dict[str, bytes]
) -> None:
    offer(hub, good)
    package = bridge.packages.ingest(LOCAL, request(NAME)).package
    searcher = Principal(name="sam", permissions=frozenset({Permission.SEARCH}))
    assert bridge.packages.package(searcher, package.id) == package
    with pytest.raises(NotPermitted):
        bridge.packages.evidence(searcher, package.id)


def test_the_final_version_wins_over_its_pre_release(
    bridge: Bridge, hub: HubServer, good: dict[str, bytes]
) -> None:
    repo = offer(hub, good)
    repo.tags = {"v1.0.0-rc.1": repo.head, "v1.0.0": repo.head, "v0.9.0": repo.head}
    assert bridge.packages.ingest(LOCAL, request(NAME)).package.version.text == "1.0.0"


def test_a_private_base_model_is_shown_to_uploaders_only(
    bridge: Bridge, hub: HubServer, good: dict[str, bytes]
) -> None:
    for name, is_private in (("acme/secret", True), ("acme/open", False)):
        offer(hub, good, name).info["private"] = is_private
    offer(hub, with_front_matter(good, "base_model: [acme/secret, acme/open]"))
    package = bridge.packages.ingest(LOCAL, request(NAME)).package

    def seen_by(principal: Principal) -> list[bool]:
        evidence = evidence_from_json(bridge.packages.evidence(principal, package.id))
        return [parent.info is not None for parent in evidence.parents]

    assert seen_by(LOCAL) == [True, True]
    assert seen_by(READER) == [False, True]


def test_nor_are_the_models_that_a_private_base_model_was_made_from(
    bridge: Bridge, hub: HubServer, good: dict[str, bytes]
) -> None:
    offer(hub, good, "acme/older").info["private"] = True
    offer(hub, with_front_matter(good, "base_model: acme/older"), "acme/old").info["cardData"] = {
        "base_model": "acme/older"
    }
    offer(hub, with_front_matter(good, "base_model: acme/old"))
    package = bridge.packages.ingest(LOCAL, request(NAME)).package

    def seen_by(principal: Principal) -> list[tuple[str, bool]]:
        evidence = evidence_from_json(bridge.packages.evidence(principal, package.id))
        return [(each.id, each.info is not None) for each in evidence.ancestors]

    assert seen_by(LOCAL) == [("acme/older", True)]
    assert seen_by(READER) == [("acme/older", False)]
