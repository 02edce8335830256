"""Uploads by Xet at the door: as clients of every age send them, and as nobody should.

What is wrong is refused with a sentence, and nothing of it stays.
"""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import lz4.frame
import pytest

from tests.doors.asgi_server import Answer, serving
from tests.doors.uploading import Client, Registry, registry_at
from tests.xet.written import listing_of, write_shard, write_xorb
from weighbridge.doors.hub import hub_app
from weighbridge.xet.chunks import Scheme
from weighbridge.xet.hashes import HashTree, XetHash, file_hash, hash_text, range_hash
from weighbridge.xet.shards import Reconstruction, Shard, Term
from weighbridge.xet.xorbs import Xorb, parse_xorb

BATCH = "/ann/m.git/info/lfs/objects/batch"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry_at(tmp_path_factory.mktemp("registry") / "home") as running:
        for user in ("ann", "bob"):
            assert running.call(user, "POST", "/api/repos/create", {"name": "m"}).status == 200
        yield running


def held(registry: Registry, oid: str) -> bool:
    return (registry.home / "blobs-v1" / "sha256" / oid[:2] / oid).exists()


def kept(registry: Registry, name: str) -> bool:
    return any(file.is_file() for file in (registry.home / "xorbs-v2").rglob(f"{name}*"))


class Sender:
    """Sends xorbs and shards as a client does, with a token of its own."""

    def __init__(self, registry: Registry, user: str) -> None:
        granted = registry.call(user, "GET", f"/api/models/{user}/m/xet-write-token/main")
        assert granted.status == 200, granted.json
        self.registry, self.place = registry, urlsplit(granted.json["casUrl"]).path
        self.token = granted.json["accessToken"]
        assert granted.headers["x-xet-access-token"] == self.token

    def send(self, path: str, body: bytes, place: str = "") -> Answer:
        return self.registry.call(
            "", "POST", f"{place or self.place}{path}", body, Authorization=f"Bearer {self.token}"
        )


def term_of(xorb: Xorb, start: int = 0, end: int = 0) -> Term:
    """Chunks of a xorb, with the proof that they are known."""
    leaves = xorb.leaves[start : end or len(xorb.chunks)]
    return Term(
        xorb_hash=xorb.hash,
        start=start,
        end=start + len(leaves),
        length=sum(length for _, length in leaves),
        range_hash=range_hash(name for name, _ in leaves),
    )


def shard_over(known: Xorb, terms: list[Term], digest: str) -> bytes:
    """A shard of one file; the xorb itself is not listed."""
    tree = HashTree()
    for term in terms:
        for name, length in known.leaves[term.start : term.end]:
            tree.add(name, length)
    file = Reconstruction(file_hash=file_hash(tree), terms=tuple(terms), sha256=digest)
    return write_shard(Shard(files=(file,), xorbs=()))


def shard_of(xorb: bytes, content: bytes, digest: str = "") -> bytes:
    """A shard of one file that is the whole of one xorb."""
    known = parse_xorb(xorb)
    return shard_over(known, [term_of(known)], digest or sha256(content).hexdigest())


@pytest.mark.parametrize(
    ("xorbs", "shards"),
    [
        ("/xorb/default", "/shard/default-merkledb/{name}"),  # hf_xet 0.1
        ("/xorb/default", "/shard/default/{name}"),  # 1.0 to 1.1.5
        ("/xorbs/default", "/shards"),  # 1.1.10 and 1.2
        ("/v1/xorbs/default", "/shards"),  # 1.3
        ("/v1/xorbs/default", "/v1/shards"),  # since 1.5, and the client for Node
        ("/v1/xorbs/default-merkledb", "/v1/shards"),  # as the specification has it
    ],
)
def test_the_addresses_of_every_client(registry: Registry, xorbs: str, shards: str) -> None:
    content = f"{xorbs} {shards}".encode() * 100
    xorb = write_xorb([(content, Scheme.LZ4)])
    name, ann = hash_text(parse_xorb(xorb).hash), Sender(registry, "ann")
    assert ann.send(f"{xorbs}/{name}", xorb).json == {"was_inserted": True}
    assert ann.send(shards.format(name="0" * 64), shard_of(xorb, content)).json == {"result": 1}
    assert held(registry, sha256(content).hexdigest())


