"""A registry whose store is a bucket: the official client is sent there, and all that can fail is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import HfApi, snapshot_download

from tests.bridge.shelved import FILES, evidence
from tests.domain.papers import package_of, verdict_of
from tests.doors.asgi_server import call, serving
from tests.s3 import SECRET, S3Server, s3_server
from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge import open_bridge
from weighbridge.bridge.stores import open_store
from weighbridge.domain.access import AuditLine
from weighbridge.domain.json_values import canonical
from weighbridge.domain.manifest import FileEntry, Manifest, Storage, digests_of
from weighbridge.domain.package import Package
from weighbridge.doors.hub import hub_app
from weighbridge.doors.rest import rest_app
from weighbridge.doors.server import compose
from weighbridge.errors import BadInput, StoreDown
from weighbridge.settings import Settings, load_settings

LARGE = bytes(range(256)) * 8000
MODEL = {**FILES, "model.safetensors": LARGE}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    with s3_server(tmp_path / "s3") as server:
        yield server


def settings_of(home: Path, server: S3Server, **more: str) -> Settings:
    environ: Mapping[str, str] = {
        **server.environ,
        "HOME": str(home),
        "WEIGHBRIDGE_HOME": str(home),
        "WEIGHBRIDGE_UPSTREAM": "https://hub.test",
        "WEIGHBRIDGE_STORE_URL": "s3://models/the/store",
        **more,
    }
    return load_settings(environ)


def shelve(settings: Settings) -> Package:
    """A listed package whose files are held in the bucket; the weights are LFS."""
    settings.home.mkdir(exist_ok=True)
    blobs, known = open_store(settings), evidence(MODEL)
    files = tuple(
        FileEntry(
            path=path,
            size_bytes=len(content),
            digests=digests_of(content),
            storage=Storage.LFS if path == "model.safetensors" else Storage.REGULAR,
        )
        for path, content in MODEL.items()
    )
    for content in MODEL.values():
        blobs.add(content)
    manifest = Manifest(repo=known.repo, commit=known.manifest.commit, files=files)
    judged = replace(known, manifest=manifest)
    verdict = verdict_of(judged)
    package = replace(
        package_of(judged, verdict),
        evidence_sha256=blobs.add(canonical(judged.to_json())),
        verdict_sha256=blobs.add(canonical(verdict.to_json())),
    )
    catalog = Catalog.open(settings.catalog_url)
    line = AuditLine(at=package.created_at, by="ada", verb="ingest", target=package.name, detail="accepted")
    catalog.add(package, (), line)
    catalog.close()
    return package


def served(settings: Settings) -> Iterator[str]:
    bridge = open_bridge(settings)
    with serving(compose(rest_app(bridge), hub_app(bridge.hub, bridge.repos))) as url:
        yield url
    bridge.close()


def test_the_official_client_downloads_from_the_bucket(tmp_path: Path, server: S3Server) -> None:
    settings = settings_of(tmp_path / "home", server)
    package = shelve(settings)
    here = f"/{package.name}/resolve/main"
    for url in served(replace(settings, home=tmp_path / "home")):
        head = call(url, "HEAD", f"{here}/model.safetensors")
        assert head.status == 302
        assert head.headers["location"].startswith(f"{server.url}/models/the/store/blobs-v1/sha256/")
        assert head.headers["x-linked-size"] == str(len(LARGE))
        assert head.headers["x-linked-etag"] == head.headers["etag"]
        assert SECRET not in str(head.headers)
        assert call(url, "GET", f"{here}/config.json").body == MODEL["config.json"]
        folder = Path(snapshot_download(package.name, endpoint=url, cache_dir=tmp_path / "hf", token=False))
        assert {path: (folder / path).read_bytes() for path in MODEL} == MODEL
        info = HfApi(endpoint=url, token=False).model_info(package.name, files_metadata=True)
        assert {s.rfilename for s in info.siblings or ()} == set(MODEL)
        got = call(url, "GET", f"/package/{package.id}/package.zip")
        assert got.status == 200
        assert LARGE in got.body


def test_a_new_registry_is_well_before_anything_came_in(tmp_path: Path, server: S3Server) -> None:
    settings = settings_of(tmp_path / "home", server)
    settings.home.mkdir()
    for url in served(settings):
        got = call(url, "GET", "/health")
        assert (got.status, json.loads(got.body)["components"]["store"]["status"]) == (200, "ok")


def test_without_addresses_all_goes_through_the_registry(tmp_path: Path, server: S3Server) -> None:
    settings = settings_of(tmp_path / "home", server, WEIGHBRIDGE_STORE_PUBLIC_URL="none")
    package = shelve(settings)
    for url in served(settings):
        got = call(url, "GET", f"/{package.name}/resolve/main/model.safetensors")
        assert (got.status, got.body) == (200, LARGE)


def test_clients_are_sent_to_the_public_address(tmp_path: Path, server: S3Server) -> None:
    settings = settings_of(tmp_path / "home", server, WEIGHBRIDGE_STORE_PUBLIC_URL="https://s3.test")
    package = shelve(settings)
    for url in served(settings):
        got = call(url, "GET", f"/{package.name}/resolve/main/model.safetensors")
        assert got.headers["location"].startswith("https://s3.test/models/the/store/")


def test_a_server_that_dies_is_told_and_forgotten(tmp_path: Path, server: S3Server) -> None:
    blobs = open_store(settings_of(tmp_path / "home", server))
    name = blobs.add(b"before")
    server.kill()
    for ask in (lambda: blobs.add(b"while"), lambda: blobs.holds(name), lambda: list(blobs.walk())):
        with pytest.raises(StoreDown, match="s3://models/the/store") as told:
            ask()
        assert SECRET not in str(told.value)
    assert blobs.path(name).read_bytes() == b"before"
    server.start()
    assert [found for found, _ in blobs.walk()] == [name]
    again = blobs.add(b"while")
    assert open_store(settings_of(tmp_path / "other", server)).path(again).read_bytes() == b"while"


class _Busy(BaseHTTPRequestHandler):
    """Asks everybody to slow down, as S3 does."""

    def answer(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]  # this test's own
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_PUT = do_POST = answer

    def log_message(self, *told: object) -> None:
        """Nothing."""


def test_a_server_that_answers_503_is_asked_again_and_then_told(tmp_path: Path, server: S3Server) -> None:
    blobs = open_store(settings_of(tmp_path / "home", server))
    port = server.port
    server.kill()
    with ThreadingHTTPServer(("127.0.0.1", port), _Busy) as busy:
        busy.asked = []  # type: ignore[attr-defined]
        threading.Thread(target=busy.serve_forever, args=(0.02,), daemon=True).start()
        with pytest.raises(StoreDown, match="503") as told:
            blobs.add(LARGE)
        assert len(busy.asked) > 1  # type: ignore[attr-defined]
        assert SECRET not in f"{told.value} {told.value.hint}"
        busy.shutdown()
    server.start()
    assert list(blobs.walk()) == []
    name = blobs.add(LARGE)
    assert list(blobs.walk()) == [(name, len(LARGE))]


def test_a_disk_that_lost_its_copy_gets_another_and_a_wrong_object_is_found(
    tmp_path: Path, server: S3Server
) -> None:
    blobs = open_store(settings_of(tmp_path / "home", server))
    name = blobs.add(LARGE)
    (server.folder / "models" / "the/store/blobs-v1/sha256" / name[:2] / name).write_bytes(b"other")
    other = open_store(settings_of(tmp_path / "other", server))
    with pytest.raises(Exception, match=name) as told:
        other.path(name)
    assert type(told.value).__name__ in ("SizeMismatch", "DigestMismatch")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"WEIGHBRIDGE_STORE_URL": "s3://nothing/the/store"}, "no bucket"),
        ({"WEIGHBRIDGE_STORE_URL": "gs://models"}, "no bucket"),
        ({"AWS_SECRET_ACCESS_KEY": "another-secret"}, "failed"),
        ({"AWS_ENDPOINT_URL": "ftp://x"}, "no http"),
    ],
    ids=["no bucket", "no S3", "a wrong key", "no address"],
)
def test_what_cannot_work_is_told_at_the_start(
    tmp_path: Path, server: S3Server, changed: dict[str, str], told: str
) -> None:
    with pytest.raises(BadInput, match=told) as error:
        open_store(settings_of(tmp_path / "home", server, **changed))
    assert error.value.hint
    assert "another-secret" not in f"{error.value} {error.value.hint}"


def test_the_disk_keeps_what_was_used_last(tmp_path: Path, server: S3Server) -> None:
    import os

    settings = settings_of(tmp_path / "home", server, WEIGHBRIDGE_STORE_CACHE_BYTES="3000")
    blobs = open_store(settings)
    names = [blobs.add(bytes([n]) * 1000) for n in range(3)]
    for name in names[:2]:
        os.utime(blobs.path(name), (1, 1))
    blobs.take(*_named(b"x" * 2000))
    kept = {file.name for file in (settings.home / "store-cache" / "blobs-v1").rglob("*") if file.is_file()}
    assert names[0] not in kept
    assert names[2] in kept
    assert blobs.path(names[0]).read_bytes() == bytes(1000)


def _named(content: bytes) -> tuple[str, int, list[bytes]]:
    return digests_of(content)[1].value, len(content), [content]
