"""Ingestion through the bridge: a real Hub over HTTP, a real store, a real catalogue."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from tests.bridge.opening import a_registry
from tests.hub_server import HubRepo, HubServer, serve_hub
from tests.made_models import INFO, Made
from weighbridge.bridge import Bridge, open_bridge
from weighbridge.domain.access import LOCAL, Permission, Principal
from weighbridge.domain.json_values import child, objects
from weighbridge.domain.package import IngestRequest, Version
from weighbridge.domain.policy import METRICS_OF_THE_GATE, Waiver
from weighbridge.domain.ref import ModelRef, RepoKind
from weighbridge.domain.verdict import Outcome, Verdict
from weighbridge.doors.demo.models import MADE
from weighbridge.errors import (
    BadInput,
    DigestMismatch,
    Gated,
    HubDown,
    NoSuchPackage,
    NoSuchRepo,
    NoSuchRevision,
    NotAuthenticated,
    NotPermitted,
    PackageExists,
    Rejected,
)
from weighbridge.settings import load_settings

UPLOADER = Principal(name="una", permissions=frozenset({Permission.SEARCH, Permission.UPLOAD}))
READER = Principal(name="rita", permissions=frozenset({Permission.SEARCH, Permission.DOWNLOAD}))
ANONYMOUS = Principal(name="anonymous", permissions=frozenset({Permission.SEARCH}), is_anonymous=True)
THIN_CARD = b"---\nlicense: mit\n---\n# A model\n\nIt does things.\n"


@pytest.fixture
def hub(made: Made) -> Iterator[HubServer]:
    weights = save({"weight": np.arange(50_000, dtype=np.float32)})
    thin = HubRepo({"README.md": THIN_CARD, "config.json": b"{}", "model.safetensors": weights})
    thin.info = dict(INFO)
    with serve_hub({**made.repos(), "acme/thin": thin}) as server:
        yield server


@pytest.fixture
def bridge(hub: HubServer, tmp_path: Path) -> Iterator[Bridge]:
    with a_registry(tmp_path, hub.url) as opened:
        yield opened


def request(name: str, **more: object) -> IngestRequest:
    return IngestRequest(ref=ModelRef.parse(name), **more)  # type: ignore[arg-type]


def refused(bridge: Bridge, wish: IngestRequest, by: Principal = LOCAL) -> Verdict:
    with pytest.raises(Rejected) as caught:
        bridge.packages.ingest(by, wish)
    return caught.value.verdict


def with_files(hub: HubServer, good: Mapping[str, bytes], **more: bytes) -> None:
    """The good model with further files (``__`` stands for a dot), which many have worked on."""
    files = {**good, **{name.replace("__", "."): content for name, content in more.items()}}
    hub.repos["acme/more"] = HubRepo(files)
    hub.repos["acme/more"].info = hub.repos[MADE].info
    hub.repos["acme/more"].discussions = [
        {
            "num": n,
            "title": "Better",
            "author": {"name": by},
            "status": "merged",
            "isPullRequest": True,
        }
        for n, by in enumerate(("ann", "bob", "cid"))
    ]


class Marker:
    """Pickles into a call of os.system; harmless unless somebody loads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, (f"touch {self.path}",)


def test_a_good_model_is_listed_with_its_reasons(
    bridge: Bridge, hub: HubServer, good: dict[str, bytes]
) -> None:
    admission = bridge.packages.ingest(UPLOADER, request(MADE, description="a line"))
    package = admission.package
    assert (package.name, package.version, package.created_by) == (MADE, Version("1.0.0"), "una")
    assert package.manifest.commit == hub.repos[MADE].head
    assert {entry.path for entry in package.manifest.files} == set(good)
    assert package.size_bytes == sum(map(len, good.values()))
    assert admission.verdict.outcome is Outcome.ACCEPTED
    assert set(package.metrics) == set(METRICS_OF_THE_GATE)
    assert admission.verdict.not_judged == ()
    assert admission.verdict.reported["tree_score"] is None
    assert admission.verdict.reported["reproducibility"] is not None
    assert min(package.metrics.values()) >= 0.5
    assert min(package.metrics.values()) <= package.net_score <= max(package.metrics.values())
    assert [listed.id for listed in bridge.packages.packages(READER)] == [package.id]
    assert bridge.packages.verdict(READER, package.id) == admission.verdict
    found = bridge.hub.scan(READER, RepoKind.MODEL, MADE, "1.0.0")
    assert found == admission.verdict.scan
    assert found.rules
    evidence = bridge.packages.evidence(READER, package.id)
    assert child(child(evidence, "headers"), "model.safetensors")["tensors"] == 2
    lines = bridge.audit.lines(LOCAL)
    assert [(line.by, line.verb, line.target) for line in lines] == [
        ("una", "ingest", f"{MADE}@{package.manifest.commit}")
    ]


