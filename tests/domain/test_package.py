"""Versions, and what may be asked of the registry."""

from __future__ import annotations

from datetime import date

import pytest

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.package import IngestRequest, Version, version_from_tag
from weighbridge.domain.policy import Policy, Waiver
from weighbridge.domain.ref import ModelRef

# semver.org 2.0.0, section 11
IN_ORDER = [
    "0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
    "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1-a", "1.2.0", "1.10.0", "2.0.0",
]  # fmt: skip


def test_versions_have_the_order_of_semver() -> None:
    assert sorted(map(Version, reversed(IN_ORDER)), key=lambda v: v.precedence) == list(
        map(Version, IN_ORDER)
    )


@pytest.mark.parametrize(
    "spelled",
    ["1.3\u0663.0", "1.0.0\n", "1.0", "01.0.0", "1.0.0-", "1.0.0-a..b", "1.0.0-01", "1.0.0+", "v1.0.0", ""],
)
def test_what_is_no_semantic_version(spelled: str) -> None:
    with pytest.raises(Invalid):
        Version(spelled)


@pytest.mark.parametrize("spelled", ["1.0.0-0", "1.0.0-0a", "1.0.0+01", "1.0.0--", "10.20.30-rc.1+b.7"])
def test_what_is_one(spelled: str) -> None:
    assert version_from_tag(f"v{spelled}") == Version(spelled)


def test_text_that_is_not_unicode_is_refused_before_anything_is_fetched() -> None:
    ref = ModelRef.parse("org/name")
    with pytest.raises(Invalid):
        IngestRequest(ref=ref, description="\udcff")
    with pytest.raises(Invalid):
        Waiver(metric="license", repo="org/name", reason="because \udcff", author="local")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.1])
def test_a_threshold_lies_between_0_and_1(value: float) -> None:
    with pytest.raises(Invalid):
        Policy().adjusted({"license": value}, ())


def test_a_waiver_holds_on_its_last_day_for_its_repository_and_commit() -> None:
    waiver = Waiver(
        metric="license", repo="org/name", reason="x", author="a", commit="1" * 40, expires=date(2026, 5, 1)
    )
    assert waiver.holds("org/name", "1" * 40, date(2026, 5, 1))
    assert not waiver.holds("org/name", "1" * 40, date(2026, 5, 2))
    assert not waiver.holds("org/name", "2" * 40, date(2026, 5, 1))
    assert not waiver.holds("org/Name", "1" * 40, date(2026, 5, 1))


def test_the_targets_of_a_policy_keep_one_order() -> None:
    policy = Policy(targets_gib={"laptop": 8.0, "aws_server": 80.0, "raspberry_pi": 6.0})
    assert list(policy.targets_gib) == ["raspberry_pi", "aws_server", "laptop"]
    assert list(Policy.from_json(policy.to_json()).targets_gib) == list(policy.targets_gib)
