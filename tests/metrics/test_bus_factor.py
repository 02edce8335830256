"""Whether a model would survive its publisher: people, owner, independence, licence, community."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.metrics.making import (
    AWAY,
    COMMIT,
    READ,
    card,
    config,
    evidence_of,
    history,
    merged,
    organization,
    user,
)
from tests.metrics.models import LLAMA_PARENT, bert, flan, gguf, sst2
from weighbridge.domain.evidence import Evidence, Likeness, Resemblance
from weighbridge.domain.policy import Policy
from weighbridge.domain.repo import Commit, Owner
from weighbridge.domain.score import Score, Signal
from weighbridge.metrics import METRICS
from weighbridge.metrics.bus_factor import committers


def judged(evidence: Evidence) -> Score:
    return METRICS["bus_factor"](evidence, Policy())


def signal(evidence: Evidence, id: str) -> Signal:
    return next(s for s in judged(evidence).signals if s.id == id)


def made_by(**people: int) -> Evidence:
    return evidence_of("yard/scales", texts={"README.md": "# S"}, commits=history(**people))


@pytest.mark.parametrize(
    ("people", "value"),
    [
        ({"ann": 5}, 0.2),
        ({"ann": 3, "ben": 3}, 0.6),
        ({"ann": 2, "ben": 2, "cleo": 2}, 1.0),
        ({"ann": 1, "ben": 1, "cleo": 1, "dora": 1}, 1.0),
        ({"system": 4}, 0.0),
        ({}, 0.0),
    ],
)
def test_people_count_as_if_they_shared_the_work_evenly(people: dict[str, int], value: float) -> None:
    assert signal(made_by(**people), "committers").value == pytest.approx(value, abs=1e-6)


def test_one_person_who_made_most_weighs_little_more_than_one() -> None:
    value = signal(made_by(ann=14, ben=2), "committers").value
    assert value == pytest.approx(0.2 + 0.8 * (1.4575 - 1) / 2, abs=1e-3)


def test_a_person_is_one_however_the_name_is_spelled() -> None:
    made = tuple(
        replace(c, authors=(name,)) for c, name in zip(history(x=2), ("Ann-Lee", "annlee"), strict=True)
    )
    assert committers(replace(made_by(), commits=made)) == {"annlee": 2}


def test_a_busy_day_counts_three_commits() -> None:
    day = tuple(replace(c, created_at="2024-05-05T10:00:00.000Z") for c in history(ann=30))
    assert committers(replace(made_by(), commits=day)) == {"ann": 3}


@pytest.mark.parametrize(
    "name", ["system", "dependabot[bot]", "sfconvertbot", "my-bot", "github-actions", "--"]
)
def test_bots_are_no_people(name: str) -> None:
    commit = Commit(id=COMMIT, title="x", authors=(name,), created_at="2024-05-05T10:00:00.000Z")
    assert committers(replace(made_by(), commits=(commit,))) == {}


@pytest.mark.parametrize(
    ("owner", "low", "high"),
    [
        (user("ann"), 0.2, 0.2),
        (organization("yard", 1), 0.3, 0.3),
        (organization("yard", 2), 0.6, 0.6),
        (organization("yard", 5), 0.8, 0.8),
        (organization("yard", 5, is_verified=True), 1.0, 1.0),
        (organization("yard", 4, is_verified=True), 0.6, 0.6),
        (organization("yard", None), 0.3, 1.0),
        (None, 0.0, 0.0),
    ],
)
def test_publishers(owner: Owner | None, low: float, high: float) -> None:
    found = signal(replace(made_by(), owner=owner), "publisher")
    assert (found.least, found.most) == (low, high)


def test_an_organization_that_could_not_be_asked_for_is_not_guessed_from_its_name() -> None:
    away = replace(bert(), owner=None, sources={**bert().sources, "owner": AWAY})
    found = signal(away, "publisher")
    assert (found.least, found.most) == (0.0, 1.0)


def test_code_of_the_repository_binds_the_model_to_it() -> None:
    evidence = evidence_of(
        "yard/scales",
        sizes={"model.safetensors": 9, "modeling_scales.py": 9},
        texts={"config.json": config(model_type="scales", auto_map={"AutoModel": "modeling_scales.X"})},
    )
    assert signal(evidence, "implementation_independent").value == pytest.approx(0.7 * 0.1 + 0.3 * 0.5)


def test_a_second_format_of_the_weights_counts() -> None:
    one = evidence_of("yard/s", sizes={"a.safetensors": 9}, info={"library_name": "transformers"})
    two = evidence_of("yard/s", sizes={"a.safetensors": 9, "a.bin": 9}, info={"library_name": "transformers"})
    assert signal(one, "implementation_independent").value == 0.85
    assert signal(two, "implementation_independent").value == 1.0


@pytest.mark.parametrize(
    ("front", "gated", "value"),
    [
        ("license: mit", False, 1.0),
        ("license: mit", "manual", 0.8),
        ("license: llama2", False, 0.7),
        ("license: cc-by-nc-4.0", False, 0.0),
        ("language: en", False, 0.0),
    ],
)
def test_the_licence_says_whether_others_may_carry_it_on(front: str, gated: object, value: float) -> None:
    texts = {"README.md": f"---\n{front}\n---\n# S"}
    evidence = evidence_of("yard/scales", texts=texts, info={"gated": gated})  # type: ignore[dict-item]
    assert signal(evidence, "can_be_carried_on").value == pytest.approx(value)


def test_a_base_model_under_a_less_free_licence_limits_who_may_carry_it_on() -> None:
    texts = {"README.md": "---\nlicense: mit\n---\n# S"}
    child = evidence_of("yard/scales", texts=texts, parents=(LLAMA_PARENT,))
    assert signal(child, "can_be_carried_on").value == pytest.approx(0.7)
    unread = replace(child, parents=(replace(LLAMA_PARENT, source=AWAY, info=None),))
    found = signal(unread, "can_be_carried_on")
    assert (found.least, found.most) == (0.0, 1.0)


def test_a_community_are_merged_proposals_of_people_and_models_made_from_it() -> None:
    bare = made_by(ann=1)
    assert signal(replace(bare, discussions=merged("eve")), "community").value == pytest.approx(
        0.5 / 3, abs=1e-5
    )
    assert signal(replace(bare, discussions=merged("a", "b", "c", "d")), "community").value == 0.5
    assert signal(replace(bare, discussions=merged("sfconvertbot")), "community").value == 0.0
    open_one = tuple(replace(d, status="open") for d in merged("eve"))
    assert signal(replace(bare, discussions=open_one), "community").value == 0.0
    children = replace(bare, info={"childrenModelCount": {"finetune": 90, "adapter": 9}})
    assert signal(children, "community").value == 0.5


def test_a_popular_model_of_one_user_still_fails() -> None:
    assert judged(gguf()).high < 0.5
    assert judged(flan()).low == pytest.approx(0.76, abs=0.02)


def test_weights_of_another_model_that_is_not_named_cap_it() -> None:
    copied = Resemblance(likeness=Likeness.SAME_WEIGHTS, repo="other/original", subject="model.safetensors")
    assert judged(replace(sst2(), resemblances=(copied,))).high == 0.45
    own = replace(copied, repo="yard/older-name")
    assert judged(replace(sst2(), resemblances=(own,))).low == judged(sst2()).low
    parent = replace(LLAMA_PARENT, id="other/original", source=READ, info={"tags": ["license:apache-2.0"]})
    named = replace(sst2(), resemblances=(copied,), parents=(parent,))
    assert judged(named).low == judged(sst2()).low


def test_a_card_taken_from_another_model_caps_it_unless_it_is_mentioned() -> None:
    copied = Resemblance(likeness=Likeness.SAME_CARD, repo="other/original", subject="README.md", degree=0.9)
    assert judged(replace(sst2(), resemblances=(copied,))).high == 0.45
    alike = replace(copied, degree=0.8)
    assert judged(replace(sst2(), resemblances=(alike,))).low == judged(sst2()).low
    texts = {"README.md": card("sst2") + "\nMade from other/original.\n"}
    mentioned = evidence_of("yard/weighed-sst-2-english", texts=texts, resemblances=(copied,))
    assert not judged(mentioned).caps
