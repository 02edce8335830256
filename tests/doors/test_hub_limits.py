"""A file that no client could download again is refused when it is announced, whichever way it comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.uploading import Registry, registry_at

MOST = 50_000_000_000
OID = "ab" * 32
LFS = "/ann/huge.git/info/lfs/objects/batch"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    home: Path = tmp_path_factory.mktemp("registry") / "home"
    with registry_at(home) as running:
        made = running.call("ann", "POST", "/api/repos/create", {"name": "huge"})
        assert made.status == 200
        yield running


def preupload(registry: Registry, size: int) -> tuple[int, str]:
    files = [{"path": "w.safetensors", "size": size, "sample": ""}]
    got = registry.call("ann", "POST", "/api/models/ann/huge/preupload/main", {"files": files})
    return got.status, got.body.decode()


def batch(registry: Registry, size: int) -> tuple[int, str]:
    body = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": OID, "size": size}]}
    got = registry.call("ann", "POST", LFS, body)
    return got.status, got.body.decode()


def test_fifty_gigabytes_are_taken(registry: Registry) -> None:
    assert preupload(registry, MOST)[0] == 200
    status, said = batch(registry, MOST)
    # Nothing is said against the size; where the disk of the tests has no such room, that is said.
    assert status == 200 or (status, "are needed" in said) == (500, True), said


def test_one_byte_more_is_not(registry: Registry) -> None:
    for ask in (preupload, batch):
        status, said = ask(registry, MOST + 1)
        assert (status, f"at most {MOST} bytes" in said) == (400, True), ask.__name__


def test_a_commit_cannot_name_it_either(registry: Registry) -> None:
    lines = b'{"key":"header","value":{"summary":"Huge"}}\n'
    lines += b'{"key":"lfsFile","value":{"path":"w","algo":"sha256","oid":"%s","size":%d}}\n' % (
        OID.encode(), MOST + 1,
    )  # fmt: skip
    got = registry.call("ann", "POST", "/api/models/ann/huge/commit/main", lines)
    assert (got.status, f"at most {MOST} bytes" in got.body.decode()) == (400, True)
