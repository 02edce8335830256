"""Quotas and forbidden kinds: refused with a sentence before anything is kept, whatever way it comes."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.doors.uploading import Client, Registry, registry_at
from weighbridge.domain.access import LOCAL

QUOTA = 300_000


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry_at(
        tmp_path_factory.mktemp("registry") / "home",
        WEIGHBRIDGE_SERVE="all",
        WEIGHBRIDGE_QUOTA_BYTES=str(QUOTA),
        WEIGHBRIDGE_FORBIDDEN_KINDS="iso, *.tar.gz",
    ) as running:
        yield running


@pytest.mark.parametrize("xet", [True, False])
def test_the_terminal_says_how_much_is_used_allowed_and_wanted(
    registry: Registry, tmp_path: Path, xet: bool
) -> None:
    client = Client(registry=registry, home=tmp_path / "ann", xet=xet)
    name = f"ann/big{xet}"
    registry.bridge.repos.quotas.set(LOCAL, "ann", 10_000)
    (tmp_path / "a.bin").write_bytes(bytes([xet]) * 20_000)
    refused = client.hf("upload", name, str(tmp_path / "a.bin"))
    assert refused.returncode != 0
    assert "'ann' may use 10,000 bytes and uses" in refused.stderr
    assert "20,000 bytes more do not fit" in refused.stderr
    registry.bridge.repos.quotas.set(LOCAL, "ann", None)
    assert client.hf("upload", name, str(tmp_path / "a.bin")).returncode == 0
    again = client.hf("upload", name, str(tmp_path / "a.bin"), "copy.bin")
    assert again.returncode == 0, again.stderr
    used = registry.call("ann", "GET", f"/api/models/{name}?expand=usedStorage").json["usedStorage"]
    assert 20_000 < used < 22_000  # the content and .gitattributes, each once


def batch(registry: Registry, content: bytes) -> tuple[int, str]:
    wanted = {"oid": sha256(content).hexdigest(), "size": len(content)}
    body = {"operation": "upload", "objects": [wanted]}
    got = registry.call("bob", "POST", "/bob/m.git/info/lfs/objects/batch", body)
    return got.status, got.json.get("error", "")


def test_every_way_in_is_refused_alike(registry: Registry) -> None:
    assert registry.call("bob", "POST", "/api/repos/create", {"name": "m"}).status == 200
    used = registry.bridge.repos.quotas.of("bob").used_bytes
    sentence = f"'bob' may use {QUOTA:,} bytes and uses {used:,}: {QUOTA:,} bytes more do not fit"
    head = registry.call("bob", "GET", "/api/models/bob/m").json["sha"]
    body = {"files": [{"path": "a.txt", "size": QUOTA, "sample": ""}]}
    asked = registry.call("bob", "POST", "/api/models/bob/m/preupload/main", body)
    assert (asked.status, asked.json["error"]) == (403, sentence)
    assert asked.headers["x-error-message"] == sentence
    assert batch(registry, b"x" * QUOTA) == (403, sentence)
    value = {"path": "a.txt", "content": b64encode(b"y" * QUOTA).decode(), "encoding": "base64"}
    lines = [{"key": "header", "value": {"summary": "Much"}}, {"key": "file", "value": value}]
    sent = "\n".join(json.dumps(each) for each in lines).encode()
    made = registry.call("bob", "POST", "/api/models/bob/m/commit/main", sent)
    assert (made.status, made.json["error"]) == (403, sentence)
    assert registry.call("bob", "GET", "/api/models/bob/m").json["sha"] == head
    token = "/api/models/bob/m/xet-write-token/main"
    assert registry.call("bob", "GET", token).status == 200
    registry.bridge.repos.quotas.set(LOCAL, "bob", 1)
    full = registry.call("bob", "GET", token)
    assert (full.status, "nothing more fits" in full.json["error"]) == (403, True)
    registry.bridge.repos.quotas.set(LOCAL, "bob", 0)
    assert batch(registry, b"x" * QUOTA)[0] == 200
    registry.bridge.repos.quotas.set(LOCAL, "bob", None)


def test_what_may_be_there_already_is_not_refused_by_its_size(registry: Registry) -> None:
    content = b"k" * (QUOTA - 100_000)
    value = {"path": "a.txt", "content": b64encode(content).decode(), "encoding": "base64"}
    lines = [{"key": "header", "value": {"summary": "Fits"}}, {"key": "file", "value": value}]
    sent = "\n".join(json.dumps(each) for each in lines).encode()
    assert registry.call("bob", "POST", "/api/repos/create", {"name": "n"}).status == 200
    assert registry.call("bob", "POST", "/api/models/bob/n/commit/main", sent).status == 200
    for name, size, status in (("b.txt", len(content), 200), ("b.txt", len(content) + 1, 403)):
        body = {"files": [{"path": name, "size": size, "sample": ""}]}
        assert registry.call("bob", "POST", "/api/models/bob/n/preupload/main", body).status == status
    ignored = {"files": [{"path": "b.txt", "size": QUOTA, "sample": ""}], "gitIgnore": "*.txt"}
    assert registry.call("bob", "POST", "/api/models/bob/n/preupload/main", ignored).status == 200


def test_forbidden_kinds_are_refused_at_once_and_again_in_the_commit(
    registry: Registry, tmp_path: Path
) -> None:
    client = Client(registry=registry, home=tmp_path / "ann")
    (tmp_path / "disk.ISO").write_bytes(b"x")
    refused = client.hf("upload", "ann/kinds", str(tmp_path / "disk.ISO"))
    assert refused.returncode != 0
    assert "of a kind (.iso) that this registry does not take" in refused.stderr
    for path, status in (("a/b.tar.gz", 400), ("tar.gz", 200), ("iso", 200), ("a.iso/b.txt", 200)):
        body = {"files": [{"path": path, "size": 1, "sample": ""}]}
        assert registry.call("ann", "POST", "/api/models/ann/kinds/preupload/main", body).status == status
    value = {"path": "b.tar.gz", "content": "eA==", "encoding": "base64"}
    lines = [{"key": "header", "value": {"summary": "An archive"}}, {"key": "file", "value": value}]
    sent = "\n".join(json.dumps(each) for each in lines).encode()
    for query in ("", "?create_pr=1"):
        made = registry.call("ann", "POST", f"/api/models/ann/kinds/commit/main{query}", sent)
        assert (made.status, ".tar.gz" in made.json["error"]) == (400, True)
