"""``weighbridge refusal`` as a process on a home that holds refusals."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.adapters.test_catalog import T0, line
from tests.domain.papers import verdict_of
from tests.doors.test_cli_people import Machine
from tests.metrics.models import MODELS
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.json_values import canonical
from weighbridge.domain.package import Refusal
from weighbridge.domain.ref import ModelRef, RepoKind

SENTENCE = "Model does not meet quality requirements. Failed metrics: License (0.00 < 0.50)"


def filled(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    home = tmp_path / "registry"
    catalog = Catalog.open(home / "catalog.sqlite3")
    kept = FolderBlobs(home).add(canonical(verdict_of(MODELS["junk"]()).to_json()))
    for number, (name, kind) in enumerate(
        [("org/junk", RepoKind.MODEL), ("org/rows", RepoKind.DATASET), ("org/junk", RepoKind.MODEL)]
    ):
        ref = ModelRef.read(f"{name}@v{number}", kind)
        made = Refusal(
            id=f"r{number}", ref=ref, commit=f"{number}" * 40, outcome="refused", sentence=SENTENCE,
            evidence_sha256="e" * 64, verdict_sha256=kept, created_at=T0 + timedelta(days=number),
            created_by="ada",
        )  # fmt: skip
        catalog.add_refusal(made, replace(line(), verb="ingest"))
    catalog.close()
    return machine


def test_refusals_are_listed_found_by_name_and_paged(tmp_path: Path) -> None:
    machine = filled(tmp_path)
    shown = machine.run("refusal", "list", "--limit", "2")
    rows = [row.split() for row in shown.stdout.splitlines()]
    assert [row[:2] for row in rows[1:]] == [["r2", "org/junk@v2"], ["r1", "datasets/org/rows@v1"]]
    assert shown.stdout.splitlines()[1].endswith("ada  License (0.00 < 0.50)")
    assert "the next page: --after r1" in shown.stderr
    last = machine.json("refusal", "list", "--limit", "2", "--after", "r1")
    assert ([one["refusal_id"] for one in last["refusals"]], last["next"]) == (["r0"], None)
    found = machine.json("refusal", "list", "--repo", "datasets/Org/Rows")
    assert [one["refusal_id"] for one in found["refusals"]] == ["r1"]
    assert machine.json("refusal", "list", "--repo", "org/none")["refusals"] == []
    machine.run("refusal", "list", "--repo", "a/b/c", code=2)


def test_a_refusal_tells_what_failed_and_what_would_raise_it(tmp_path: Path) -> None:
    machine = filled(tmp_path)
    shown = machine.run("refusal", "show", "r0").stdout
    assert shown.startswith(f"org/junk@v0 (commit 000000000000, by ada)\n{SENTENCE}\n")
    assert "to raise it: " in shown
    told = machine.json("refusal", "show", "r0")
    assert (told["refusal_id"], told["verdict"]["outcome"]) == ("r0", "refused")
    assert all(failure["how_to_improve"] for failure in told["verdict"]["failures"])
    machine.run("refusal", "show", "r9", code=4)
