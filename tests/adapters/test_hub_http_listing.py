"""What a Hub says over HTTP becomes values, and what cannot be true becomes BadListing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.adapters.hub_bits import REPO, head, quick
from tests.hub_server import HubRepo, HubServer, serve_hub
from weighbridge.adapters.hub_http import HttpHub
from weighbridge.domain.manifest import Storage, digests_of
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.errors import BadInput, BadListing, HubDown

LARGE = bytes(range(256)) * 100
FILES = {"config.json": b"{}", "sub dir/ü.txt": b"x", "model.bin": LARGE}


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with serve_hub({"org/model": FILES, "gpt2": {"a": b"a"}}) as server:
        yield server


def ref(revision: str = "main") -> ModelRef:
    return ModelRef(repo=REPO, revision=revision)


def test_info_names_the_commit_of_a_revision(hub: HubServer) -> None:
    info = quick(hub).info(ref())
    assert (info.commit, info.license) == (head(hub), "mit")


def test_a_revision_with_a_slash_is_one_segment(hub: HubServer) -> None:
    commit = hub.repos["org/model"].commit({"a": b"1"}, branch="refs/pr/1")
    assert quick(hub).info(ref("refs/pr/1")).commit == commit
    assert hub.requests[-1].target.endswith("/revision/refs%2Fpr%2F1")


def test_a_repository_without_namespace(hub: HubServer) -> None:
    client = quick(hub)
    info = client.info(ModelRef.parse("gpt2"))
    assert client.manifest(info.repo, info.commit).by_path["a"].size_bytes == 1


def test_a_manifest_is_one_request_and_has_digests_of_contents(hub: HubServer) -> None:
    manifest = quick(hub).manifest(REPO, head(hub))
    assert [asked.path for asked in hub.requests] == [f"/api/models/org/model/tree/{head(hub)}"]
    assert sorted(manifest.by_path) == sorted(FILES)
    large, small = manifest.by_path["model.bin"], manifest.by_path["sub dir/ü.txt"]
    assert (large.storage, large.digests) == (Storage.LFS, (digests_of(LARGE)[1],))
    assert (small.storage, small.digests) == (Storage.REGULAR, (digests_of(b"x")[0],))


def test_a_listing_of_many_pages(hub: HubServer) -> None:
    commit = hub.repos["org/model"].commit({f"f{n}": b"%d" % n for n in range(25)})
    hub.page_size = 10
    assert len(quick(hub).manifest(REPO, commit).files) == 25
    assert len(hub.requests) == 3


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("http://127.0.0.1:1/next", "on another server"),
        ("ftp://x/next", "not an http"),
        ("http://a:b@127.0.0.1/next", "credentials"),
        ("", "in a circle"),
    ],
)
def test_pages_that_lead_astray(hub: HubServer, link: str, why: str) -> None:
    hub.fault("*/tree/*", body=b"[]", headers={"Link": f'<{link}>; rel="next"'})
    with pytest.raises(BadListing, match=why):
        quick(hub).manifest(REPO, head(hub))


def row(path: Any = "a", **more: Any) -> dict[str, Any]:
    return {"type": "file", "path": path, "size": 1, "oid": "0" * 40, **more}


LFS = {"oid": "0" * 64, "size": 1, "pointerSize": 1}


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([row("../x")], "climbs out"),
        ([row("a/../../x")], "climbs out"),
        ([row("/etc/passwd")], "absolute"),
        ([row("a//b")], "empty or '.' component"),
        ([row("a\\b")], "backslash"),
        ([row("a\x00b")], "control"),
        ([row(".git/config")], r"\.git"),
        ([row("A"), row("a")], "differs only in case"),
        ([row("a"), row("a/b")], "is a file and a folder"),
        ([row("a"), row("a")], "listed twice"),
        ([row("x" * 300)], "300 bytes"),
        ([row("\ud800")], "not valid Unicode"),
        ([row(None)], "not a file with a path"),
        ([row(path=7)], "not a file with a path"),
        ([row(size=None)], "not a file with a path and a size"),
        ([row(size="1")], "not a file with a path and a size"),
        ([row(size=True)], "not a file with a path and a size"),
        ([row(size=-1)], "not a size"),
        ([row(size=1 << 60)], "not a size"),
        ([row(oid=None)], "no digest"),
        ([row(oid="xyz")], "wrong length"),
        ([row(lfs={**LFS, "oid": None})], "no sha256"),
        ([row(lfs={**LFS, "oid": "0" * 40})], "wrong length"),
        ([row(lfs={**LFS, "size": 2})], "two sizes"),
        ([row(type="commit")], "not a file"),
        ([None], "something else than a list of objects"),
        ({"error": "no"}, "something else than a list of objects"),
        (None, "something else than a list of objects"),
    ],
)
def test_a_listing_that_cannot_be(hub: HubServer, rows: Any, why: str) -> None:
    hub.fault("*/tree/*", body=json.dumps(rows).encode())
    with pytest.raises(BadListing, match=why) as caught:
        quick(hub).manifest(REPO, head(hub))
    assert hub.url in str(caught.value)
    assert "org/model" in str(caught.value)


@pytest.mark.parametrize("body", [b"<html>", b"", b"[" * 100_000, b"\xff\xfe", b"1" * 5000])
def test_an_answer_that_is_not_json(hub: HubServer, body: bytes) -> None:
    hub.fault("*", body=body)
    with pytest.raises(BadListing):
        quick(hub).info(ref())


def test_nulls_and_odd_numbers_in_an_answer_do_no_harm(hub: HubServer) -> None:
    body = b'{"sha":"%s","tags":null,"cardData":null,"downloads":NaN,"likes":1e999,"x":"\\ud800"}'
    hub.fault("*/revision/*", body=body % head(hub).encode())
    info = quick(hub).info(ref())
    assert (info.tags, info.license, info.downloads, info.likes) == ((), None, 0, 0)
    json.dumps(dict(info.raw), allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize("sha", ['"abc"', "null", '"' + "A" * 40 + '"'])
def test_an_info_without_a_commit(hub: HubServer, sha: str) -> None:
    hub.fault("*/revision/*", body=b'{"sha":%s}' % sha.encode())
    with pytest.raises(BadListing, match="no commit"):
        quick(hub).info(ref())


def test_an_info_of_another_commit_than_the_pinned_one(hub: HubServer) -> None:
    hub.fault("*/revision/*", body=b'{"sha":"%s"}' % (b"0" * 40))
    with pytest.raises(BadListing, match="0000"):
        quick(hub).info(ref(head(hub)))


@pytest.mark.parametrize("levels", [150, 900, 50_000])
def test_an_answer_that_is_nested_without_end(hub: HubServer, levels: int) -> None:
    body = (
        b'{"id": "org/model", "sha": "'
        + head(hub).encode()
        + b'", "x": '
        + b"[" * levels
        + b"]" * levels
        + b"}"
    )
    hub.fault("/api/*", body=body)
    with pytest.raises(BadListing):
        quick(hub).info(ref())


def test_an_answer_in_an_encoding_that_was_not_asked_for(hub: HubServer) -> None:
    hub.fault("*", headers={"Content-Encoding": "gzip"})
    with pytest.raises(BadListing, match="not asked for"):
        quick(hub).info(ref())


def test_an_answer_that_is_cut_is_asked_for_again(hub: HubServer) -> None:
    hub.fault("*/tree/*", times=2, cut_after=20)
    assert quick(hub).manifest(REPO, head(hub)).files
    assert len(hub.requests) == 3


def test_an_answer_that_is_always_cut(hub: HubServer) -> None:
    hub.fault("*/tree/*", cut_after=20)
    with pytest.raises(HubDown):
        quick(hub).manifest(REPO, head(hub))


def test_refs_and_history(hub: HubServer) -> None:
    repo = hub.repos["org/model"]
    first = repo.head
    repo.tags["v1"] = first
    second = repo.commit({"a": b"2"})
    client = quick(hub)
    refs = client.refs(REPO)
    assert (refs.branches, refs.tags) == ({"main": second}, {"v1": first})
    history = client.commits(REPO, "main")
    assert [(c.id, c.authors) for c in history] == [(second, ("alice",)), (first, ("alice",))]
    assert [c.id for c in client.commits(REPO, "main", limit=1)] == [second]


def test_refs_with_nulls(hub: HubServer) -> None:
    rows = [None, {"name": None, "targetCommit": "0" * 40}, {"name": "x"}]
    hub.fault("*/refs", body=json.dumps({"branches": rows, "tags": None}).encode())
    refs = quick(hub).refs(REPO)
    assert (refs.branches, refs.tags) == ({}, {})


def test_repositories_page_by_page_and_odd_names_passed_over(hub: HubServer) -> None:
    for number in range(7):
        repo = HubRepo({"a": b"1"})
        repo.info["downloads"] = number + 10
        hub.repos[f"many/r{number}"] = repo
    hub.repos["bad--name"] = HubRepo({"a": b"1"})
    hub.repos["sets/d"] = HubRepo({"a": b"1"}, kind="dataset")
    hub.page_size = 4
    client = quick(hub)
    names = [info.repo.full_name for info in client.repos(RepoKind.MODEL)]
    assert names[:2] == ["many/r6", "many/r5"]
    assert set(names) == {f"many/r{n}" for n in range(7)} | {"org/model", "gpt2"}
    assert [info.repo for info in client.repos(RepoKind.DATASET)] == [
        RepoId.parse("sets/d", RepoKind.DATASET)
    ]


def test_data_sets_have_their_own_addresses(hub: HubServer) -> None:
    hub.repos["sets/d"] = HubRepo({"data.csv": b"1,2"}, kind="dataset")
    repo = RepoId.parse("sets/d", RepoKind.DATASET)
    client = quick(hub)
    manifest = client.manifest(repo, hub.repos["sets/d"].head)
    buffer = bytearray(10)
    with client.open(repo, manifest.commit, manifest.files[0]) as stream:
        assert stream.readinto(memoryview(buffer)) == 3
    assert hub.requests[-1].path == f"/datasets/sets/d/resolve/{manifest.commit}/data.csv"


@pytest.mark.parametrize("endpoint", ["", "hub", "ftp://hub", "http://u:p@hub", "http://h ub", "http://"])
def test_an_endpoint_that_is_none(endpoint: str) -> None:
    with pytest.raises(BadInput):
        HttpHub(endpoint)


def test_a_locate_is_none(hub: HubServer) -> None:
    client = quick(hub)
    entry = client.manifest(REPO, head(hub)).files[0]
    assert client.locate(REPO, head(hub), entry) is None
