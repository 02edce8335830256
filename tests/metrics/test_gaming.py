"""What somebody could try in order to pass, and how far it gets. What gets through is said so."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.metrics.making import evidence_of, history, merged, organization, template_card, user
from tests.metrics.models import bare_lora, bert, gguf, laundered, sst2
from weighbridge.domain.evidence import Evidence, Likeness, Resemblance, evidence_from_json
from weighbridge.domain.policy import Policy
from weighbridge.metrics import METRICS

Make = Callable[[], Evidence]
ORIGINAL = "yard/weighed-sst-2-english"
SAME_FILES = Resemblance(likeness=Likeness.SAME_WEIGHTS, repo=ORIGINAL, subject="model.safetensors")
SAME_CARD = Resemblance(likeness=Likeness.SAME_CARD, repo=ORIGINAL, subject="README.md", degree=0.97)


def failing(evidence: Evidence) -> set[str]:
    return {name for name, metric in METRICS.items() if metric(evidence, Policy()).high < 0.5}


def low(metric: str, evidence: Evidence) -> float:
    return METRICS[metric](evidence, Policy()).low


def clone(*, is_rewritten: bool = False) -> Evidence:
    """The same files and card under the name of a user who uploaded them in one go."""
    text = json.dumps(sst2().to_json())
    text = text.replace(ORIGINAL, "somebody/sst-2") if is_rewritten else text
    copied = evidence_from_json(json.loads(text))
    named = evidence_of("somebody/sst-2").manifest.repo
    return replace(
        copied,
        manifest=replace(copied.manifest, repo=named),
        info={**copied.info, "id": "somebody/sst-2", "childrenModelCount": {}},
        commits=history(somebody=3),
        discussions=(),
        owner=user("somebody"),
    )


@pytest.mark.parametrize("is_rewritten", [False, True])
def test_a_clone_of_one_user_fails_by_its_bus_factor(is_rewritten: bool) -> None:
    evidence = clone(is_rewritten=is_rewritten)
    assert failing(evidence) == {"bus_factor"}
    assert low("bus_factor", evidence) == pytest.approx(0.41, abs=0.05)


def with_puppets() -> Evidence:
    return replace(clone(is_rewritten=True), commits=history(somebody=3, ben=3, cleo=3))


def with_a_village() -> Evidence:
    return replace(
        with_puppets(),
        discussions=merged("p1", "p2", "p3"),
        owner=organization("somebody", 5, is_verified=True),
        info={**with_puppets().info, "childrenModelCount": {"finetune": 99}},
    )


def test_sock_puppets_pass_by_history_alone() -> None:
    """Nothing in a history tells puppets from people; this is why copies are looked for elsewhere."""
    assert failing(with_puppets()) == set()
    assert low("bus_factor", with_puppets()) == pytest.approx(0.65, abs=0.05)
    assert failing(with_a_village()) == set()
    assert low("bus_factor", with_a_village()) == pytest.approx(0.95, abs=0.06)


@pytest.mark.parametrize("found", [SAME_FILES, SAME_CARD])
@pytest.mark.parametrize("make", [clone, with_puppets, with_a_village])
def test_a_copy_fails_by_what_the_registry_knows_of_the_original(make: Make, found: Resemblance) -> None:
    rewritten = json.loads(json.dumps(make().to_json()).replace(ORIGINAL, "somebody/sst-2"))
    caught = replace(evidence_from_json(rewritten), resemblances=(found,))
    capped = {"bus_factor", "performance_claims", "dataset_and_code_score", "dataset_quality"}
    assert capped <= failing(caught)
    assert all(METRICS[metric](caught, Policy()).high <= 0.45 for metric in capped)


STUFFED = """---
license: apache-2.0
datasets:
- nobody/has-this
---
# Best model

State-of-the-art accuracy wikipedia tokens training data evaluation results benchmark MMLU SQuAD F1 BLEU.

## Training data

wikipedia bookcorpus common crawl tokens filtered labels bias

## Evaluation results

accuracy F1 BLEU MMLU GLUE SQuAD state-of-the-art outperforms

## Training procedure

