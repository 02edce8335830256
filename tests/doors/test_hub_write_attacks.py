"""Who tries to write what is not theirs, or what cannot be: refused with a sentence, nothing changed."""

from __future__ import annotations

import json
import random
import socket
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.doors.asgi_server import Answer
from tests.doors.uploading import Registry, registry_at
from tests.registry_process import wait_for
from tests.xet.written import write_shard, write_xorb
from weighbridge.domain.access import LOCAL
from weighbridge.doors.hub.signing import Signer
from weighbridge.errors import NotPermitted
from weighbridge.xet.chunks import Scheme
from weighbridge.xet.hashes import HashTree, file_hash, hash_text, range_hash
from weighbridge.xet.shards import Reconstruction, Shard, Term
from weighbridge.xet.xorbs import parse_xorb

DEEP = b"[" * 200_000


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry_at(tmp_path_factory.mktemp("registry") / "home") as running:
        for user in ("ann", "bob"):
            made = running.call(user, "POST", "/api/repos/create", {"name": "m"})
            assert made.status == 200, made.json
        yield running


def head(registry: Registry, repo: str = "ann/m") -> str:
    sha: str = registry.call("ann", "GET", f"/api/models/{repo}").json["sha"]
    return sha


def file_line(path: Any, content: bytes = b"x") -> dict[str, Any]:
    value = {"path": path, "content": b64encode(content).decode(), "encoding": "base64"}
    return {"key": "file", "value": value}


def lfs_line(path: str, oid: str, size: int | None = None) -> dict[str, Any]:
    value = {"path": path, "algo": "sha256", "oid": oid, **({} if size is None else {"size": size})}
    return {"key": "lfsFile", "value": value}


def ndjson(*lines: Any, summary: Any = "A change") -> bytes:
    header = {"key": "header", "value": {"summary": summary}}
    return b"\n".join(
        line if isinstance(line, bytes) else json.dumps(line).encode() for line in (header, *lines)
    )


def commit(registry: Registry, *lines: Any, user: str = "ann", repo: str = "ann/m", **more: Any) -> Answer:
    return registry.call(user, "POST", f"/api/models/{repo}/commit/main", ndjson(*lines, **more))


def announced(registry: Registry, user: str, content: bytes, repo: str = "") -> str | None:
    """Where a user may send a content; None where nothing need be sent."""
    wanted = {"oid": sha256(content).hexdigest(), "size": len(content)}
    path = f"/{repo or user + '/m'}.git/info/lfs/objects/batch"
    got = registry.call(user, "POST", path, {"operation": "upload", "objects": [wanted]})
    assert got.status == 200, got.json
    (answer,) = got.json["objects"]
    if "actions" not in answer:
        return None
    parts = urlsplit(answer["actions"]["upload"]["href"])
    return f"{parts.path}?{parts.query}"


def xet(registry: Registry, user: str) -> tuple[str, dict[str, str]]:
    granted = registry.call(user, "GET", f"/api/models/{user}/m/xet-write-token/main")
    assert granted.status == 200, granted.json
    return urlsplit(granted.json["casUrl"]).path, {"Authorization": f"Bearer {granted.json['accessToken']}"}


def shard_over(xorb: bytes, digest: str, times: int = 1) -> bytes:
    """One file that is a xorb, so many times over."""
    known, tree = parse_xorb(xorb), HashTree()
    for _ in range(times):
        for name, length in known.leaves:
            tree.add(name, length)
    term = Term(
        xorb_hash=known.hash,
        start=0,
        end=len(known.chunks),
        length=known.length,
        range_hash=range_hash(name for name, _ in known.leaves),
    )
    file = Reconstruction(file_hash=file_hash(tree), terms=(term,) * times, sha256=digest)
    return write_shard(Shard(files=(file,), xorbs=()))


def test_knowing_a_digest_is_not_having_the_content(registry: Registry) -> None:
    """Digests stand in the listing of a gated repository, whose files are for those who were let in."""
    secret = b"what only ann hands out" * 100
    oid = sha256(secret).hexdigest()
    place = announced(registry, "ann", secret)
    assert place is not None
    assert registry.call("", "PUT", place, secret).status == 200
    assert commit(registry, lfs_line("w.bin", oid, len(secret))).status == 200
    assert announced(registry, "ann", secret) is None
    for line in (lfs_line("w.bin", oid, len(secret)), lfs_line("w.bin", oid)):
        stolen = commit(registry, line, user="bob", repo="bob/m")
        assert stolen.status == 400
        assert "was not sent" in stolen.json["error"]
    verify = {"oid": oid, "size": len(secret)}
    assert registry.call("bob", "POST", "/bob/m.git/info/lfs/verify", verify).status == 404
    theirs = announced(registry, "bob", secret)
    assert theirs is not None
    assert registry.call("", "PUT", theirs, b"x" * len(secret)).status == 400
    assert commit(registry, lfs_line("w.bin", oid), user="bob", repo="bob/m").status == 400
    assert registry.call("", "PUT", theirs, secret).status == 200
    assert commit(registry, lfs_line("w.bin", oid), user="bob", repo="bob/m").status == 200


