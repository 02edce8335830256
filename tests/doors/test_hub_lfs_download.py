"""Downloads by Git LFS: what a revision shows to the caller, and no content for its digest alone."""

from __future__ import annotations

import json
import os
import shutil
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.doors.asgi_server import Answer, call, serving
from tests.doors.uploading import Registry, registry_at
from tests.real_git import GIT, git
from weighbridge.bridge.hub import open_folder
from weighbridge.domain.access import LOCAL
from weighbridge.domain.manifest import lfs_pointer
from weighbridge.doors.hub import hub_app

NAME = "dir/w \u00fc+%.bin"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry_at(tmp_path_factory.mktemp("registry") / "home", WEIGHBRIDGE_SERVE="all") as running:
        yield running


def pushed(registry: Registry, repo: str, *contents: bytes, private: bool = False) -> list[str]:
    """A repository of ann's with one commit for each content, all of the same file; their digests."""
    name = repo.partition("/")[2]
    asked = {"name": name, "private": private}
    assert registry.call("ann", "POST", "/api/repos/create", asked).status == 200
    return [push(registry, repo, content) for content in contents]


def push(registry: Registry, repo: str, content: bytes, path: str = NAME, query: str = "") -> str:
    oid = sha256(content).hexdigest()
    asked = {"operation": "upload", "objects": [{"oid": oid, "size": len(content)}]}
    (known,) = registry.call("ann", "POST", f"/{repo}.git/info/lfs/objects/batch", asked).json["objects"]
    if "actions" in known:
        assert registry.call("", "PUT", place(known["actions"]["upload"]["href"]), content).status == 200
    value = {"path": path, "algo": "sha256", "oid": oid, "size": len(content)}
    lines = [{"key": "header", "value": {"summary": "A file"}}, {"key": "lfsFile", "value": value}]
    body = b"\n".join(json.dumps(line).encode() for line in lines)
    got = registry.call("ann", "POST", f"/api/models/{repo}/commit/main{query}", body)
    assert got.status == 200, got.json
    return oid


def batch(registry: Registry, user: str, repo: str, *objects: tuple[str, int], **more: Any) -> Answer:
    wanted = [{"oid": oid, "size": size} for oid, size in objects]
    asked = {"operation": "download", "transfers": ["basic"], "objects": wanted, **more}
    return registry.call(user, "POST", f"/{repo}.git/info/lfs/objects/batch", asked)


def place(href: str) -> str:
    parts = urlsplit(href)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def test_what_a_revision_holds_can_be_fetched(registry: Registry) -> None:
    old, new = os.urandom(5000), os.urandom(6000)
    oids = pushed(registry, "ann/held", old, new)
    got = batch(
        registry, "ann", "ann/held", *[(oid, size) for oid, size in zip(oids, (5000, 6000), strict=True)]
    )
    assert got.headers["content-type"] == "application/vnd.git-lfs+json"
    assert got.json["transfer"] == "basic"
    for known, content in zip(got.json["objects"], (old, new), strict=True):
        assert known["authenticated"] is True
        action = known["actions"]["download"]
        assert registry.tokens["ann"] not in action["href"]
        assert action["href"].startswith(registry.url)
        assert registry.call("", "GET", place(action["href"])).body == content
        part = registry.call("", "GET", place(action["href"]), Range="bytes=100-199")
        assert (part.status, part.body) == (206, content[100:200])
        assert registry.call("", "HEAD", place(action["href"])).headers["content-length"] == str(len(content))


def test_without_a_token_the_address_is_the_plain_one(registry: Registry) -> None:
    content = os.urandom(400)
    (oid,) = pushed(registry, "ann/open", content)
    (known,) = batch(registry, "", "ann/open", (oid, 400), ref={"name": "refs/heads/main"}).json["objects"]
    href = known["actions"]["download"]["href"]
    assert "signature" not in href
    assert registry.call("", "GET", place(href)).body == content


def test_a_digest_is_no_ticket(registry: Registry) -> None:
    content = os.urandom(700)
    (oid,) = pushed(registry, "ann/secret", content, private=True)
    pushed(registry, "ann/other", os.urandom(10))
    hidden = batch(registry, "bob", "ann/secret", (oid, 700))
    missing = batch(registry, "bob", "ann/absent", (oid, 700))
    assert (hidden.status, missing.status) == (404, 404)
    assert hidden.body.replace(b"secret", b"absent") == missing.body
    assert hidden.json["message"] == hidden.json["error"], "clients of git read this one out"
    for repo in ("ann/secret", "ann/absent"):  # a client of git sends its password when it is asked
        got = batch(registry, "", repo, (oid, 700))
        assert got.status == 401
        assert got.headers["lfs-authenticate"].startswith("Basic ")
    for user in ("ann", "bob", ""):
        (known,) = batch(registry, user, "ann/other", (oid, 700)).json["objects"]
        assert known["error"]["code"] == 404
        assert "actions" not in known
    (mine,) = batch(registry, "ann", "ann/secret", (oid, 700)).json["objects"]
    assert registry.call("", "GET", place(mine["actions"]["download"]["href"])).body == content