@pytest.mark.parametrize(
    "path", ["", "/v1", "/v1/xorbs", "/xorbs/default", "/shards/default", "/v1/v1/shards"]
)
def test_addresses_of_no_client(registry: Registry, path: str) -> None:
    assert Sender(registry, "ann").send(path, b"x").status == 404


def test_a_batch_of_lfs_says_that_it_goes_by_xet(registry: Registry) -> None:
    content = b"huggingface_hub 0.36 and the client for Node ask how to send" * 50
    oid = sha256(content).hexdigest()
    objects = [{"oid": oid, "size": len(content)}]
    asked = {"operation": "upload", "transfers": ["basic", "multipart", "xet"], "objects": objects}
    answer = registry.call("ann", "POST", BATCH, {**asked, "ref": {"name": "dev/x"}}).json
    upload = answer["objects"][0]["actions"]["upload"]
    assert answer["transfer"] == "xet"
    assert upload["href"] == f"{registry.url}/api/models/ann/m/xet-write-token/dev%2Fx"
    assert int(upload["header"]["x-xet-token-expiration"]) > time.time()
    ann = Sender(registry, "ann")
    assert upload["header"]["x-xet-cas-url"] == f"{registry.url}{ann.place}"
    ann.token = upload["header"]["x-xet-access-token"]
    xorb = write_xorb([(content, Scheme.RAW)])
    assert ann.send(f"/v1/xorbs/default/{hash_text(parse_xorb(xorb).hash)}", xorb).status == 200
    assert ann.send("/v1/shards", shard_of(xorb, content)).status == 200
    assert registry.call("ann", "POST", BATCH, asked).json == {"transfer": "basic", "objects": objects}


def test_who_does_not_offer_xet_is_not_told_of_it(registry: Registry) -> None:
    objects = [{"oid": "a" * 64, "size": 7}]
    answer = registry.call("ann", "POST", BATCH, {"operation": "upload", "objects": objects}).json
    assert answer["transfer"] == "basic"
    asked = {"operation": "upload", "transfers": ["basic", "xet"], "objects": objects}
    proposing = registry.call("bob", "POST", BATCH, asked).json["objects"][0]["actions"]["upload"]
    assert proposing["href"].endswith("/api/models/ann/m/xet-write-token/main?create_pr=1")
    assert urlsplit(proposing["header"]["x-xet-cas-url"]).path.endswith("/bob"), "a namespace of its own"
    assert registry.call("rita", "POST", BATCH, asked).status == 403


def test_whether_xet_is_there_is_told_to_those_who_ask(registry: Registry) -> None:
    assert registry.call("ann", "GET", "/api/models/ann/m?expand=xetEnabled").json["xetEnabled"] is True
    (listed,) = registry.call("ann", "GET", "/api/models?search=ann/m&expand=xetEnabled").json
    assert listed["xetEnabled"] is True
    assert "xetEnabled" not in registry.call("ann", "GET", "/api/models/ann/m").json


def test_terms_that_repeat_and_overlap_make_the_file_they_say(registry: Registry) -> None:
    blocks = [bytes([seed]) * 20_000 + seed.to_bytes(1, "big") for seed in range(5)]
    xorb = write_xorb([(block, Scheme.GROUPED_LZ4) for block in blocks])
    known, ann = parse_xorb(xorb), Sender(registry, "ann")
    assert ann.send(f"/v1/xorbs/default/{hash_text(known.hash)}", xorb).status == 200
    terms = [term_of(known, 1, 4), term_of(known), term_of(known, 2, 3), term_of(known, 2, 3)]
    content = b"".join(b"".join(blocks[term.start : term.end]) for term in terms)
    oid = sha256(content).hexdigest()
    assert ann.send("/v1/shards", shard_over(known, terms, oid)).json == {"result": 1}
    assert (registry.home / "blobs-v1" / "sha256" / oid[:2] / oid).read_bytes() == content


