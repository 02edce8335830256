"""``resolve`` and ``raw`` on the wire: conditions, ranges, odd names and odd clients."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest

from tests.doors.asgi_server import call, serving
from tests.hub_process import safetensors, write_repo
from weighbridge.bridge.hub import open_folder
from weighbridge.domain.manifest import digests_of, lfs_pointer
from weighbridge.doors.hub import hub_app
from weighbridge.doors.proxies import without_strangers_words
from weighbridge.settings import load_settings

WEIGHTS = safetensors(640)
TEXT = b"0123456789"
ODD = (
    *("a b.txt", "a#b.txt", "a?b.txt", "100%.txt", "%41.txt", "a+b.txt", "gr\u00fc\u00dfe.txt", "\u732b.txt"),
    *("it's.txt", "semi;colon.txt", "amp&er=sand.txt", "[x](y).txt", "deep/er/x y.txt", "back`tick.txt"),
)
ETAG = f'"{digests_of(TEXT)[0].value}"'
SHA256 = digests_of(WEIGHTS)[1].value
TEN = "/acme/odd/resolve/main/ten.txt"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("models")
    files = {name: name.encode() for name in ODD}
    more = {"ten.txt": TEXT, "empty.bin": b"", "model.safetensors": WEIGHTS}
    write_repo(folder, "acme/odd", {**files, **more}, {"refs": {"branches": ["deadbeef", "refs"]}})
    with serving(hub_app(open_folder(folder))) as address:
        yield address


@pytest.mark.parametrize("name", ODD)
def test_every_name_comes_back_as_it_was_named(url: str, name: str) -> None:
    for call_name in ("resolve", "raw"):
        got = call(url, "GET", f"/acme/odd/{call_name}/main/{quote(name)}")
        assert (got.status, got.body) == (200, name.encode())
        said = got.headers["content-disposition"]
        assert unquote(said.partition("filename*=UTF-8''")[2]) == name.rpartition("/")[2]
        assert said.startswith("inline; filename=")
        assert said.isascii()


def test_a_client_may_ask_for_a_file_to_save(url: str) -> None:
    got = call(url, "GET", f"{TEN}?download=true")
    assert got.headers["content-disposition"] == "attachment; filename=\"ten.txt\"; filename*=UTF-8''ten.txt"


def test_a_large_file_names_its_size_and_digest_as_the_hub_does(url: str) -> None:
    address = "/acme/odd/resolve/main/model.safetensors"
    for method in ("GET", "HEAD"):
        got = call(url, method, address)
        told = [got.headers[name] for name in ("etag", "x-linked-etag", "x-linked-size", "content-length")]
        assert told == [f'"{SHA256}"', f'"{SHA256}"', str(len(WEIGHTS)), str(len(WEIGHTS))]
    assert "x-linked-etag" not in call(url, "HEAD", TEN).headers


def test_raw_is_the_pointer_with_its_own_etag(url: str) -> None:
    pointer = lfs_pointer(SHA256, len(WEIGHTS))
    address = "/acme/odd/raw/main/model.safetensors"
    got, head = call(url, "GET", address), call(url, "HEAD", address)
    assert (got.body, head.body) == (pointer, b"")
    assert got.headers["etag"] == head.headers["etag"] == f'"{digests_of(pointer)[0].value}"'
    assert head.headers["content-length"] == str(len(pointer))
    assert call(url, "GET", address, headers={"If-None-Match": got.headers["etag"]}).status == 304


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": ETAG}, 304),
        ({"If-None-Match": f"W/{ETAG}"}, 304),
        ({"If-None-Match": f'"a",\t{ETAG}, "b"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": ETAG.strip('"')}, 200),
        ({"If-None-Match": '"a"'}, 200),
        ({"If-None-Match": ETAG, "Range": "bytes=0-1"}, 304),
        ({"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 200),
        ({"If-Match": ETAG}, 200),
        ({"If-Match": f'"a", {ETAG}'}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"a"'}, 412),
        ({"If-Match": f"W/{ETAG}"}, 412),
        ({"Range": "bytes=0-1", "If-Range": ETAG}, 206),
        ({"Range": "bytes=0-1", "If-Range": f"W/{ETAG}"}, 200),
        ({"Range": "bytes=0-1", "If-Range": "Fri, 01 Jan 2100 00:00:00 GMT"}, 200),
    ],
)
def test_conditions(url: str, headers: dict[str, str], status: int) -> None:
    for _ in range(2):  # the second answer may be a kept one
        got = call(url, "GET", TEN, headers=headers)
        assert got.status == status
        assert got.body == {200: TEXT, 206: TEXT[:2]}.get(status, b"")
        assert got.headers["etag"] == ETAG


@pytest.mark.parametrize(
    ("asked", "status", "content", "told"),
    [
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=9-", 206, b"9", "bytes 9-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-30", 206, TEXT, "bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("Bytes=1-2", 206, b"12", "bytes 1-2/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=10-12", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=2-1", 200, TEXT, None),
        ("bytes=0-1,3-4", 200, TEXT, None),
        ("bytes=", 200, TEXT, None),
        ("bytes=\u0661-".encode().decode("latin-1"), 200, TEXT, None),
        ("bytes=99999999999999999999-", 200, TEXT, None),
        ("items=0-1", 200, TEXT, None),
    ],
)
def test_ranges(url: str, asked: str, status: int, content: bytes, told: str | None) -> None:
    got = call(url, "GET", TEN, headers={"Range": asked})
    assert (got.status, got.body, got.headers.get("content-range")) == (status, content, told)
    assert got.headers["content-length"] == str(len(content))
    head = call(url, "HEAD", TEN, headers={"Range": asked})  # a range is defined for GET alone
    assert (head.status, head.headers["content-length"]) == (200, "10")


def test_an_empty_file(url: str) -> None:
    address = "/acme/odd/resolve/main/empty.bin"
    whole, head = call(url, "GET", address), call(url, "HEAD", address)
    assert (whole.status, whole.body, head.headers["content-length"]) == (200, b"", "0")
    for asked in ("bytes=0-", "bytes=0-0", "bytes=-1"):
        got = call(url, "GET", address, headers={"Range": asked})
        assert (got.status, got.headers["content-range"]) == (416, "bytes */0")


def test_revisions_however_they_are_spelled(url: str) -> None:
    commit = call(url, "GET", "/api/models/acme/odd").json["sha"]
    for revision in (
        "main",
        "HEAD",
        commit,
        commit[:5],
        commit.upper(),
        "deadbeef",
        "refs",
        "refs%2Fheads%2Fmain",
    ):
        got = call(url, "HEAD", f"/acme/odd/resolve/{revision}/ten.txt")
        assert (got.status, got.headers["x-repo-commit"]) == (200, commit)
        assert ("immutable" in got.headers["cache-control"]) is (revision == commit)
    for call_name in ("tree", "commits", "revision"):
        for revision in ("refs/heads/main", "refs%2Fheads%2Fmain"):
            assert call(url, "GET", f"/api/models/acme/odd/{call_name}/{revision}").status == 200
    for revision in (commit[:4], "refs%2Fpr%2F1", "refs/pr/1", "refs%2Fconvert%2Fparquet", "0" * 40, "dead"):
        got = call(url, "GET", f"/acme/odd/resolve/{revision}/ten.txt")
        assert (got.status, got.headers["x-error-code"]) == (404, "RevisionNotFound")


def spoken(url: str, text: bytes) -> bytes:
    """What a server says to these bytes until it hangs up."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port or 0), timeout=600) as connection:
        connection.sendall(text)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def test_an_old_client_without_a_host(url: str) -> None:
    answer = spoken(url, f"GET {TEN} HTTP/1.0\r\n\r\n".encode())
    assert b" 200 OK" in answer.partition(b"\r\n")[0]
    assert answer.endswith(b"\r\n\r\n" + TEXT)
    listed = spoken(url, b"GET /api/models/acme/odd/tree/main?limit=1 HTTP/1.0\r\n\r\n").lower()
    assert b"link: </api/models/acme/odd/tree/main?limit=1&cursor=" in listed


