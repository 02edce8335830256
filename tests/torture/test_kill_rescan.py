"""SIGKILL in the middle of ``weighbridge rescan``: the next run goes on where it was.

Ten points in the ordinary tests, fifty in ``make torture``.
"""

from __future__ import annotations

import json
import random
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from tests.bridge.shelved import evidence
from tests.domain.papers import WHEN, package_of, verdict_of
from tests.hostile.forge import system
from tests.torture.killing import Moments, broken_blobs, environment, left_of, run, seed, start
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.access import AuditLine
from weighbridge.domain.json_values import canonical
from weighbridge.domain.package import PackageState, Version
from weighbridge.scanners import RULES

POINTS = [
    pytest.param(10, id="ten"),
    pytest.param(50, id="fifty", marks=pytest.mark.torture),
]
GOOD, BAD = 9, 3


def catalog_of(home: Path) -> Catalog:
    return Catalog.open(f"sqlite:///{home / 'catalog.sqlite3'}")


def shelve_many(home: Path) -> None:
    """Packages that older rules let in: each with weights of its own, some with what is blocked today."""
    home.mkdir()
    blobs = FolderBlobs(home)
    with closing(catalog_of(home)) as catalog:
        for number in range(GOOD + BAD):
            weights = np.arange(number, number + 200_000, dtype=np.float32)
            files = {"README.md": b"# A model\n", "model.safetensors": save({"w": weights})}
            if number % 4 == 3:
                files["extra.pkl"] = system(f"/dev/null/{number}")
            for content in files.values():
                blobs.add(content)
            judged = evidence(files)
            verdict = verdict_of(judged)
            package = replace(
                package_of(judged, verdict),
                id=f"p{number:02}",
                manifest=replace(judged.manifest, commit=f"{number:040x}"),
                version=Version(f"1.{number}.0"),
                created_at=WHEN + timedelta(seconds=number),
                evidence_sha256=blobs.add(canonical(judged.to_json())),
                verdict_sha256=blobs.add(canonical(verdict.to_json())),
            )
            line = AuditLine(at=package.created_at, by="ada", verb="ingest", target=package.name)
            catalog.add(package, (), line)


@pytest.mark.parametrize("points", POINTS)
def test_a_killed_rescan_is_taken_up_where_it_was(points: int, tmp_path: Path) -> None:
    moments = Moments(random.Random(seed()))
    shelve_many(tmp_path / "before")
    for point in range(points):
        home = tmp_path / f"h{point}"
        shutil.copytree(tmp_path / "before", home)
        env = environment(home)
        process = start(["rescan"], env, tmp_path, tmp_path / "log")
        moments.kill(process)
        assert left_of(process) == []
        assert broken_blobs(home) == []
        with closing(catalog_of(home)) as catalog:
            done = len(catalog.scanned_by(RULES))
            gone = [p for p in catalog.packages(limit=100) if p.state is PackageState.WITHDRAWN]
            assert {p.id for p in gone} <= catalog.scanned_by(RULES)
        again = run(["rescan", "--json"], env, tmp_path)
        counts = json.loads(again.stdout)["counts"]
        left = GOOD + BAD - done
        assert counts["kept"] + counts["withdrawn"] == left, again.stderr
        assert (again.returncode == 3) is (counts["withdrawn"] > 0)
        assert (counts["current"], counts["unsure"]) == (GOOD + BAD - left - len(gone), 0)
        with closing(catalog_of(home)) as catalog:
            assert len(catalog.scanned_by(RULES)) == GOOD + BAD
            withdrawn = [p for p in catalog.packages(limit=100) if p.state is PackageState.WITHDRAWN]
            assert [p.id for p in withdrawn] == ["p11", "p07", "p03"]
            assert len([line for line in catalog.audit_lines(limit=100) if line.verb == "rescan"]) == BAD
        shutil.rmtree(home)
    assert moments.caught > 0