def test_a_shard_that_is_sent_again_waits_for_the_first(registry: Registry) -> None:
    """A proxy gave up on the first one; the file is put together once and not once for each."""
    xorb = write_xorb([(bytes([seed]) * (128 << 10), Scheme.LZ4) for seed in range(250)])
    known, ann, times = parse_xorb(xorb), Sender(registry, "ann"), 4
    assert ann.send(f"/v1/xorbs/default/{hash_text(known.hash)}", xorb).status == 200
    content = b"".join(bytes([seed]) * (128 << 10) for seed in range(250)) * times
    shard = shard_over(known, [term_of(known)] * times, sha256(content).hexdigest())
    most = 0
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(ann.send, "/v1/shards", shard) for _ in range(4)]
        while not all(each.done() for each in sent):
            most = max(most, len(list((registry.home / "tmp").iterdir())))
    assert [each.result().json for each in sent] == [{"result": 1}] * 4
    assert most <= 1
    assert held(registry, sha256(content).hexdigest())


@pytest.fixture(scope="module")
def talkative(registry: Registry) -> Iterator[Registry]:
    """The same registry behind a door that says every millisecond that it still works."""
    bridge = registry.bridge
    with serving(hub_app(bridge.hub, bridge.repos, bridge.xet, quiet_s=0.001)) as url:
        yield replace(registry, url=url)


def test_who_reads_lines_hears_that_the_work_goes_on(talkative: Registry) -> None:
    xorb = write_xorb([(bytes([seed]) * 100_000, Scheme.LZ4) for seed in range(200)])
    known, ann = parse_xorb(xorb), Sender(talkative, "ann")
    assert ann.send(f"/v1/xorbs/default/{hash_text(known.hash)}", xorb).status == 200
    content = b"".join(bytes([seed]) * 100_000 for seed in range(200))
    got = ann.send("/v2/shards", shard_of(xorb, content))
    *before, last = [json.loads(line) for line in got.body.splitlines()]
    assert (got.status, got.headers["content-type"], last) == (
        200,
        "application/x-ndjson",
        {"type": "result"},
    )
    assert before
    assert all(line == {"type": "committing", "stage": "syncing"} for line in before)
    assert held(talkative, sha256(content).hexdigest())
    lied = ann.send("/v2/shards", shard_of(xorb, content, "e" * 64))
    last = json.loads(lied.body.splitlines()[-1])
    assert (lied.status, last["type"], last["retryable"]) == (200, "error", False)
    assert "the shard is not true" in last["message"]


def test_who_goes_away_meanwhile_finds_the_file_there(talkative: Registry) -> None:
    xorb = write_xorb([(bytes([seed]) * 110_000, Scheme.LZ4) for seed in range(200)])
    known, ann = parse_xorb(xorb), Sender(talkative, "ann")
    assert ann.send(f"/v1/xorbs/default/{hash_text(known.hash)}", xorb).status == 200
    content = b"".join(bytes([seed]) * 110_000 for seed in range(200))
    shard = shard_of(xorb, content)
    head = f"POST {ann.place}/v2/shards HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ann.token}\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(talkative.url).port or 0), 600) as line:
        line.sendall(f"{head}Content-Length: {len(shard)}\r\n\r\n".encode() + shard)
        assert line.recv(100).startswith(b"HTTP/1.1 200 ")
    assert ann.send("/v2/shards", shard).body.endswith(b'{"type": "result"}\n')
    assert held(talkative, sha256(content).hexdigest())