def test_a_model_without_claims_is_refused_before_its_weights_are_fetched(
    bridge: Bridge, hub: HubServer
) -> None:
    verdict = refused(bridge, request("acme/thin"))
    assert verdict.outcome is Outcome.REFUSED
    assert "Performance Claims (" in verdict.sentence()
    assert "safety" in verdict.not_judged
    assert hub.asked("*/resolve/*/model.safetensors") == []
    (refusal,) = bridge.packages.refusals(UPLOADER)
    assert refusal.sentence == verdict.sentence()
    assert bridge.packages.refusal(UPLOADER, refusal.id)[1] == verdict
    assert bridge.packages.packages(LOCAL) == ()
    failures = objects(verdict.to_json(), "failures")
    assert failures
    assert all(failure["how_to_improve"] for failure in failures)


def test_a_waiver_admits_and_is_recorded(bridge: Bridge) -> None:
    wish = request("acme/thin")
    failing = [failure.metric for failure in refused(bridge, wish).failures]
    waivers = tuple(Waiver(metric=metric, repo="", reason="known to us", author="") for metric in failing)
    package = bridge.packages.ingest(LOCAL, request("acme/thin", waivers=waivers)).package
    verdict = bridge.packages.verdict(READER, package.id)
    assert [(w.metric, w.author, w.repo, w.reason) for w in verdict.waived] == [
        (metric, "local", "acme/thin", "known to us") for metric in failing
    ]
    assert "known to us" in bridge.audit.lines(LOCAL)[0].detail


def test_a_waiver_whose_last_day_is_over_is_refused_since_it_would_hold_nothing(bridge: Bridge) -> None:
    waiver = Waiver(
        metric="performance_claims", repo="", reason="was fine", author="", expires=date(2020, 1, 1)
    )
    with pytest.raises(BadInput, match="the last day of the waiver of 'performance_claims' was 2020-01-01"):
        bridge.packages.ingest(LOCAL, request("acme/thin", waivers=(waiver,)))
    assert bridge.jobs.jobs(LOCAL) == ()


def test_only_an_admin_opens_the_gate(bridge: Bridge) -> None:
    waiver = Waiver(metric="performance_claims", repo="", reason="please", author="")
    for wish in (request(MADE, waivers=(waiver,)), request(MADE, thresholds={"license": 0.1})):
        with pytest.raises(NotPermitted) as told:
            bridge.packages.ingest(UPLOADER, wish)
        assert "a waiver, or a threshold below the registry's own" in told.value.hint
    with pytest.raises(NotPermitted):
        bridge.packages.ingest(READER, request(MADE))
    with pytest.raises(NotAuthenticated):
        bridge.packages.ingest(ANONYMOUS, request(MADE))
    assert bridge.packages.packages(LOCAL) == ()


def test_a_raised_threshold_refuses_what_would_pass(bridge: Bridge) -> None:
    verdict = refused(bridge, request(MADE, thresholds={"performance_claims": 0.99}), by=UPLOADER)
    certain = [failure.metric for failure in verdict.failures if failure.is_certain]
    assert certain == ["performance_claims"]
    assert "< 0.99)" in verdict.sentence()


def test_the_same_commit_is_a_duplicate_and_a_new_one_the_next_minor(
    bridge: Bridge, hub: HubServer, good: dict[str, bytes]
) -> None:
    bridge.packages.ingest(LOCAL, request(MADE))
    with pytest.raises(PackageExists):
        bridge.packages.ingest(LOCAL, request(MADE))
    with pytest.raises(PackageExists):
        bridge.packages.ingest(LOCAL, request(MADE, version=Version("1.0.0")))
    hub.forget()
    hub.repos[MADE].commit({**good, "NOTES.txt": b"changed"})
    package = bridge.packages.ingest(LOCAL, request(MADE)).package
    assert package.version == Version("1.1.0")
    fetched = [asked.path.rpartition("/")[2] for asked in hub.asked(f"/{MADE}/resolve/*")]
    assert fetched == ["NOTES.txt"], "only what changed is downloaded"


def test_a_tag_on_the_commit_names_the_version(bridge: Bridge, hub: HubServer) -> None:
    hub.repos[MADE].tags["v2.3.4"] = hub.repos[MADE].head
    assert bridge.packages.ingest(LOCAL, request(MADE)).package.version == Version("2.3.4")


def test_a_taken_version_is_told_before_the_hub_is_asked(bridge: Bridge, hub: HubServer) -> None:
    bridge.packages.ingest(LOCAL, request(MADE, version=Version("3.0.0")))
    hub.forget()
    with pytest.raises(PackageExists):
        bridge.packages.ingest(LOCAL, request(MADE, version=Version("3.0.0")))
    assert hub.requests == []


def test_a_malicious_pickle_is_refused_and_never_run(
    bridge: Bridge, hub: HubServer, good: dict[str, bytes], tmp_path: Path
) -> None:
    marker = tmp_path / "was-run"
    with_files(hub, good, pytorch_model__bin=pickle.dumps(Marker(marker)))
    verdict = refused(bridge, request("acme/more"))
    assert [file.path for file in verdict.unsafe] == ["pytorch_model.bin"]
    assert "system" in verdict.sentence()
    assert "safety requirements" in verdict.sentence()
    assert not marker.exists()
    commit = hub.repos["acme/more"].head
    waiver = Waiver(metric="safety", repo="acme/more", reason="trust me", author="", commit=commit)
    again = refused(bridge, request("acme/more", waivers=(waiver,)))
    assert again.unsafe, "no waiver lifts a block"