learning rate batch size epochs optimizer GPU
"""


def test_stuffing_a_card_with_keywords_does_not_pass() -> None:
    evidence = evidence_of(
        "somebody/super-model",
        sizes={"pytorch_model.pkl": 12_345_678},
        texts={"README.md": STUFFED},
        commits=history(somebody=1),
        owner=user("somebody"),
    )
    assert failing(evidence) == set(METRICS) - {"license", "size_score"}


@pytest.mark.parametrize("make", [bare_lora, bert, gguf])
def test_a_template_card_is_worth_no_more_than_none(make: Make) -> None:
    evidence = make()
    name, info = evidence.repo.full_name, evidence.info
    texts = {path: text.content for path, text in evidence.texts.items()}
    sizes = {entry.path: entry.size_bytes for entry in evidence.files if entry.path not in texts}
    blank = evidence_of(name, sizes=sizes, texts={**texts, "README.md": ""}, info=info)
    filled = evidence_of(name, sizes=sizes, texts={**texts, "README.md": template_card()}, info=info)
    for metric in METRICS:
        assert low(metric, filled) == low(metric, blank), metric


def test_a_free_licence_over_a_restricted_base_fails_twice() -> None:
    assert failing(laundered()) == {"license", "bus_factor"}
    assert low("license", laundered()) == 0.45
    assert low("bus_factor", laundered()) == pytest.approx(0.35, abs=0.05)


def test_buying_downloads_and_likes_changes_nothing() -> None:
    bought = {"downloads": 10**9, "likes": 10**6, "trendingScore": 99, "downloadsAllTime": 10**10}
    evidence = replace(clone(), info={**clone().info, **bought})
    assert all(low(metric, evidence) == low(metric, clone()) for metric in METRICS)


def test_a_famous_name_changes_nothing() -> None:
    text = json.dumps(clone(is_rewritten=True).to_json()).replace("somebody", "google")
    famous = evidence_from_json(json.loads(text))
    assert all(low(metric, famous) == low(metric, clone(is_rewritten=True)) for metric in METRICS)


# what a reader does not see, and what says nothing

HIDDEN = [
    "<!-- {said} -->",
    "[//]: # ({said})",
    '[note]: <> "{said}"',
    '[note]: https://example.com "{said}"',
]
SAID = (
    "We collected 3 million sentences from the weighing logs of twelve yards, removed duplicates, "
    "and annotators labelled every truck; the data are biased towards heavy vehicles."
)


@pytest.mark.parametrize("way", HIDDEN)
def test_what_no_reader_sees_earns_nothing(way: str) -> None:
    def model(said: str) -> Evidence:
        text = f"---\nlicense: mit\n---\n# Scales\n\n## Training data\n\n{said}\n"
        return evidence_of("yard/scales", sizes={"model.safetensors": 9}, texts={"README.md": text})

    assert low("dataset_quality", model(SAID)) > low("dataset_quality", model(""))
    for metric in METRICS:
        assert low(metric, model(way.format(said=SAID))) == low(metric, model("")), metric


@pytest.mark.parametrize("mark", ["\u200b", "\u00ad", "\u2060", "\ufe0f", "\U000e0061"])
def test_repetition_with_invisible_characters_earns_nothing(mark: str) -> None:
    words = SAID.split(" ")
    said = [" ".join(w[:1] + mark + w[1:] if n == at else w for n, w in enumerate(words)) for at in range(15)]

    def model(*paragraphs: str) -> Evidence:
        text = "# Scales\n\n## Usage\n\n" + "\n\n".join(paragraphs)
        return evidence_of("yard/scales", sizes={"model.safetensors": 9}, texts={"README.md": text})

    assert low("ramp_up_time", model(*said)) == low("ramp_up_time", model(SAID))


def capped(card: str) -> bool:
    evidence = replace(
        evidence_of("somebody/sst-2", sizes={"model.safetensors": 9}, texts={"README.md": card}),
        resemblances=(SAME_CARD,),
    )
    return any("does not say so" in cap.reason for cap in METRICS["bus_factor"](evidence, Policy()).caps)


def test_a_card_copied_word_for_word_names_the_original_only_in_its_examples() -> None:
    assert capped(f"# Model\n\n```python\nload('{ORIGINAL}')\n```\n")
    assert capped(f"# Model\n\nLoad it by the name `{ORIGINAL}`.\n")
    assert capped(f"# Model\n\n<!-- a copy of {ORIGINAL} -->\n")
    assert capped(f"# Model\n\nOurs alone. <!-- a copy of {ORIGINAL} -->\n")
    assert not capped(f"# Model\n\nA copy of [the original](https://huggingface.co/{ORIGINAL}).\n")
    assert not capped(f"# Model\n\nThis model was fine-tuned from {ORIGINAL}.\n")