def test_another_size_is_an_error_of_that_object(registry: Registry) -> None:
    oids = pushed(registry, "ann/sizes", b"one" * 100, b"two" * 100)
    wrong, right = batch(registry, "bob", "ann/sizes", (oids[0], 299), (oids[1], 300)).json["objects"]
    assert wrong["error"] == {"code": 422, "message": "this content has 300 bytes, not 299"}
    assert "actions" in right


def test_an_address_that_was_changed_or_whose_account_was_closed(registry: Registry) -> None:
    registry.bridge.people.add_user(LOCAL, "eve", LOCAL.permissions, "correct horse")
    token = {"Authorization": f"Bearer {registry.bridge.people.authenticate('eve', 'correct horse')}"}
    (oid,) = pushed(registry, "ann/shared", os.urandom(300))
    push(registry, "ann/shared", os.urandom(300), "other.bin")
    asked = {"operation": "download", "objects": [{"oid": oid, "size": 300}]}
    got = call(registry.url, "POST", "/ann/shared.git/info/lfs/objects/batch", asked, token).json
    href = place(got["objects"][0]["actions"]["download"]["href"])
    assert call(registry.url, "GET", href).status == 200
    assert call(registry.url, "GET", href.replace("%2B", "+")).status == 200, "clients escape as they like"
    parts = urlsplit(href)
    other = "/".join([*parts.path.split("/")[:5], "other.bin"])
    for changed in (
        f"{other}?{parts.query}",
        href.replace("by=eve", "by=ann"),
        href.replace("expires=", "expires=9"),
        href.replace("ann/shared", "ann/absent"),
    ):
        assert call(registry.url, "GET", changed).status == 403
    registry.bridge.people.disable(LOCAL, "eve")
    assert call(registry.url, "GET", href).status == 401


def test_what_may_be_read_no_more_is_not_sent_for_an_old_address(registry: Registry) -> None:
    (oid,) = pushed(registry, "ann/closing", os.urandom(300))
    (known,) = batch(registry, "bob", "ann/closing", (oid, 300)).json["objects"]
    href = place(known["actions"]["download"]["href"])
    assert registry.call("", "GET", href).status == 200
    assert registry.call("ann", "PUT", "/api/models/ann/closing/settings", {"private": True}).status == 200
    assert registry.call("", "GET", href).status == 404


def test_what_nobody_accepted_yet_is_its_owner_s(tmp_path: Path) -> None:
    with registry_at(tmp_path / "home") as registry:
        pushed(registry, "ann/waiting")
        oid = push(registry, "ann/waiting", b"\x80\x04cos\nsystem\n(S'x'\ntR.", "evil.pkl")
        size = len(b"\x80\x04cos\nsystem\n(S'x'\ntR.")
        (mine,) = batch(registry, "ann", "ann/waiting", (oid, size)).json["objects"]
        assert "actions" in mine
        got = batch(registry, "bob", "ann/waiting", (oid, size))
        assert got.status == 404 or "error" in got.json["objects"][0]


def test_what_is_proposed_is_its_author_s_until_it_is_merged(tmp_path: Path) -> None:
    with registry_at(tmp_path / "home") as registry:
        pushed(registry, "ann/asked")
        content = os.urandom(900)
        oid = push(registry, "ann/asked", content, "w.bin", "?create_pr=1")
        (mine,) = batch(registry, "ann", "ann/asked", (oid, 900)).json["objects"]
        assert "/resolve/" in mine["actions"]["download"]["href"]
        for user in ("bob", ""):
            got = batch(registry, user, "ann/asked", (oid, 900), ref={"name": "refs/pr/1"})
            assert got.status != 200 or got.json["objects"][0]["error"]["code"] == 404


def test_a_gated_repository_asks_first(registry: Registry) -> None:
    (oid,) = pushed(registry, "ann/gated", os.urandom(80))
    assert registry.call("ann", "PUT", "/api/models/ann/gated/settings", {"gated": "auto"}).status == 200
    got = batch(registry, "bob", "ann/gated", (oid, 80))
    assert (got.status, got.headers["x-error-code"]) == (403, "GatedRepo")
    assert registry.call("bob", "POST", "/ann/gated/ask-access").status == 200
    (known,) = batch(registry, "bob", "ann/gated", (oid, 80)).json["objects"]
    assert registry.call("", "GET", place(known["actions"]["download"]["href"])).status == 200


