"""Data sets through the gate: weighed by what applies to them, kept and served beside models."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.bridge.opening import a_registry
from tests.hub_server import HubRepo, HubServer, serve_hub
from tests.made_data import FILES, NAME, made_data
from tests.made_models import Made
from weighbridge.adapters.progress import SilentReporter
from weighbridge.bridge import Bridge, open_bridge
from weighbridge.bridge.scoring import score_folder
from weighbridge.domain.access import LOCAL
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.listing import PackageQuery
from weighbridge.domain.package import IngestRequest, PackageState
from weighbridge.domain.policy import METRICS, SAFETY, Waiver
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.rescan import Fate
from weighbridge.domain.verdict import Outcome, Verdict
from weighbridge.domain.waiver import GATE_OF, REPORTED_OF
from weighbridge.doors.demo.models import MADE
from weighbridge.errors import BadInput, BadName, NoSuchPackage, PackageExists, Rejected
from weighbridge.settings import load_settings

DATA = RepoId.parse(NAME, RepoKind.DATASET)
SCRIPT = b"""import datasets

class Weighings(datasets.GeneratorBasedBuilder):
    def _info(self):
        return datasets.DatasetInfo()
"""


@pytest.fixture
def hub(made: Made) -> Iterator[HubServer]:
    model = made.repos()[MADE]
    with serve_hub({NAME: model, f"datasets/{NAME}": made_data()}) as server:
        yield server


@pytest.fixture
def bridge(hub: HubServer, tmp_path: Path) -> Iterator[Bridge]:
    with a_registry(tmp_path, hub.url) as opened:
        yield opened


def wish(revision: str = "main", **more: object) -> IngestRequest:
    return IngestRequest(ref=ModelRef(repo=DATA, revision=revision), **more)  # type: ignore[arg-type]


def refused(bridge: Bridge, request: IngestRequest) -> Verdict:
    with pytest.raises(Rejected) as caught:
        bridge.packages.ingest(LOCAL, request)
    return caught.value.verdict


def waiver(metric: str, commit: str | None = None) -> Waiver:
    return Waiver(metric=metric, repo=NAME, reason="looked at", author="ann", commit=commit)


def test_a_data_set_is_weighed_by_what_applies_to_it(bridge: Bridge, hub: HubServer) -> None:
    admission = bridge.packages.ingest(LOCAL, wish(description="lorries"))
    package, verdict = admission.package, admission.verdict
    assert (package.manifest.repo, package.version.text) == (DATA, "1.0.0")
    assert {entry.path for entry in package.manifest.files} == set(FILES)
    assert set(package.metrics) == set(GATE_OF[RepoKind.DATASET])
    assert set(verdict.reported) == set(REPORTED_OF[RepoKind.DATASET])
    assert (verdict.outcome, verdict.not_judged, verdict.kind) == (Outcome.ACCEPTED, (), RepoKind.DATASET)
    assert verdict.scan.verdict.word == "allow"
    weights = {metric: verdict.policy.net_weights[metric] for metric in package.metrics}
    mean = sum(weights[m] * value for m, value in package.metrics.items()) / sum(weights.values())
    assert verdict.net_score == pytest.approx(mean, abs=1e-4)
    assert package.licence == "cc-by-4.0"
    assert Verdict.from_json(verdict.to_json()) == verdict


def test_a_model_and_a_data_set_may_have_one_name_and_one_version(bridge: Bridge) -> None:
    waivers = tuple(waiver(metric) for metric in ("bus_factor", "ramp_up_time", "code_quality"))
    data = bridge.packages.ingest(LOCAL, wish()).package
    model = bridge.packages.ingest(LOCAL, IngestRequest(ref=ModelRef.parse(NAME), waivers=waivers)).package
    assert (data.name, data.version) == (model.name, model.version)
    for kind, package in ((RepoKind.DATASET, data), (RepoKind.MODEL, model)):
        found = bridge.packages.listing(LOCAL, PackageQuery(kind=kind))
        assert [one.id for one in found.packages] == [package.id]
        assert bridge.papers.find(LOCAL, f"{package.manifest.repo.spelled}@1.0.0").id == package.id
        assert bridge.papers.find(LOCAL, package.manifest.repo.spelled).id == package.id
        with pytest.raises(PackageExists):
            bridge.packages.ingest(LOCAL, IngestRequest(ref=ModelRef(repo=package.manifest.repo)))
    bridge.upkeep.withdraw(LOCAL, bridge.upkeep.named(LOCAL, f"datasets/{NAME}@1.0.0").id, "a mistake in it")
    assert bridge.packages.package(LOCAL, data.id).state is PackageState.WITHDRAWN
    assert bridge.packages.package(LOCAL, model.id).state is PackageState.ACTIVE


@pytest.mark.parametrize("metric", sorted(set(METRICS) - {*GATE_OF[DATA.kind], *REPORTED_OF[DATA.kind]}))
def test_what_does_not_apply_has_neither_threshold_nor_waiver(metric: str) -> None:
    with pytest.raises(Invalid, match="does not apply to a dataset"):
        wish(thresholds={metric: 0.4})
    with pytest.raises(Invalid, match="does not apply to a dataset"):
        wish(waivers=(waiver(metric),))


def test_a_space_is_not_weighed(bridge: Bridge) -> None:
    space = RepoId.parse(NAME, RepoKind.SPACE)
    with pytest.raises(BadInput, match="spaces are not weighed"):
        bridge.packages.ingest(LOCAL, IngestRequest(ref=ModelRef(repo=space)))


def test_a_model_cannot_be_called_as_a_data_set_is_spelled(bridge: Bridge) -> None:
    for name in ("datasets/rows", "spaces/rows"):
        with pytest.raises(BadName, match="means another repository"):
            bridge.packages.ingest(LOCAL, IngestRequest(ref=ModelRef(repo=RepoId.parse(name))))


def test_data_without_a_card_are_refused_before_they_are_fetched(bridge: Bridge, hub: HubServer) -> None:
    bare = {path: content for path, content in FILES.items() if path != "README.md"}
    hub.repos[f"datasets/{NAME}"] = HubRepo(bare, kind="dataset", lfs_from=2000)
    hub.repos[f"datasets/{NAME}"].info = {"tags": []}
    verdict = refused(bridge, wish())
    assert verdict.sentence().startswith("Dataset does not meet quality requirements. Failed metrics: ")
    assert {failure.metric for failure in verdict.failures} == {"license", "dataset_quality"}
    assert verdict.not_judged == ("safety",)
    assert not hub.asked("*/resolve/*.tar")
    assert all(failure["how_to_improve"] for failure in verdict.failures_json())


def test_a_loading_script_is_code_that_somebody_must_look_at(bridge: Bridge, hub: HubServer) -> None:
    repo = made_data({**FILES, "weighings.py": SCRIPT})
    hub.repos[f"datasets/{NAME}"] = repo
    verdict = refused(bridge, wish())
    assert [file.path for file in verdict.unsafe] == ["weighings.py"]
    assert "weighings.py" in verdict.sentence()
    assert "makes the data" in verdict.unsafe[0].findings[0].message
    with pytest.raises(Invalid, match="names no commit"):
        waiver(SAFETY)
    package = bridge.packages.ingest(LOCAL, wish(repo.head, waivers=(waiver(SAFETY, repo.head),))).package
    assert package.manifest.commit == repo.head


def tables() -> Mapping[str, bytes]:
    table = pa.table({"plate": ["AB 1", "AB 2"], "tons": [2.5, 3.5]})
    whole, streamed, columns = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with pa.ipc.new_file(whole, table.schema) as writer:
        writer.write_table(table)
    with pa.ipc.new_stream(streamed, table.schema) as writer:
        writer.write_table(table)
    parquet.write_table(table, columns)
    return {
        "data/a.parquet": columns.getvalue(),
        "data/b.arrow": whole.getvalue(),
        "data/c.arrow": streamed.getvalue(),
    }


def test_tables_are_what_their_names_say(bridge: Bridge, hub: HubServer) -> None:
    good = tables()
    ref = ModelRef(repo=DATA)
    hub.repos[f"datasets/{NAME}"] = HubRepo({**FILES, **good}, kind="dataset")
    assert bridge.packages.scan(LOCAL, ref).verdict.word == "allow"
    arrow, columns = good["data/b.arrow"], good["data/a.parquet"]
    for path, content in (("d.parquet", arrow), ("d.arrow", columns), ("d.parquet", columns[:-4] + b"PAR2")):
        hub.repos[f"datasets/{NAME}"] = HubRepo({**FILES, path: content}, kind="dataset")
        report = bridge.packages.scan(LOCAL, ref)
        assert [file.path for file in report.files if file.verdict.word == "block"] == [path]


def test_the_papers_of_a_data_set_say_what_it_is(bridge: Bridge) -> None:
    package = bridge.packages.ingest(LOCAL, wish()).package
    papers = bridge.papers.all_of(LOCAL, package.id)
    component = papers["bom"]["metadata"]["component"]  # type: ignore[index,call-overload]
    assert component["type"] == "data"  # type: ignore[index,call-overload]
    assert component["name"] == "weighings"  # type: ignore[index,call-overload]
    assert papers["verdict"]["kind"] == "dataset"


def test_a_data_set_is_scanned_again_by_its_name(bridge: Bridge) -> None:
    bridge.packages.ingest(LOCAL, wish())
    done = bridge.upkeep.rescan(LOCAL, f"datasets/{NAME}", everything=True)
    assert [one.fate for one in done.packages] == [Fate.KEPT]
    with pytest.raises(NoSuchPackage):
        bridge.upkeep.rescan(LOCAL, NAME)


def test_a_copy_of_others_data_is_known_again(bridge: Bridge, hub: HubServer) -> None:
    bridge.packages.ingest(LOCAL, wish())
    hub.repos["datasets/thief/rows"] = made_data()
    other = replace(wish(), ref=ModelRef(repo=RepoId.parse("thief/rows", RepoKind.DATASET)))
    verdict = refused(bridge, other)
    assert {failure.metric for failure in verdict.failures} == {"bus_factor", "dataset_quality"}


def test_a_data_set_crosses_an_air_gap_and_is_collected_by_nobody(bridge: Bridge, tmp_path: Path) -> None:
    package = bridge.packages.ingest(LOCAL, wish()).package
    place = tmp_path / "data.wbundle"
    bridge.bundles.write(LOCAL, [f"datasets/{NAME}"], place, SilentReporter())
    environ = {"WEIGHBRIDGE_HOME": str(tmp_path / "other"), "HOME": str(tmp_path)}
    other = open_bridge(load_settings(environ))
    try:
        brought = other.bundles.read(LOCAL, place, SilentReporter()).packages
        assert [(one.fate, one.follows) for one in brought] == [("listed", True)]
        there = other.packages.package(LOCAL, brought[0].id)
        assert (there.manifest, there.metrics) == (package.manifest, package.metrics)
    finally:
        other.close()
    assert bridge.collecting.run(LOCAL, SilentReporter(), grace_s=3600).removed == 0


def test_a_folder_of_data_is_scored_as_data(tmp_path: Path) -> None:
    for path, content in FILES.items():
        file = tmp_path / "weighings" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    settings = load_settings({"WEIGHBRIDGE_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)})
    verdict = score_folder(tmp_path / "weighings", settings, kind=RepoKind.DATASET)
    assert {score.metric for score in verdict.scores} == set(GATE_OF[RepoKind.DATASET])
    assert next(s.low for s in verdict.scores if s.metric == "dataset_quality") > 0.7
