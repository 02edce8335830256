"""An ingestion into a bucket: what it lists is read by a registry whose disk is empty."""

from __future__ import annotations

from pathlib import Path

from tests.bridge.test_repos import Opener
from tests.made_models import Made
from tests.s3 import s3_server
from weighbridge.domain.access import LOCAL
from weighbridge.domain.package import IngestRequest, PackageState
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.doors.demo.models import MADE


def test_a_model_is_weighed_into_a_bucket_and_read_from_another_disk(
    opener: Opener, made: Made, tmp_path: Path
) -> None:
    with s3_server(tmp_path / "s3") as server:
        first = opener(WEIGHBRIDGE_STORE_URL="s3://models/x", **server.environ)
        request = IngestRequest(ref=ModelRef(repo=RepoId.parse(MADE), revision="main"))
        package = first.packages.ingest(LOCAL, request).package
        held = {
            path.name for path in (server.folder / "models/x/blobs-v1/sha256").rglob("*") if path.is_file()
        }
        assert {entry.sha256 for entry in package.manifest.files} <= held
        assert {package.evidence_sha256, package.verdict_sha256} <= held
        zip = first.packing.kept([package.id])[package.id]
        steps = [event.data.get("step") for event in first.jobs.events(LOCAL, package.id)]
        assert steps.index("record") < steps.index("zip")
        assert zip.address == f"s3://models/x/{MADE}/1.0.0/package.zip"
        assert (server.folder / zip.address.removeprefix("s3://")).stat().st_size == zip.size_bytes
        other = opener(
            WEIGHBRIDGE_STORE_URL="s3://models/x",
            WEIGHBRIDGE_HOME=str(tmp_path / "other"),
            WEIGHBRIDGE_DATABASE_URL=f"sqlite:///{tmp_path / 'home' / 'catalog.sqlite3'}",
            **server.environ,
        )
        assert other.packages.verdict(LOCAL, package.id) == first.packages.verdict(LOCAL, package.id)
        served, wanted = other.zips.zip(LOCAL, package.id), first.zips.zip(LOCAL, package.id)
        assert served.package.state is PackageState.ACTIVE
        files = len(package.manifest.files)
        assert list(served.layout.members)[:files] == list(wanted.layout.members)[:files]
        reader = served.open(0, served.layout.total_bytes)
        content = b"".join(iter(lambda: reader.read(1 << 20), b""))
        assert len(content) == served.layout.total_bytes
        assert all(file in content for file in made.model.values())