def test_a_former_name_still_works(registry: Registry) -> None:
    content = os.urandom(200)
    (oid,) = pushed(registry, "ann/former", content)
    moved = {"fromRepo": "ann/former", "toRepo": "ann/latter", "type": "model"}
    assert registry.call("ann", "POST", "/api/repos/move", moved).status == 200
    (known,) = batch(registry, "bob", "ann/former", (oid, 200)).json["objects"]
    assert "/ann/latter/resolve/" in known["actions"]["download"]["href"]
    assert registry.call("", "GET", place(known["actions"]["download"]["href"])).body == content


@pytest.mark.parametrize(
    "asked",
    [
        {"operation": "download", "objects": [{"oid": "x", "size": 1}]},
        {"operation": "download", "objects": [{"oid": "0" * 64}]},
        {"operation": "download", "objects": [{"oid": "0" * 64, "size": 1}] * 1001},
        {"operation": "download", "hash_algo": "md5", "objects": []},
        {"operation": "delete", "objects": []},
        {},
        b"[",
    ],
)
def test_a_batch_that_is_none(registry: Registry, asked: Any) -> None:
    registry.call("ann", "POST", "/api/repos/create", {"name": "none"})
    assert registry.call("ann", "POST", "/ann/none.git/info/lfs/objects/batch", asked).status == 400


def test_a_folder_that_is_only_read(tmp_path: Path) -> None:
    content = os.urandom(2000)
    oid = sha256(content).hexdigest()
    for name in ("org/m", "plain"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "w.safetensors").write_bytes(content)
    with serving(hub_app(open_folder(tmp_path))) as url:
        for name in ("org/m", "plain"):
            batch = f"/{name}.git/info/lfs/objects/batch"
            asked = {"operation": "download", "objects": [{"oid": oid, "size": 2000}]}
            (known,) = call(url, "POST", batch, asked).json["objects"]
            assert call(url, "GET", place(known["actions"]["download"]["href"])).body == content
            assert call(url, "POST", batch, {**asked, "operation": "upload"}).status == 405
        assert call(url, "GET", "/org/m.git/info/lfs/objects/batch").status == 404
        assert call(url, "POST", "/org/m.git/info/lfs/locks", {}).status == 404
    assert not (tmp_path / "signing.key").exists()


def test_the_password_of_a_git_client_is_its_token(registry: Registry) -> None:
    (oid,) = pushed(registry, "ann/by-git", os.urandom(100), private=True)
    asked = {"operation": "download", "objects": [{"oid": oid, "size": 100}]}
    path = "/ann/by-git.git/info/lfs/objects/batch"
    for password, status in (
        (registry.tokens["ann"], 200),
        (registry.tokens["bob"], 404),
        ("hf_wbr_wrong", 401),
        ("some proxy's", 401),
        ("", 401),
    ):
        spelled = b64encode(f"anybody:{password}".encode()).decode()
        got = registry.call("", "POST", path, asked, Authorization=f"Basic {spelled}")
        assert got.status == status, password
    for spelled in ("", "x", "\u00fc", "aGZf"):
        assert registry.call("", "POST", path, asked, Authorization=f"Basic {spelled}").status == 401


@pytest.mark.skipif(not GIT or not shutil.which("git-lfs"), reason="git-lfs is not installed")
def test_the_real_git_lfs_fetches_and_pushes(registry: Registry, tmp_path: Path) -> None:
    content, other = os.urandom(3_000_000), os.urandom(2_000_000)
    (oid,) = pushed(registry, "ann/real", content, private=True)
    helper = f"!f() {{ echo username=ann; echo password={registry.tokens['ann']}; }}; f"
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "-q", "-b", "main")
    git(work, "config", "user.name", "ann")
    git(work, "config", "user.email", "ann@example.org")
    git(work, "config", "lfs.url", f"{registry.url}/ann/real.git/info/lfs")
    git(work, "config", "credential.helper", helper)
    git(work, "lfs", "install", "--local")
    (work / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (work / "w.bin").write_bytes(lfs_pointer(oid, len(content)))
    git(work, "add", ".", GIT_LFS_SKIP_SMUDGE="1")
    git(work, "commit", "-qm", "A pointer")
    git(work, "remote", "add", "origin", f"{registry.url}/ann/real")
    git(work, "lfs", "pull")
    assert (work / "w.bin").read_bytes() == content
    (work / "new.bin").write_bytes(other)
    git(work, "add", "new.bin")
    git(work, "commit", "-qm", "A large file")
    git(work, "lfs", "push", "--object-id", "origin", sha256(other).hexdigest())
    held = registry.home / "blobs-v1" / "sha256" / sha256(other).hexdigest()[:2] / sha256(other).hexdigest()
    assert held.read_bytes() == other
