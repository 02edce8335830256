"""The Hub's protocol on the wire: what clients rely on, asked with plain HTTP."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.hub_process import TINY, hub_process, write_repo
from weighbridge.domain.manifest import digests_of, lfs_pointer
from weighbridge.doors.hub import is_hub_path

MODEL = "model.safetensors"
WEIGHTS = TINY[MODEL]
GIT_OF = {path: digests_of(content)[0].value for path, content in TINY.items()}
SHA256 = digests_of(WEIGHTS)[1].value
DEEP = "sub%20dir/deep/%C3%BC%201.txt"


@dataclass(frozen=True)
class Got:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One kept connection, and no cleverness."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=600)

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Got:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, body=body, headers=named)
        answer = self._connection.getresponse()
        shown = {name.lower(): value for name, value in answer.getheaders()}
        return Got(answer.status, shown, answer.read())

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("models")
    refs = {"branches": ["dev/x"], "tags": ["v1"]}
    history = [{"title": f"Change {n} <b>", "date": f"2026-01-{31 - n:02d}T00:00:00.000Z"} for n in range(60)]
    for entry in history[30:]:
        entry["date"] = "2025-12-01T00:00:00.000Z"
    write_repo(folder, "acme/Tiny", TINY, {"downloads": 5, "refs": refs, "history": history})
    write_repo(folder, "gpt2", {"config.json": b'{"model_type": "gpt2"}'}, {"downloads": 9})
    write_repo(folder, "acme/secret", {"config.json": b"{}"}, {"private": True})
    write_repo(folder, "acme/gated", {"config.json": b"{}"}, {"gated": "auto"})
    write_repo(folder, "acme/off", {"config.json": b"{}"}, {"disabled": True})
    write_repo(folder, "acme/many", {f"f/{n:04d}.json": b"%d" % n for n in range(1100)})
    write_repo(folder, "datasets/acme/words", {"a.csv": b"a\n", "page.html": b"<script>x</script>"})
    with hub_process(folder) as address:
        yield address


@pytest.fixture
def hub(url: str) -> Iterator[Client]:
    client = Client(url)
    yield client
    client.close()


@pytest.fixture(scope="module")
def commit(url: str) -> str:
    client = Client(url)
    found = client.ask("/api/models/acme/Tiny").json["sha"]
    client.close()
    assert isinstance(found, str)
    return found


# --- one file ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "etag"), [("config.json", GIT_OF["config.json"]), (MODEL, SHA256)])
def test_head_tells_what_a_client_needs(hub: Client, commit: str, path: str, etag: str) -> None:
    got = hub.ask(f"/acme/Tiny/resolve/main/{path}", "HEAD")
    assert (got.status, got.body) == (200, b"")
    assert got.headers["etag"] == f'"{etag}"'
    assert got.headers["x-repo-commit"] == commit
    assert got.headers["content-length"] == str(len(TINY[path]))
    assert got.headers["accept-ranges"] == "bytes"
    assert "x-xet-hash" not in got.headers


@pytest.mark.parametrize("path", ["config.json", MODEL, "empty.txt", DEEP])
def test_get_gives_the_file(hub: Client, path: str) -> None:
    from urllib.parse import unquote

    got = hub.ask(f"/acme/Tiny/resolve/main/{path}")
    assert (got.status, got.body) == (200, TINY[unquote(path)])
    assert got.headers["content-length"] == str(len(got.body))


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("0-0", 0, 1), ("5-9", 5, 10), ("200000-", 200_000, None), ("-7", -7, None), ("0-99999999", 0, None)],
)
def test_ranges(hub: Client, asked: str, start: int, stop: int | None) -> None:
    got = hub.ask(f"/acme/Tiny/resolve/main/{MODEL}", Range=f"bytes={asked}")
    wanted = WEIGHTS[start:stop]
    first = start % len(WEIGHTS)
    assert (got.status, got.body) == (206, wanted)
    assert got.headers["content-range"] == f"bytes {first}-{first + len(wanted) - 1}/{len(WEIGHTS)}"


@pytest.mark.parametrize("asked", [f"{len(WEIGHTS)}-", "99999999-", "-0"])
def test_a_range_behind_the_end(hub: Client, asked: str) -> None:
    got = hub.ask(f"/acme/Tiny/resolve/main/{MODEL}", Range=f"bytes={asked}")
    assert (got.status, got.headers["content-range"]) == (416, f"bytes */{len(WEIGHTS)}")


@pytest.mark.parametrize("asked", ["bytes=0-1,4-5", "bytes=9-5", "bytes=-", "chunks=0-1", "bytes=a-b"])
def test_what_is_no_single_range_gives_the_whole_file(hub: Client, asked: str) -> None:
    got = hub.ask("/acme/Tiny/resolve/main/config.json", Range=asked)
    assert (got.status, got.body) == (200, TINY["config.json"])


def test_a_range_of_an_older_version_gives_the_whole_file(hub: Client) -> None:
    path = "/acme/Tiny/resolve/main/config.json"
    assert hub.ask(path, Range="bytes=0-1", If_Range='"old"').status == 200
    assert hub.ask(path, Range="bytes=0-1", If_Range=f'"{GIT_OF["config.json"]}"').status == 206


def test_what_the_client_has_is_not_sent_again(hub: Client) -> None:
    known = f'"x", W/"{GIT_OF["config.json"]}"'
    got = hub.ask("/acme/Tiny/resolve/main/config.json", If_None_Match=known)
    assert (got.status, got.body) == (304, b"")


def test_only_addresses_of_a_commit_are_immutable(hub: Client, commit: str) -> None:
    pinned = hub.ask(f"/acme/Tiny/resolve/{commit}/config.json").headers["cache-control"]
    moving = hub.ask("/acme/Tiny/resolve/main/config.json").headers["cache-control"]
    assert "immutable" in pinned
    assert "immutable" not in moving


def test_raw_gives_what_git_holds(hub: Client) -> None:
    assert hub.ask(f"/acme/Tiny/raw/main/{MODEL}").body == lfs_pointer(SHA256, len(WEIGHTS))
    assert hub.ask("/acme/Tiny/raw/main/config.json").body == TINY["config.json"]


def test_a_page_in_a_repository_is_no_page_of_ours(hub: Client) -> None:
    got = hub.ask("/datasets/acme/words/resolve/main/page.html")
    assert got.body == b"<script>x</script>"
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "revision",
    ["main", "v1", "dev%2Fx", "HEAD", "refs%2Fheads%2Fmain", "refs/heads/main", "refs%2Ftags%2Fv1"],
)
def test_every_spelling_of_a_revision(hub: Client, commit: str, revision: str) -> None:
    assert hub.ask(f"/api/models/acme/Tiny/revision/{revision}").json["sha"] == commit
    got = hub.ask(f"/acme/Tiny/resolve/{revision}/config.json", "HEAD")
    assert got.headers["x-repo-commit"] == commit


def test_names_without_a_namespace_and_in_another_case(hub: Client) -> None:
    assert hub.ask("/api/models/gpt2").json["id"] == "gpt2"
    assert hub.ask("/gpt2/resolve/main/config.json").status == 200
    assert hub.ask("/api/models/gpt2/tree/main").json[0]["path"] == "config.json"
    assert hub.ask("/api/models/ACME/tiny").json["id"] == "acme/Tiny"
    assert hub.ask("/ACME/tiny/resolve/main/config.json").body == TINY["config.json"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/models/acme/none", 404, "RepoNotFound"),
        ("/acme/none/resolve/main/config.json", 404, "RepoNotFound"),
        ("/api/models/-bad-/..", 404, "RepoNotFound"),
        ("/api/models/acme/Tiny/revision/none", 404, "RevisionNotFound"),
        ("/api/models/acme/Tiny/revision/a..b", 404, "RevisionNotFound"),
        ("/acme/Tiny/resolve/none/config.json", 404, "RevisionNotFound"),
        ("/acme/Tiny/resolve/main/none.json", 404, "EntryNotFound"),
        ("/acme/Tiny/resolve/main/", 404, "EntryNotFound"),
        ("/acme/Tiny/resolve/main/..%2F..%2Fetc%2Fpasswd", 404, "EntryNotFound"),
        ("/acme/Tiny/resolve/main/../../../../etc/passwd", 404, "EntryNotFound"),
        ("/api/models/acme/Tiny/tree/main/none", 404, "EntryNotFound"),
        ("/acme/gated/resolve/main/config.json", 403, "GatedRepo"),
        ("/api/models/acme/gated/auth-check", 403, "GatedRepo"),
    ],
)
def test_typed_errors(hub: Client, path: str, status: int, code: str) -> None:
    got = hub.ask(path)
    assert (got.status, got.headers.get("x-error-code")) == (status, code)
    assert got.json["error"]
    assert got.headers["x-error-message"].isascii()


def test_a_missing_file_names_its_commit(hub: Client, commit: str) -> None:
    got = hub.ask("/acme/Tiny/resolve/main/none.json", "HEAD")
    assert (got.status, got.headers["x-repo-commit"], got.body) == (404, commit, b"")


def test_a_private_repository_looks_like_none(hub: Client) -> None:
    for path in ("", "/revision/nope", "/tree/main", "/refs", "/auth-check"):
        hidden, absent = (hub.ask(f"/api/models/acme/{name}{path}") for name in ("secret", "secreT0"))
        assert hidden.status == absent.status == 404
        assert hidden.body == absent.body.replace(b"secreT0", b"secret")
        same = ("x-error-code", "x-error-message", "content-type")
        assert [hidden.headers[name] for name in same] == [
            absent.headers[name].replace("secreT0", "secret") for name in same
        ]
    listed = {info["id"] for info in hub.ask("/api/models").json}
    assert "acme/secret" not in listed
    assert hub.ask("/api/models/acme/secret", Authorization="Bearer x").json["private"] is True


def test_a_token_opens_what_is_gated_but_not_what_is_disabled(hub: Client) -> None:
    assert hub.ask("/acme/gated/resolve/main/config.json", Authorization="Bearer x").body == b"{}"
    got = hub.ask("/acme/off/resolve/main/config.json", Authorization="Bearer x")
    assert (got.status, got.headers["x-error-message"]) == (403, "Access to this resource is disabled.")


def test_the_request_id_comes_back(hub: Client) -> None:
    assert hub.ask("/api/models", X_Amzn_Trace_Id="abc-1").headers["x-request-id"] == "abc-1"
    assert hub.ask("/api/models/a/b", X_Amzn_Trace_Id="abc-2").headers["x-request-id"] == "abc-2"
    assert "x-request-id" not in hub.ask("/api/models", X_Amzn_Trace_Id="a b").headers


# --- the API ----------------------------------------------------------------------------------


def test_info_with_files(hub: Client) -> None:
    files = {f["rfilename"]: f for f in hub.ask("/api/models/acme/Tiny?blobs=true").json["siblings"]}
    assert sorted(files) == sorted(TINY)
    assert files["config.json"] == {
        "rfilename": "config.json",
        "size": len(TINY["config.json"]),
        "blobId": GIT_OF["config.json"],
    }
    assert files[MODEL]["lfs"] == {"sha256": SHA256, "size": len(WEIGHTS), "pointerSize": 131}
    assert files[MODEL]["blobId"] == digests_of(lfs_pointer(SHA256, len(WEIGHTS)))[0].value


def test_a_folder_is_not_scanned_and_says_so(hub: Client) -> None:
    told = hub.ask("/api/models/acme/Tiny?securityStatus=true").json
    assert told["securityRepoStatus"] == {"scansDone": False, "filesWithIssues": []}
    assert "securityFileStatus" not in hub.ask("/api/models/acme/Tiny/tree/main?expand=true").json[0]


def test_expand_gives_only_what_is_named(hub: Client) -> None:
    got = hub.ask("/api/models/acme/Tiny?expand=downloads&expand[]=cardData").json
    assert sorted(got) == ["_id", "cardData", "downloads", "id"]
    assert hub.ask("/api/models?expand=likes&author=acme").json[0].keys() == {"_id", "id", "likes"}


def test_tree(hub: Client) -> None:
    top = {f["path"]: f for f in hub.ask("/api/models/acme/Tiny/tree/main").json}
    assert sorted(top) == ["README.md", "config.json", "empty.txt", MODEL, "sub dir"]
    assert (top["sub dir"]["type"], top["sub dir"]["size"]) == ("directory", 0)
    assert top[MODEL]["lfs"]["oid"] == SHA256
    whole = [f["path"] for f in hub.ask("/api/models/acme/Tiny/tree/main?recursive=true").json]
    assert whole == sorted([*TINY, "sub dir", "sub dir/deep"])
    below = {"sub dir/deep", "sub dir/other.json"}
    for spelled in ("sub%20dir", "sub%20dir/"):
        assert {f["path"] for f in hub.ask(f"/api/models/acme/Tiny/tree/main/{spelled}").json} == below
    deep = hub.ask("/api/models/acme/Tiny/tree/main/sub%20dir%2Fdeep?expand=true").json
    assert [f["path"] for f in deep] == ["sub dir/deep/\u00fc 1.txt"]
    assert deep[0]["lastCommit"]["title"] == "Change 0 <b>"


def follow(hub: Client, path: str) -> list[list[Any]]:
    """Every page, by its Link header."""
    pages = []
    while path:
        got = hub.ask(path)
        pages.append(got.json)
        link = got.headers.get("link", "")
        target = link.partition("<")[2].partition(">")[0]
        assert not link or (target.startswith(hub.url) and link.endswith('; rel="next"'))
        path = target.removeprefix(hub.url)
    return pages


def test_long_answers_come_in_pages(hub: Client) -> None:
    pages = follow(hub, "/api/models/acme/many/tree/main?recursive=true")
    assert [len(page) for page in pages] == [1000, 101]
    assert len({entry["path"] for page in pages for entry in page}) == 1101
    assert [len(page) for page in follow(hub, "/api/models/acme/Tiny/commits/main")] == [50, 10]
    names = [info["id"] for page in follow(hub, "/api/models?limit=2") for info in page]
    assert sorted(names) == ["acme/Tiny", "acme/gated", "acme/many", "acme/off", "gpt2"]


def test_paths_info_takes_a_form_and_json(hub: Client) -> None:
    form = hub.ask(
        "/api/models/acme/Tiny/paths-info/main",
        "POST",
        b"paths=config.json&paths=sub+dir&paths=nope&expand=false",
        Content_Type="application/x-www-form-urlencoded",
    )
    spelled = json.dumps({"paths": ["config.json", "sub dir", "nope"], "expand": False}).encode()
    as_json = hub.ask(
        "/api/models/acme/Tiny/paths-info/main", "POST", spelled, Content_Type="application/json"
    )
    assert form.json == as_json.json
    assert [(f["type"], f["path"]) for f in form.json] == [("file", "config.json"), ("directory", "sub dir")]
    bad = hub.ask("/api/models/acme/Tiny/paths-info/main", "POST", b"{", Content_Type="application/json")
    assert bad.status == 400


def test_refs_and_history(hub: Client, commit: str) -> None:
    refs = hub.ask("/api/models/acme/Tiny/refs?include_prs=1").json
    assert {b["name"]: b["ref"] for b in refs["branches"]} == {
        "main": "refs/heads/main",
        "dev/x": "refs/heads/dev/x",
    }
    assert refs["tags"] == [{"name": "v1", "ref": "refs/tags/v1", "targetCommit": commit}]
    assert (refs["converts"], refs["pullRequests"]) == ([], [])
    got = hub.ask("/api/models/acme/Tiny/commits/main?limit=2&expand[]=formatted")
    assert got.headers["x-total-count"] == "60"
    assert [entry["title"] for entry in got.json] == ["Change 0 <b>", "Change 1 <b>"]
    assert got.json[0]["formatted"]["title"] == "Change 0 &lt;b&gt;"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=tin", ["acme/Tiny"]),
        ("search=TINY&filter=license:apache-2.0&filter=en", ["acme/Tiny"]),
        ("filter=en&filter=fr", []),
        ("pipeline_tag=text-classification", ["acme/Tiny"]),
        ("author=acme&sort=downloads&limit=1", ["acme/Tiny"]),
        ("sort=downloads&limit=2", ["gpt2", "acme/Tiny"]),
        ("gated=true", ["acme/gated"]),
        ("num_parameters=min:60K,max:1M", ["acme/Tiny"]),
        ("num_parameters=min:1M", []),
    ],
)
def test_listing(hub: Client, query: str, found: list[str]) -> None:
    assert [info["id"] for info in hub.ask(f"/api/models?{query}").json] == found


@pytest.mark.parametrize(
    "query", ["sort=size", "limit=0", "limit=x", "inference=warm", "num_parameters=many"]
)
def test_a_filter_that_is_not_understood_is_not_ignored(hub: Client, query: str) -> None:
    assert hub.ask(f"/api/models?{query}").status == 400


def test_whoami(hub: Client) -> None:
    assert hub.ask("/api/whoami-v2").status == 401
    me = hub.ask("/api/whoami-v2", Authorization="Bearer x").json
    assert (me["name"], me["auth"]["accessToken"]["role"]) == ("local", "read")
    assert hub.ask("/api/agent-harnesses").json == {"standardEnvVars": [], "harnesses": {}}
    assert hub.ask("/api/telemetry/x", "HEAD").status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/repos/create"),
        ("DELETE", "/api/repos/delete"),
        ("POST", "/api/models/acme/Tiny/commit/main"),
        ("POST", "/api/models/acme/Tiny/preupload/main"),
        ("PUT", "/api/models/acme/Tiny/settings"),
        ("POST", "/acme/Tiny/resolve/main/config.json"),
    ],
)
def test_what_would_write_is_refused_with_a_sentence(hub: Client, method: str, path: str) -> None:
    got = hub.ask(path, method, b"{}")
    assert (got.status, got.headers["allow"]) == (405, "GET, HEAD")
    assert "only serves" in got.json["error"]


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/unknown", "/acme/Tiny", "/api/models/acme/Tiny/xet/main"]
)
def test_an_unknown_address(hub: Client, path: str) -> None:
    got = hub.ask(path)
    assert (got.status, "x-error-code" in got.headers) == (404, False)


def test_a_path_that_is_no_text(hub: Client) -> None:
    assert hub.ask("/api/models/acme/%FF%FE").status == 400


@pytest.mark.parametrize(
    ("path", "is_hub"),
    [
        (b"/api/models/a/b", True),
        (b"/api/whoami-v2", True),
        (b"/a/b/resolve/main/x", True),
        (b"/gpt2/resolve/main/x?download=true", True),
        (b"/datasets/a/b/raw/main/x", True),
        (b"/a/b.git/info/lfs/objects/batch", True),
        (b"/", False),
        (b"/docs", False),
        (b"/apis", False),
        (b"/package/ingest-huggingface", False),
        (b"/package/abc/verdict", False),
        (b"/package/a/b/c/resolve", False),
        (b"/resolve/x", False),
    ],
)
def test_which_addresses_are_the_hubs_beside_rest(path: bytes, is_hub: bool) -> None:
    assert is_hub_path(path) is is_hub


# --- the process ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_well(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-m", "weighbridge", "hub", str(tmp_path), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = urlsplit(json.loads(process.stdout.readline())["url"])
        idle = socket.create_connection((address.hostname, address.port or 0))  # keeps nobody
        process.send_signal(number)
        _, said = process.communicate(timeout=600)
        idle.close()
    assert process.returncode == 0, said
    assert said == f"Serving {tmp_path} as a Hub at {address.geturl()}\n"


def test_a_port_is_not_shared(url: str, tmp_path: Path) -> None:
    port = str(urlsplit(url).port)
    command = [sys.executable, "-m", "weighbridge", "hub", str(tmp_path), "--port", port]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert ran.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in ran.stderr
