"""Which stated results count, on which rung, and which do not."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from tests.metrics.making import AWAY, READ, evidence_of
from tests.metrics.models import LLAMA_PARENT
from weighbridge.domain.card import card_of
from weighbridge.domain.evidence import Evidence, Likeness, OperatorNote, Resemblance
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Score
from weighbridge.metrics import METRICS
from weighbridge.metrics._claims import bounds, number_of
from weighbridge.metrics._prose_claims import MAX_CLAIMS, prose_claims

ENTRY: JsonObject = {"dataset": {"id": "yard/trucks", "task_id": "default"}, "value": 91.2}
SOURCED: JsonObject = {**ENTRY, "source": {"url": "https://example.org/log"}}
ATTESTED: JsonObject = {**SOURCED, "verifyToken": "eyJ.made.up"}


def judged(evidence: Evidence) -> Score:
    return METRICS["performance_claims"](evidence, Policy())


def best(score: Score) -> float | None:
    return score.signals[0].value


def card(body: str, front: str = "language: en") -> Evidence:
    return evidence_of("yard/scales", texts={"README.md": f"---\n{front}\n---\n# Scales\n{body}"})


def from_hub(*items: JsonObject, **more: object) -> Evidence:
    return evidence_of("yard/scales", texts={"README.md": "# S"}, info={"evalResults": list(items)}, **more)  # type: ignore[arg-type]


def index(*metrics: str, split: str = "test", source: str = "") -> str:
    lines = [f"    - {{type: {m.split('=')[0]}, value: {m.split('=')[1]}}}" for m in metrics]
    where = f"    source: {{url: {source}}}\n" if source else ""
    return (
        "model-index:\n- name: x\n  results:\n  - task: {type: text-classification}\n"
        f"    dataset: {{type: trucks, split: {split}}}\n{where}    metrics:\n" + "\n".join(lines)
    )


@pytest.mark.parametrize(
    ("item", "rung"),
    [
        (ENTRY, 0.7),
        (SOURCED, 0.8),
        (ATTESTED, 0.9),
        ({"filename": ".eval_results/x.yaml", "data": SOURCED}, 0.8),
        ({**SOURCED, "pullRequest": 4}, 0.7),
        ({**ATTESTED, "badge": "community"}, 0.8),
        ({**ENTRY, "value": "n/a"}, 0.0),
        ({"filename": ".eval_results/x.yaml", "error": "not YAML"}, 0.0),
        ({"dataset": None, "value": 3.0}, 0.35),
    ],
)
def test_rungs_of_results_in_the_hubs_record(item: JsonObject, rung: float) -> None:
    assert best(judged(from_hub(item))) == rung


def test_result_files_of_the_repository_count_like_the_hubs() -> None:
    path = ".eval_results/trucks.yaml"
    text = "- dataset:\n    id: yard/trucks\n    task_id: default\n  value: 91.2\n"
    evidence = evidence_of(
        "yard/scales",
        texts={path: text, "README.md": "# S"},
        eval_results={path: {"results": [ENTRY]}},
        info={"evalResults": [SOURCED]},
    )
    score = judged(evidence)
    assert best(score) == 0.8
    assert "1 different" in score.signals[1].reason


@pytest.mark.parametrize(
    ("front", "rung"),
    [
        (index("accuracy=0.91"), 0.7),
        (index("accuracy=0.91", source="https://example.org"), 0.8),
        (index("accuracy=0.91", split="train"), 0.0),
        (index("accuracy=291"), 0.0),
        (index("wer=141.2"), 0.7),
        (index("accuracy=soon"), 0.0),
        ("model-index: [{name: x, results: []}]", 0.0),
        ("model-index: null", 0.0),
    ],
)
def test_rungs_of_a_model_index(front: str, rung: float) -> None:
    assert best(judged(card("", front))) == rung


def test_the_line_of_a_structured_result_is_quoted() -> None:
    proof = judged(card("", index("accuracy=0.91"))).signals[0].proofs[0]
    assert proof.excerpt == "- {type: accuracy, value: 0.91}"


@pytest.mark.parametrize(
    ("body", "rung"),
    [
        ("It reaches an accuracy of 91.3 on the dev set.", 0.35),
        ("It reaches 91.3% accuracy.", 0.35),
        ("- Wer: 7.0535", 0.35),
        ("- F1 score: 0.91", 0.35),
        ("> It reaches an accuracy of 91.3.", 0.0),
        ("We saw a training accuracy of 99.9.", 0.0),
        ("It uses a precision of 16 bits and mixed precision training.", 0.0),
        ("It has an accuracy of 913.", 0.0),
        ("It is the best model.", 0.15),
        ("It has 7 layers and was trained for 3 epochs.", 0.0),
        ("## Results\nFor full results see the [paper](https://arxiv.org/abs/2210.11416), Table 3.", 0.55),
        ("## Training\nSee the paper for the learning rate.", 0.0),
        ("See the [paper](https://arxiv.org/abs/2210.11416) for the architecture.", 0.0),
        ("## Results\n<!-- Accuracy: 99.0 -->", 0.0),
        ("```\naccuracy: 99.0\n```", 0.0),
    ],
)
def test_rungs_of_what_is_written_for_people(body: str, rung: float) -> None:
    assert best(judged(card(body))) == rung


@pytest.mark.parametrize(
    ("table", "count"),
    [
        ("| Task | MNLI | SST-2 |\n|---|---|---|\n| | 84.6/83.4 | 93.5 |", 2),
        ("| Dataset | LAMBADA | PTB |\n|---|---|---|\n| (metric) | (PPL) | (ACC) |\n| | 35.1 | 1,17 |", 2),
        ("| Model | Accuracy | F1 |\n|---|---|---|\n| other | 0.1 | 0.2 |\n| scales | 0.9 | 0.8 |", 2),
        ("| Benchmark | other | scales |\n|---|---|---|\n| MMLU | 10.0 | 45.3 |\n| ARC-C | 1 | 62.1 |", 2),
        ("| Dataset | Split | Metric | Value |\n|---|---|---|---|\n| Yard | test | accuracy | 0.91 |", 1),
        ("| Dataset | Accuracy |\n|---|---|\n| cats | 91 |\n| dogs | 92 |", 2),
        ("| Epoch | Step | Accuracy |\n|---|---|---|\n| 1 | 500 | 0.9 |", 0),
        ("| Training Loss | Epoch | Wer |\n|---|---|---|\n| 0.1 | 1 | 7.1 |", 0),
        ("| Model | Params | Layers |\n|---|---|---|\n| scales | 7B | 32 |", 0),
        ("| Colour | Taste |\n|---|---|\n| 3 | 4 |", 0),
    ],
)
def test_tables_of_evaluation_sections(table: str, count: int) -> None:
    score = judged(card(f"\n## Evaluation\n\n{table}\n"))
    assert best(score) == (0.6 if count else 0.0)
    assert score.signals[1].reason.startswith(f"{count} different")


def test_the_row_of_this_model_is_quoted() -> None:
    table = "| Model | Accuracy |\n|---|---|\n| other | 0.1 |\n| scales | 0.9 |"
    assert judged(card(f"\n## Results\n\n{table}")).signals[0].proofs[0].excerpt == "| scales | 0.9 |"


def test_a_table_outside_an_evaluation_section_is_no_result() -> None:
    table = "| Dataset | Accuracy |\n|---|---|\n| cats | 91 |"
    assert best(judged(card(f"\n## Limitations\n\n{table}"))) == 0.0


def test_repeating_a_table_adds_no_breadth() -> None:
    table = "\n| Dataset | Accuracy |\n|---|---|\n| cats | 91 |\n"
    once, thrice = judged(card(f"\n## Results\n{table}")), judged(card(f"\n## Results\n{table * 3}"))
    assert once.low == thrice.low


def test_breadth_and_setup_follow_the_formula() -> None:
    score = judged(card("", index("accuracy=0.91", "f1=0.9", "auc=0.99")))
    assert score.signals[1].value == pytest.approx(1 - 2**-1.5, abs=1e-6)
    assert score.signals[2].value == 0.75


def test_a_paper_corroborates_only_results() -> None:
    link = "Read https://arxiv.org/abs/1810.04805."
    assert judged(card(link)).signals[3].value == 0.0
    assert judged(card(f"It reaches an accuracy of 91.3. {link}")).signals[3].value == 1.0


def test_many_impossible_claims_cap_the_score() -> None:
    lies = index("accuracy=291", "f1=300", "auc=150", "precision=0.9", source="https://example.org")
    score = judged(card("", lies))
    assert score.low == 0.4
    assert "3 claims cannot count, against 1" in score.caps[0].reason


def test_repetition_is_no_lie() -> None:
    front = index("accuracy=0.91", "accuracy=0.91", "accuracy=0.91", source="https://example.org")
    assert not judged(card("", front)).caps


def test_numbers_of_the_base_model_are_inherited() -> None:
    parent = LLAMA_PARENT.__class__(
        id="yard/base",
        relation="finetune",
        declared_in="README.md:base_model",
        source=READ,
        info={"evalResults": [SOURCED]},
    )
    assert best(judged(from_hub(SOURCED, parents=(parent,)))) == 0.55
    assert best(judged(from_hub({**SOURCED, "value": 92.0}, parents=(parent,)))) == 0.8


def test_where_the_base_model_cannot_be_read_the_numbers_may_be_its_own() -> None:
    parent = LLAMA_PARENT.__class__(id="yard/base", relation="", declared_in="info:tags", source=AWAY)
    score = judged(from_hub(SOURCED, parents=(parent,)))
    assert (score.signals[0].least, score.signals[0].most) == (0.55, 0.8)
    assert score.low < score.high


def test_a_hub_that_is_down_may_hold_more_results() -> None:
    evidence = evidence_of(
        "yard/scales", texts={"README.md": "It has 91.3% accuracy."}, sources={"info": AWAY}
    )
    score = judged(evidence)
    assert score.low > 0.2
    assert score.high == 1.0


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("84.6/83.4", 84.6),
        ("1,17", 1.17),
        ("1,170,060,424", 1170060424.0),
        ("91.3 %", 91.3),
        ("0.91 ± 0.02", 0.91),
        ("45.3*", 45.3),
        ("-0.2", -0.2),
        ("7B", None),
        ("5-shot", None),
        ("", None),
        (True, None),
        (10**400, None),
        (float("nan"), None),
    ],
)
def test_numbers(cell: object, number: float | None) -> None:
    assert number_of(cell) == number  # type: ignore[arg-type]


def test_bounds_of_metrics() -> None:
    assert bounds("Accuracy") == (0.0, 100.0)
    assert bounds("wer")[1] == float("inf")
    assert bounds("spearman_cosine") == (-100.0, 100.0)
    assert bounds("our own measure") == (float("-inf"), float("inf"))


BASE = LLAMA_PARENT.__class__(
    id="yard/base",
    relation="finetune",
    declared_in="README.md:base_model",
    source=READ,
    info={},
    card="# Base\n\n## Results\n\n| Model | MMLU | Accuracy |\n|---|---|---|\n| other | 1.0 | 2.0 |\n"
    "| base | 45.3 | 91.2 |\n\nIt reaches an F1 of 88.5 on the test set.\n",
)


@pytest.mark.parametrize(
    ("metric", "value", "rung"),
    [("accuracy", 91.2, 0.55), ("f1", 88.5, 0.55), ("accuracy", 91.3, 0.7), ("f1", 91.2, 0.7)],
)
def test_numbers_of_the_base_models_card_are_inherited(metric: str, value: float, rung: float) -> None:
    front = index(f"{metric}={value}")
    texts = {"README.md": f"---\n{front}\n---\n# Scales\n"}
    assert best(judged(evidence_of("yard/scales", texts=texts, parents=(BASE,)))) == rung


def test_a_copied_table_is_inherited_and_one_of_its_own_is_not() -> None:
    table = "| Model | MMLU | Accuracy |\n|---|---|---|\n| base | 45.3 | 91.2 |\n"
    texts = {"README.md": f"# Scales\n\n## Results\n\n{table}"}
    assert best(judged(evidence_of("yard/scales", texts=texts, parents=(BASE,)))) == 0.55
    own = {"README.md": texts["README.md"].replace("45.3", "46.1")}
    assert best(judged(evidence_of("yard/scales", texts=own, parents=(BASE,)))) == 0.6


def noted(*entries: JsonObject, metric: str = "performance_claims", **more: object) -> Evidence:
    note = OperatorNote(metric=metric, by="ops", at="2026-11-20T08:00:00Z", entries=entries)
    return evidence_of("yard/scales", texts={"README.md": "# S"}, notes=(note,), **more)  # type: ignore[arg-type]


def test_what_an_operator_attached_counts_like_a_result_with_its_source() -> None:
    score = judged(noted(ENTRY))
    assert best(score) == 0.8
    assert score.low >= 0.5
    proof = score.signals[0].proofs[0]
    assert (proof.source, proof.locator) == ("operator", "ops, 2026-11-20T08:00:00Z")
    assert '"value":91.2' in proof.excerpt


@pytest.mark.parametrize(
    ("entry", "rung"),
    [
        ({**ENTRY, "verifyToken": "eyJ.made.up"}, 0.8),
        ({**ENTRY, "value": "very good"}, 0.0),
        ({"dataset": {"id": "yard/trucks"}, "metric": "accuracy", "value": 3.0}, 0.35),
        ({**ENTRY, "dataset": {"id": "yard/trucks", "task_id": "d", "split": "train"}}, 0.0),
    ],
)
def test_an_operators_word_makes_no_incomplete_result_whole(entry: JsonObject, rung: float) -> None:
    assert best(judged(noted(entry))) == rung


def test_a_note_for_another_metric_is_not_read_here() -> None:
    assert best(judged(noted(ENTRY, metric="dataset_quality"))) == 0.0


def test_what_an_operator_measured_is_not_inherited_even_where_the_numbers_agree() -> None:
    parent = BASE.__class__(
        id="yard/base", relation="", declared_in="info:tags", source=READ, info={"evalResults": [ENTRY]}
    )
    assert best(judged(noted(ENTRY, parents=(parent,)))) == 0.8
    away = judged(noted(ENTRY, parents=(replace(parent, source=AWAY, info=None),)))
    assert away.is_exact


def stolen(token: str) -> Resemblance:
    digest = hashlib.sha256(token.encode()).hexdigest()[:16]
    return Resemblance(likeness=Likeness.SAME_TOKEN, repo="other/original", subject=digest)


def test_a_token_of_another_repository_counts_for_nothing() -> None:
    token = str(ATTESTED["verifyToken"])
    assert best(judged(from_hub(ATTESTED, resemblances=(stolen(token),)))) == 0.8
    bare = {**ENTRY, "verifyToken": token}
    borrowed = judged(from_hub(bare, resemblances=(stolen(token),)))
    assert best(borrowed) == 0.7
    assert borrowed.signals[3].value == 0.0
    assert "tokens of other/original are not counted" in borrowed.signals[0].reason
    assert best(judged(from_hub(bare, resemblances=(stolen("another"),)))) == 0.9


def test_a_result_of_an_open_pull_request_keeps_its_rung_below_without_its_token() -> None:
    item = {**ATTESTED, "pullRequest": 4}
    assert best(judged(from_hub(item, resemblances=(stolen(str(ATTESTED["verifyToken"])),)))) == 0.7


def test_results_at_length_that_could_not_be_read_may_hold_more() -> None:
    score = judged(evidence_of("yard/scales", texts={"README.md": "# S"}, sources={"details": AWAY}))
    assert (score.low, score.high) == (0.0, 1.0)


def test_copied_weights_cap_what_is_claimed_for_them() -> None:
    copied = Resemblance(likeness=Likeness.SAME_WEIGHTS, repo="other/original", subject="model.safetensors")
    assert judged(from_hub(ATTESTED, resemblances=(copied,))).high == 0.45


@pytest.mark.parametrize(
    "said", ["F1: 90\n", "F1: 90 ", "91.5 accuracy. ", "accuracy of 91.5% on the GLUE test set "]
)
def test_what_is_said_a_thousand_times_is_read_some_hundred_times(said: str) -> None:
    paragraph = said * (9000 // len(said))
    card = card_of(evidence_of("acme/m", texts={"README.md": f"{paragraph}\n\n" * 100}))
    assert sum(1 for _ in prose_claims(card)) == MAX_CLAIMS
