"""What is particular to our catalogue as a Hub: versions, withdrawal, and what is not upstream's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.hub_catalog import CatalogHub
from weighbridge.bridge.hub import HubDesk
from weighbridge.domain.access import AuditLine, Permission, Principal
from weighbridge.domain.json_values import JsonObject, canonical
from weighbridge.domain.manifest import FileEntry, Manifest, digests_of
from weighbridge.domain.package import Package, Version
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.errors import (
    Disabled,
    NoSuchFile,
    NoSuchRepo,
    NoSuchRevision,
    NotAuthenticated,
    NotPermitted,
    StoreDown,
)

REPO = RepoId.parse("acme/tiny")
FIRST, SECOND = "1" * 40, "2" * 40
UPSTREAM: JsonObject = {
    "id": "acme/tiny-old-name",
    "sha": "9" * 40,
    "downloads": 41,
    "private": True,
    "gated": "manual",
    "xetEnabled": True,
    "siblings": [{"rfilename": "not-selected.bin"}],
    "lastModified": "2025-05-05T00:00:00.000Z",
    "cardData": {"license": "mit"},
}


class Registry:
    """A catalogue, a store, and the Hub over both."""

    def __init__(self, catalog: Catalog, home: Path) -> None:
        self.catalog, self.blobs = catalog, FolderBlobs(home)
        self.hub = CatalogHub(catalog, self.blobs)

    def admit(self, version: str, commit: str, content: bytes = b"{}") -> Package:
        sha256 = self.blobs.add(content)
        entry = FileEntry(path="config.json", size_bytes=len(content), digests=digests_of(content))
        evidence = self.blobs.add(canonical({"info": UPSTREAM}))
        day = len(self.catalog.packages()) + 1
        package = Package(
            id=version,
            version=Version(version),
            manifest=Manifest(repo=REPO, commit=commit, files=(entry,)),
            net_score=0.7,
            metrics={},
            evidence_sha256=evidence,
            verdict_sha256=sha256,
            created_at=datetime(2026, 1, day, tzinfo=UTC),
            created_by="ann",
            description="for tests",
        )
        self.catalog.add(package, (), self.line("ingest"))
        return package

    def withdraw(self, id: str, reason: str = "a backdoor") -> None:
        self.catalog.withdraw(id, reason, self.line("withdraw"))

    def line(self, verb: str) -> AuditLine:
        return AuditLine(at=datetime(2026, 2, 1, tzinfo=UTC), by="ann", verb=verb, target="acme/tiny")

    def commit(self, revision: str) -> str:
        return self.hub.info(ModelRef(repo=REPO, revision=revision)).commit


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with closing(Catalog.open("sqlite://")) as catalog:
        made = Registry(catalog, tmp_path)
        made.admit("1.0.0", FIRST)
        made.admit("1.1.0", SECOND, b'{"second": true}')
        yield made


def test_main_is_the_newest_and_versions_are_tags(registry: Registry) -> None:
    for revision, commit in (
        ("main", SECOND),
        ("1.0.0", FIRST),
        ("refs/tags/1.1.0", SECOND),
        (FIRST[:8], FIRST),
    ):
        assert registry.commit(revision) == commit
    refs = registry.hub.refs(REPO)
    assert (refs.branches, refs.tags) == ({"main": SECOND}, {"1.1.0": SECOND, "1.0.0": FIRST})
    history = registry.hub.commits(REPO, "main")
    assert [(c.id, c.title) for c in history] == [(SECOND, "acme/tiny 1.1.0"), (FIRST, "acme/tiny 1.0.0")]
    assert [c.id for c in registry.hub.commits(REPO, "1.0.0")] == [FIRST]


def test_info_is_upstream_s_but_for_what_would_mislead(registry: Registry) -> None:
    raw = registry.hub.info(ModelRef(repo=REPO)).raw
    assert (raw["id"], raw["modelId"], raw["sha"]) == ("acme/tiny", "acme/tiny", SECOND)
    assert (raw["private"], raw["gated"], raw["disabled"]) == (False, False, False)
    assert raw["siblings"] == [{"rfilename": "config.json"}]
    assert (raw["downloads"], raw["cardData"]) == (41, {"license": "mit"})
    assert raw["lastModified"] == "2025-05-05T00:00:00.000Z"
    assert "xetEnabled" not in raw


def test_what_was_withdrawn_is_gone_at_once_and_says_why(registry: Registry) -> None:
    manifest = registry.hub.manifest(REPO, SECOND)
    registry.withdraw("1.1.0")
    assert registry.commit("main") == FIRST
    for revision in ("1.1.0", SECOND, "refs/tags/1.1.0"):
        with pytest.raises(Disabled, match=r"acme/tiny@1\.1\.0 was withdrawn: a backdoor"):
            registry.commit(revision)
    with pytest.raises(Disabled):
        registry.hub.locate(REPO, SECOND, manifest.files[0])
    with pytest.raises(Disabled):
        registry.hub.open(REPO, SECOND, manifest.files[0])
    assert registry.hub.refs(REPO).tags == {"1.0.0": FIRST}
    assert [info.commit for info in registry.hub.repos(RepoKind.MODEL)] == [FIRST]


def test_when_all_is_withdrawn_nothing_is_listed(registry: Registry) -> None:
    registry.withdraw("1.0.0")
    registry.withdraw("1.1.0", "")
    with pytest.raises(Disabled, match="no reason was given"):
        registry.commit("main")
    with pytest.raises(Disabled):
        registry.hub.refs(REPO)
    assert list(registry.hub.repos(RepoKind.MODEL)) == []


def test_a_withdrawn_commit_that_was_admitted_again_is_served(registry: Registry) -> None:
    registry.withdraw("1.1.0")
    registry.admit("1.2.0", SECOND, b'{"second": true}')
    assert registry.commit(SECOND) == registry.commit("main") == SECOND


def test_what_was_never_admitted_does_not_exist(registry: Registry) -> None:
    with pytest.raises(NoSuchRevision):
        registry.commit("9" * 40)
    with pytest.raises(NoSuchRevision):
        registry.commit("2.0.0")
    with pytest.raises(NoSuchRepo):
        registry.hub.info(ModelRef.parse("acme/other"))
    stranger = FileEntry(path="x.bin", size_bytes=1, digests=digests_of(b"x"))
    with pytest.raises(NoSuchFile):
        registry.hub.locate(REPO, SECOND, stranger)


def test_a_store_that_lost_a_content_is_down_and_not_empty(registry: Registry) -> None:
    entry = registry.hub.manifest(REPO, SECOND).files[0]
    assert entry.sha256 is not None
    registry.blobs.remove(entry.sha256)
    with pytest.raises(StoreDown, match=r"config\.json"):
        registry.hub.locate(REPO, SECOND, entry)
    with pytest.raises(StoreDown, match=r"config\.json"):
        registry.hub.open(REPO, SECOND, entry)


def test_a_lost_evidence_is_a_store_that_is_down(registry: Registry, tmp_path: Path) -> None:
    package = replace(registry.admit("1.2.0", "3" * 40), id="x")
    registry.blobs.remove(package.evidence_sha256)
    with pytest.raises(StoreDown, match=package.evidence_sha256):
        CatalogHub(registry.catalog, registry.blobs).info(ModelRef(repo=REPO))


class Members:
    """Callers with one token each, and nobody without."""

    def principal(self, secret: str | None) -> Principal:
        if secret is None:
            return Principal(name="anonymous", is_anonymous=True)
        granted = frozenset({Permission.DOWNLOAD}) if secret == "reader" else frozenset[Permission]()
        return Principal(name=secret, permissions=granted)


def test_the_desk_asks_for_permission_before_it_says_what_exists(registry: Registry) -> None:
    desk = HubDesk(registry.hub, Members())
    reader, guest, nobody = desk.principal("reader"), desk.principal("guest"), desk.principal(None)
    assert desk.file(reader, RepoKind.MODEL, "acme/tiny", "main", "config.json").commit == SECOND
    for name in ("acme/tiny", "acme/none", "//"):
        with pytest.raises(NotPermitted):
            desk.info(guest, RepoKind.MODEL, name)
        with pytest.raises(NotAuthenticated):
            desk.info(nobody, RepoKind.MODEL, name)
    with pytest.raises(NotAuthenticated):
        desk.whoami(nobody)


def test_the_desk_keeps_trees_but_not_what_was_withdrawn(registry: Registry) -> None:
    desk = HubDesk(registry.hub)
    caller = desk.principal(None)
    file = desk.file(caller, RepoKind.MODEL, "Acme/TINY", SECOND, "config.json")
    assert file.path is not None
    assert file.path.read_bytes() == b'{"second": true}'
    registry.withdraw("1.1.0")
    with pytest.raises(Disabled):
        desk.file(caller, RepoKind.MODEL, "acme/tiny", SECOND, "config.json")