def test_what_needs_review_is_admitted_for_one_commit_only(
    bridge: Bridge, hub: HubServer, good: dict[str, bytes]
) -> None:
    with_files(hub, good, modeling_more__py=b"x = 1\n")
    assert refused(bridge, request("acme/more")).unsafe[0].path == "modeling_more.py"
    commit = hub.repos["acme/more"].head
    waiver = Waiver(metric="safety", repo="acme/more", reason="read it", author="", commit=commit)
    package = bridge.packages.ingest(LOCAL, request("acme/more", waivers=(waiver,))).package
    assert package.manifest.commit == commit
    hub.repos["acme/more"].commit({**good, "modeling_more.py": b"x = 2\n"})
    assert refused(bridge, request("acme/more", waivers=(waiver,))).unsafe


def test_an_adapter_of_an_unreachable_base_is_indeterminate(
    bridge: Bridge, hub: HubServer, good: dict[str, bytes]
) -> None:
    config = b'{"base_model_name_or_path": "acme/base", "peft_type": "LORA"}'
    adapter = save({"lora_A": np.zeros((8, 8), dtype=np.float32)})
    hub.repos["acme/adapter"] = HubRepo(
        {**good, "adapter_config.json": config, "adapter_model.safetensors": adapter}
    )
    hub.repos["acme/adapter"].info = hub.repos[MADE].info
    hub.repos["acme/base"] = HubRepo({"model.safetensors": save({"w": np.zeros(4, dtype=np.float32)})})
    hub.fault("/api/models/acme/base*", status=429, headers={"Retry-After": "99999"})
    verdict = refused(bridge, request("acme/adapter"))
    assert verdict.outcome is Outcome.INDETERMINATE
    assert "size_score 0.00..1.00" in verdict.sentence()
    hub.forget()
    assert bridge.packages.ingest(LOCAL, request("acme/adapter")).verdict.outcome is Outcome.ACCEPTED


def test_each_failure_of_the_upstream_is_its_own_error(bridge: Bridge, hub: HubServer) -> None:
    with pytest.raises(NoSuchRepo):
        bridge.packages.ingest(LOCAL, request("acme/absent"))
    with pytest.raises(NoSuchRevision):
        bridge.packages.ingest(LOCAL, request(f"{MADE}@no-such-branch"))
    hub.repos[MADE].gated = True
    with pytest.raises(Gated):
        bridge.packages.ingest(LOCAL, request(MADE))
    assert bridge.packages.refusals(LOCAL) == (), "an outage is no judgement"


def test_a_lying_upstream_leaves_nothing_behind(bridge: Bridge, hub: HubServer, tmp_path: Path) -> None:
    hub.fault("*/resolve/*/model.safetensors", flip=1000)
    with pytest.raises(DigestMismatch):
        bridge.packages.ingest(LOCAL, request(MADE))
    assert bridge.packages.packages(LOCAL) == ()
    assert list((tmp_path / "home" / "partial").glob("*")) == []
    hub.forget()
    assert bridge.packages.ingest(LOCAL, request(MADE)).package.name == MADE


def test_a_reader_sees_what_is_served_and_nothing_else(bridge: Bridge) -> None:
    refused(bridge, request("acme/thin"))
    with pytest.raises(NotPermitted):
        bridge.packages.refusals(READER)
    with pytest.raises(NoSuchPackage):
        bridge.packages.package(READER, "no-such-id")
    with pytest.raises(NotPermitted):
        bridge.audit.lines(UPLOADER)


def test_scores_without_listing(bridge: Bridge, hub: HubServer) -> None:
    verdict = bridge.packages.score(LOCAL, ModelRef.parse("acme/thin"))
    scores = {score.metric: score for score in verdict.scores}
    assert scores["performance_claims"].low < 0.5 <= scores["license"].low
    assert hub.asked("*/resolve/*/model.safetensors") == []
    assert bridge.packages.packages(LOCAL) == ()
    assert bridge.packages.refusals(LOCAL) == ()


def test_the_pickle_of_the_test_is_really_bad(tmp_path: Path) -> None:
    marker = tmp_path / "was-run"
    pickle.load(io.BytesIO(pickle.dumps(Marker(marker))))
    assert marker.exists()


def test_a_hub_that_is_down(hub: HubServer, tmp_path: Path) -> None:
    environ = {
        "WEIGHBRIDGE_HOME": str(tmp_path / "h2"),
        "WEIGHBRIDGE_UPSTREAM": "http://127.0.0.1:9",
        "HOME": str(tmp_path),
    }
    bridge = open_bridge(load_settings(environ))
    try:
        with pytest.raises(HubDown):
            bridge.packages.ingest(LOCAL, request(MADE))
    finally:
        bridge.close()
