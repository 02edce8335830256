"""The gate holds the licences in force against the policy, and the same case gives the same verdict again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tests.metrics.models import MODELS
from weighbridge.adapters.policy_file import parse_policy
from weighbridge.domain.case import Case, case_from_json
from weighbridge.domain.evidence import Source, SourceState
from weighbridge.domain.licence_wish import LicenceWish, is_wished
from weighbridge.domain.policy import Policy, Waiver
from weighbridge.domain.verdict import Outcome, Verdict
from weighbridge.doors.cli.verdicts import verdict_lines
from weighbridge.errors import BadConfig
from weighbridge.flows.weighing import UNSCANNED, Scales, weigh_case
from weighbridge.metrics.licence_terms import licence_terms

SCALES = Scales(metrics={}, reports={}, terms=licence_terms)
COMMERCIAL = Policy(licence=LicenceWish(commercial="required", categories=("permissive",), with_data=False))


def weighed(name: str, policy: Policy = COMMERCIAL) -> Verdict:
    case = Case(evidence=MODELS[name](), scan=UNSCANNED, policy=policy, as_of=date(2026, 11, 20))
    again = weigh_case(case_from_json(case.to_json()), SCALES)
    first = weigh_case(case, SCALES)
    assert again.to_json() == first.to_json()
    return Verdict.from_json(first.to_json())


def test_what_the_policy_does_not_allow_is_refused_and_named() -> None:
    refused = weighed("laundered")
    assert refused.outcome is Outcome.REFUSED
    assert refused.sentence().startswith("Model does not meet licence requirements: ")
    assert any("base model" in fault for fault in refused.licence_faults)


def test_a_pickle_beside_safetensors_is_warned_of_and_holds_nothing_up() -> None:
    verdict = weighed("bert")
    assert "pytorch_model.bin" in MODELS["bert"]().manifest.by_path
    assert verdict.warnings == (
        "pytorch_model.bin: a pickle whose weights stand beside it as safetensors; load those",
    )
    assert verdict.outcome is Outcome.ACCEPTED


def test_what_it_allows_passes() -> None:
    assert weighed("bert").outcome is Outcome.ACCEPTED


def test_a_policy_that_asks_nothing_refuses_nothing_and_keeps_its_digest() -> None:
    assert weighed("laundered", Policy()).licence_faults == ()
    assert "licence" not in Policy().to_json()


def test_a_recorded_waiver_of_the_license_lets_it_in() -> None:
    repo = MODELS["laundered"]().repo.full_name
    waiver = Waiver(metric="license", repo=repo, reason="our lawyers read it", author="ada")
    admitted = weighed("laundered", replace(COMMERCIAL, waivers=(waiver,)))
    assert (admitted.outcome, admitted.forbidden) == (Outcome.ACCEPTED, ())
    assert admitted.licence_faults


def test_a_base_model_that_could_not_be_asked_for_leaves_it_open() -> None:
    known = MODELS["laundered"]()
    away = Source(state=SourceState.UNREACHABLE, reason="the Hub did not answer")
    parents = tuple(replace(parent, info=None, source=away) for parent in known.parents)
    case = Case(
        evidence=replace(known, parents=parents),
        scan=UNSCANNED,
        policy=Policy(licence=LicenceWish(commercial="required")),
        as_of=date(2026, 11, 20),
    )
    verdict = Verdict.from_json(weigh_case(case, SCALES).to_json())
    assert (verdict.outcome, verdict.licence_faults) == (Outcome.INDETERMINATE, ())
    assert "could not be read" in verdict.sentence()
    told = "\n".join(line.text for line in verdict_lines(verdict, 100))
    assert "Licences that could not be read" in told
    assert "--waive license" in told


def test_a_policy_file_says_it() -> None:
    policy = parse_policy(
        "policy.yaml",
        "licence:\n  commercial: required\n  allow: [Apache-2.0 OR MIT]\n  with_data: false\n",
    )
    assert policy.licence == LicenceWish(commercial="required", spdx=("Apache-2.0", "MIT"), with_data=False)
    assert Policy.from_json(policy.to_json()) == policy


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("licence:\n  commercial: maybe\n", "policy.yaml:2:15"),
        ("licence:\n  allow: [Apache-2.0 AND MIT]\n", "policy.yaml:2:10"),
        ("licence:\n  allow: [Nonsense-1]\n", "policy.yaml:2:10"),
        ("licence:\n  categories: [free]\n", "policy.yaml:2:3"),
        ("licence:\n  commercials: required\n", "policy.yaml:2:3"),
    ],
)
def test_mistakes_in_it_have_their_place(text: str, place: str) -> None:
    with pytest.raises(BadConfig, match=place):
        parse_policy("policy.yaml", text)


@pytest.mark.parametrize(
    ("wish", "license", "fits"),
    [
        ("apache-2.0", "Apache-2.0", True),
        ("Apache-2.0 OR MIT", "mit", True),
        ("GPL-3.0-only", "gpl-3.0", True),
        ("BUSL-1.1", "bsl-1.0", False),
        ("mit", None, False),
        ("acme-terms", "Acme-Terms", True),
        ("apache-2.0", "mit", False),
    ],
)
def test_the_wish_of_a_model_list_is_understood_in_both_spellings(
    wish: str, license: str | None, fits: bool
) -> None:
    assert is_wished(wish, license) is fits
