"""What was admitted, looked after: withdrawn, scanned again, attached to; a real client sees it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from safetensors.numpy import save

from tests.doors.asgi_server import call, serving
from tests.hub_server import HubRepo, HubServer, serve_hub
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge import Bridge, now, open_bridge
from weighbridge.bridge.operator_evidence import read_entries
from weighbridge.bridge.upkeep import Upkeep
from weighbridge.domain.access import LOCAL, Permission, Principal
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, child, objects
from weighbridge.domain.package import IngestRequest, Package, PackageState
from weighbridge.domain.policy import Policy, Waiver
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.rescan import Fate
from weighbridge.domain.scan import FileScan, Finding, ScanReport, ScanState, Severity
from weighbridge.domain.waiver import METRICS_OF_THE_GATE, SAFETY
from weighbridge.doors.hub import hub_app
from weighbridge.errors import BadInput, Conflict, NoSuchPackage, NotPermitted
from weighbridge.scanners import RULES
from weighbridge.settings import load_settings

UPLOADER = Principal(name="una", permissions=frozenset({Permission.SEARCH, Permission.UPLOAD}))
CARD = b"---\nlicense: mit\n---\n# A model\n\nIt does things, and says so in a few words.\n"
ENTRY: JsonObject = {"dataset": {"id": "org/data", "task_id": "test"}, "value": 0.91}


def weights(seed: int = 0) -> bytes:
    return save({"weight": np.arange(seed, seed + 2000, dtype=np.float32)})


def files(card: bytes = CARD, seed: int = 0, **more: bytes) -> dict[str, bytes]:
    return {"README.md": card, "config.json": b"{}", "model.safetensors": weights(seed), **more}


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with serve_hub(
        {
            "acme/first": HubRepo(files()),
            "acme/second": HubRepo(files(seed=7)),
            "acme/code": HubRepo(files(seed=9, **{"model.py": b"print('hello')\n"})),
            "thief/renamed": HubRepo(files()),
            "acrne/first": HubRepo(files(seed=11)),
        }
    ) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def bridge(hub: HubServer, home: Path, tmp_path: Path) -> Iterator[Bridge]:
    environ = {"WEIGHBRIDGE_HOME": str(home), "WEIGHBRIDGE_UPSTREAM": hub.url, "HOME": str(tmp_path)}
    opened = open_bridge(load_settings(environ))
    yield opened
    opened.close()


def admitted(bridge: Bridge, name: str, *more: Waiver) -> Package:
    """Let a model in whatever it scores: this is about what comes after."""
    ref = ModelRef.parse(name)
    waivers = tuple(
        Waiver(metric=metric, repo=name, reason="a test of what comes later", author="ada")
        for metric in METRICS_OF_THE_GATE
    )
    return bridge.packages.ingest(LOCAL, IngestRequest(ref=ref, waivers=(*waivers, *more))).package


Scan = Callable[[Sequence[tuple[str, Path, str]]], ScanReport]


def tomorrow(verdict: Severity, state: ScanState = ScanState.SCANNED, only: str = "") -> Scan:
    """The rules of tomorrow: they say the same of every weight file (``only``: of this sha256)."""

    def scan(files: Sequence[tuple[str, Path, str]]) -> ScanReport:
        scans = []
        for path, place, sha256 in files:
            assert place.exists()
            hit = path.endswith(".safetensors") and only in sha256
            found = Finding(rule="new.rule", severity=verdict, path=path, message="is a new attack")
            scans.append(
                FileScan(
                    path=path,
                    sha256=sha256,
                    format="safetensors",
                    state=state if hit else ScanState.SCANNED,
                    findings=(found,) if hit else (),
                )
            )
        return ScanReport(rules="tomorrow", files=tuple(scans))

    return scan


@pytest.fixture
def upkeep_by(home: Path) -> Iterator[Callable[..., Upkeep]]:
    """The verbs over the same home, as a later Weighbridge in another process would have them."""
    opened: list[Catalog] = []

    def made(scan: Scan, rules: str = "tomorrow", days: int = 0) -> Upkeep:
        opened.append(Catalog.open(f"sqlite:///{home / 'catalog.sqlite3'}"))
        return Upkeep(
            catalog=opened[-1],
            blobs=FolderBlobs(home),
            scan_tree=scan,
            rules=rules,
            policy=Policy(),
            now=lambda: now() + timedelta(days=days),
        )

    yield made
    for catalog in opened:
        catalog.close()


class TestWithdraw:
    def test_a_client_is_refused_at_once_and_told_why(
        self, bridge: Bridge, tmp_path: Path, upkeep_by: Callable[..., Upkeep]
    ) -> None:
        package = admitted(bridge, "acme/first")
        with serving(hub_app(bridge.hub)) as url:
            got = hf_hub_download("acme/first", "config.json", endpoint=url, local_dir=tmp_path / "got")
            assert Path(got).read_bytes() == b"{}"
            other = upkeep_by(tomorrow(Severity.ALLOW))
            other.withdraw(LOCAL, package.id, "  it was\ntrained on the test set ")
            refused = call(url, "GET", "/acme/first/resolve/main/config.json")
            assert refused.status == 403
            assert "it was trained on the test set" in refused.headers["x-error-message"]
            with pytest.raises(LocalEntryNotFoundError):
                hf_hub_download("acme/first", "README.md", endpoint=url, cache_dir=tmp_path / "cache")
            with pytest.raises(HfHubHTTPError) as caught:
                HfApi(endpoint=url).model_info("acme/first")
            assert caught.value.response.status_code == 403
            assert "it was trained on the test set" in caught.value.response.text
        kept = bridge.packages.package(LOCAL, package.id)
        assert (kept.state, kept.state_reason) == (PackageState.WITHDRAWN, "it was trained on the test set")
        last = bridge.audit.lines(LOCAL)[0]
        assert (last.verb, last.target) == ("withdraw", "acme/first@1.0.0")

    def test_it_is_done_once_with_a_reason_and_by_an_admin(self, bridge: Bridge) -> None:
        package = admitted(bridge, "acme/first")
        assert bridge.upkeep.named(LOCAL, "ACME/first@1.0.0").id == package.id
        with pytest.raises(NotPermitted):
            bridge.upkeep.withdraw(UPLOADER, package.id, "I say so")
        for reason in ("", " \n", "x" * 501):
            with pytest.raises(BadInput):
                bridge.upkeep.withdraw(LOCAL, package.id, reason)
        with pytest.raises(BadInput):
            bridge.upkeep.named(LOCAL, "acme/first")
        with pytest.raises(NoSuchPackage):
            bridge.upkeep.named(LOCAL, "acme/first@2.0.0")
        assert bridge.upkeep.withdraw(LOCAL, package.id, "old").state is PackageState.WITHDRAWN
        with pytest.raises(Conflict):
            bridge.upkeep.withdraw(LOCAL, package.id, "old")


class TestRescan:
    def test_what_the_present_rules_have_seen_is_not_scanned_again(self, bridge: Bridge) -> None:
        admitted(bridge, "acme/first")
        assert bridge.upkeep.rescan(LOCAL).count(Fate.CURRENT) == 1
        (again,) = bridge.upkeep.rescan(LOCAL, everything=True).packages
        assert (again.fate, again.before, again.after) == (Fate.KEPT, "allow", "allow")

    def test_what_new_rules_block_is_withdrawn_and_the_rest_is_kept(
        self, bridge: Bridge, upkeep_by: Callable[..., Upkeep]
    ) -> None:
        bad, fine = admitted(bridge, "acme/first"), admitted(bridge, "acme/second")
        sha256 = bad.manifest.by_path["model.safetensors"].sha256 or ""
        done = upkeep_by(tomorrow(Severity.BLOCK, only=sha256)).rescan(LOCAL)
        assert {each.package_id: each.fate for each in done.packages} == {
            bad.id: Fate.WITHDRAWN,
            fine.id: Fate.KEPT,
        }
        kept = bridge.packages.package(LOCAL, bad.id)
        assert kept.state is PackageState.WITHDRAWN
        assert "model.safetensors: is a new attack (block)" in kept.state_reason
        assert child(done.to_json(), "counts") == {"kept": 1, "withdrawn": 1, "current": 0, "unsure": 0}
        assert [line.verb for line in bridge.audit.lines(LOCAL, limit=2)] == ["rescan.run", "rescan"]
        assert bridge.audit.lines(LOCAL)[0].detail.endswith("packages=2 withdrawn=1")
        assert bridge.hub.scan(LOCAL, RepoKind.MODEL, "acme/second", "1.0.0").rules == "tomorrow"
        again = upkeep_by(tomorrow(Severity.BLOCK, only=sha256)).rescan(LOCAL)
        assert [(each.package_id, each.fate) for each in again.packages] == [(fine.id, Fate.CURRENT)]

    def test_it_goes_on_where_it_was_stopped(self, bridge: Bridge, upkeep_by: Callable[..., Upkeep]) -> None:
        for name in ("acme/first", "acme/second"):
            admitted(bridge, name)
        upkeep = upkeep_by(tomorrow(Severity.ALLOW))

        def stop(_one: object) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            upkeep.rescan(LOCAL, told=stop)
        done = upkeep_by(tomorrow(Severity.ALLOW)).rescan(LOCAL)
        assert sorted(each.fate for each in done.packages) == [Fate.CURRENT, Fate.KEPT]

    def test_a_file_that_could_not_be_looked_into_withdraws_nothing_and_is_tried_again(
        self, bridge: Bridge, upkeep_by: Callable[..., Upkeep]
    ) -> None:
        admitted(bridge, "acme/first")
        for _ in range(2):
            done = upkeep_by(tomorrow(Severity.REVIEW, ScanState.ERROR)).rescan(LOCAL)
            assert [each.fate for each in done.packages] == [Fate.UNSURE]

    def test_a_lost_file_is_told_and_does_not_stop_the_rest(
        self, bridge: Bridge, home: Path, upkeep_by: Callable[..., Upkeep]
    ) -> None:
        lost, fine = admitted(bridge, "acme/first"), admitted(bridge, "acme/second")
        FolderBlobs(home).remove(lost.manifest.by_path["model.safetensors"].sha256 or "")
        done = upkeep_by(tomorrow(Severity.ALLOW)).rescan(LOCAL)
        fates = {each.package_id: each.fate for each in done.packages}
        assert fates == {lost.id: Fate.UNSURE, fine.id: Fate.KEPT}

    def test_a_waiver_that_has_run_out_no_longer_holds(
        self, bridge: Bridge, hub: HubServer, upkeep_by: Callable[..., Upkeep]
    ) -> None:
        commit = hub.repos["acme/code"].head
        waiver = Waiver(
            metric=SAFETY,
            repo="acme/code",
            reason="we read it",
            author="ada",
            commit=commit,
            expires=date.today() + timedelta(days=10),
        )
        package = admitted(bridge, f"acme/code@{commit}", waiver)
        before = upkeep_by(tomorrow(Severity.REVIEW), days=5).rescan(LOCAL)
        assert [each.fate for each in before.packages] == [Fate.KEPT]
        after = upkeep_by(tomorrow(Severity.REVIEW), days=20).rescan(LOCAL, everything=True)
        assert [each.fate for each in after.packages] == [Fate.WITHDRAWN]
        assert bridge.packages.package(LOCAL, package.id).state is PackageState.WITHDRAWN

    def test_one_package_may_be_named_and_only_an_admin_asks(self, bridge: Bridge) -> None:
        for name in ("acme/first", "acme/second"):
            admitted(bridge, name)
        (one,) = bridge.upkeep.rescan(LOCAL, "acme/second@1.0.0", everything=True).packages
        assert (one.name, one.after) == ("acme/second", "allow")
        with pytest.raises(NoSuchPackage):
            bridge.upkeep.rescan(LOCAL, "acme/third")
        with pytest.raises(NotPermitted):
            bridge.upkeep.rescan(UPLOADER)

    def test_a_second_scan_reads_no_file(self, bridge: Bridge, home: Path) -> None:
        package = admitted(bridge, "acme/first")
        digests = {entry.sha256 for entry in package.manifest.files}
        kept = [place.read_text() for place in (home / "scans-v1").glob("*/*.json")]
        assert all(any(f"{RULES}:{digest}:" in entry for entry in kept) for digest in digests)


class TestIdentity:
    def test_a_copy_is_known_by_its_weights_and_a_name_by_its_look(self, bridge: Bridge) -> None:
        admitted(bridge, "acme/first")
        copy, squat = admitted(bridge, "thief/renamed"), admitted(bridge, "acrne/first")
        found = [
            (each["likeness"], each["repo"])
            for package in (copy, squat)
            for each in objects(bridge.packages.evidence(LOCAL, package.id), "resemblances")
        ]
        assert found == [("same weights", "acme/first"), ("like name", "acme/first")]
        assert bridge.packages.verdict(LOCAL, squat.id).warnings == (
            "the name may be mistaken for acme/first (1.00)",
        )
        caps = {s.metric: s.caps for s in bridge.packages.verdict(LOCAL, copy.id).scores}
        assert any("acme/first" in cap.reason for cap in caps["bus_factor"])

    def test_a_package_of_before_is_known_after_a_rescan(self, bridge: Bridge, home: Path) -> None:
        import sqlite3

        admitted(bridge, "acme/first")
        with sqlite3.connect(home / "catalog.sqlite3") as connection:
            connection.execute("DELETE FROM fingerprints")
        connection.close()
        bridge.upkeep.rescan(LOCAL)
        copy = admitted(bridge, "thief/renamed")
        (found,) = objects(bridge.packages.evidence(LOCAL, copy.id), "resemblances")
        assert found["repo"] == "acme/first"


class TestOperatorEvidence:
    def test_it_counts_in_the_next_judgement(self, bridge: Bridge) -> None:
        bridge.evidence.add(LOCAL, RepoId.parse("acme/first"), "performance_claims", [ENTRY])
        package = admitted(bridge, "acme/first")
        (note,) = objects(bridge.packages.evidence(LOCAL, package.id), "notes")
        assert (note["by"], note["entries"]) == (LOCAL.name, [ENTRY])
        assert package.metrics["performance_claims"] > 0.5
        assert "evidence" in {line.verb for line in bridge.audit.lines(LOCAL)}
        assert [str(each.repo) for each in bridge.evidence.listed(UPLOADER)] == ["acme/first"]

    @pytest.mark.parametrize(
        ("document", "told"),
        [
            ([], "no list"),
            ("text", "no list"),
            ([{**ENTRY, "value": "high"}], "entry 1: value"),
            ([{"value": 1}], "dataset.id"),
            ([ENTRY, {**ENTRY, "score": 1}], "entry 2 .score."),
            ([{**ENTRY, "source": {"url": "file:///etc/passwd"}}], "source.url"),
            ([{**ENTRY, "notes": ["x"]}], "notes"),
            ([ENTRY] * 201, "more than 200"),
        ],
    )
    def test_what_is_not_complete_is_refused_by_name(
        self, bridge: Bridge, document: list[JsonObject], told: str
    ) -> None:
        with pytest.raises(Invalid, match=told):
            bridge.evidence.add(LOCAL, RepoId.parse("a/b"), "performance_claims", document)

    def test_only_an_admin_attaches_and_only_where_it_is_read(self, bridge: Bridge) -> None:
        repo = RepoId.parse("a/b")
        with pytest.raises(NotPermitted):
            bridge.evidence.add(UPLOADER, repo, "performance_claims", [ENTRY])
        with pytest.raises(Invalid, match="license"):
            bridge.evidence.add(LOCAL, repo, "license", [ENTRY])

    def test_json_and_yaml_are_read_and_nothing_else(self) -> None:
        assert read_entries("- dataset: {id: a, task_id: b}\n  value: 1\n", about="x.yaml") == [
            {"dataset": {"id": "a", "task_id": "b"}, "value": 1}
        ]
        for broken in ("{", "a: b: c", "x" * 300_000):
            with pytest.raises(BadInput):
                read_entries(broken, about="x.yaml")
