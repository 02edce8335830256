"""Copies of repositories through the bridge: what is copied for whom, and what is not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bridge.test_repos import (
    ANN,
    BOB,
    MODEL,
    NOBODY,
    REPO,
    RITA,
    Opener,
    files,
    judged,
    large,
    model,
    put,
    small,
)
from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge import Bridge
from weighbridge.bridge.repos import State
from weighbridge.domain.access import LOCAL, AuditLine
from weighbridge.domain.evidence import Evidence, Likeness, SourceState
from weighbridge.domain.hosted import DeleteFile, Gate, LargeFile
from weighbridge.domain.package import IngestRequest
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.doors.demo.models import MADE
from weighbridge.errors import (
    BadInput,
    Gated,
    NoSuchRepo,
    NoSuchRevision,
    NotAuthenticated,
    NotPermitted,
    OverQuota,
    RepoExists,
)
from weighbridge.metrics._copies import copy_caps

COPY = RepoId.parse("bob/Copy")
WEIGHTS = b"weights" * 1000


def names(bridge: Bridge, repo: RepoId = COPY) -> tuple[dict[str, str], dict[str, str]]:
    refs = bridge.hub.refs(LOCAL, repo.kind, repo.full_name)
    return dict(refs.branches), dict(refs.tags)


def test_its_owner_copies_everything(bridge: Bridge) -> None:
    first = put(bridge, small("a.txt"), large(bridge, "w.bin", WEIGHTS))
    bridge.repos.create_tag(ANN, REPO, "v1")
    second = put(bridge, small("b.txt"), DeleteFile(path="w.bin"))
    bridge.repos.create_branch(ANN, REPO, "dev/x", start=first)
    made = bridge.repos.duplicate(ANN, REPO, RepoId.parse("Again"))
    assert (made.id.full_name, made.private, made.gate) == ("ann/Again", False, Gate.OPEN)
    assert made.key != bridge.repos.repository(ANN, REPO).key
    assert names(bridge, made.id) == ({"main": second, "dev/x": first}, {"v1": first})
    old, new = (bridge.hub.commits(ANN, MODEL, name, "main") for name in ("ann/Tiny", "ann/Again"))
    assert old == new
    assert bridge.hub.file(ANN, MODEL, "ann/Again", "v1", "w.bin").path
    newest = put(bridge, small("c.txt"), repo=made.id)
    bridge.repos.delete(ANN, REPO)
    assert names(bridge, made.id)[0] == {"main": newest, "dev/x": first}
    assert bridge.hub.file(ANN, MODEL, "ann/Again", first, "w.bin").path


def test_somebody_else_copies_what_it_sees(bridge: Bridge, good: Mapping[str, bytes]) -> None:
    with pytest.raises(NoSuchRevision):
        bridge.repos.duplicate(BOB, REPO, COPY)
    put(bridge, small("secret.txt", b"a password"), revision="main")
    hidden = put(bridge, DeleteFile(path="secret.txt"), *model(bridge, good))
    assert judged(bridge, hidden).state is State.ACCEPTED
    bridge.repos.create_tag(ANN, REPO, "v1")
    bridge.repos.create_branch(ANN, REPO, "waiting", empty=True)
    put(bridge, small("more.txt", b"not judged"), revision="waiting")
    made = bridge.repos.duplicate(BOB, REPO, COPY)
    branches, tags = names(bridge)
    assert tags == {"v1": branches["main"]}
    assert branches.keys() == {"main"}
    (only,) = bridge.hub.commits(BOB, MODEL, "bob/Copy", "main")
    assert (only.title, only.authors, only.parents) == (f"Duplicate of ann/Tiny@{hidden[:12]}", ("bob",), ())
    assert files(bridge, BOB, repo=COPY) == files(bridge, RITA)
    with pytest.raises(NoSuchRevision):
        bridge.hub.info(BOB, MODEL, "bob/Copy", hidden)
    assert judged(bridge, only.id, made.id).state is State.ACCEPTED
    assert files(bridge, RITA, repo=COPY) == files(bridge, RITA)
    digest = hashlib.sha256(good["model.safetensors"]).hexdigest()
    put(bridge, LargeFile(path="same.safetensors", sha256=digest), by=BOB, repo=COPY)


def evidence_of(bridge: Bridge, repo: RepoId) -> Evidence:
    (package,) = bridge.packages.packages(LOCAL, name=repo.full_name, limit=1)
    return bridge.packages.whole_evidence(LOCAL, package.id)


def test_a_duplicate_is_judged_as_made_from_its_original(bridge: Bridge, good: Mapping[str, bytes]) -> None:
    assert judged(bridge, put(bridge, *model(bridge, good))).state is State.ACCEPTED
    again = RepoId.parse("bob/Again")
    for source, copy in ((REPO, COPY), (COPY, again)):
        bridge.repos.duplicate(BOB, source, copy)
        (only,) = bridge.hub.commits(BOB, MODEL, copy.full_name, "main")
        assert judged(bridge, only.id, copy).state is State.ACCEPTED
    found = evidence_of(bridge, again)
    line = [
        (p.id, p.relation, p.source.state) for p in found.parents if p.declared_in == "registry:duplicate"
    ]
    assert line == [(id, "duplicate", SourceState.READ) for id in ("bob/Copy", "ann/Tiny")]
    assert {one.repo for one in found.resemblances if one.likeness is Likeness.SAME_WEIGHTS} == {
        "bob/Copy",
        "ann/Tiny",
    }
    assert copy_caps(found) == []
    assert [cap.reason for cap in copy_caps(replace(found, parents=()))]


def test_a_duplicate_follows_its_original_to_another_name_and_after_its_end(
    bridge: Bridge, good: Mapping[str, bytes]
) -> None:
    assert judged(bridge, put(bridge, *model(bridge, good))).state is State.ACCEPTED
    bridge.repos.duplicate(BOB, REPO, COPY)
    moved = RepoId.parse("ann/Moved")
    bridge.repos.move(ANN, REPO, moved)
    second = judged(bridge, put(bridge, small("b.txt"), by=BOB, repo=COPY), COPY)
    assert second.state is State.ACCEPTED
    assert [p.id for p in evidence_of(bridge, COPY).parents if p.relation == "duplicate"] == ["ann/Moved"]
    bridge.repos.delete(ANN, moved)
    third = judged(bridge, put(bridge, small("c.txt"), by=BOB, repo=COPY), COPY)
    assert third.state is State.ACCEPTED
    (origin,) = [p for p in evidence_of(bridge, COPY).parents if p.relation == "duplicate"]
    assert (origin.id, origin.source.state) == ("ann/Moved", SourceState.ABSENT)


def test_a_public_duplicate_does_not_name_its_private_original(
    bridge: Bridge, good: Mapping[str, bytes]
) -> None:
    put(bridge, *model(bridge, good))
    bridge.repos.change_settings(ANN, REPO, private=True)
    shown = bridge.repos.duplicate(ANN, REPO, RepoId.parse("ann/shown"), private=False)
    head = bridge.hub.refs(ANN, MODEL, "ann/shown").branches["main"]
    standing = judged(bridge, head, shown.id)
    assert standing.state is State.ACCEPTED
    assert "Tiny" not in json.dumps(evidence_of(bridge, shown.id).to_json())


def test_who_may_not_download_copies_nothing(opener: Opener) -> None:
    bridge = opener(WEIGHBRIDGE_SERVE="all")
    bridge.repos.create(ANN, REPO)
    put(bridge, large(bridge, "w.bin", WEIGHTS))
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    bridge.repos.create(BOB, RepoId.parse("bob/own"))
    bridge.repos.change_settings(ANN, REPO, gate=Gate.MANUAL)
    for copy in (
        lambda by: bridge.repos.duplicate(by, REPO, COPY),
        lambda by: bridge.repos.lend(by, REPO, RepoId.parse("bob/own"), [digest]),
    ):
        with pytest.raises(Gated):
            copy(BOB)
        with pytest.raises((NotAuthenticated, Gated)):
            copy(NOBODY)
        bridge.repos.change_settings(ANN, REPO, private=True)
        with pytest.raises(NoSuchRepo):
            copy(BOB)
        bridge.repos.change_settings(ANN, REPO, private=False)
    with pytest.raises(BadInput, match="was not sent"):
        put(
            bridge,
            LargeFile(path="w.bin", sha256=digest, size_bytes=7000),
            by=BOB,
            repo=RepoId.parse("bob/own"),
        )
    with pytest.raises(NotPermitted):
        bridge.repos.duplicate(ANN, REPO, COPY)
    with pytest.raises(RepoExists):
        bridge.repos.duplicate(ANN, REPO, RepoId.parse("ANN/tiny"))
    made = bridge.repos.duplicate(ANN, REPO, RepoId.parse("ann/still"))
    assert made.gate is Gate.MANUAL
    bridge.repos.change_settings(ANN, REPO, private=True)
    assert bridge.repos.duplicate(ANN, REPO, RepoId.parse("ann/closed")).private
    assert not bridge.repos.duplicate(ANN, REPO, RepoId.parse("ann/shown"), private=False).private


def test_a_mirrored_repository_becomes_one_of_our_own(bridge: Bridge, good: Mapping[str, bytes]) -> None:
    mirror = RepoId.parse(MADE)
    with pytest.raises(NoSuchRepo):
        bridge.repos.duplicate(BOB, mirror, COPY)
    bridge.packages.ingest(LOCAL, IngestRequest(ref=ModelRef(repo=mirror)))
    bridge.repos.duplicate(BOB, mirror, COPY)
    (only,) = bridge.hub.commits(BOB, MODEL, "bob/Copy", "main")
    assert only.title == f"Duplicate of {MADE}@{bridge.hub.info(BOB, MODEL, MADE).commit[:12]}"
    assert files(bridge, BOB, repo=COPY) == sorted(good)
    assert judged(bridge, only.id, COPY).state is State.ACCEPTED
    newest = put(bridge, small("notes.txt"), by=BOB, repo=COPY)
    assert bridge.hub.info(BOB, MODEL, "bob/Copy").commit == newest
    with pytest.raises(NoSuchRepo):
        bridge.repos.duplicate(
            BOB, RepoId.parse(MADE, RepoKind.DATASET), RepoId.parse("bob/d", RepoKind.DATASET)
        )


def test_a_withdrawn_commit_is_not_copied(bridge: Bridge, good: Mapping[str, bytes], tmp_path: Path) -> None:
    first = put(bridge, *model(bridge, good))
    standing = judged(bridge, first)
    second = put(bridge, small("more.txt"))
    assert judged(bridge, second).state is State.ACCEPTED
    catalog = Catalog.open(f"sqlite:///{tmp_path / 'home' / 'catalog.sqlite3'}")
    line = AuditLine(at=bridge.repos.now(), by="admin", verb="withdraw", target="ann/Tiny")
    catalog.withdraw(standing.record_id, "a worm", line)
    catalog.close()
    made = bridge.repos.duplicate(ANN, REPO, RepoId.parse("ann/clean"))
    assert len(bridge.hub.commits(ANN, MODEL, "ann/clean", "main")) == 1
    with pytest.raises(NoSuchRevision):
        bridge.hub.info(ANN, MODEL, "ann/clean", first)
    assert files(bridge, ANN, repo=made.id) == files(bridge, ANN)


def test_a_copy_that_there_is_no_room_for_is_not_begun(opener: Opener) -> None:
    bridge = opener(WEIGHBRIDGE_SERVE="all", WEIGHBRIDGE_QUOTA_BYTES="10000")
    bridge.repos.create(ANN, REPO)
    put(bridge, large(bridge, "w.bin", WEIGHTS))
    bridge.repos.create(BOB, RepoId.parse("bob/full"))
    put(bridge, small("x.bin", b"x" * 5000), by=BOB, repo=RepoId.parse("bob/full"))
    with pytest.raises(OverQuota):
        bridge.repos.duplicate(BOB, REPO, COPY)
    with pytest.raises(NoSuchRepo):
        bridge.repos.repository(BOB, COPY)
    bridge.repos.delete(BOB, RepoId.parse("bob/full"))
    assert bridge.repos.duplicate(BOB, REPO, COPY).id == COPY


def test_large_files_are_lent_to_another_repository(opener: Opener) -> None:
    bridge = opener(WEIGHBRIDGE_SERVE="all")
    bridge.repos.create(ANN, REPO)
    put(bridge, large(bridge, "w.bin", WEIGHTS))
    put(bridge, DeleteFile(path="w.bin"))
    own = RepoId.parse("bob/own")
    bridge.repos.create(BOB, own)
    digest, other = hashlib.sha256(WEIGHTS).hexdigest(), "0" * 64
    assert bridge.repos.lend(BOB, REPO, own, [digest, other]) == (other,)
    put(bridge, LargeFile(path="w.bin", sha256=digest, size_bytes=len(WEIGHTS)), by=BOB, repo=own)
    assert "w.bin" in files(bridge, BOB, repo=own)
    with pytest.raises(NotPermitted):
        bridge.repos.lend(RITA, REPO, own, [digest])


def test_a_deleted_content_takes_its_packages_along(opener: Opener, good: Mapping[str, bytes]) -> None:
    bridge = opener(WEIGHBRIDGE_QUOTA_BYTES="1000000")
    bridge.repos.create(ANN, REPO)
    clean = put(bridge, *model(bridge, good))
    kept = judged(bridge, clean)
    with_it = judged(bridge, put(bridge, large(bridge, "notes.txt", WEIGHTS)))
    after = judged(bridge, put(bridge, DeleteFile(path="notes.txt")))
    assert [each.state for each in (kept, with_it, after)] == [State.ACCEPTED] * 3
    used = bridge.repos.quotas.of("ann").used_bytes
    bridge.repos.delete_large(ANN, REPO, [hashlib.sha256(WEIGHTS).hexdigest()])
    assert bridge.repos.quotas.of("ann").used_bytes == used - len(WEIGHTS)
    assert bridge.hub.info(RITA, MODEL, "ann/Tiny", clean).commit == clean
    assert bridge.hub.info(RITA, MODEL, "ann/Tiny", after.commit).commit == after.commit, "it never held it"
    for by in (ANN, RITA):
        with pytest.raises(NoSuchRevision):
            bridge.hub.info(by, MODEL, "ann/Tiny", with_it.commit)
    assert "rewritten" in bridge.packages.package(LOCAL, with_it.record_id).state_reason
    head = bridge.hub.info(ANN, MODEL, "ann/Tiny").commit
    assert head not in (clean, after.commit)
    rewritten = {commit.id for commit in bridge.hub.commits(ANN, MODEL, "ann/Tiny", "main")}
    assert head in rewritten
    assert bridge.hub.info(RITA, MODEL, "ann/Tiny").commit in {after.commit, *rewritten}, "as far as judged"
    assert judged(bridge, head).state is State.ACCEPTED
    assert bridge.hub.info(RITA, MODEL, "ann/Tiny").commit == head
    assert files(bridge, RITA) == [".gitattributes", *sorted(good)]


def test_what_nothing_leads_to_is_deleted_from_memory_too(opener: Opener) -> None:
    bridge = opener(WEIGHBRIDGE_SERVE="all")
    bridge.repos.create(ANN, REPO)
    held = put(bridge, large(bridge, "w.bin", WEIGHTS))
    put(bridge, DeleteFile(path="w.bin"))
    bridge.repos.squash(ANN, REPO, "main", "Without")
    assert bridge.hub.file(RITA, MODEL, "ann/Tiny", held, "w.bin").path
    assert [each.ref for each in bridge.repos.large_files(ANN, REPO)] == [""]
    head = bridge.hub.info(ANN, MODEL, "ann/Tiny").commit
    bridge.repos.delete_large(ANN, REPO, [hashlib.sha256(WEIGHTS).hexdigest()])
    for by in (ANN, RITA):
        with pytest.raises(NoSuchRevision):
            bridge.hub.file(by, MODEL, "ann/Tiny", held, "w.bin")
    assert bridge.hub.info(ANN, MODEL, "ann/Tiny").commit == head
    assert bridge.repos.large_files(ANN, REPO) == ()