def test_the_same_content_from_many_at_once(registry: Registry) -> None:
    content = random.Random(1).randbytes(3_000_000)
    oid = sha256(content).hexdigest()
    places = [announced(registry, user, content) for user in ("ann", "bob") for _ in range(4)]
    with ThreadPoolExecutor(len(places)) as pool:
        sent = list(pool.map(lambda place: registry.call("", "PUT", place or "", content).status, places))
    assert sent == [200] * len(places)
    for user in ("ann", "bob"):
        repo = f"{user}/m"
        assert commit(registry, lfs_line("same.bin", oid), user=user, repo=repo).status == 200
        got = registry.call(user, "GET", f"/{repo}/resolve/main/same.bin")
        assert (got.status, got.body == content) == (200, True)


def test_the_same_xorb_from_many_at_once_and_once_more(registry: Registry) -> None:
    blocks = [random.Random(seed).randbytes(100_000) for seed in range(400)]
    xorb = write_xorb([(block, Scheme.RAW) for block in blocks])
    name = hash_text(parse_xorb(xorb).hash)
    place, token = xet(registry, "ann")
    path = f"{place}/v1/xorbs/default/{name}"
    with ThreadPoolExecutor(3) as pool:
        sent = list(pool.map(lambda _: registry.call("", "POST", path, xorb, **token).status, range(3)))
    assert sent == [200] * 3
    assert registry.call("", "POST", path, xorb, **token).json == {"was_inserted": False}
    content = b"".join(blocks)
    oid = sha256(content).hexdigest()
    shard = shard_over(xorb, oid)
    with ThreadPoolExecutor(3) as pool:
        sent = list(
            pool.map(
                lambda _: registry.call("", "POST", f"{place}/v1/shards", shard, **token).status, range(3)
            )
        )
    assert sent == [200] * 3
    assert commit(registry, lfs_line("x.bin", oid, len(content))).status == 200


def test_what_is_larger_than_the_disk_or_than_may_be(registry: Registry) -> None:
    """A term is 96 bytes of shard: many of them could ask for hours of hashing."""
    xorb = write_xorb([(bytes([seed]) * 131_072, Scheme.LZ4) for seed in range(250)])
    name = hash_text(parse_xorb(xorb).hash)
    place, token = xet(registry, "ann")
    assert registry.call("", "POST", f"{place}/v1/xorbs/default/{name}", xorb, **token).status == 200
    known = parse_xorb(xorb)
    term = Term(
        xorb_hash=known.hash,
        start=0,
        end=len(known.chunks),
        length=known.length,
        range_hash=range_hash(n for n, _ in known.leaves),
    )
    file = Reconstruction(file_hash=known.hash, terms=(term,) * 300_000, sha256="ab" * 32)
    shard = write_shard(Shard(files=(file,), xorbs=()))
    got = registry.call("", "POST", f"{place}/v1/shards", shard, **token)
    assert got.status == 400
    assert "files of at most" in got.json["error"]
    many = [{"oid": f"{number:064x}", "size": 49_000_000_000} for number in range(1000)]
    batch = "/ann/m.git/info/lfs/objects/batch"
    got = registry.call("ann", "POST", batch, {"operation": "upload", "objects": many})
    assert got.status == 500
    assert "bytes free" in got.json["error"]


