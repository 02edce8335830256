"""Large files by LFS in parts: by the real client, and by those who do not keep to the rules."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.doors.asgi_server import Answer, call
from tests.doors.uploading import Client, Registry, registry_at
from weighbridge.domain.access import LOCAL
from weighbridge.doors.hub.signing import Signer

PART = 100_000
BATCH = "/ann/m.git/info/lfs/objects/batch"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    home = tmp_path_factory.mktemp("registry") / "home"
    with registry_at(home, WEIGHBRIDGE_LFS_PART_BYTES=str(PART)) as running:
        for user in ("ann", "bob"):
            assert running.call(user, "POST", "/api/repos/create", {"name": "m"}).status == 200
        yield running


class Upload:
    """One upload in parts, as ann was told to make it."""

    def __init__(self, registry: Registry, content: bytes, *, oid: str = "", user: str = "ann") -> None:
        self.registry, self.content = registry, content
        self.oid = oid or sha256(content).hexdigest()
        asked = {
            "operation": "upload",
            "transfers": ["basic", "multipart"],
            "hash_algo": "sha_256",
            "objects": [{"oid": self.oid, "size": len(content)}],
        }
        answer = registry.call(user, "POST", BATCH.replace("/ann/", f"/{user}/"), asked).json
        assert answer["transfer"] == "multipart"
        (known,) = answer["objects"]
        action = known["actions"]["upload"]
        self.verify = _place(known["actions"]["verify"]["href"])
        self.chunk, self.whole = int(action["header"]["chunk_size"]), _place(action["href"])
        self.places = [_place(href) for name, href in sorted(action["header"].items()) if name.isdigit()]

    def piece(self, number: int) -> bytes:
        return self.content[(number - 1) * self.chunk : number * self.chunk]

    def put(self, number: int, body: bytes | None = None) -> Answer:
        sent = self.piece(number) if body is None else body
        return call(self.registry.url, "PUT", self.places[number - 1], sent)

    def put_all(self) -> list[str]:
        answers = [self.put(number) for number in range(1, len(self.places) + 1)]
        assert [answer.status for answer in answers] == [200] * len(answers)
        return [answer.headers["etag"] for answer in answers]

    def complete(self, tags: list[str], **changed: Any) -> Answer:
        parts = [{"partNumber": number, "etag": tag} for number, tag in enumerate(tags, 1)]
        return call(self.registry.url, "POST", self.whole, {"oid": self.oid, "parts": parts, **changed})

    def held(self) -> bool:
        return (self.registry.home / "blobs-v1" / "sha256" / self.oid[:2] / self.oid).exists()


def _place(href: str) -> str:
    parts = urlsplit(href)
    return f"{parts.path}?{parts.query}"


def left_over(registry: Registry) -> list[Path]:
    return [file for file in (registry.home / "tmp").glob("parts-*") if file.suffix != ".right"]


@pytest.fixture(autouse=True)
def _nothing_left_of_other_tests(registry: Registry) -> None:
    for file in left_over(registry):
        file.unlink()


@pytest.fixture
def content() -> bytes:
    return os.urandom(3 * PART + 17)


@pytest.mark.parametrize("size", [PART + 1, 5 * PART, 12 * PART - 1])
def test_the_client_sends_parts_and_gets_the_file_back(registry: Registry, tmp_path: Path, size: int) -> None:
    (tmp_path / "w.bin").write_bytes(os.urandom(size))
    client = Client(registry=registry, home=tmp_path / "client")
    got = client.python(f"""
