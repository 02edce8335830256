"""What the ``license`` metric says of stated, contradicted and inherited licences."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.metrics.making import ABSENT, AWAY, READ, evidence_of, licence
from tests.metrics.models import LLAMA_PARENT, bert
from weighbridge.domain.evidence import Parent
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.licence import PERMISSIVENESS
from weighbridge.domain.policy import Policy
from weighbridge.metrics import METRICS

judged = METRICS["license"]


def stated(front: str, *, parents: tuple[Parent, ...] = (), **texts: str):
    card = f"---\n{front}\n---\n# A model\n"
    return judged(evidence_of("yard/model", texts={"README.md": card, **texts}, parents=parents), Policy())


@pytest.mark.parametrize(
    ("front", "score"),
    [
        ("license: apache-2.0", 0.955),
        ("license: MIT", 0.955),
        ("license: cc0-1.0", 0.955),
        ("license: mpl-2.0", 0.8595),
        ("license: openrail++", 0.7162),
        ("license: gpl-3.0", 0.6685),
        ("license: agpl-3.0", 0.573),
        ("license: llama3.1", 0.573),
        ("license: cc-by-nc-4.0", 0.2865),
        ("license: other\nlicense_name: qwen-research", 0.191),
        ("license: other", 0.088),
        ("license: home-made", 0.088),
        ("license: unknown", 0.0),
        ("language: en", 0.0),
    ],
)
def test_score_follows_how_free_the_licence_is(front: str, score: float) -> None:
    assert stated(front).low == pytest.approx(score, abs=1e-4)


def test_of_several_licences_the_least_free_counts() -> None:
    assert stated("license:\n- mit\n- cc-by-nc-4.0").low == stated("license: cc-by-nc-4.0").low


def test_a_tag_states_the_licence_where_the_card_does_not() -> None:
    evidence = evidence_of("yard/model", texts={"README.md": "# A model"}, info={"tags": ["license:mit"]})
    assert judged(evidence, Policy()).low == 0.955


def test_a_licence_file_alone_is_recognised_but_is_no_declaration() -> None:
    score = stated("language: en", LICENSE=licence("mit"))
    assert score.low == pytest.approx(0.7 + 0.3 * 0.6)


def test_an_unnamed_licence_is_read_from_its_text() -> None:
    score = stated("license: other\nlicense_name: ours", **{"LICENSE.txt": licence("llama3.1")})
    assert score.low == pytest.approx(0.6)


def test_a_less_free_text_caps_the_score_and_is_named() -> None:
    score = stated("license: mit", **{"LICENSE.txt": licence("llama2")})
    assert score.low == 0.45
    assert "Llama 2" in score.caps[0].reason
    assert score.caps[0].proofs[0].path == "LICENSE.txt"


def test_a_freer_text_is_a_contradiction_but_no_cap() -> None:
    score = stated("license: cc-by-nc-4.0", LICENSE=licence("mit"))
    assert not score.caps
    assert score.low == pytest.approx(0.7 * 0.3 + 0.3 * 0.3 * 0.8)


def test_a_member_of_a_stated_family_and_the_gpl_beside_the_lgpl_are_no_contradiction() -> None:
    assert not stated("license: bsd", LICENSE=licence("bsd-3-clause")).caps
    both = {"COPYING": licence("gpl-3.0"), "COPYING.LESSER": licence("lgpl-3.0")}
    assert not stated("license: lgpl-3.0", **both).caps


def test_the_text_is_recognised_whatever_its_holder_and_layout() -> None:
    text = licence("mit").replace("<year> <copyright holders>", "2024 The Yard, and others")
    wrapped = "\r\n".join(text.replace("\n", " ").split(". "))
    assert stated("license: mit", LICENSE=wrapped.replace(" Permission", "\r\nPermission")).low == 1.0


@pytest.mark.parametrize(("id", "cap"), [("llama2", 0.45), ("cc-by-nc-4.0", 0.3), ("gpl-3.0", 0.45)])
def test_relicensing_a_less_free_base_model_caps_the_score(id: str, cap: float) -> None:
    parent = replace(LLAMA_PARENT, info={"cardData": {"license": id}})
    score = stated("license: mit", parents=(parent,))
    assert score.low == score.high == cap
    assert parent.id in score.caps[0].reason


def test_a_licence_is_not_washed_by_a_model_in_between() -> None:
    between = replace(LLAMA_PARENT, id="wash/ed", info={"cardData": {"license": "mit"}})
    oldest = replace(LLAMA_PARENT, declared_in="wash/ed:base_model")
    card = {"README.md": "---\nlicense: mit\nbase_model: wash/ed\n---\n# A model\n"}
    clean = evidence_of("yard/model", texts=card, parents=(between,))
    assert judged(clean, Policy()).low == 0.955
    score = judged(replace(clean, ancestors=(oldest,)), Policy())
    assert score.low == score.high == 0.45
    assert [(proof.path, proof.excerpt) for proof in score.caps[0].proofs] == [
        (oldest.id, "llama2"),
        ("wash/ed", oldest.id),
    ]


@pytest.mark.parametrize("info", [None, {}, {"cardData": {"license": "other"}}, {"cardData": None}])
def test_a_base_model_without_a_known_licence_caps_nothing(info: JsonObject | None) -> None:
    score = stated("license: mit", parents=(replace(LLAMA_PARENT, info=info, source=ABSENT),))
    assert score.low == score.high == 0.955
    assert "no licence is known of its base model" in score.signals[0].reason


def test_a_base_model_that_cannot_be_read_leaves_an_interval() -> None:
    score = stated("license: mit", parents=(replace(LLAMA_PARENT, info=None, source=AWAY),))
    assert (score.low, score.high) == (0.2, 0.955)


def test_the_hub_being_down_does_not_matter_where_the_card_speaks() -> None:
    away = replace(bert(), info={}, sources={"info": AWAY, "texts": READ, "headers": READ, "parents": AWAY})
    assert judged(away, Policy()).to_json()["score"] == judged(bert(), Policy()).low == 1.0


def test_a_policy_may_see_a_class_of_licences_otherwise() -> None:
    policy = Policy(permissiveness={**PERMISSIVENESS, "copyleft": 0.0})
    evidence = evidence_of("yard/model", texts={"README.md": "---\nlicense: gpl-3.0\n---\n"})
    assert judged(evidence, policy).low == 0.0


@pytest.mark.parametrize(
    ("id", "old", "new"),
    [
        ("mit", "hereby granted", "hereby not granted"),
        ("mit", "to deal", "for non-commercial purposes only to deal"),
        ("apache-2.0", "hereby grants to You", "hereby does not grant to You"),
        ("apache-2.0", "END OF TERMS", "The Work is for research only. END OF TERMS"),
    ],
)
def test_a_known_text_that_takes_more_away_is_not_that_licence(id: str, old: str, new: str) -> None:
    text = licence(id)
    score = stated(f"license: {id}", LICENSE=text.replace(old, new, 1))
    assert score.low == 0.45
    assert "with '" in score.caps[0].reason
    assert stated(f"license: {id}", LICENSE=text).low == 1.0


def test_a_text_of_no_known_licence_that_keeps_out_commercial_use_caps_a_free_one() -> None:
    said = "Licence of the yard\n\nThe weights may be used for research purposes only.\n"
    score = stated("license: mit", LICENSE=said)
    assert score.low == 0.45
    assert score.caps[0].proofs[0].excerpt == "The weights may be used for research purposes only."
    assert not stated("license: cc-by-nc-4.0", LICENSE=said).caps
    assert not stated("license: mit", LICENSE="Licence of the yard\n\nUse it as you like.\n").caps


@pytest.mark.parametrize(
    "addition", ["Copyright 2024 The Research Yard\n\n", "Only the yard holds rights.\n\n"]
)
def test_what_stands_around_a_known_text_changes_nothing(addition: str) -> None:
    assert stated("license: apache-2.0", LICENSE=addition + licence("apache-2.0")).low == 1.0
