"""A package as one zip: whole, in ranges, taken up again after a cut, and gone when it is withdrawn."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bridge.shelved import FILES, evidence
from tests.bridge.shelved import shelve as listed
from tests.doors.asgi_server import call, serving
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.bridge import open_bridge
from weighbridge.bridge.papers import verify_attestation
from weighbridge.domain.package import Package
from weighbridge.doors.rest import rest_app
from weighbridge.settings import load_settings

LARGE = bytes(range(256)) * 20_000
MODEL = {**FILES, "weights/large.bin": LARGE, "empty": b"", "ünï.txt": b"text"}


def shelve(home: Path, files: dict[str, bytes] = FILES) -> Package:
    """A listed package whose files are held."""
    for content in files.values():
        FolderBlobs(home).add(content)
    return listed(home, evidence(files))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def address(home: Path) -> str:
    return f"/package/{shelve(home, MODEL).id}/package.zip"


@pytest.fixture(scope="module")
def url(home: Path, address: str) -> Iterator[str]:
    yield from _served(home)


def _served(home: Path) -> Iterator[str]:
    environ = {"HOME": str(home), "WEIGHBRIDGE_HOME": str(home), "WEIGHBRIDGE_UPSTREAM": "https://hub.test"}
    bridge = open_bridge(load_settings(environ))
    with serving(rest_app(bridge)) as started:
        yield started
    bridge.close()


@pytest.fixture(scope="module")
def whole(url: str, address: str) -> bytes:
    return call(url, "GET", address).body


def test_every_file_and_the_papers_beside_them(whole: bytes, home: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        archive.extractall(tmp_path)
    papers = [name for name in names if name.startswith(".weighbridge/")]
    assert sorted(papers) == [
        ".weighbridge/attestation.intoto.json",
        ".weighbridge/bom.cdx.json",
        ".weighbridge/licence.json",
        ".weighbridge/verdict.json",
    ]
    assert {name: (tmp_path / name).read_bytes() for name in names if name not in papers} == MODEL
    attestation = tmp_path / ".weighbridge" / "attestation.intoto.json"
    assert set(verify_attestation(attestation, tmp_path, None, home)[0].files) == set(MODEL)


@pytest.mark.parametrize("program", [["unzip", "-q"], ["bsdtar", "-xf"]], ids=["unzip", "bsdtar"])
def test_other_programs_unpack_it(whole: bytes, program: list[str], tmp_path: Path) -> None:
    if not shutil.which(program[0]):
        pytest.skip(f"{program[0]} is not installed")
    (tmp_path / "p.zip").write_bytes(whole)
    subprocess.run([*program, "p.zip"], cwd=tmp_path, check=True, env={"LC_ALL": "C.UTF-8"})
    assert (tmp_path / "weights" / "large.bin").read_bytes() == LARGE


def test_a_head_tells_what_a_get_sends(url: str, address: str, whole: bytes) -> None:
    head, got = call(url, "HEAD", address), call(url, "GET", address)
    for name in ("content-length", "etag", "content-type", "accept-ranges", "content-disposition"):
        assert head.headers[name] == got.headers[name]
    assert head.headers["content-length"] == str(len(whole))
    assert (head.status, head.body, got.body) == (200, b"", whole)
    assert head.headers["content-type"] == "application/zip"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_range_is_the_slice_of_the_whole(
    url: str, address: str, whole: bytes, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(whole) - 1))
    stop = data.draw(st.integers(start + 1, len(whole) + 10))
    got = call(url, "GET", address, headers={"Range": f"bytes={start}-{stop - 1}"})
    assert (got.status, got.body) == (206, whole[start:stop])
    assert got.headers["content-range"] == f"bytes {start}-{min(stop, len(whole)) - 1}/{len(whole)}"


def test_the_last_bytes_alone(url: str, address: str, whole: bytes) -> None:
    got = call(url, "GET", address, headers={"Range": "bytes=-22"})
    assert got.body == whole[-22:]
    assert got.body.startswith(b"PK\5\6")


def test_a_range_beyond_the_end(url: str, address: str, whole: bytes) -> None:
    got = call(url, "GET", address, headers={"Range": f"bytes={len(whole)}-"})
    assert (got.status, got.headers["content-range"], got.body) == (416, f"bytes */{len(whole)}", b"")


def test_conditions(url: str, address: str, whole: bytes) -> None:
    etag = call(url, "HEAD", address).headers["etag"]
    asked = {"Range": "bytes=5-9", "If-Range": etag}
    assert call(url, "GET", address, headers=asked).body == whole[5:10]
    assert call(url, "GET", address, headers={**asked, "If-Range": '"old"'}).body == whole
    assert call(url, "GET", address, headers={"If-None-Match": etag}).status == 304
    assert call(url, "GET", address, headers={"If-Match": '"old"'}).status == 412


def test_the_same_bytes_after_a_restart(home: Path, url: str, address: str, whole: bytes) -> None:
    etag = call(url, "HEAD", address).headers["etag"]
    for again in _served(home):
        got = call(again, "GET", address)
        assert (got.body, got.headers["etag"]) == (whole, etag)


def test_many_at_once(url: str, address: str, whole: bytes) -> None:
    with ThreadPoolExecutor(24) as pool:
        assert all(got.body == whole for got in pool.map(lambda _: call(url, "GET", address), range(48)))


def test_a_package_that_is_not_there(url: str) -> None:
    assert call(url, "GET", "/package/nothing/package.zip").status == 404


def test_withdrawn_is_told_to_who_may_know_and_gone_for_the_others(tmp_path: Path) -> None:
    package = shelve(tmp_path)
    environ = {
        "HOME": str(tmp_path),
        "WEIGHBRIDGE_HOME": str(tmp_path),
        "WEIGHBRIDGE_ADMIN_PASSWORD": "p" * 12,
    }
    bridge = open_bridge(load_settings(environ))
    bridge.people.first_start()
    address = f"/package/{package.id}/package.zip"
    with serving(rest_app(bridge)) as url:
        signed = call(url, "POST", "/authenticate", {"username": "admin", "password": "p" * 12})
        sent = {"Authorization": f"Bearer {signed.json['token']}"}
        assert call(url, "GET", address, headers=sent).status == 200
        bridge.upkeep.withdraw(bridge.people.principal(signed.json["token"]), package.id, "it was wrong")
        got = call(url, "GET", address, headers=sent)
        assert got.status == 403
        assert "it was wrong" in got.json["detail"]
        assert call(url, "GET", address).status == 404
    bridge.close()


def test_anonymous_callers_need_the_permission(tmp_path: Path) -> None:
    package = shelve(tmp_path)
    environ = {"HOME": str(tmp_path), "WEIGHBRIDGE_HOME": str(tmp_path), "WEIGHBRIDGE_ANONYMOUS": "search"}
    bridge = open_bridge(load_settings(environ))
    with serving(rest_app(bridge)) as url:
        assert call(url, "GET", f"/package/{package.id}/package.zip").status == 401
    bridge.close()


def test_a_file_that_the_store_lost(tmp_path: Path) -> None:
    package = shelve(tmp_path)
    for entry in package.manifest.files:
        if entry.path == "weights/model.safetensors":
            name = entry.sha256 or ""
            FolderBlobs(tmp_path).remove(name)
    for url in _served(tmp_path):
        got = call(url, "GET", f"/package/{package.id}/package.zip")
        assert got.status == 500
        assert got.json["code"] == "store-down"
