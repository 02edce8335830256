"""A package that lies in a home without a Hub: its files, its evidence, its verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.domain.papers import package_of, verdict_of
from tests.metrics.models import MODELS
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.access import AuditLine
from weighbridge.domain.evidence import Evidence
from weighbridge.domain.json_values import canonical
from weighbridge.domain.manifest import FileEntry, Manifest, digests_of
from weighbridge.domain.package import Package

FILES = {
    "README.md": b"---\nlicense: apache-2.0\n---\n# A model\n",
    "config.json": b'{"model_type": "bert"}',
    "weights/model.safetensors": b"\0" * 4096,
}


def evidence(files: dict[str, bytes] | None = None) -> Evidence:
    """The evidence of a known model over files that are really there."""
    known = MODELS["sst2"]()
    entries = tuple(
        FileEntry(path=path, size_bytes=len(content), digests=digests_of(content))
        for path, content in (files or FILES).items()
    )
    manifest = Manifest(repo=known.repo, commit=known.manifest.commit, files=entries)
    return replace(known, manifest=manifest)


def shelve(home: Path, of: Evidence | None = None) -> Package:
    """Lists the package in the home, as an ingestion would at its end."""
    home.mkdir(exist_ok=True)
    judged = of or evidence()
    verdict, blobs = verdict_of(judged), FolderBlobs(home)
    package = replace(
        package_of(judged, verdict),
        evidence_sha256=blobs.add(canonical(judged.to_json())),
        verdict_sha256=blobs.add(canonical(verdict.to_json())),
    )
    catalog = Catalog.open(f"sqlite:///{home / 'catalog.sqlite3'}")
    line = AuditLine(at=package.created_at, by="ada", verb="ingest", target=package.name, detail="accepted")
    catalog.add(package, (), line)
    catalog.close()
    return package


def laid_out(folder: Path, files: dict[str, bytes] | None = None) -> Path:
    """The files as a client would have them."""
    for path, content in (files or FILES).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder
