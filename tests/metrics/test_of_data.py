"""Data sets that are weighed themselves: what is asked of them, and that every answer has a witness."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.made_data import BODY, FRONT, NAME
from tests.metrics.making import AWAY, evidence_of, history
from weighbridge.domain.evidence import DataSet, Evidence, Source, SourceState
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import RepoKind
from weighbridge.domain.score import Score, Signal
from weighbridge.domain.waiver import GATE_OF, REPORTED_OF
from weighbridge.metrics import METRICS_OF
from weighbridge.metrics import REPORTED_OF as REPORTS
from weighbridge.metrics._data_sets import graded

CARD = f"---\n{FRONT}---\n{BODY}"
PATHS = ("data/train-00000.jsonl", "data/test.jsonl")
OURS = METRICS_OF[RepoKind.DATASET]


def data(card: str = CARD, *paths: str, **more: object) -> Evidence:
    sizes = dict.fromkeys(paths or PATHS, 1000)
    info = {"tags": ["license:cc-by-4.0", "task_categories:tabular-regression"], "disabled": False}
    return evidence_of(
        NAME,
        kind=RepoKind.DATASET,
        texts={"README.md": card},
        sizes=sizes,
        info=info,
        **more,  # type: ignore[arg-type]
    )


def score(metric: str, evidence: Evidence) -> Score:
    return OURS[metric](evidence, Policy())


def signal(metric: str, id: str, evidence: Evidence) -> Signal:
    return next(s for s in score(metric, evidence).signals if s.id == id)


def test_the_tables_name_the_same_metrics() -> None:
    for kind in (RepoKind.MODEL, RepoKind.DATASET):
        assert set(METRICS_OF[kind]) == set(GATE_OF[kind])
        assert set(REPORTS[kind]) == set(REPORTED_OF[kind])


def test_a_data_set_is_as_good_as_a_model_that_names_it_is_told() -> None:
    evidence = data()
    named = DataSet(
        id=NAME, declared_in="", source=Source(state=SourceState.READ), card=CARD,
        info={**evidence.info, "cardData": evidence.front_matter}, files=tuple(evidence.manifest.by_path),
    )  # fmt: skip
    assert score("dataset_quality", evidence).low == pytest.approx(graded(named, Policy()).grade, abs=1e-4)


@pytest.mark.parametrize(
    ("metric", "id", "evidence", "value"),
    [
        ("ramp_up_time", "loads_as_is", data(), 1.0),
        ("ramp_up_time", "loads_as_is", data(CARD, "rows.sqlite"), 0.0),
        ("ramp_up_time", "loads_as_is", data(CARD, "data/train-00000.jsonl"), 0.4),
        ("ramp_up_time", "quickstart", data(), 1.0),
        ("ramp_up_time", "quickstart", data(f"---\n{FRONT}---\n# Rows\n"), 0.6),
        ("ramp_up_time", "quickstart", data("# Rows\n", "rows.csv", "rows.py"), 0.0),
        ("ramp_up_time", "io_contract", data(), 1.0),
        ("ramp_up_time", "io_contract", data("---\ntask_categories: [other]\n---\n"), 0.4),
        ("ramp_up_time", "no_custom_code", data(CARD, "rows.csv", "rows.py"), 0.2),
        ("bus_factor", "implementation_independent", data(), 1.0),
        ("bus_factor", "implementation_independent", data(CARD, "rows.csv", "rows.py"), 0.1),
        ("bus_factor", "implementation_independent", data(CARD, "rows.sqlite"), 0.0),
        ("dataset_quality", "no_loading_script", data(CARD, "rows.csv", "rows.py"), 0.0),
        ("dataset_quality", "datasheet", data("# Rows\n"), 0.0),
    ],
)
def test_each_question_has_its_answer(metric: str, id: str, evidence: Evidence, value: float) -> None:
    assert signal(metric, id, evidence).value == value


def test_what_could_not_be_read_leaves_an_interval_around_the_known_score() -> None:
    away = data(sources={"texts": AWAY, "info": AWAY, "commits": AWAY, "owner": AWAY, "discussions": AWAY})
    for metric in OURS:
        known, unknown = score(metric, data(commits=history(ann=3, bob=2))), score(metric, away)
        assert unknown.low <= known.low <= unknown.high, metric


def test_every_point_has_a_witness_and_every_shortfall_a_remedy() -> None:
    for evidence in (data(), data("", "rows.sqlite"), data(CARD, "rows.csv", "rows.py")):
        for metric in OURS:
            for each in score(metric, evidence).signals:
                assert each.proofs or not each.value, (metric, each.id)
                assert each.how_to_improve or each.value == 1.0, (metric, each.id)
                for proof in each.proofs:
                    if proof.source == "file":
                        assert proof.excerpt in evidence.texts[proof.path].content


@given(
    card=st.text(max_size=300),
    names=st.lists(st.sampled_from(["a.csv", "b.py", "c.bin", "d.tar.gz"]), max_size=4),
)
def test_any_card_over_any_files_has_scores_within_bounds(card: str, names: list[str]) -> None:
    evidence = data(f"---\nconfigs: {card[:40]!r}\n---\n{card}", *names)
    for metric in OURS:
        found = score(metric, evidence)
        assert 0.0 <= found.low <= found.high <= 1.0


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ('import polars as pl\nrows = pl.read_parquet("hf://datasets/acme/weighings/data/*.parquet")', 1.0),
        ('from datasets import load_dataset\nrows = load_dataset("acme/weighings")', 1.0),
        ('import scales\nrows = scales.load_dataset("acme/weighings")', 0.5),
        ('rows = open("rows.csv").read()', 0.5),
    ],
)
def test_an_example_of_reading_them_runs_as_it_stands(code: str, value: float) -> None:
    report = REPORTS[RepoKind.DATASET]["reproducibility"]
    found = report(data(f"---\n{FRONT}---\n# Rows\n\n```python\n{code}\n```\n"), Policy())
    assert found is not None
    assert found.low == value


@pytest.mark.parametrize(
    "configs",
    [
        "[{data_files: 5}]",
        "{a: b}",
        "[[1]]",
        "[{data_files: [{path: [1, x.csv]}]}]",
        "[{data_files: {train: []}}]",
    ],
)
def test_odd_configs_are_no_fault_of_ours(configs: str) -> None:
    assert score("ramp_up_time", data(f"---\nconfigs: {configs}\n---\n# Rows\n")).low >= 0.0
