"""Deleted packages: refused at once, gone with the next collection, and never forgotten."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from tests.bridge.test_bundles import write
from tests.bridge.test_collecting import aged, collect, ingested, read
from tests.bridge.test_repos import ANN, RITA, Opener, judged, model, put
from tests.bridge.test_upkeep import UPLOADER
from tests.doors.asgi_server import call, serving
from tests.hub_server import HubServer
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.progress import SilentReporter
from weighbridge.bridge import Bridge, now
from weighbridge.bridge.backups import back_up
from weighbridge.domain.access import LOCAL
from weighbridge.domain.listing import PackageQuery
from weighbridge.domain.package import IngestRequest, Package, PackageState, Version
from weighbridge.domain.policy import Waiver
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.doors.demo.models import MADE
from weighbridge.doors.hub import hub_app
from weighbridge.errors import BadInput, Conflict, Disabled, NoSuchPackage, NotPermitted, PackageExists
from weighbridge.settings import load_settings

LAST = date(2999, 12, 31)


def contents(package: Package) -> set[str]:
    return {file.sha256 or "" for file in package.manifest.files}


def held(home: Path, package: Package) -> set[str]:
    return {sha256 for sha256 in contents(package) if FolderBlobs(home).holds(sha256)}


def again(bridge: Bridge, version: str) -> Package:
    wish = IngestRequest(ref=ModelRef.parse(MADE), version=Version(version))
    return bridge.packages.ingest(LOCAL, wish).package


def test_a_client_is_refused_at_once_and_told_why(bridge: Bridge) -> None:
    package = ingested(bridge)
    with serving(hub_app(bridge.hub)) as url:
        assert HfApi(endpoint=url).model_info(MADE).sha == package.manifest.commit
        bridge.upkeep.delete(LOCAL, package.id, "  holds\nnames of people ")
        refused = call(url, "GET", f"/{MADE}/resolve/{package.manifest.commit}/config.json")
        assert refused.status == 403
        assert "was deleted: holds names of people" in refused.headers["x-error-message"]
        with pytest.raises(HfHubHTTPError):
            HfApi(endpoint=url).model_info(MADE)


def test_the_files_go_and_the_tombstone_stays_with_its_judgement(bridge: Bridge, tmp_path: Path) -> None:
    home, package = tmp_path / "home", ingested(bridge)
    bridge.upkeep.rescan(LOCAL, everything=True)
    tomb = bridge.upkeep.delete(LOCAL, package.id, "leaks")
    assert (tomb.state, tomb.state_reason, tomb.manifest) == (PackageState.DELETED, "leaks", package.manifest)
    assert held(home, package) == contents(package)
    aged(home)
    collect(bridge)
    assert held(home, package) == set()
    assert bridge.packages.package(LOCAL, package.id) == tomb
    assert bridge.packages.verdict(LOCAL, package.id).outcome == "accepted"
    assert bridge.packages.case(LOCAL, package.id).evidence.manifest.commit == package.manifest.commit
    assert bridge.papers.bom(LOCAL, package.id)["bomFormat"] == "CycloneDX"
    with pytest.raises(NoSuchPackage):
        bridge.packages.package(RITA, package.id)
    line = bridge.audit.lines(LOCAL)[1]
    assert (line.verb, line.by, line.target, line.detail) == (
        "package.delete", "local", f"{MADE}@1.0.0", "leaks",
    )  # fmt: skip
    assert bridge.upkeep.rescan(LOCAL, everything=True).packages == ()
    settings = load_settings({"WEIGHBRIDGE_HOME": str(home), "HOME": str(tmp_path)})
    whole = back_up(settings, tmp_path / "all.backup", SilentReporter(), now, with_keys=False)
    assert whole.lacking == ()


def test_what_is_told_of_packages_knows_it(bridge: Bridge, tmp_path: Path) -> None:
    package = ingested(bridge)
    bridge.upkeep.withdraw(LOCAL, package.id, "to be looked at")
    bridge.upkeep.delete(LOCAL, package.id, "leaks")
    listed = bridge.packages.listing(LOCAL, PackageQuery(state=PackageState.DELETED))
    assert [(each.id, each.state_reason) for each in listed.packages] == [(package.id, "leaks")]
    assert bridge.packages.listing(LOCAL, PackageQuery(state=PackageState.WITHDRAWN)).packages == ()
    versions = bridge.packages.versions(LOCAL, RepoId.parse(MADE))
    assert (versions.latest, str(versions.next)) == (None, "1.1.0")
    for refused in (bridge.zips.zip, bridge.papers.attestation):
        with pytest.raises(Disabled, match="was deleted: leaks"):
            refused(LOCAL, package.id)
    with pytest.raises(Disabled, match="was deleted: leaks"):
        write(bridge, tmp_path / "it.bundle", f"{MADE}@1.0.0")
    with pytest.raises(Conflict, match="deleted already"):
        bridge.upkeep.withdraw(LOCAL, package.id, "again")


def test_deleting_again_changes_nothing(bridge: Bridge) -> None:
    package = ingested(bridge)
    tomb = bridge.upkeep.delete(LOCAL, package.id, "leaks")
    lines = bridge.audit.lines(LOCAL)
    assert bridge.upkeep.delete(LOCAL, package.id, "another reason") == tomb
    assert bridge.audit.lines(LOCAL) == lines


def test_it_asks_for_an_admin_a_reason_and_a_package(bridge: Bridge) -> None:
    package = ingested(bridge)
    with pytest.raises(NotPermitted):
        bridge.upkeep.delete(UPLOADER, package.id, "I say so")
    for reason in ("", " \n", "x" * 501):
        with pytest.raises(BadInput, match="a deletion needs a reason"):
            bridge.upkeep.delete(LOCAL, package.id, reason)
    with pytest.raises(NoSuchPackage):
        bridge.upkeep.delete(LOCAL, "none", "gone")
    assert bridge.packages.package(LOCAL, package.id).state is PackageState.ACTIVE


def test_the_same_commit_comes_back_under_another_version_only(bridge: Bridge, tmp_path: Path) -> None:
    home, package = tmp_path / "home", ingested(bridge)
    bridge.upkeep.delete(LOCAL, package.id, "by mistake")
    aged(home)
    collect(bridge)
    with pytest.raises(PackageExists):
        again(bridge, "1.0.0")
    back = again(bridge, "1.0.1")
    assert back.manifest == package.manifest
    read(bridge, back, home)
    assert bridge.hub.info(LOCAL, back.manifest.repo.kind, MADE, "main").commit == back.manifest.commit
    aged(home)
    collect(bridge)
    read(bridge, back, home)


def test_what_a_history_names_stays_although_its_package_is_deleted(
    bridge: Bridge, good: dict[str, bytes], tmp_path: Path
) -> None:
    pushed = judged(bridge, put(bridge, *model(bridge, good)))
    package = bridge.packages.package(ANN, pushed.record_id)
    bridge.upkeep.delete(LOCAL, package.id, "not meant for others")
    aged(tmp_path / "home")
    collect(bridge)
    assert held(tmp_path / "home", package) == contents(package)


def test_waivers_of_packages_and_of_the_policy_are_told_newest_first(
    opener: Opener, upstream: HubServer, tmp_path: Path
) -> None:
    policy = tmp_path / "waiving.yaml"
    policy.write_text(
        "models:\n"
        f"  - name: {MADE.partition('/')[0]}/*\n    reason: one person is enough\n    author: ada\n"
        "    waive: [bus_factor]\n"
        "  - name: other/*\n    reason: measured by us\n    author: bob\n"
        "    waive: [performance_claims]\n    expires: 2020-01-01\n"
    )
    bridge = opener(WEIGHBRIDGE_POLICY=str(policy))
    waiver = Waiver(metric="code_quality", repo=MADE, reason="looked at", author="", expires=LAST)
    wish = IngestRequest(ref=ModelRef.parse(MADE), waivers=(waiver,))
    package = bridge.packages.ingest(LOCAL, wish).package
    told = bridge.upkeep.waivers(UPLOADER)
    assert [(g.package_id, g.waiver.metric, g.waiver.author) for g in told.admittances] == [
        (package.id, "code_quality", "local"),
        (package.id, "bus_factor", "ada"),
    ]
    assert [(each.models, each.waive) for each in told.overrides] == [
        (f"{MADE.partition('/')[0]}/*", ("bus_factor",)),
        ("other/*", ("performance_claims",)),
    ]
    assert told.today == now().date()
    first = bridge.upkeep.waivers(UPLOADER, limit=1).admittances
    assert (*first, *bridge.upkeep.waivers(UPLOADER, after=first[0].id).admittances) == told.admittances
    mine = bridge.upkeep.waivers(UPLOADER, RepoId.parse(MADE.upper()))
    assert (len(mine.admittances), [each.author for each in mine.overrides]) == (2, ["ada"])
    other = bridge.upkeep.waivers(UPLOADER, RepoId.parse("other/model"))
    assert (other.admittances, [each.author for each in other.overrides]) == ((), ["bob"])
    for after in ("x", "-1", "²", "9" * 19):
        with pytest.raises(BadInput):
            bridge.upkeep.waivers(UPLOADER, after=after)
    with pytest.raises(NotPermitted):
        bridge.upkeep.waivers(RITA)