def test_a_closed_account_writes_nothing_more(registry: Registry) -> None:
    name, content = "mallory", b"late" * 1000
    registry.bridge.people.add_user(
        LOCAL, name, registry.bridge.people.users(LOCAL)[0].permissions, "long enough"
    )
    session = registry.bridge.people.authenticate(name, "long enough")

    def call(method: str, path: str, body: Any = None) -> Answer:
        return registry.call("", method, path, body, Authorization=f"Bearer {session}")

    assert call("POST", "/api/repos/create", {"name": "m"}).status == 200
    wanted = {"oid": sha256(content).hexdigest(), "size": len(content)}
    batch = f"/{name}/m.git/info/lfs/objects/batch"
    (answer,) = call("POST", batch, {"operation": "upload", "objects": [wanted]}).json["objects"]
    parts = urlsplit(answer["actions"]["upload"]["href"])
    granted = call("GET", f"/api/models/{name}/m/xet-write-token/main").json
    registry.bridge.people.disable(LOCAL, name)
    assert call("POST", batch, {"operation": "upload", "objects": []}).status == 401
    assert call("POST", f"/api/models/{name}/m/commit/main", ndjson(file_line("a"))).status == 401
    assert registry.call("", "PUT", f"{parts.path}?{parts.query}", content).status == 401
    xorb = write_xorb([(content, Scheme.RAW)])
    path = f"{urlsplit(granted['casUrl']).path}/v1/xorbs/default/{hash_text(parse_xorb(xorb).hash)}"
    token = {"Authorization": f"Bearer {granted['accessToken']}"}
    assert registry.call("", "POST", path, xorb, **token).status == 401
    assert not list((registry.home / "xorbs-v2").glob(f"{name}/*/*"))


def test_a_signature_has_its_time() -> None:
    at = [1_000_000.0]
    signer = Signer(b"k" * 32, now=lambda: at[0])
    query = dict(
        part.split("=") for part in signer.signed("/a", {"size": "5"}, 60).partition("?")[2].split("&")
    )
    signer.check("/a", query)
    at[0] += 61
    with pytest.raises(NotPermitted, match="expired"):
        signer.check("/a", query)
    with pytest.raises(NotPermitted, match="not signed here"):
        signer.check("/a", {**query, "expires": "9999999999"})
    with pytest.raises(NotPermitted, match="not signed here"):
        Signer(b"j" * 32).check("/a", query)


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'"x"' * 3,
        DEEP,
        b'{"a":' * 100_000,
        {"key": "file"},
        {"key": "file", "value": []},
        {"key": ["file"], "value": {}},
        {"key": "kernel", "value": {}},
        {"key": "header", "value": {"summary": "another"}},
        {"key": "file", "value": {"path": "a", "content": "?!", "encoding": "base64"}},
        {"key": "file", "value": {"path": "a", "content": "YQ", "encoding": "base64"}},
        {"key": "file", "value": {"path": "a", "content": "a", "encoding": "rot13"}},
        {"key": "file", "value": {"path": "a", "content": 5, "encoding": "utf-8"}},
        {"key": "file", "value": {"path": "a", "content": "\ud800"}},
        {"key": "file", "value": {"path": "\ud800", "content": "a"}},
        {"key": "lfsFile", "value": {"path": "a", "oid": "x"}},
        {"key": "lfsFile", "value": {"path": "a", "oid": "0" * 64, "size": "7"}},
        {"key": "lfsFile", "value": {"path": "a", "oid": "0" * 64, "size": 10**400}},
        {"key": "lfsFile", "value": {"path": "a", "oid": "0" * 64, "algo": "md5"}},
        {"key": "deletedFolder", "value": {"path": "/"}},
        {"key": "deletedFolder", "value": {"path": ""}},
        {"key": "deletedFile", "value": {"path": "../../etc/passwd"}},
        file_line("a\\..\\b"),
        file_line("setup.exe"),
        file_line(7),
    ],
)
def test_a_line_that_cannot_be(registry: Registry, line: Any) -> None:
    before = head(registry)
    got = commit(registry, file_line("fine.txt"), line)
    assert got.status in (400, 413), got.body
    assert got.json["error"]
    assert head(registry) == before


@pytest.mark.parametrize("summary", ["\ud800", "a\0b", "x" * 100_000])
def test_a_title_that_git_cannot_hold(registry: Registry, summary: str) -> None:
    before = head(registry)
    assert commit(registry, file_line("fine.txt"), summary=summary).status == 400
    assert head(registry) == before


@pytest.mark.parametrize(
    "paths",
    [("a", "a/b"), ("a/b", "a"), ("Readme.md", "README.md"), ("d/x", "D/x"), ("\u00e9", "e\u0301")],
)
def test_paths_that_clash(registry: Registry, paths: tuple[str, str]) -> None:
    before = head(registry)
    got = commit(registry, *(file_line(f"clash/{path}") for path in paths))
    assert got.status == 400
    assert head(registry) == before


def test_a_path_twice_in_one_commit_is_what_was_said_last(registry: Registry) -> None:
    assert commit(registry, file_line("twice", b"first"), file_line("twice", b"second")).status == 200
    assert registry.call("ann", "GET", "/ann/m/resolve/main/twice").body == b"second"