def test_conditions_in_several_lines_are_one_list(url: str) -> None:
    lines = f'GET {TEN} HTTP/1.0\r\nIf-None-Match: "a"\r\nIf-None-Match: {ETAG}\r\n\r\n'
    assert b" 304 " in spoken(url, lines.encode()).partition(b"\r\n")[0]


# --- proxies ----------------------------------------------------------------------------------


def test_a_proxy_on_this_machine_says_where_clients_are(url: str) -> None:
    behind = {"Host": "inside:1", "X-Forwarded-Host": "hub.example", "X-Forwarded-Proto": "https"}
    got = call(url, "GET", "/api/models/acme/odd/tree/main?limit=1", headers=behind)
    assert got.headers["link"].startswith("<https://hub.example/api/models/")


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("11.1.2.3", False),
        ("2001:db8::1", False),
        ("not an address", False),
        (None, False),
    ],
)
def test_only_known_proxies_are_believed(tmp_path: Path, peer: str | None, trusted: bool) -> None:
    settings = load_settings(
        {"WEIGHBRIDGE_HOME": str(tmp_path), "WEIGHBRIDGE_TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::2"}
    )
    sent = [(b"host", b"a"), (b"x-forwarded-host", b"b"), (b"x-forwarded-proto", b"https")]
    scope = {"client": (peer, 1) if peer else None, "headers": sent}
    left = without_strangers_words(scope, settings.trusted_proxies)["headers"]
    assert left == (sent if trusted else sent[:1])
