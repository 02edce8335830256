"""The three that are shown beside the gate's eight: reproducibility, reviewedness, tree_score."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.metrics.making import AWAY, config, evidence_of, history, merged, pulled
from tests.metrics.models import LLAMA_PARENT, MODELS, bare_lora
from weighbridge.domain.evidence import Evidence
from weighbridge.domain.policy import Policy
from weighbridge.domain.repo import Commit, DiscussionHead
from weighbridge.domain.score import Score
from weighbridge.metrics import REPORTED

WHOLE = """
from transformers import AutoModel, AutoTokenizer

name = "yard/scales"
model = AutoModel.from_pretrained(name)
for text in ["a truck"]:
    print(model(**AutoTokenizer.from_pretrained(name)(text)))
"""


def shown(code: str, language: str = "python", **more: str) -> Evidence:
    texts = {
        "README.md": f"# Scales\n\n```{language}\n{code}\n```\n",
        "config.json": config(model_type="bert", architectures=["BertModel"]),
        **more,
    }
    return evidence_of("yard/scales", sizes={"model.safetensors": 9, "tokenizer.json": 9}, texts=texts)


def reported(name: str, evidence: Evidence) -> Score:
    score = REPORTED[name](evidence, Policy())
    assert score is not None
    return score


def test_an_example_that_reading_finds_nothing_against_is_reproducible() -> None:
    score = reported("reproducibility", shown(WHOLE))
    assert (score.low, score.parts) == (1.0, {"executed": 0.0})


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (WHOLE.replace("yard/scales", "yard/other"), "not by this repository's name"),
        (WHOLE + "print(undefined)", "'undefined'"),
        (WHOLE + "import homemade", "homemade"),
        (WHOLE + 'open("path/to/audio")', "placeholder"),
        (WHOLE + 'token = "<your token>"', "placeholder"),
        (WHOLE.replace("(name)\nfor", "(name, trust_remote_code=True)\nfor"), "runs code"),
        (WHOLE + "print(", "does not parse"),
    ],
)
def test_what_speaks_against_an_example_halves_it(code: str, why: str) -> None:
    score = reported("reproducibility", shown(code))
    assert score.low == 0.5
    assert why in score.signals[0].reason


@pytest.mark.parametrize(
    "code",
    [
        WHOLE + 'print("Hello <mask>, loading ...")',
        WHOLE.replace("(name)\nfor", "(name, trust_remote_code=False)\nfor"),
        WHOLE + "match 3:\n    case other:\n        print(other)",
        WHOLE + "print([w for w in name], (lambda z: z)(1))",
    ],
)
def test_what_does_not_speak_against_one(code: str) -> None:
    assert reported("reproducibility", shown(code)).low == 1.0


def test_a_package_that_the_requirements_name_may_be_imported() -> None:
    required = shown(WHOLE + "import homemade", **{"requirements.txt": "homemade>=1\n"})
    assert reported("reproducibility", required).low == 1.0


def test_an_example_without_complete_files_and_one_in_a_shell_cannot_be_told_to_run() -> None:
    texts = {"README.md": f"# S\n\n```python\n{WHOLE}\n```\n"}
    assert reported("reproducibility", evidence_of("yard/scales", texts=texts)).low == 0.5
    assert reported("reproducibility", shown("vllm serve yard/scales", "shell")).low == 0.5


def test_no_example_is_not_reproducible_and_an_unread_card_is_not_known_to_be() -> None:
    assert reported("reproducibility", bare_lora()).low == 0.0
    away = reported("reproducibility", replace(shown(WHOLE), sources={"texts": AWAY}))
    assert (away.low, away.high) == (0.0, 1.0)


def made(commits: tuple[Commit, ...], discussions: tuple[DiscussionHead, ...] = ()) -> Evidence:
    return evidence_of("yard/scales", texts={"README.md": "# S"}, commits=commits, discussions=discussions)


def test_a_proposal_of_somebody_who_cannot_merge_was_seen_by_another() -> None:
    evidence = made((pulled("eve", 1), *history(ann=4)), merged("eve"))
    assert reported("reviewedness", evidence).low == pytest.approx(1 / 4)


@pytest.mark.parametrize(
    ("commits", "discussions"),
    [
        ((pulled("ann", 1), *history(ann=4)), merged("ann")),
        ((pulled("yard", 1), *history(ann=4)), merged("yard")),
        ((pulled("eve", 1), *history(ann=4)), ()),
        ((pulled("eve", 1), *history(ann=4)), tuple(replace(d, status="closed") for d in merged("eve"))),
        ((pulled("eve", 1), *history(ann=4)), merged("helper-bot")),
    ],
)
def test_what_proves_no_review(commits: tuple[Commit, ...], discussions: tuple[DiscussionHead, ...]) -> None:
    assert reported("reviewedness", made(commits, discussions)).low == 0.0


def test_a_second_person_on_the_commit_is_a_review_unless_it_is_a_bot() -> None:
    two = made((pulled("ann", 1, "ben"), *history(ann=4)), merged("ann"))
    assert reported("reviewedness", two).low == pytest.approx(1 / 4)
    robot = made((pulled("ann", 1, "review-bot"), *history(ann=4)), merged("ann"))
    assert reported("reviewedness", robot).low == 0.0


def test_a_single_commit_says_nothing_and_an_unread_history_may_say_anything() -> None:
    assert REPORTED["reviewedness"](made(history(ann=1)), Policy()) is None
    away = reported("reviewedness", replace(made(history(ann=3)), sources={"commits": AWAY}))
    assert (away.low, away.high) == (0.0, 1.0)


def test_the_tree_is_the_mean_of_the_base_models_that_are_known_here() -> None:
    one, two = replace(LLAMA_PARENT, net_score=0.9), replace(LLAMA_PARENT, id="yard/b", net_score=0.6)
    score = reported("tree_score", replace(bare_lora(), parents=(one, two, LLAMA_PARENT)))
    assert score.low == 0.75
    assert score.parts == {"parents_known": 2.0, "parents_missing": 1.0}
    assert {proof.excerpt for proof in score.signals[0].proofs} == {"0.9000", "0.6000"}


def test_the_weakest_of_the_whole_line_is_told_beside_the_mean() -> None:
    near = replace(LLAMA_PARENT, net_score=0.8)
    far = (replace(LLAMA_PARENT, id="a/far", net_score=0.3), replace(LLAMA_PARENT, id="a/unknown"))
    score = reported("tree_score", replace(bare_lora(), parents=(near,), ancestors=far))
    assert (score.low, score.parts["weakest_ancestor"]) == (0.8, 0.3)
    assert "weakest_ancestor" not in reported("tree_score", replace(bare_lora(), parents=(near,))).parts


def test_a_tree_that_nobody_knows_has_no_score() -> None:
    assert REPORTED["tree_score"](bare_lora(), Policy()) is None


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_reported_three_hold_nothing_up(name: str) -> None:
    scores = [metric(MODELS[name](), Policy()) for metric in REPORTED.values()]
    assert [score.metric for score in scores if score] == [
        name for (name, _), score in zip(REPORTED.items(), scores, strict=True) if score
    ]