def test_a_million_operations_are_too_many(registry: Registry) -> None:
    before = head(registry)
    line = json.dumps({"key": "deletedFile", "value": {"path": "x"}}).encode()
    body = ndjson(b"\n".join([line] * 1_000_000))
    asked = f"POST /api/models/ann/m/commit/main HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    asked += f"Authorization: Bearer {registry.tokens['ann']}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(registry.url).port or 0), 600) as wire:
        wire.sendall(asked.encode())
        with suppress(OSError):  # the server has had enough before the end
            wire.sendall(body)
        said = wire.recv(65536)
    assert said.startswith(b"HTTP/1.1 413 ")
    assert b"100000 files" in said
    assert head(registry) == before


@pytest.mark.parametrize(
    "name",
    ["..", "a..b", "-x", "a b", "a~1", "a^", "a:b", "a?b", "a*", "a[", "a\\b", "a.lock", "a/.b", "/a", "a/",
     "a//b", "@", "a@{b", "x\ty", "refs/heads/x", "HEAD", "a" * 40, "x" * 5000, "\ud7ff\u200b" * 200],
)  # fmt: skip
def test_a_ref_that_git_would_not_take(registry: Registry, name: str) -> None:
    quoted = "".join(f"%{byte:02X}" for byte in name.encode())
    assert registry.call("ann", "POST", f"/api/models/ann/m/branch/{quoted}", {}).status in (400, 414, 404)
    assert registry.call("ann", "POST", "/api/models/ann/m/tag/main", {"tag": name}).status == 400
    refs = registry.call("ann", "GET", "/api/models/ann/m/refs").json
    assert [branch["name"] for branch in refs["branches"]] == ["main"]
    assert refs["tags"] == []


def _private_routes(repo: str) -> list[tuple[str, str, Any]]:
    api, file = f"/api/models/{repo}", {"files": [{"path": "a", "size": 1, "sample": ""}]}
    name = {"name": repo.partition("/")[2], "organization": "ann"}
    lfs = f"/{repo}.git/info/lfs"
    return [
        *(("GET", f"{api}{rest}", None) for rest in (
            "", "/revision/main", "/revision/nope", "/tree/main", "/tree/nope", "/refs", "/commits/main",
            "/auth-check", "/auth-check/write", "/xet-write-token/main", "/xet-read-token/main",
            "/discussions", "/discussions/1", "/lfs-files", "/user-access-request/pending", "/likers",
        )),
        *(("GET", f"/{repo}/{call}/main/{path}", None) for call in ("resolve", "raw") for path in ("a", "b")),
        ("HEAD", f"/{repo}/resolve/main/a", None),
        ("POST", f"{api}/paths-info/main", {"paths": ["a"]}),
        ("POST", f"{api}/preupload/main", file),
        ("POST", f"{api}/commit/main", ndjson(file_line("a"))),
        ("POST", f"{api}/branch/x", {}),
        ("DELETE", f"{api}/branch/main", None),
        ("POST", f"{api}/tag/main", {"tag": "x"}),
        ("DELETE", f"{api}/tag/x", None),
        ("PUT", f"{api}/settings", {"private": False}),
        ("POST", f"{api}/super-squash/main", {"message": "x"}),
        ("POST", f"{api}/discussions", {"title": "x", "description": "x", "pullRequest": True}),
        ("POST", f"{api}/duplicate", {"repository": "bob/copy"}),
        ("DELETE", f"{api}/like", None),
        ("POST", f"{api}/like", None),
        ("DELETE", "/api/repos/delete", name),
        ("POST", "/api/repos/move", {"fromRepo": repo, "toRepo": "bob/stolen", "type": "model"}),
        ("POST", f"{lfs}/objects/batch", {"operation": "upload", "objects": []}),
        ("POST", f"{lfs}/verify", {"oid": "0" * 64, "size": 1}),
    ]  # fmt: skip


@pytest.mark.parametrize("user", ["", "bob", "rita"])
def test_a_private_repository_of_others_is_exactly_as_a_missing_one(registry: Registry, user: str) -> None:
    made = registry.call("ann", "POST", "/api/repos/create", {"name": "hidden", "private": True})
    assert made.status in (200, 409)
    assert commit(registry, file_line("a"), repo="ann/hidden").status == 200
    there, missing = _private_routes("ann/hidden"), _private_routes("ann/absent")
    for (method, path, body), (_, other_path, other_body) in zip(there, missing, strict=True):
        one = registry.call(user, method, path, body)
        other = registry.call(user, method, other_path, other_body)
        shown = (one.status, _said(one))
        assert shown == (other.status, _said(other)), (method, path)
        assert one.status >= 400, (method, path)
        assert "hidden" not in json.dumps(_said(one)).replace("ann/hidden", "")


