"""The policy file: what it may say, and where its mistakes are."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from weighbridge.adapters.policy_file import MAX_BYTES, parse_policy, read_policy
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.errors import BadConfig, BadInput

TODAY = date(2026, 11, 21)
WHOLE = """\
default_threshold: 0.4
thresholds: {license: 0.7, tree_score: 0.5}
targets_gib: {laptop: 16, server: 80}
target_weights: {laptop: 0.8, server: 0.2}
net_weights: {license: 0.3}
permissiveness: {network-copyleft: 0.2}
strict: true
models:
  - name: acme/*
    thresholds: {bus_factor: 0.2}
    author: ann
    reason: our own
  - name: acme/tiny
    thresholds: {bus_factor: 0.1}
    waive: [dataset_quality]
    author: ann
    reason: for the tests
    expires: 2026-12-31
"""


def test_no_file_is_the_default_policy() -> None:
    assert read_policy(None) == Policy()
    assert parse_policy("p", "") == Policy()


def test_everything_that_it_says_holds() -> None:
    policy = parse_policy("p", WHOLE)
    assert (policy.threshold("license"), policy.threshold("code_quality")) == (0.7, 0.4)
    assert policy.gates("tree_score")
    assert not policy.gates("reviewedness")
    assert policy.targets_gib == {"laptop": 16.0, "server": 80.0}
    assert policy.net_weights["license"] == 0.3
    assert policy.permissiveness["network-copyleft"] == 0.2
    assert policy.permissiveness["permissive"] == 1.0
    assert policy.strict
    assert Policy.from_json(json.loads(json.dumps(policy.to_json()))) == policy


def test_what_is_said_of_single_models_holds_for_them_until_its_day() -> None:
    policy = parse_policy("p", WHOLE)
    tiny, other = (policy.for_repo(RepoId.parse(name), TODAY) for name in ("Acme/Tiny", "acme/other"))
    assert (tiny.threshold("bus_factor"), other.threshold("bus_factor")) == (0.1, 0.2)
    assert [(w.metric, w.author, w.reason) for w in tiny.waivers] == [
        ("dataset_quality", "ann", "for the tests")
    ]
    assert other.waivers == ()
    assert policy.for_repo(RepoId.parse("acmeinc/tiny"), TODAY).overrides == ()
    assert policy.for_repo(RepoId.parse("acme/tiny"), date(2027, 1, 1)).threshold("bus_factor") == 0.2
    assert all(w.holds("Acme/Tiny", "1" * 40, TODAY) for w in tiny.waivers)


def test_what_is_said_of_data_sets_holds_for_data_sets_only() -> None:
    entry = "- {name: acme/*, kind: dataset, waive: [bus_factor], author: ann, reason: ours}"
    policy = parse_policy("p", f"models:\n{entry}\n")
    assert Policy.from_json(json.loads(json.dumps(policy.to_json()))) == policy
    data, model = RepoId.parse("acme/x", RepoKind.DATASET), RepoId.parse("acme/x")
    assert [w.metric for w in policy.for_repo(data, TODAY).waivers] == ["bus_factor"]
    assert policy.for_repo(model, TODAY).waivers == ()
    with pytest.raises(BadConfig, match="does not apply to a dataset"):
        parse_policy("p", f"models:\n{entry.replace('bus_factor', 'size_score')}\n")


def test_it_may_be_json(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"thresholds": {"license": 0.25}, "models": []}, indent=2))
    assert read_policy(file).thresholds == {"license": 0.25}


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("- a\n", "1:1", "must be a mapping"),
        ("threshold: 0.5\n", "1:1", "did you mean 'thresholds'?"),
        ("thresholds: {licence: 0.5}\n", "1:14", "did you mean 'license'?"),
        ("thresholds: {license: 1.5}\n", "1:23", "from 0 to 1"),
        ("thresholds: {license: .nan}\n", "1:23", "from 0 to 1"),
        ("thresholds: {license: '0.5'}\n", "1:23", "from 0 to 1"),
        ("strict: often\n", "1:9", "true or false"),
        ("targets_gib: {laptop: 0}\n", "1:14", "without memory"),
        ("target_weights: {laptop: 1}\n", "1:17", "must weigh some of"),
        ("models: {}\n", "1:9", "must be a list"),
        ("models:\n  - name: acme/*\n", "2:5", "needs 'author'"),
        ("models:\n  - {name: a/b, author: a, reason: r, waive: [everything]}\n", "2:5", "can be waived"),
        ("models:\n  - {name: a/b, author: a, reason: r, waive: [safety]}\n", "2:5", "names no commit"),
        ("models:\n  - {name: '*', author: a, reason: r}\n", "2:5", "models"),
        ("models:\n  - {name: a/b, author: a, reason: r, expires: soon}\n", "2:48", "YYYY-MM-DD"),
        ("a: [\n", "2:1", ""),
    ],
)  # fmt: skip
def test_a_mistake_has_its_place(text: str, where: str, why: str) -> None:
    with pytest.raises(BadConfig) as told:
        parse_policy("policy.yaml", text)
    assert any(line.startswith(f"policy.yaml:{where}: ") for line in told.value.message.splitlines())
    assert why in told.value.message


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(BadConfig) as told:
        parse_policy("p", "strict: 1\ndefault_threshold: 2\nmodels: 3\n")
    assert [place.line for place in told.value.places] == [1, 2, 3]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for name, content in (("large", b"#" * (MAX_BYTES + 1)), ("binary", b"\xff\xfe")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput, match=name):
            read_policy(tmp_path / name)
    with pytest.raises(BadInput, match="nowhere"):
        read_policy(tmp_path / "nowhere")
