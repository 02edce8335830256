"""The zip of a package in a bucket: written once whatever dies, given out by address, and gone with it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.doors.asgi_server import call, serving
from tests.doors.test_s3_store import MODEL, settings_of, shelve
from tests.s3 import SECRET, S3Server, s3_server
from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge import Bridge, open_bridge
from weighbridge.domain.access import LOCAL
from weighbridge.domain.kept_zip import KeptZip, zip_key
from weighbridge.domain.package import Package
from weighbridge.doors.rest import rest_app
from weighbridge.settings import Settings

STORE = "s3://models/the/store"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    with s3_server(tmp_path / "s3") as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, server: S3Server) -> Settings:
    return settings_of(tmp_path / "home", server)


@pytest.fixture
def package(settings: Settings) -> Package:
    return shelve(settings)


@pytest.fixture
def bridge(settings: Settings, package: Package) -> Iterator[Bridge]:
    bridge = open_bridge(settings)
    yield bridge
    bridge.close()


def lying(server: S3Server, package: Package) -> Path:
    return server.folder / "models" / "the/store" / package.name / str(package.version) / "package.zip"


def rendered(bridge: Bridge, package: Package) -> bytes:
    served = bridge.zips.zip(LOCAL, package.id)
    reader = served.open(0, served.layout.total_bytes)
    return b"".join(iter(lambda: reader.read(1 << 20), b""))


def claimed(package: Package) -> KeptZip:
    return KeptZip(package_id=package.id, store=STORE, key=zip_key(package), etag="0" * 64, size_bytes=1)


def test_a_client_is_sent_to_the_same_bytes_as_it_would_get_here(
    bridge: Bridge, package: Package, server: S3Server
) -> None:
    address, whole = f"/package/{package.id}/package.zip", rendered(bridge, package)
    with serving(rest_app(bridge)) as url:
        before = call(url, "GET", address)
        assert (before.status, before.body) == (200, whole)
        assert call(url, "GET", f"/package/{package.id}").json["s3_path"] is None
        bridge.packing.round()
        assert lying(server, package).read_bytes() == whole
        got = call(url, "GET", address)
        assert (got.status, got.body) == (302, b"")
        assert got.headers["location"].startswith(f"{server.url}/models/the/store/{package.name}/1.0.0/")
        assert SECRET not in str(got.headers)
        there, _, path = got.headers["location"].partition("/models/")
        found = call(there, "GET", f"/models/{path}")
        assert (found.status, found.body) == (200, whole)
        with zipfile.ZipFile(io.BytesIO(found.body)) as archive:
            assert archive.testzip() is None
            assert set(MODEL) < set(archive.namelist())
        head = call(url, "HEAD", address)
        assert (head.status, head.headers["content-length"]) == (200, str(len(whole)))
        assert head.headers["etag"] == before.headers["etag"]
        same = {"If-None-Match": head.headers["etag"]}
        assert call(url, "GET", address, headers=same).status == 304
        part = {"Range": "bytes=5-99", "If-Range": head.headers["etag"]}
        assert call(url, "GET", address, headers=part).body == whole[5:100]
        wanted = f"{STORE}/{package.name}/1.0.0/package.zip"
        assert call(url, "GET", f"/package/{package.id}").json["s3_path"] == wanted
        assert [one["s3_path"] for one in call(url, "GET", "/packages").json["packages"]] == [wanted]


@pytest.mark.parametrize("verb", ["withdraw", "delete"])
def test_a_package_out_of_service_is_given_out_no_more_and_its_zip_goes(
    bridge: Bridge, package: Package, server: S3Server, verb: str
) -> None:
    bridge.packing.round()
    with serving(rest_app(bridge)) as url:
        getattr(bridge.upkeep, verb)(LOCAL, package.id, "a worm")
        assert call(url, "GET", f"/package/{package.id}/package.zip").status in (403, 404)
        assert bridge.packing.kept([package.id]) == {}
        assert lying(server, package).exists()
        bridge.packing.round()
        assert not lying(server, package).exists()
        assert bridge.packing.tidy() == 0


def test_what_a_dead_worker_left_is_written_and_what_a_living_one_writes_is_left_to_it(
    bridge: Bridge, package: Package, settings: Settings, server: S3Server
) -> None:
    catalog, zip = Catalog.open(settings.catalog_url), claimed(package)
    # the worker of this bridge lives; another process asks
    assert catalog.begin_zip(zip, bridge.jobs.worker, lambda worker: False)
    other = open_bridge(settings)
    other.packing.round()
    assert not lying(server, package).exists()
    assert catalog.end_zip(zip, bridge.jobs.worker, is_whole=False)
    assert catalog.begin_zip(zip, "a worker that died", lambda worker: False)
    other.packing.round()
    assert lying(server, package).read_bytes() == rendered(bridge, package)
    assert not catalog.end_zip(zip, "a worker that died", is_whole=False)
    assert set(bridge.packing.kept([package.id])) == {package.id}
    other.close()
    catalog.close()


def test_a_bucket_that_is_down_delays_the_zip_and_nothing_else(
    bridge: Bridge, package: Package, settings: Settings, server: S3Server
) -> None:
    whole = rendered(bridge, package)
    server.kill()
    bridge.packing.pack(package.id)
    assert bridge.packing.kept([package.id]) == {}
    assert bridge.packages.package(LOCAL, package.id) == package
    server.start()
    again = open_bridge(settings)
    again.packing.round()
    assert lying(server, package).read_bytes() == whole
    again.close()


def test_another_bucket_has_no_zips_yet(
    bridge: Bridge, package: Package, settings: Settings, server: S3Server
) -> None:
    bridge.packing.round()
    moved = open_bridge(replace(settings, store_url="s3://models/another"))
    assert moved.packing.kept([package.id]) == {}
    moved.close()


def test_without_addresses_the_zip_is_sent_from_here(
    package: Package, settings: Settings, server: S3Server
) -> None:
    hidden = open_bridge(replace(settings, store_public_url="none"))
    hidden.packing.round()
    with serving(rest_app(hidden)) as url:
        got = call(url, "GET", f"/package/{package.id}/package.zip")
        assert (got.status, got.body) == (200, lying(server, package).read_bytes())
    hidden.close()
