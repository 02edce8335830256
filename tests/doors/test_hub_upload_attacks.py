"""Uploads that are not what they say: refused with a sentence, at little cost, and nothing of them stays."""

from __future__ import annotations

import json
import socket
from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.doors.uploading import Registry, registry_at

CONTENT = b"weights" * 5000
OID = sha256(CONTENT).hexdigest()
BATCH, COMMIT = "/ann/m.git/info/lfs/objects/batch", "/api/models/ann/m/commit/main"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry_at(tmp_path_factory.mktemp("registry") / "home") as running:
        for user in ("ann", "bob"):
            made = running.call(user, "POST", "/api/repos/create", {"name": "m"})
            assert (made.status, made.json["url"]) == (200, f"{running.url}/{user}/m")
        yield running


def signed(registry: Registry, oid: str, size: int) -> str:
    """Where ann may send this content."""
    body = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": size}]}
    (answer,) = registry.call("ann", "POST", BATCH, body).json["objects"]
    parts = urlsplit(answer["actions"]["upload"]["href"])
    return f"{parts.path}?{parts.query}"


def held(registry: Registry, oid: str) -> bool:
    return (registry.home / "blobs-v1" / "sha256" / oid[:2] / oid).exists()


def left_over(registry: Registry) -> list[Path]:
    folders = [registry.home / name for name in ("tmp", "partial")]
    return [file for folder in folders for file in folder.rglob("*") if file.is_file()]


def lines(*changes: Mapping[str, Any], **header: Any) -> bytes:
    first = {"key": "header", "value": {"summary": "A change", **header}}
    return b"\n".join(json.dumps(line).encode() for line in (first, *changes))


def small(path: str, content: bytes = b"x") -> Mapping[str, Any]:
    value = {"path": path, "content": b64encode(content).decode(), "encoding": "base64"}
    return {"key": "file", "value": value}


def exchange(registry: Registry, head: str, pieces: Iterator[bytes]) -> tuple[int, bytes]:
    """Send pieces until the server has had enough; the bytes that were sent, and what it said."""
    sent = 0
    with socket.create_connection(("127.0.0.1", urlsplit(registry.url).port or 0), 600) as line:
        line.sendall(head.encode())
        try:
            for piece in pieces:
                line.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
        try:
            return sent, line.recv(65536)
        except OSError:
            return sent, b""


def test_a_content_comes_in_once(registry: Registry) -> None:
    place = signed(registry, OID, len(CONTENT))
    assert registry.tokens["ann"] not in place
    assert registry.call("", "PUT", place, CONTENT).status == 200
    assert held(registry, OID)
    again = registry.call(
        "ann", "POST", BATCH, {"operation": "upload", "objects": [{"oid": OID, "size": len(CONTENT)}]}
    )
    assert again.json == {"transfer": "basic", "objects": [{"oid": OID, "size": len(CONTENT)}]}
    verify = "/ann/m.git/info/lfs/verify"
    assert registry.call("ann", "POST", verify, {"oid": OID, "size": len(CONTENT)}).status == 200
    assert registry.call("ann", "POST", verify, {"oid": "0" * 64, "size": 1}).status == 404
    assert registry.call("", "POST", verify, {"oid": OID, "size": len(CONTENT)}).status == 401


def test_a_content_under_a_wrong_name_never_becomes_visible(registry: Registry) -> None:
    other = sha256(b"something else").hexdigest()
    got = registry.call("", "PUT", signed(registry, other, len(CONTENT)), CONTENT)
    assert got.status == 400
    assert "the upload is not what was announced" in got.headers["x-error-message"]
    assert not held(registry, other)
    assert left_over(registry) == []


@pytest.mark.parametrize(("size", "status"), [(5, 413), (len(CONTENT) + 1, 400)])
def test_another_length_than_was_announced(registry: Registry, size: int, status: int) -> None:
    oid = sha256(b"%d" % size).hexdigest()
    got = registry.call("", "PUT", signed(registry, oid, size), CONTENT)
    assert got.status == status
    assert got.json["error"] == f"the body has {len(CONTENT)} bytes, but {size} were announced"


def test_an_address_that_was_changed(registry: Registry) -> None:
    oid = sha256(b"hello").hexdigest()
    place = signed(registry, oid, 5)
    for changed in (
        place.replace("size=5", "size=6"),
        place.replace(oid, "0" * 64),
        place.replace("/ann/m", "/bob/m"),
        place.partition("?")[0],
    ):
        got = registry.call("", "PUT", changed, b"hello")
        assert (got.status, got.json["error"]) == (403, "the address of this upload was not signed here")


def test_ten_gigabytes_that_are_five_bytes(registry: Registry) -> None:
    size = 10_000_000_000
    place = signed(registry, "a" * 64, size)
    head = f"PUT {place} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\nhello"
    with socket.create_connection(("127.0.0.1", urlsplit(registry.url).port or 0)) as line:
        line.sendall(head.encode())
    # another upload of the same content waits for the first one's end, so that what it left can be seen
    assert registry.call("", "PUT", place, b"hello").status == 400
    assert not held(registry, "a" * 64)
    assert sum(file.stat().st_blocks * 512 for file in left_over(registry)) < 1 << 20