def _said(answer: Answer) -> tuple[dict[str, str], str]:
    headers = {name: value.replace("hidden", "absent") for name, value in answer.headers.items()}
    return {k: v for k, v in headers.items() if k != "date"}, answer.body.decode().replace("hidden", "absent")


BODIES: list[Any] = [
    None, b"", b"{", b"\x00\xff", DEEP, [], "x", 7, {"name": 7}, {"name": ["m"], "organization": {}},
    {"fromRepo": 1, "toRepo": None}, {"tag": {}}, {"startingPoint": 7}, {"startingPoint": "../x"},
    {"files": {}}, {"files": [1]}, {"files": [{"path": None}]}, {"files": [{"path": "a", "size": -1}]},
    {"files": [{"path": "a", "size": 1e300, "sample": ""}]}, {"objects": [None]}, {"content": 5},
    {"files": [{"path": "a", "size": 1, "sample": "%"}]}, {"gated": {}}, {"private": "no"}, {"visibility": 1},
    {"operation": "upload", "objects": [{"oid": "0" * 64, "size": 10**30}]}, {"title": 5}, {"status": []},
    {"tag": "\ud800"}, {"name": "\ud800"}, {"oid": "0" * 64, "parts": [{"partNumber": -1, "etag": 5}]},
]  # fmt: skip


def test_whatever_is_sent_anywhere_is_never_an_internal_error(registry: Registry) -> None:
    made = registry.call("ann", "POST", "/api/repos/create", {"name": "target"})
    assert made.status == 200
    routes = [route for route in _private_routes("ann/target") if route[0] in ("POST", "PUT")]
    routes += [("POST", "/api/repos/create", None), ("POST", "/api/validate-yaml", None)]
    for method, path, _ in routes:
        for body in BODIES:
            got = registry.call("ann", method, path, body)
            # 507/500 is honest only where the disk would not hold what is announced
            assert got.status < 500 or "bytes free" in got.json["error"], (method, path, body, got.body)


def test_two_slow_bodies_do_not_keep_others_waiting(registry: Registry) -> None:
    """Bodies that never end hold a thread each, and not the door."""
    port = urlsplit(registry.url).port or 0
    place = announced(registry, "ann", b"never sent" * 1000)
    begun = []
    try:
        for _ in range(20):
            line = socket.create_connection(("127.0.0.1", port), 600)
            line.sendall(f"PUT {place} HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\nnev".encode())
            begun.append(line)
        slow_commit = "POST /api/models/ann/m/commit/main HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n"
        for _ in range(4):
            line = socket.create_connection(("127.0.0.1", port), 600)
            line.sendall(f"{slow_commit}Authorization: Bearer {registry.tokens['ann']}\r\n\r\n{{".encode())
            begun.append(line)
        assert commit(registry, file_line("quick", b"quick")).status == 200
        content = b"in between" * 1000
        assert registry.call("", "PUT", announced(registry, "ann", content) or "", content).status == 200
    finally:
        for line in begun:
            line.close()
    wait_for(lambda: not [file for file in (registry.home / "tmp").rglob("*") if file.is_file()])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/models/ann/m/nonsense"),
        ("PUT", "/api/models/ann/m/tree/main"),
        ("DELETE", "/api/models/ann/m"),
        ("PATCH", "/api/datasets"),
        ("POST", "/ann/m/resolve/main/config.json"),
        ("POST", "/api/nonsense"),
    ],
)
def test_a_change_that_nobody_knows_is_no_address_here(registry: Registry, method: str, path: str) -> None:
    got = registry.call("ann", method, path, {})
    assert (got.status, got.json["error"]) == (404, f"this Hub has no {method} {path}")


@pytest.mark.parametrize("private", ["yes", "true", 1, [True]])
def test_what_may_mean_private_is_not_made_public(registry: Registry, private: object) -> None:
    """A client that spells it in another way would show to all what it meant to hide."""
    got = registry.call("ann", "POST", "/api/repos/create", {"name": "meant", "private": private})
    assert (got.status, got.json["error"]) == (400, "'private' is neither true nor false")
    assert registry.call("ann", "GET", "/api/models/ann/meant").status == 404
    got = registry.call("ann", "PUT", "/api/models/ann/m/settings", {"private": private})
    assert got.status == 400
