"""The real client uploads; what it sends is read, verified and put together again."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from tests.xet import samples
from tests.xet.recorder import Recorder, recording, upload
from tests.xet.written import chunk_bytes, verify_xorb
from weighbridge.xet.claims import verify_listing, verify_reconstruction
from weighbridge.xet.hashes import parse_hash
from weighbridge.xet.shards import parse_shard
from weighbridge.xet.xorbs import MAX_PACKED_XORB_BYTES

pytest.importorskip("hf_xet")


def require_all_arrived(server: Recorder, files: Mapping[str, bytes]) -> None:
    """Every file that the shards tell of is made again from the xorbs, and they are ``files``."""
    bodies = {parse_hash(name): body for name, body in server.xorbs.items()}
    xorbs = {name: verify_xorb(body, name) for name, body in bodies.items()}
    arrived = set()
    for shard in map(parse_shard, server.shards):
        for listing in shard.xorbs:
            verify_listing(listing)
        for file in shard.files:
            verify_reconstruction(file, samples.held(*xorbs.values()))
            digest = sha256()
            for term in file.terms:
                for chunk in xorbs[term.xorb_hash].chunks[term.start : term.end]:
                    digest.update(chunk_bytes(bodies[term.xorb_hash], chunk))
            assert digest.hexdigest() == file.sha256
            arrived.add(file.sha256)
    assert arrived == {sha256(content).hexdigest() for content in files.values()}


def test_an_upload_is_understood_and_a_second_one_sends_only_what_is_new(tmp_path: Path) -> None:
    files = {**samples.small(), "more.bin": samples.random_bytes(70 << 20, seed=4)}
    with recording() as server:
        upload(server, tmp_path / "home", tmp_path / "first", files)
        require_all_arrived(server, files)
        assert len(server.xorbs) > 1
        assert max(map(len, server.xorbs.values())) <= MAX_PACKED_XORB_BYTES

        sent = sum(map(len, server.xorbs.values()))
        more = bytearray(files["more.bin"])
        more[30 << 20 : 31 << 20] = samples.random_bytes((1 << 20) - 77, seed=5)
        changed = {"more.bin": bytes(more)}
        server.shards.clear()
        upload(server, tmp_path / "home", tmp_path / "second", changed)
        require_all_arrived(server, changed)
        assert sum(map(len, server.xorbs.values())) - sent < 3 << 20