def test_a_body_without_end_is_cut(registry: Registry) -> None:
    place = signed(registry, sha256(b"hello").hexdigest(), 5)
    head = f"PUT {place} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    sent, said = exchange(registry, head, (chunk for _ in range(2000)))
    assert sent < 100 << 20
    assert said.startswith(b"HTTP/1.1 413 ")


def test_a_commit_that_is_too_long_is_not_read(registry: Registry) -> None:
    head = f"POST {COMMIT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {registry.tokens['ann']}\r\n"
    sent, said = exchange(registry, f"{head}Content-Length: 10000000000\r\n\r\n", iter([b"hello"]))
    assert said.startswith(b"HTTP/1.1 413 ")
    endless = f"{head}Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b"x" * (1 << 20) + b"\r\n"
    sent, said = exchange(registry, endless, (chunk for _ in range(2000)))
    assert sent < 100 << 20
    assert said.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(("user", "status"), [("", 401), ("rita", 403), ("bob", 403)])
def test_who_may_not_commit(registry: Registry, user: str, status: int) -> None:
    assert registry.call(user, "POST", COMMIT, lines(small("a"))).status == status
    if user != "bob":  # who may upload somewhere may send what a pull request will name
        assert registry.call(user, "POST", BATCH, {"operation": "upload", "objects": []}).status == status
    assert registry.call(user, "GET", "/api/models/ann/m/auth-check/write").status == status
    assert registry.call(user, "GET", "/api/models/ann/m/xet-write-token/main").status == status


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        "a\\..\\b",
        ".git/config",
        "a//b",
        "a\nb",
        "C:/x",
        "x" * 300,
        "a\u202eb",
    ],
)
def test_paths_that_lead_elsewhere(registry: Registry, path: str) -> None:
    before = registry.call("ann", "GET", "/api/models/ann/m").json["sha"]
    got = registry.call("ann", "POST", COMMIT, lines(small("fine.txt"), small(path)))
    assert got.status == 400
    assert "path" in got.json["error"]
    asked = {"files": [{"path": path, "size": 1, "sample": ""}]}
    assert registry.call("ann", "POST", "/api/models/ann/m/preupload/main", asked).status == 400
    assert registry.call("ann", "GET", "/api/models/ann/m").json["sha"] == before


def test_a_large_file_that_was_not_sent(registry: Registry) -> None:
    value = {"path": "w.bin", "algo": "sha256", "oid": "b" * 64, "size": 7}
    got = registry.call("ann", "POST", COMMIT, lines({"key": "lfsFile", "value": value}))
    assert got.status == 400


@pytest.mark.parametrize(
    "body",
    [
        {"operation": "upload", "objects": [{"oid": "x", "size": 1}]},
        {"operation": "upload", "objects": [{"oid": OID, "size": -1}]},
        {"operation": "upload", "objects": [{"oid": OID}]},
        {"operation": "upload", "objects": [{"oid": f"../../{OID}", "size": 1}]},
        {"operation": "upload", "hash_algo": "md5", "objects": []},
        {"operation": "upload", "transfers": ["ssh"], "objects": []},
        {"operation": "upload", "objects": [{"oid": OID, "size": 1}] * 1001},
        {},
        b"[]",
        b"{",
        b"[" * 100_000,
    ],
)
def test_a_batch_that_is_none(registry: Registry, body: Any) -> None:
    assert registry.call("ann", "POST", BATCH, body).status == 400


@pytest.mark.parametrize(
    "body",
    [
        {"name": "../x"},
        {"name": "x", "organization": "../ann"},
        {"name": ""},
        {},
        {"name": "x", "type": "kernel"},
        {"name": "x", "visibility": "hidden"},
    ],
)
def test_a_repository_that_cannot_be(registry: Registry, body: Any) -> None:
    got = registry.call("ann", "POST", "/api/repos/create", body)
    assert got.status == 400
    assert got.json["error"]


def test_addresses_have_the_host_that_the_client_used(registry: Registry) -> None:
    made = registry.call(
        "ann",
        "POST",
        "/api/repos/create",
        {"name": "m"},
        Host="hub.example",
        **{"X-Forwarded-Proto": "https"},
    )
    assert (made.status, made.json["url"]) == (409, "https://hub.example/ann/m")


def test_a_card_is_judged_in_json_whoever_asks(registry: Registry) -> None:
    for user in ("", "ann"):
        got = registry.call(user, "POST", "/api/validate-yaml", {"content": "---\na: [\n---\n"})
        assert got.status == 400
        assert "cannot be read" in got.json["errors"][0]["message"]
        got = registry.call(user, "POST", "/api/validate-yaml", {"content": "no metadata"})
        assert (got.status, got.json["errors"], len(got.json["warnings"])) == (200, [], 1)


def test_a_card_that_is_too_long_is_not_read(registry: Registry) -> None:
    head = "POST /api/validate-yaml HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n"
    _, said = exchange(registry, head, iter([b"hello"]))
    assert said.startswith(b"HTTP/1.1 413 ")


def test_who_sends_too_much_still_hears_the_answer(registry: Registry) -> None:
    big = lines(*[small(f"{number}.txt", bytes(1 << 20)) for number in range(20)])
    for user, status in (("", 401), ("rita", 403), ("bob", 403)):
        assert registry.call(user, "POST", COMMIT, big).status == status