def test_who_reads_lines_gets_a_status_where_the_answer_is_soon_there(registry: Registry) -> None:
    xorb, ann = write_xorb([(b"soon" * 90, Scheme.RAW)]), Sender(registry, "ann")
    assert ann.send("/v2/shards", shard_of(xorb, b"soon" * 90)).status == 400
    assert ann.send(f"/v1/xorbs/default/{hash_text(parse_xorb(xorb).hash)}", xorb).status == 200
    got = ann.send("/v2/shards", shard_of(xorb, b"soon" * 90))
    assert (got.status, got.body) == (200, b'{"type": "result"}\n')
    ann.token = "x"
    assert ann.send("/v2/shards", b"").status == 401


def test_the_real_client_understands_the_lines(talkative: Registry, tmp_path: Path) -> None:
    content = random.Random(9).randbytes(20_000_000)
    (tmp_path / "w.bin").write_bytes(content)
    client = Client(registry=talkative, home=tmp_path, xet=True)
    said = client.python(f"""
api.upload_file(path_or_fileobj={str(tmp_path / "w.bin")!r}, path_in_repo="w.bin", repo_id="ann/m")
result = Path(hf_hub_download("ann/m", "w.bin")).stat().st_size
""")
    assert said == len(content)
    assert held(talkative, sha256(content).hexdigest())
    assert list((talkative.home / "xorbs-v2" / "ann").rglob("*"))


def test_terms_that_are_not_in_the_xorb(registry: Registry) -> None:
    xorb = write_xorb([(b"one" * 900, Scheme.RAW), (b"two!" * 900, Scheme.RAW)])
    known, ann = parse_xorb(xorb), Sender(registry, "ann")
    assert ann.send(f"/v1/xorbs/default/{hash_text(known.hash)}", xorb).status == 200
    true, oid = term_of(known), sha256(b"one" * 900 + b"two!" * 900).hexdigest()

    def changed(**other: object) -> list[Term]:
        values = {name: getattr(true, name) for name in Term.__slots__}
        return [Term(**{**values, **other})]

    for terms, why in (
        (changed(start=1, end=3), "no chunks 1 to 3"),
        (changed(start=8000, end=8001), "no chunks 8000 to 8001"),
        (changed(length=true.length + 1), "bytes, not"),
        (changed(range_hash=XetHash(bytes(32))), "another range hash"),
        (changed(xorb_hash=XetHash(b"x" * 32)), "is not known"),
    ):
        got = ann.send("/v1/shards", shard_over(known, terms, oid))
        assert got.status == 400
        assert why in got.json["error"]
    assert not held(registry, oid)


def test_a_shard_that_asks_for_more_than_may_be(registry: Registry) -> None:
    """64 MiB that are sent once, two thousand times: 134 GB. The size is asked before anything is read."""
    xorb = write_xorb([(bytes(128 << 10), Scheme.LZ4)] * 512)
    known, ann = parse_xorb(xorb), Sender(registry, "ann")
    assert ann.send(f"/v1/xorbs/default/{hash_text(known.hash)}", xorb).status == 200
    file = Reconstruction(file_hash=known.hash, terms=(term_of(known),) * 2000, sha256="a" * 64)
    got = ann.send("/v1/shards", write_shard(Shard(files=(file,), xorbs=())))
    assert got.status == 400
    assert "134217728000 bytes" in got.json["error"]


def test_a_xorb_that_unpacks_to_too_much(registry: Registry) -> None:
    packed = lz4.frame.compress(bytes(1 << 30))[: (128 << 10)]
    bomb = b"\0" + len(packed).to_bytes(3, "little") + b"\x01" + (128 << 10).to_bytes(3, "little") + packed
    ann = Sender(registry, "ann")
    got = ann.send(f"/v1/xorbs/default/{'b' * 64}", bomb)
    assert (got.status, "no LZ4 frame of" in got.json["error"]) == (400, True)
    assert not kept(registry, "b" * 64)


