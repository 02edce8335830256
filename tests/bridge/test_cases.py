"""The same verdict again, from what was kept; and what can be said of a folder before it is anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.bridge.test_packages import UPLOADER, refused, request
from tests.hub_server import HubServer, serve_hub
from tests.made_models import Made
from tests.metrics.making import evidence_of
from tests.metrics.models import MODELS
from weighbridge.bridge import Bridge, open_bridge
from weighbridge.bridge.scoring import score_again, score_folder
from weighbridge.domain.access import LOCAL, Permission, Principal
from weighbridge.domain.case import Case
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, JsonObject, canonical, child
from weighbridge.domain.policy import Policy, Waiver
from weighbridge.domain.ref import RepoId
from weighbridge.domain.score import Status
from weighbridge.domain.verdict import Outcome, Verdict
from weighbridge.doors.demo.models import MADE
from weighbridge.errors import BadInput, NotFound, NotPermitted
from weighbridge.settings import Settings, load_settings

READER = Principal(name="rita", permissions=frozenset({Permission.SEARCH, Permission.DOWNLOAD}))


@pytest.fixture
def hub(made: Made) -> Iterator[HubServer]:
    with serve_hub(made.repos()) as server:
        yield server


@pytest.fixture
def settings(hub: HubServer, tmp_path: Path) -> Settings:
    return load_settings(
        {
            "WEIGHBRIDGE_HOME": str(tmp_path / "home"),
            "WEIGHBRIDGE_UPSTREAM": hub.url,
            "HOME": str(tmp_path),
        }
    )


@pytest.fixture
def bridge(settings: Settings) -> Iterator[Bridge]:
    opened = open_bridge(settings)
    yield opened
    opened.close()


def kept(case: Case, tmp_path: Path) -> Path:
    """The case as a file, as somebody would keep it."""
    file = tmp_path / "case.json"
    file.write_text(json.dumps(case.to_json(), indent=1))
    return file


def same(one: Verdict, other: Verdict) -> bool:
    return canonical(one.to_json()) == canonical(other.to_json())


def test_a_case_gives_the_stored_verdict_again_to_the_last_byte(
    bridge: Bridge, settings: Settings, tmp_path: Path
) -> None:
    waiver = Waiver(metric="reviewedness", repo="", reason="known", author="")
    wish = request(MADE, thresholds={"license": 0.99, "reviewedness": 0.9}, waivers=(waiver,))
    package = bridge.packages.ingest(LOCAL, wish).package
    stored = bridge.packages.verdict(LOCAL, package.id)
    found = bridge.packages.named(LOCAL, RepoId.parse(MADE), "1.0.0")
    assert found == package
    again = score_again(kept(bridge.packages.case(LOCAL, package.id), tmp_path), settings)
    assert same(again, stored)
    assert [waived.metric for waived in again.waived] == ["reviewedness"]


def test_a_refusal_before_and_after_the_download_can_be_judged_again(
    bridge: Bridge, hub: HubServer, settings: Settings, made: Made, tmp_path: Path
) -> None:
    early = refused(bridge, request(MADE, thresholds={"performance_claims": 0.99}))
    hub.repos[MADE].commit({**made.model, "run.sh": b"\x7fELF" + bytes(100)})
    late = refused(bridge, request(MADE))
    assert (early.scan.rules, late.outcome) == ("", Outcome.REFUSED)
    assert late.scan.rules
    assert "run.sh" in {file.path for file in late.unsafe}
    by_sentence = {each.sentence: each.id for each in bridge.packages.refusals(LOCAL)}
    for verdict in (early, late):
        case = bridge.packages.case_of_refusal(LOCAL, by_sentence[verdict.sentence()])
        assert same(score_again(kept(case, tmp_path), settings), verdict)


def test_evidence_of_the_format_before_has_no_ancestors(settings: Settings, tmp_path: Path) -> None:
    now = MODELS["laundered"]().to_json()
    before = {**{key: value for key, value in now.items() if key != "ancestors"}, "evidence_format": 2}
    verdicts = []
    for number, document in enumerate((now, before)):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(document))
        verdicts.append(score_again(file, settings))
    assert same(*verdicts)


def test_what_the_scanners_block_caps_the_code(bridge: Bridge, hub: HubServer, made: Made) -> None:
    hub.repos[MADE].commit({**made.model, "run.sh": b"\x7fELF" + bytes(100)})
    verdict = refused(bridge, request(MADE))
    (code,) = (score for score in verdict.scores if score.metric == "code_quality")
    assert code.high <= 0.2
    assert any("run.sh" in cap.reason for cap in code.caps)


def test_evidence_alone_is_held_against_the_policy_of_the_settings(
    bridge: Bridge, settings: Settings, tmp_path: Path
) -> None:
    package = bridge.packages.ingest(LOCAL, request(MADE)).package
    file = tmp_path / "evidence.json"
    file.write_text(json.dumps(dict(bridge.packages.evidence(LOCAL, package.id))))
    verdict = score_again(file, settings)
    assert verdict.scores == bridge.packages.verdict(LOCAL, package.id).scores
    assert verdict.not_judged == ("safety",)


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"evidence_format": 99}', b'{"case_format": 1}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_case_is_refused(content: bytes, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_bytes(content)
    with pytest.raises((BadInput, Invalid)):
        score_again(file, settings)
    with pytest.raises(NotFound):
        score_again(tmp_path / "none", settings)


def test_a_case_is_for_those_who_may_upload(bridge: Bridge) -> None:
    package = bridge.packages.ingest(UPLOADER, request(MADE)).package
    with pytest.raises(NotPermitted):
        bridge.packages.case(READER, package.id)
    assert bridge.packages.case(UPLOADER, package.id).evidence.repo.full_name == MADE


def folder_of(files: Mapping[str, bytes], root: Path) -> Path:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def test_a_folder_is_scored_and_scanned_without_asking_anybody(
    hub: HubServer, bridge: Bridge, settings: Settings, made: Made, tmp_path: Path
) -> None:
    folder = folder_of(made.model, tmp_path / MADE)
    before = sorted(tmp_path.rglob("*"))
    verdict = score_folder(folder, settings)
    assert hub.requests == []
    assert sorted(tmp_path.rglob("*")) == before, "nothing is left beside it"
    assert verdict.repo == MADE
    assert verdict.scan.rules
    assert verdict.outcome is Outcome.INDETERMINATE
    listed = bridge.packages.ingest(LOCAL, request(MADE)).verdict
    assert [score.metric for score in verdict.scores] == [score.metric for score in listed.scores]
    for rough, exact in zip(verdict.scores, listed.scores, strict=True):
        assert rough.low <= exact.low <= exact.high <= rough.high, rough.metric
    (people,) = (score for score in verdict.scores if score.metric == "bus_factor")
    unknown = [signal.reason for signal in people.signals if signal.status is Status.UNKNOWN]
    assert len(unknown) == 3, "history, owner and discussions are nobody's to know yet"


def test_a_folder_that_is_unsafe_is_refused(settings: Settings, made: Made, tmp_path: Path) -> None:
    folder = folder_of({**made.model, "run.sh": b"\x7fELF" + bytes(100)}, tmp_path / "datasets" / "m")
    verdict = score_folder(folder, settings)
    assert (verdict.repo, verdict.outcome) == ("local/m", Outcome.REFUSED)
    assert score_folder(folder, settings, name="acme/m").repo == "acme/m"
    with pytest.raises(Invalid):
        score_folder(folder, settings, name="../m")
    with pytest.raises(NotFound):
        score_folder(tmp_path / "none", settings)


@pytest.mark.parametrize(
    "policy",
    [
        {"default_threshold": -7},
        {"default_threshold": "0.5"},
        {"default_threshold": float("nan")},
        {"thresholds": {"license": float("nan")}},
        {"thresholds": {"license": 10**400}},
        {"targets_gib": {"laptop": -1}, "target_weights": {"laptop": 1}},
        {"targets_gib": {"laptop": 8}, "target_weights": {"server": 1}},
        {"net_weights": {"license": 0}},
        {"net_weights": {"license": -1}},
        {"permissiveness": {"permissive": 99}},
        {"waivers": [{"metric": "license"}]},
        {"overrides": [{"models": "acme/*", "author": "a", "reason": "b", "thresholds": {"license": "no"}}]},
    ],
)
def test_a_policy_that_cannot_be_one_is_refused_and_not_guessed(
    policy: JsonObject, settings: Settings, tmp_path: Path
) -> None:
    case = {"case_format": 1, "evidence": minimal(), "scan": {}, "policy": policy, "as_of": "2026-11-20"}
    file = tmp_path / "case.json"
    file.write_text(json.dumps(case))
    with pytest.raises(Invalid):
        score_again(file, settings)
    file.write_text(json.dumps({**case, "policy": {}}))
    assert score_again(file, settings).policy == Policy()


def minimal() -> JsonObject:
    return evidence_of("acme/m", sizes={"model.safetensors": 9}, texts={"README.md": "# M"}).to_json()


_FILE = {"path": "a.bin", "sha256": "", "format": "pickle", "state": "scanned", "findings": []}


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("manifest", {"files": "model.safetensors"}),
        ("manifest", {"files": ["model.safetensors"]}),
        ("manifest", {"files": None}),
        (None, {"manifest": []}),
        (None, {"sources": []}),
        (None, {"sources": {"card": "read"}}),
        (None, {"sources": {"card": {"state": "perhaps"}}}),
        (None, {"texts": {"README.md": "# M"}}),
        (None, {"texts": {"README.md": {"content": 5}}}),
        (None, {"front_matter": "license: mit"}),
        (None, {"commits": {"id": "0" * 40}}),
        (None, {"commits": ["0" * 40]}),
        (None, {"blocked": {"a.bin": 5}}),
        (None, {"captured_at": 20261120}),
        ("scan", None),
        ("scan", []),
        ("scan", {"rules": 5, "files": []}),
        ("scan", {"rules": "1", "files": "all"}),
        ("scan", {"rules": "1", "files": ["a.bin"]}),
        ("scan", {"rules": "1", "files": [{**_FILE, "path": ""}]}),
        ("scan", {"rules": "1", "files": [{**_FILE, "state": "fine"}]}),
        ("scan", {"rules": "1", "files": [{**_FILE, "state": None}]}),
        ("scan", {"rules": "1", "files": [{**_FILE, "findings": "none"}]}),
    ],
)
def test_a_part_of_a_case_that_is_not_what_it_must_be_is_refused_and_not_read_as_nothing(
    part: str | None, change: Json, settings: Settings, tmp_path: Path
) -> None:
    evidence = minimal()
    scan: Json = {"rules": "1", "files": [_FILE]}
    if part == "scan":
        scan = change
    elif isinstance(change, Mapping):
        inner = {**child(evidence, "manifest"), **change}
        evidence = {**evidence, **({"manifest": inner} if part == "manifest" else change)}
    case = {"case_format": 1, "evidence": evidence, "scan": scan, "policy": {}, "as_of": "2026-11-20"}
    file = tmp_path / "case.json"
    file.write_text(json.dumps(case))
    with pytest.raises((BadInput, Invalid)):
        score_again(file, settings)
    whole = {**case, "evidence": minimal(), "scan": {"rules": "1", "files": [_FILE]}}
    file.write_text(json.dumps(whole))
    assert score_again(file, settings).scan.files[0].path == "a.bin"
