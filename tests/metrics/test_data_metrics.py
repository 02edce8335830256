"""Whether the data behind a model are named, to be had, described, and known to be good."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.metrics.making import ABSENT, AWAY, READ, card, config, data_set, evidence_of
from tests.metrics.models import encyclopedia, gpt2, plain, sst2
from weighbridge.domain.evidence import DataSet, Evidence
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Score, Signal
from weighbridge.metrics import METRICS
from weighbridge.metrics._data_sets import graded

WORDS = " ".join(f"word{n}" for n in range(80))
CODE = '```python\nfrom transformers import AutoModel\nAutoModel.from_pretrained("yard/scales")\n```\n'


def scales(body: str = "", front: str = "language: en", **more: object) -> Evidence:
    texts = {"README.md": f"---\n{front}\n---\n# Scales\n\n{body}"}
    return evidence_of("yard/scales", texts=texts, **more)  # type: ignore[arg-type]


def availability(evidence: Evidence) -> Score:
    return METRICS["dataset_and_code_score"](evidence, Policy())


def quality(evidence: Evidence) -> Score:
    return METRICS["dataset_quality"](evidence, Policy())


def signal(evidence: Evidence, id: str) -> Signal:
    return next(s for s in availability(evidence).signals if s.id == id)


@pytest.mark.parametrize(
    ("body", "front", "value"),
    [
        ("", "datasets: [yard/trucks]", 1.0),
        ("## Training data\n\nIt was trained on the English Wikipedia.", "language: en", 0.7),
        ("## Usage\n\nIt knows the English Wikipedia.", "language: en", 0.0),
        ("## Training data\n\n> Another one was trained on Wikipedia.", "language: en", 0.0),
        (f"## Training data\n\n{WORDS}", "language: en", 0.25),
        ("", "language: en", 0.0),
    ],
)
def test_data_are_identified(body: str, front: str, value: float) -> None:
    assert signal(scales(body, front), "data_identified").value == value


def test_a_tag_identifies_data_too_and_may_be_what_could_not_be_read() -> None:
    assert signal(scales(info={"tags": ["dataset:yard/trucks"]}), "data_identified").value == 1.0
    away = signal(scales(sources={"info": AWAY}), "data_identified")
    assert (away.least, away.most) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("## Training data\n\nSee https://doi.org/10.1000/trucks for it.", 0.6),
        ("## Model description\n\nSee https://doi.org/10.1000/paper for it.", 0.0),
        ("Trained on [trucks](https://huggingface.co/datasets/yard/trucks).", 0.6),
        ("## Evaluation\n\nOn [trucks](https://huggingface.co/datasets/yard/trucks).", 0.0),
        ("<!-- https://zenodo.org/records/1 -->", 0.0),
    ],
)
def test_links_to_data(body: str, value: float) -> None:
    assert signal(scales(body), "data_obtainable").value == value


@pytest.mark.parametrize(("source", "low", "high"), [(READ, 1.0, 1.0), (ABSENT, 0.0, 0.0), (AWAY, 0.0, 1.0)])
def test_a_data_set_can_be_had_if_the_hub_has_it(source: object, low: float, high: float) -> None:
    found = data_set("yard/trucks", source=source)  # type: ignore[arg-type]
    evidence = scales(front="datasets: yard/trucks", data_sets=(found,), sources={"data_sets": found.source})
    seen = signal(evidence, "data_obtainable")
    assert (seen.least, seen.most) == (low, high)


def test_what_stands_beneath_a_training_section_belongs_to_it() -> None:
    body = f"## Training\n\n### Model\n\nThe data: {WORDS}\n\n### Results\n\nOn data: {WORDS}"
    assert signal(scales(body), "data_described").value == 1.0
    assert signal(scales(body.replace("The data", "The model")), "data_described").value == 0.0


def test_hyper_parameters_describe_no_data() -> None:
    blank = "## Training and evaluation data\n\nMore information needed\n\n"
    body = f"{blank}## Training procedure\n\n- seed: {WORDS}"
    assert signal(scales(body), "data_described").value == 0.0


def test_a_table_of_sources_describes_data_and_a_log_does_not() -> None:
    rows = "\n".join(f"| {WORDS} source {n} | {n} |" for n in range(2))
    assert (
        signal(scales(f"## Training data\n\n| Source | Rows |\n|---|---|\n{rows}\n"), "data_described").value
        == 1.0
    )
    log = "\n".join(f"| {n} | 0.{n} | 1{n} |" for n in range(60))
    described = signal(
        scales(f"## Training data\n\n| Step | Loss | x |\n|---|---|---|\n{log}\n"), "data_described"
    )
    assert described.value == 0.0


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (CODE, 1.0),
        (CODE.replace("yard/scales", "somebody/else"), 1.0),
        ("```python\nimport torch\nprint(torch)\n```\n", 0.5),
        ("```python\nimport torch\nprint(\n```\n", 0.2),
        ("", 0.0),
    ],
)
def test_example_code(body: str, value: float) -> None:
    assert signal(scales(body), "example_code").value == value


def test_an_example_that_the_hub_derives_is_worth_a_little() -> None:
    texts = {"config.json": config(model_type="bert", architectures=["BertModel"])}
    files = {"model.safetensors": 9, "tokenizer.json": 9}
    known = {"library_name": "transformers", "pipeline_tag": "fill-mask"}
    assert signal(evidence_of("y/s", sizes=files, texts=texts, info=known), "example_code").value == 0.3
    assert signal(evidence_of("y/s", sizes=files, texts=texts), "example_code").value == 0.0
    away = signal(evidence_of("y/s", sizes=files, texts=texts, sources={"info": AWAY}), "example_code")
    assert (away.least, away.most) == (0.0, 0.3)
    assert away.how_to_improve


@pytest.mark.parametrize(
    ("body", "files", "value"),
    [
        ("Code: https://github.com/yard/scales", [], 1.0),
        ("Code: https://github.com/huggingface/transformers/tree/main/examples", [], 0.3),
        ("<!-- https://github.com/yard/scales -->", [], 0.0),
        ("```shell\ngit clone https://github.com/yard/scales\n```", [], 1.0),
        ("", ["scripts/train_scales.py"], 1.0),
        ("", ["constraints.py"], 0.0),
        ("", [], 0.0),
    ],
)
def test_source_or_training_code(body: str, files: list[str], value: float) -> None:
    evidence = scales(body, sizes=dict.fromkeys(files, 9))
    assert signal(evidence, "source_or_training_code").value == value


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (f"## Training procedure\n\nIt was trained with a learning rate of 1e-4. {WORDS}", 1.0),
        (f"## Hardware\n\nIt was made on 4 GPUs. {WORDS}", 1.0),
        ("## Training procedure\n\n- learning_rate: 1e-4", 0.0),
        (f"## Usage\n\nUse a batch size of 4. {WORDS}", 0.0),
        (f"## Training\n\n{WORDS}", 0.0),
    ],
)
def test_training_procedure(body: str, value: float) -> None:
    assert signal(scales(body), "training_procedure").value == value


# dataset_quality


def grade(found: DataSet) -> float:
    return graded(found, Policy()).grade


def test_a_data_set_is_graded_by_its_record_and_card() -> None:
    assert grade(encyclopedia()) == pytest.approx(0.2 * 0.7 + 0.3 + 0.15 * 0.75 + 0.1 + 0.1 + 0.1 + 0.05)
    assert grade(data_set("yard/empty")) == pytest.approx(0.1 + 0.05)
    assert grade(plain("yard/t", "license:mit")) < 0.5


@pytest.mark.parametrize(
    ("more", "gain"),
    [
        ({"tags": ["license:mit"]}, 0.2),
        ({"tags": ["license:cc-by-nc-4.0"]}, 0.06),
        ({"tags": ["task_categories:x", "language:en", "size_categories:n<1K"]}, 0.1125),
        ({"tags": ["doi:10.1000/x"]}, 0.1),
        ({"card": "# Trucks\n\n| split | rows |\n|---|---|\n| train | 12,345 |\n"}, 0.1),
        ({"files": ("trucks.py",)}, -0.1),
    ],
)
def test_what_raises_and_lowers_the_grade_of_a_data_set(more: dict[str, object], gain: float) -> None:
    better = data_set("yard/t", **more)  # type: ignore[arg-type]
    assert grade(better) - grade(data_set("yard/t")) == pytest.approx(gain)


def test_a_disabled_data_set_is_worth_less() -> None:
    found = data_set("yard/t")
    assert grade(replace(found, info={**(found.info or {}), "disabled": True})) == pytest.approx(0.1)


def test_the_better_half_of_the_data_sets_counts_by_how_many_the_hub_has() -> None:
    best, worse = encyclopedia("yard/a"), plain("yard/b")
    gone = data_set("yard/c", source=ABSENT)
    both = quality(scales(data_sets=(best, worse))).low
    assert both == pytest.approx(0.75 * grade(best), abs=1e-4)
    assert quality(scales(data_sets=(best, gone))).low == pytest.approx(0.75 * grade(best) * 0.8, abs=1e-4)
    assert quality(scales(data_sets=(gone,))).low == 0.0


def test_prose_alone_comes_to_less_than_two_thirds() -> None:
    score = quality(gpt2())
    assert score.low == 0.65
    assert score.signals[1].value == 1.0


def test_data_sets_that_could_not_be_read_leave_what_prose_is_worth_to_the_best() -> None:
    away = replace(gpt2(), sources={**gpt2().sources, "data_sets": AWAY})
    assert (quality(away).low, quality(away).high) == (0.65, 1.0)


def test_a_data_set_that_could_not_be_read_may_be_absent_bad_or_excellent() -> None:
    best, away = encyclopedia("yard/a"), data_set("yard/b", source=AWAY)
    score = quality(scales(data_sets=(best, away), sources={"data_sets": AWAY}))
    assert score.low == pytest.approx(0.75 * grade(best) * 0.8, abs=1e-4)
    assert score.high == 0.75
    outcomes = [data_set("yard/b", source=ABSENT), data_set("yard/b"), encyclopedia("yard/b")]
    for known in outcomes:
        assert score.low <= quality(scales(data_sets=(best, known))).low <= score.high


@pytest.mark.parametrize(
    "facet",
    [
        "The texts were collected from forums of drivers, year after year.",
        "All in all there are 12,000 sentences in the corpus of ours.",
        "The corpus consists of letters and of notes about trucks.",
        "Every text was lowercased, and duplicates were removed from it.",
        "Each sentence was labelled by two people who drive trucks.",
        "There is a bias towards heavy trucks in all of it.",
    ],
)
def test_each_facet_is_seen_in_its_sentence_and_quoted(facet: str) -> None:
    score = quality(scales(f"## Training data\n\n{WORDS}.\n{facet}\nMore follows."))
    assert score.low == pytest.approx(0.65 / 6, abs=2e-4)
    assert [proof.excerpt for proof in score.signals[1].proofs] == [facet]


def test_a_size_needs_a_number_and_a_unit() -> None:
    vague = quality(
        scales(f"## Training data\n\n{WORDS}. There is a great deal of it, more than 9000 or so.")
    )
    assert vague.low == 0.0


def test_catchwords_are_no_sentences() -> None:
    listed = "\n".join(
        f"- {word}" for word in ("wikipedia", "12,000 tokens", "consists", "filtered", "labels", "bias")
    )
    assert quality(scales(f"## Training data\n\n{WORDS}.\n\n{listed}")).low == 0.0


def test_without_the_hub_two_metrics_cannot_be_told_and_the_others_stand() -> None:
    """The case that the design was made for: everything but the repository's own files is away."""
    hub = ("info", "details", "commits", "discussions", "owner", "data_sets")
    known = sst2()
    gone = tuple(replace(d, source=AWAY, info=None, card="", files=()) for d in known.data_sets)
    blind = replace(
        known, info={}, commits=(), discussions=(), owner=None, data_sets=gone,
        sources={**known.sources, **dict.fromkeys(hub, AWAY)},
    )  # fmt: skip
    scores = {name: metric(blind, Policy()) for name, metric in METRICS.items()}
    unsure = {name for name, score in scores.items() if score.low < 0.5 <= score.high}
    assert unsure == {"bus_factor", "dataset_quality"}
    assert scores["bus_factor"].low == pytest.approx(0.30, abs=0.05)
    assert scores["dataset_and_code_score"].low == pytest.approx(0.565, abs=0.05)
    assert scores["dataset_and_code_score"].high == pytest.approx(0.715, abs=0.05)
    for name in ("license", "size_score", "code_quality"):
        assert scores[name].is_exact


def test_a_data_set_that_holds_only_a_card_is_no_data() -> None:
    def model(*files: str) -> Evidence:
        found = data_set("yard/trucks", card=card("data_rich"), tags=("license:mit",), files=files)
        text = "---\ndatasets: [yard/trucks]\n---\n# Scales\n"
        return evidence_of(
            "yard/s", sizes={"a.safetensors": 9}, texts={"README.md": text}, data_sets=(found,)
        )

    empty, filled = model("README.md", ".gitattributes"), model("README.md", "data/train.parquet")
    for metric in ("dataset_and_code_score", "dataset_quality"):
        assert METRICS[metric](empty, Policy()).low < METRICS[metric](filled, Policy()).low
    assert METRICS["dataset_quality"](empty, Policy()).low == 0.0