def test_a_shard_of_very_many_records(registry: Registry) -> None:
    ann, empty = Sender(registry, "ann"), write_shard(Shard(files=(), xorbs=()))
    record = b"f" * 32 + bytes(16)
    got = ann.send("/v1/shards", empty[:48] + record * 300_000 + empty[48:])
    assert (got.status, "comes without its sha256" in got.json["error"]) == (400, True)


def test_a_xorb_that_is_sent_again_is_not_read_twice(registry: Registry) -> None:
    xorb = write_xorb([(bytes([seed]) * 131_072, Scheme.RAW) for seed in range(200)])
    ann, name = Sender(registry, "ann"), hash_text(parse_xorb(xorb).hash)
    assert ann.send(f"/v1/xorbs/default/{name}", xorb).json == {"was_inserted": True}
    assert ann.send(f"/v1/xorbs/default/{name}", xorb).json == {"was_inserted": False}


def test_a_file_by_xet_is_its_xorbs_namespace_s_alone(registry: Registry) -> None:
    content = b"by xet" * 1000
    xorb = write_xorb([(content, Scheme.LZ4)])
    name, digest = hash_text(parse_xorb(xorb).hash), sha256(content).hexdigest()
    ann, bob = Sender(registry, "ann"), Sender(registry, "bob")
    assert ann.send(f"/v1/xorbs/default/{name}", xorb).json == {"was_inserted": True}
    assert ann.send(f"/v1/xorbs/default/{name}", xorb).json == {"was_inserted": False}
    stolen = bob.send("/v1/shards", shard_of(xorb, content))
    assert stolen.status == 400
    assert "is not known" in stolen.json["error"]
    assert not held(registry, digest)
    assert bob.send(f"/v1/xorbs/default/{name}", xorb, ann.place).status == 403
    assert bob.send("/v1/shards", shard_of(xorb, content), ann.place).status == 403
    lied = ann.send("/v1/shards", shard_of(xorb, content, sha256(b"other").hexdigest()))
    assert lied.status == 400
    assert not held(registry, sha256(b"other").hexdigest())
    assert ann.send("/v1/shards", shard_of(xorb, content)).json == {"result": 1}
    assert held(registry, digest)


def test_a_poisoned_xorb(registry: Registry) -> None:
    good = write_xorb([(b"good" * 100, Scheme.RAW)])
    name = hash_text(parse_xorb(good).hash)
    ann = Sender(registry, "ann")
    for poison in (write_xorb([(b"evil" * 100, Scheme.RAW)]), good[:-1], good + b"x", b"", b"\xff" * 64):
        assert ann.send(f"/v1/xorbs/default/{name}", poison).status == 400
    for bad in ("../" * 3 + "x", "0" * 63, "G" * 64, ""):
        assert ann.send(f"/v1/xorbs/default/{bad}", good).status in (400, 404)
    assert not kept(registry, name)
    listed = write_shard(Shard(files=(), xorbs=(listing_of(parse_xorb(good)),)))
    assert ann.send("/v1/shards", listed[:-48]).status == 400
    assert ann.send("/v1/shards", b"").status == 400


def test_a_token_that_we_did_not_give(registry: Registry) -> None:
    ann = Sender(registry, "ann")
    for token in ("", "x", ann.token[:-4], ann.token.swapcase(), registry.tokens["ann"], "\u00fc"):
        ann.token = token
        assert ann.send("/v1/shards", b"").status == 401


def test_what_xet_may_ask_and_does_not_get(registry: Registry) -> None:
    ann = Sender(registry, "ann")
    assert ann.send("/v1/xorb-grants/default/" + "0" * 64, b"{}").status == 404
    assert registry.call("", "GET", f"{ann.place}/v1/chunks/default/{'0' * 64}").status == 404
