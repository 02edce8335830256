"""A job that a worker on another machine takes over: one database and one store, but nobody's shelf."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.hub_server import HubFile, HubServer
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.hub_http import HttpHub
from weighbridge.adapters.manifests import ManifestShelf
from weighbridge.adapters.progress import SilentReporter
from weighbridge.bridge.readers import readers
from weighbridge.bridge.registry import SeenRegistry
from weighbridge.domain.access import Sight
from weighbridge.domain.package import IngestRequest
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import ModelRef
from weighbridge.doors.demo.models import MADE
from weighbridge.flows.ingest import INGEST
from weighbridge.flows.ingest_state import State, Tools
from weighbridge.flows.weighing import Scales
from weighbridge.metrics import METRICS_OF, REPORTED_OF
from weighbridge.metrics.licence_terms import licence_terms
from weighbridge.scanners import scan_tree


@pytest.mark.parametrize("step", [name for name, _ in INGEST])
def test_any_step_may_be_another_machines(step: str, upstream: HubServer, tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path / "catalog.sqlite3")
    here = Tools(
        hub=HttpHub(upstream.url, token=None, environ={}, connections=2),
        blobs=FolderBlobs(tmp_path / "store"),
        shelf=ManifestShelf(tmp_path / "here"),
        ledger=catalog,
        registry=SeenRegistry(catalog, Sight()),
        scan_tree=scan_tree,
        scales=Scales(metrics=METRICS_OF, reports=REPORTED_OF, terms=licence_terms),
        readers=readers(),
        reporter=SilentReporter(),
        connections=2,
    )
    there = replace(here, shelf=ManifestShelf(tmp_path / "there"))
    state = State(
        id="job",
        request=IngestRequest(ref=ModelRef.parse(MADE)),
        policy=Policy(default_threshold=0.2),
        by="ada",
        at=datetime.now(UTC),
    )
    tools = here
    for name, work in INGEST:
        if name == step:
            tools = there
        state = State.from_json(work(tools, state).to_json())
    package = catalog.package("job")
    assert package.manifest.is_complete
    assert package.size_bytes == sum(len(file.content) for file in _files(upstream).values())
    catalog.close()


def _files(upstream: HubServer) -> dict[str, HubFile]:
    repo = upstream.repos[MADE]
    return dict(repo.commits[repo.head])