name = "ann/parts-{size}"
api.create_repo(name)
api.upload_file(path_or_fileobj={str(tmp_path / "w.bin")!r}, path_in_repo="w.bin", repo_id=name)
result = Path(hf_hub_download(name, "w.bin")).read_bytes() == Path({str(tmp_path / "w.bin")!r}).read_bytes()
""")
    assert got is True
    assert left_over(registry) == []


def test_what_the_batch_says(registry: Registry, content: bytes) -> None:
    upload = Upload(registry, content)
    assert (upload.chunk, len(upload.places)) == (PART, 4)
    assert all(registry.tokens["ann"] not in place for place in (*upload.places, upload.whole))
    small, large = os.urandom(PART), content
    objects = [{"oid": sha256(each).hexdigest(), "size": len(each)} for each in (small, large)]
    both = {"operation": "upload", "transfers": ["basic", "multipart"], "objects": objects}
    answer = registry.call("ann", "POST", BATCH, both).json
    headers = [each["actions"]["upload"]["header"] for each in answer["objects"]]
    assert (answer["transfer"], "chunk_size" in headers[0], "chunk_size" in headers[1]) == (
        "multipart", False, True,
    )  # fmt: skip
    for transfers in (["basic"], []):
        asked = {"operation": "upload", "objects": objects, **({"transfers": transfers} if transfers else {})}
        answer = registry.call("ann", "POST", BATCH, asked).json
        assert answer["transfer"] == "basic"
        assert all(each["actions"]["upload"]["header"] == {} for each in answer["objects"])


def test_any_order_at_once_and_again(registry: Registry, content: bytes) -> None:
    upload = Upload(registry, content)
    assert upload.put(2, os.urandom(PART)).status == 200
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(upload.put, (4, 3, 2, 1)))
    assert [answer.status for answer in answers] == [200] * 4
    assert not upload.held()
    assert upload.complete([answer.headers["etag"] for answer in reversed(answers)]).status == 200
    assert upload.held()
    assert left_over(registry) == []
    asked = {"oid": upload.oid, "size": len(content)}
    assert call(registry.url, "POST", upload.verify, asked).status == 200


def test_completed_twice(registry: Registry, content: bytes) -> None:
    upload = Upload(registry, content)
    tags = upload.put_all()
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(upload.complete, [tags] * 3))
    assert [answer.status for answer in answers] == [200] * 3
    assert upload.complete(tags).status == 200
    assert upload.held()


def test_a_part_is_missing(registry: Registry, content: bytes) -> None:
    upload = Upload(registry, content)
    tags = [upload.put(number).headers["etag"] for number in (1, 2)]
    got = upload.complete([*tags, tags[0], tags[1]])
    assert got.status == 400
    assert got.json["error"].startswith("part 3 of the upload of sha256:")
    assert "(and 1 more)" in got.json["error"]
    got = upload.complete(tags)
    assert (got.status, got.json["error"]) == (400, "part 3 of 4 is not named")
    tags += [upload.put(number).headers["etag"] for number in (3, 4)]
    assert upload.complete(tags).status == 200, "what came is kept for the next try"


@pytest.mark.parametrize(("change", "status"), [(1, 413), (-1, 400), (PART, 413)])
def test_a_part_of_another_length(registry: Registry, content: bytes, change: int, status: int) -> None:
    upload = Upload(registry, content)
    tags = upload.put_all()
    got = upload.put(2, bytes(PART + change))
    assert (got.status, got.json["error"]) == (
        status, f"the body has {PART + change} bytes, but {PART} were announced",
    )  # fmt: skip
    assert upload.complete(tags).status == 200, "it was refused before it touched the part"


def test_a_chunked_part_that_ends_early_or_never(registry: Registry, content: bytes) -> None:
    upload = Upload(registry, content)
    tags = upload.put_all()
    head = f"PUT {upload.places[1]} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
    assert _exchange(registry, head, [chunk, b"0\r\n\r\n"]).startswith(b"HTTP/1.1 400 ")
    got = upload.complete(tags)
    assert (got.status, "part 2 of the upload" in got.json["error"]) == (400, True)
    assert _exchange(registry, head, [chunk] * 2000).startswith(b"HTTP/1.1 413 ")
    tags[1] = upload.put(2).headers["etag"]
    assert upload.complete(tags).status == 200


def test_ten_gigabytes_of_which_five_bytes_come(tmp_path: Path) -> None:
    with registry_at(tmp_path / "home", WEIGHBRIDGE_LFS_PART_BYTES=str(1 << 31)) as registry:
        assert registry.call("ann", "POST", "/api/repos/create", {"name": "m"}).status == 200
        asked = {
            "operation": "upload",
            "transfers": ["multipart", "basic"],
            "objects": [{"oid": "a" * 64, "size": 10_000_000_000}],
        }
        (known,) = registry.call("ann", "POST", BATCH, asked).json["objects"]
        header = known["actions"]["upload"]["header"]
        assert [name for name in header if name.isdigit()] == [f"{number:05}" for number in range(1, 6)]
        head = f"PUT {_place(header['00003'])} HTTP/1.1\r\nHost: x\r\nContent-Length: 2147483648\r\n\r\nhello"
        with socket.create_connection(("127.0.0.1", urlsplit(registry.url).port or 0)) as line:
            line.sendall(head.encode())
        short = call(registry.url, "PUT", _place(header["00003"]), b"hello")
        assert (short.status, short.json["error"]) == (
            400, "the body has 5 bytes, but 2147483648 were announced",
        )  # fmt: skip
        completed = {"oid": "a" * 64, "parts": [{"partNumber": n, "etag": "x"} for n in range(1, 6)]}
        got = call(registry.url, "POST", _place(known["actions"]["upload"]["href"]), completed)
        assert got.status in (400, 404)
        assert sum(file.stat().st_blocks * 512 for file in left_over(registry)) < 64 << 20


def test_parts_that_make_something_else(registry: Registry, content: bytes) -> None:
    upload = Upload(registry, content, oid=sha256(b"else").hexdigest())
    tags = upload.put_all()
    got = upload.complete(tags)
    assert (got.status, got.json["error"].startswith("the parts make something else")) == (400, True)
    assert not upload.held()
    assert left_over(registry) == []
    assert upload.complete(tags).status == 404


def test_parts_of_another_content(registry: Registry, content: bytes) -> None:
    ours, other = Upload(registry, content), Upload(registry, os.urandom(len(content)))
    tags, others = ours.put_all(), other.put_all()
    assert ours.complete(tags, oid=other.oid).json["error"] == (
        "the body is not about the content of this address"
    )
    for wrong in (others, [*tags[:3], others[3]]):
        got = ours.complete(wrong)
        assert (got.status, "ETag" in got.json["error"]) == (400, True)
    assert not ours.held()
    assert not other.held()
    assert ours.complete(tags).status == other.complete(others).status == 200


@pytest.mark.parametrize(
    "parts",
    [
        [],
        None,
        "x",
        [{}],
        [{"partNumber": 1}],
        [{"partNumber": "1", "etag": "x"}],
        [{"partNumber": 0, "etag": "x"}],
        [{"partNumber": 5, "etag": "x"}],
        [{"partNumber": 1 << 70, "etag": "x"}],
        [{"partNumber": 1, "etag": "x"}] * 4,
    ],
)
def test_a_completion_that_is_none(registry: Registry, content: bytes, parts: Any) -> None:
    upload = Upload(registry, content)
    tags = upload.put_all()
    assert upload.complete(tags, parts=parts).status == 400
    assert not upload.held()
    assert upload.complete(tags).status == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000, b"x" * (2 << 20)])
def test_a_completion_that_is_no_json(registry: Registry, content: bytes, body: bytes) -> None:
    upload = Upload(registry, content)
    assert call(registry.url, "POST", upload.whole, body).status == (413 if len(body) > 1 << 20 else 400)


def test_addresses_that_were_changed(registry: Registry, content: bytes) -> None:
    upload = Upload(registry, content)
    place = upload.places[1]
    changes: Mapping[str, tuple[str, bytes]] = {
        place.replace("/2?", "/3?"): ("PUT", upload.piece(2)),
        place.replace("/2?", "/9?"): ("PUT", upload.piece(2)),
        place.replace(f"size={PART}", "size=5"): ("PUT", b"hello"),
        place.replace("part=100000", "part=50000"): ("PUT", upload.piece(2)),
        place.replace("/ann/m", "/bob/m"): ("PUT", upload.piece(2)),
        place.replace(upload.oid, "0" * 64): ("PUT", upload.piece(2)),
        place.replace("by=ann", "by=bob"): ("PUT", upload.piece(2)),
        place.partition("?")[0]: ("PUT", upload.piece(2)),
        upload.whole.replace("/ann/m", "/bob/m"): ("POST", b"{}"),
        upload.whole.partition("?")[0]: ("POST", b"{}"),
        upload.verify.replace("/ann/m", "/bob/m"): ("POST", b"{}"),
    }
    for changed, (method, body) in changes.items():
        got = call(registry.url, method, changed, body)
        assert (got.status, got.json["error"]) == (403, "the address of this upload was not signed here")


def test_an_address_that_has_expired(registry: Registry, content: bytes) -> None:
    upload = Upload(registry, content)
    long_ago = Signer(registry.bridge.repos.signing_key, now=lambda: 1_000_000.0)
    for place, method in ((upload.places[0], "PUT"), (upload.whole, "POST"), (upload.verify, "POST")):
        parts = urlsplit(place)
        fields = {k: v for k, v in parse_qsl(parts.query) if k not in ("expires", "signature")}
        got = call(registry.url, method, long_ago.signed(parts.path, fields), upload.piece(1))
        assert (got.status, got.json["error"]) == (403, "the address of this upload has expired")
    assert not left_over(registry)


def test_a_closed_account_sends_no_more(registry: Registry, content: bytes) -> None:
    registry.bridge.people.add_user(LOCAL, "eve", LOCAL.permissions, "correct horse")
    token = {"Authorization": f"Bearer {registry.bridge.people.authenticate('eve', 'correct horse')}"}
    assert call(registry.url, "POST", "/api/repos/create", {"name": "m"}, token).status == 200
    asked = {
        "operation": "upload",
        "transfers": ["multipart", "basic"],
        "objects": [{"oid": sha256(content).hexdigest(), "size": len(content)}],
    }
    (known,) = call(registry.url, "POST", BATCH.replace("ann", "eve"), asked, token).json["objects"]
    upload = known["actions"]["upload"]
    assert call(registry.url, "PUT", _place(upload["header"]["00001"]), content[:PART]).status == 200
    registry.bridge.people.disable(LOCAL, "eve")
    assert call(registry.url, "PUT", _place(upload["header"]["00002"]), content[:PART]).status == 401
    assert call(registry.url, "POST", _place(upload["href"]), {"oid": "x"}).status == 401


def test_what_one_sent_is_not_another_s(registry: Registry, content: bytes) -> None:
    upload = Upload(registry, content)
    assert upload.complete(upload.put_all()).status == 200
    again = Upload(registry, content, user="bob")
    assert again.complete(again.put_all()).status == 200
    asked = {"operation": "upload", "objects": [{"oid": upload.oid, "size": len(content)}]}
    (known,) = registry.call("bob", "POST", BATCH.replace("ann", "bob"), asked).json["objects"]
    assert "actions" not in known


def test_one_content_by_three_ways_at_once(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(os.urandom(30 * PART))
    code = """
name = {name!r}
api.create_repo(name)
api.upload_file(path_or_fileobj={file!r}, path_in_repo="w.bin", repo_id=name)
result = Path(hf_hub_download(name, "w.bin")).read_bytes() == Path({file!r}).read_bytes()
"""
    basic = "import huggingface_hub.lfs as lfs, huggingface_hub._commit_api as commits\n"
    basic += "ask = commits.post_lfs_batch_info\n"
    basic += "commits.post_lfs_batch_info = lambda **more: ask(**{**more, 'transfers': ['basic']})\n"

    def run(way: str) -> object:
        client = Client(registry=registry, home=tmp_path / way, xet=way == "xet")
        told = code.format(name=f"ann/by-{way}", file=str(tmp_path / "w.bin"))
        return client.python((basic if way == "basic" else "") + told)

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(run, ("basic", "parts", "xet"))) == [True] * 3
    assert left_over(registry) == []


def test_more_than_fits_is_refused_before_it_is_sent(registry: Registry) -> None:
    disk = os.statvfs(registry.home)
    size = disk.f_bavail * disk.f_frsize // 2
    with registry_at(registry.home.parent / "other", WEIGHBRIDGE_MAX_FILE_BYTES=str(1 << 50)) as other:
        assert other.call("ann", "POST", "/api/repos/create", {"name": "m"}).status == 200
        objects = [{"oid": f"{number}" * 64, "size": size} for number in (1, 2, 3)]
        asked = {"operation": "upload", "transfers": ["basic", "multipart"], "objects": objects}
        got = other.call("ann", "POST", BATCH, asked)
    assert got.status == 500
    assert "bytes free" in got.json["error"]


def _exchange(registry: Registry, head: str, chunks: list[bytes]) -> bytes:
    with socket.create_connection(("127.0.0.1", urlsplit(registry.url).port or 0), 600) as line:
        line.sendall(head.encode())
        try:
            for chunk in chunks:
                line.sendall(chunk)
        except OSError:
            pass
        try:
            return line.recv(65536)
        except OSError:
            return b""
