"""What must hold of every metric, whatever the model: hypothesis looks for the exception."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.metrics.making import AWAY, evidence_of, licence, template_card
from tests.metrics.models import LLAMA_PARENT, MODELS, real_minilm
from tests.metrics.witness import occurs
from weighbridge.adapters.front_matter import front_matter
from weighbridge.domain.evidence import Evidence, Text, evidence_from_json
from weighbridge.domain.json_values import JsonObject, canonical, child
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.policy import Policy
from weighbridge.domain.scan import ScanReport
from weighbridge.domain.score import Cap, Score, Signal, weigh
from weighbridge.domain.verdict import Outcome, Verdict, judge
from weighbridge.metrics import METRICS, REPORTED

settings.register_profile("metrics", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("metrics")

Item = TypeVar("Item")
models = st.sampled_from(sorted(MODELS)).map(lambda name: MODELS[name]())
shuffles = st.randoms(use_true_random=False)


def scores(evidence: Evidence, policy: Policy | None = None) -> dict[str, Score]:
    return {name: metric(evidence, policy or Policy()) for name, metric in METRICS.items()}


def reports(evidence: Evidence) -> dict[str, JsonObject]:
    """Whole reports, those of the three that are only shown among them."""
    shown = {n: score for n, metric in REPORTED.items() if (score := metric(evidence, Policy()))}
    return {name: score.to_json() for name, score in {**scores(evidence), **shown}.items()}


def lows(evidence: Evidence) -> dict[str, float]:
    return {name: score.low for name, score in scores(evidence).items()}


def with_text(evidence: Evidence, path: str, content: str) -> Evidence:
    """The evidence with one text replaced or added, its front matter read again."""
    texts = {**evidence.texts, path: Text(content=content, sha256="0" * 64)}
    found = evidence.manifest.by_path
    entry = FileEntry(path=path, size_bytes=len(content.encode("utf-8", "replace")), digests=SOME_DIGEST)
    manifest = replace(evidence.manifest, files=(*(e for p, e in found.items() if p != path), entry))
    front, error = front_matter(texts["README.md"].content) if "README.md" in texts else (None, "")
    return replace(evidence, texts=texts, manifest=manifest, front_matter=front, front_matter_error=error)


SOME_DIGEST = real_minilm().files[0].digests


# bounds and determinism


@given(models)
def test_scores_lie_between_zero_and_one_and_repeat(evidence: Evidence) -> None:
    first, second = scores(evidence), scores(evidence)
    assert all(0.0 <= score.low <= score.high <= 1.0 for score in first.values())
    assert {name: s.to_json() for name, s in first.items()} == {
        name: s.to_json() for name, s in second.items()
    }


@given(models)
def test_stored_evidence_gives_the_same_reports(evidence: Evidence) -> None:
    stored = evidence_from_json(json.loads(canonical(evidence.to_json())))
    assert canonical({n: s.to_json() for n, s in scores(stored).items()}) == canonical(
        {n: s.to_json() for n, s in scores(evidence).items()}
    )


@given(models, shuffles)
def test_order_does_not_matter(evidence: Evidence, chance: random.Random) -> None:
    def mixed(source: Sequence[Item]) -> tuple[Item, ...]:
        return tuple(chance.sample(list(source), len(source)))

    def shuffled(source: JsonObject) -> JsonObject:
        keys = list(source)
        chance.shuffle(keys)
        return {key: source[key] for key in keys}

    tags = list(child({"x": evidence.info}, "x").get("tags") or [])  # type: ignore[arg-type]
    chance.shuffle(tags)
    info = {**evidence.info, "tags": tags, "siblings": mixed([{"rfilename": e.path} for e in evidence.files])}
    files = mixed(evidence.files)
    front = evidence.front_matter
    changed = replace(
        evidence,
        info=shuffled(info),
        manifest=Manifest(repo=evidence.repo, commit=evidence.manifest.commit, files=tuple(files)),
        parents=mixed(evidence.parents),
        commits=mixed(evidence.commits),
        discussions=mixed(evidence.discussions),
        data_sets=mixed(evidence.data_sets),
        texts={path: evidence.texts[path] for path in shuffled(dict.fromkeys(evidence.texts, 0))},
        front_matter=shuffled(front) if front is not None else None,
    )
    assert reports(changed) == reports(evidence)


@given(models, st.sampled_from(["\r\n", "\r"]), st.booleans())
def test_line_ends_and_byte_order_marks_do_not_matter(evidence: Evidence, end: str, mark: bool) -> None:
    changed = evidence
    for path in ("README.md", "LICENSE", "LICENSE.txt"):
        if path in evidence.texts:
            content = evidence.texts[path].content.replace("\n", end)
            changed = with_text(changed, path, ("\ufeff" if mark else "") + content)
    assert lows(changed) == lows(evidence)


@given(
    models,
    st.dictionaries(
        st.sampled_from(["downloads", "likes", "trendingScore", "downloadsAllTime"]), st.integers(0)
    ),
)
def test_popularity_is_not_looked_at(evidence: Evidence, counts: dict[str, int]) -> None:
    assert lows(replace(evidence, info={**evidence.info, **counts})) == lows(evidence)


@given(models, st.dates().map(lambda day: f"{day}T00:00:00Z"))
def test_the_day_of_capture_does_not_matter(evidence: Evidence, day: str) -> None:
    assert lows(replace(evidence, captured_at=day)) == lows(evidence)


def test_metrics_side_by_side_say_what_they_say_one_by_one() -> None:
    evidences = [make() for make in MODELS.values()]
    with ThreadPoolExecutor(max_workers=8) as pool:
        assert list(pool.map(reports, evidences * 2)) == [reports(e) for e in evidences * 2]


@given(models, st.dates())
def test_the_day_of_judgement_decides_only_which_waivers_hold(evidence: Evidence, day: date) -> None:
    then, now = verdict_of(evidence, Policy(), day), verdict_of(evidence, Policy())
    assert then.to_json() == now.to_json()


# licence


@given(
    st.sampled_from(["bare_lora", "junk", "template_lora"]), st.sampled_from(["mit", "apache-2.0", "cc0-1.0"])
)
def test_a_permissive_licence_never_lowers_anything(name: str, id: str) -> None:
    evidence = replace(MODELS[name](), parents=())
    card = evidence.content("README.md") or "# A model\n"
    body = card.split("---\n", 2)[2] if card.startswith("---\n") else card
    licensed = with_text(evidence, "README.md", f"---\nlicense: {id}\n---\n{body}")
    before, after = lows(evidence), lows(licensed)
    assert all(after[metric] >= before[metric] for metric in METRICS)
    assert after["license"] > before["license"]


@given(
    st.sampled_from(["mit", "apache-2.0"]), st.sampled_from(["gpl-3.0", "llama2", "cc-by-nc-4.0", "gemma"])
)
def test_a_permissive_claim_over_a_restrictive_text_lowers(id: str, text: str) -> None:
    silent = evidence_of("yard/m", texts={"README.md": "# M", "LICENSE": licence(text)})
    claimed = with_text(silent, "README.md", f"---\nlicense: {id}\n---\n# M")
    assert lows(claimed)["license"] <= 0.45
    if text == "gpl-3.0":
        assert lows(claimed)["license"] < lows(silent)["license"]


# claims

values = st.floats(0.0, 100.0, allow_nan=False) | st.integers(0, 100)
entries = st.builds(
    lambda id, task, value, url, token, notes: {
        "dataset": {"id": id, "task_id": task},
        "value": value,
        **({"source": {"url": url}} if url else {}),
        **({"verifyToken": token} if token else {}),
        **({"notes": notes} if notes else {}),
    },
    st.sampled_from(["glue", "yard/trucks", "cais/hle", "openai/gsm8k"]),
    st.sampled_from(["default", "sst2", "test", "hard"]),
    values,
    st.sampled_from(["", "https://example.org/log"]),
    st.sampled_from(["", "eyJ.a.b"]),
    st.sampled_from(["", "no tools"]),
)


@given(models, st.lists(entries, max_size=6), entries)
def test_a_valid_structured_claim_never_lowers(
    evidence: Evidence, before: list[JsonObject], added: JsonObject
) -> None:
    without = replace(evidence, info={**evidence.info, "evalResults": before})
    having = replace(evidence, info={**evidence.info, "evalResults": [*before, added]})
    assert lows(having)["performance_claims"] >= lows(without)["performance_claims"]


@given(models, st.integers(2, 4))
def test_repetition_earns_almost_nothing(evidence: Evidence, times: int) -> None:
    card = evidence.content("README.md") or ""
    repeated = with_text(evidence, "README.md", card + ("\n\n" + card.split("---\n", 2)[-1]) * times)
    before, after = lows(evidence), lows(repeated)
    if card:
        assert all(after[metric] <= before[metric] + 0.03 for metric in METRICS)


def test_a_template_card_is_worth_no_more_than_none() -> None:
    for name in ("bare_lora", "bert", "gguf"):
        evidence = MODELS[name]()
        blank = with_text(evidence, "README.md", "")
        assert lows(with_text(evidence, "README.md", template_card())) == lows(blank)


# size


@given(models, st.integers(1, 50), st.data())
def test_larger_weights_never_raise_the_size_score(
    evidence: Evidence, factor: int, data: st.DataObject
) -> None:
    grown = data.draw(st.sets(st.sampled_from([entry.path for entry in evidence.files])))
    files = tuple(
        replace(entry, size_bytes=entry.size_bytes * factor) if entry.path in grown else entry
        for entry in evidence.files
    )
    larger = replace(evidence, manifest=replace(evidence.manifest, files=files))
    assert lows(larger)["size_score"] <= lows(evidence)["size_score"]


# anything at all

texts = st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "replace"))
fragments = st.lists(
    st.sampled_from(
        [
            "---",
            "# A",
            "## Results",
            "```python",
            "```",
            "| MMLU | acc |",
            "|---|---|",
            "| 9 | 99,9 |",
            "> x",
            "<!--",
            "-->",
            "license: mit",
            "model-index:",
            "- **X:**",
            "accuracy of 91.3",
            ">>> x",
            "[a](b)",
            "\x00",
            "\ud7ff",
        ]
    )
    | st.text(max_size=20)
).map("\n".join)


@settings(max_examples=150)
@given(
    texts | fragments,
    texts,
    st.sampled_from(
        [
            "config.json",
            "LICENSE",
            "adapter_config.json",
            "modules.json",
            "model.safetensors.index.json",
            "tokenizer_config.json",
        ]
    ),
)
def test_any_text_is_judged_without_an_exception(card: str, other: str, path: str) -> None:
    evidence = evidence_of("yard/m", sizes={"model.safetensors": 5}, texts={"README.md": card, path: other})
    for score in scores(evidence).values():
        assert 0.0 <= score.low <= score.high <= 1.0
        for signal in score.signals:
            assert all(occurs(proof, evidence) for proof in signal.proofs)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "license",
    "license_name",
    "license_link",
    "base_model",
    "model-index",
    "widget",
    "pipeline_tag",
    "library_name",
    "tags",
]
HUB_FIELDS = [
    "cardData",
    "tags",
    "config",
    "pipeline_tag",
    "library_name",
    "gated",
    "evalResults",
    "model-index",
    "widgetData",
    "safetensors",
    "baseModels",
]


@settings(max_examples=150)
@given(
    st.dictionaries(st.sampled_from(FIELDS), json_values),
    st.dictionaries(st.sampled_from(HUB_FIELDS), json_values),
    json_values,
)
def test_any_answer_of_the_hub_is_judged_without_an_exception(
    front: dict[str, JsonObject], info: dict[str, JsonObject], entry: object
) -> None:
    evidence = replace(
        evidence_of("yard/m", sizes={"a.bin": 7}, texts={"README.md": "# M"}),
        front_matter=front,
        info=info,
        eval_results={".eval_results/a.yaml": {"results": entry}},  # type: ignore[dict-item]
        parents=(replace(LLAMA_PARENT, info=info),),
    )
    for score in scores(evidence).values():
        assert 0.0 <= score.low <= score.high <= 1.0


# weighing and the gate

known = st.builds(
    lambda value, weight: Signal.of("x", weight, value, "r"), st.floats(0, 1), st.floats(0.01, 1)
)
partly = st.builds(
    lambda a, b, weight: Signal.between("x", weight, min(a, b), max(a, b), "r"),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0.01, 1),
)
caps = st.builds(
    lambda limit, sure: Cap(limit=limit, reason="r", is_certain=sure), st.floats(0, 1), st.booleans()
)


@given(st.lists(known | partly, min_size=1, max_size=8), st.lists(caps, max_size=3))
def test_weighing_stays_within_bounds_and_caps(signals: list[Signal], limits: list[Cap]) -> None:
    score = weigh("license", "1", signals, limits)
    assert 0.0 <= score.low <= score.high <= 1.0
    assert all(score.low <= round(cap.limit, 4) for cap in limits)
    assert all(score.high <= round(cap.limit, 4) for cap in limits if cap.is_certain)


@given(st.lists(known | partly, min_size=1, max_size=8), st.data())
def test_learning_more_narrows_the_interval(signals: list[Signal], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(signals) - 1))
    signal = signals[at]
    value = data.draw(st.floats(signal.least, signal.most))
    learnt = [*signals[:at], Signal.of("x", signal.weight, value, "r"), *signals[at + 1 :]]
    before, after = weigh("license", "1", signals), weigh("license", "1", learnt)
    assert before.low <= after.low <= after.high <= before.high


def verdict_of(evidence: Evidence, policy: Policy, day: date = date(2026, 11, 20)) -> Verdict:
    return judge(
        list(scores(evidence, policy).values()),
        ScanReport(rules="none", files=()),
        policy,
        repo=evidence.repo.full_name,
        commit=evidence.manifest.commit,
        as_of=day,
    )


thresholds = st.dictionaries(st.sampled_from(sorted(METRICS)), st.floats(0, 1))


@given(models, thresholds, st.sampled_from(sorted(METRICS)), st.floats(0, 1))
def test_a_higher_threshold_never_turns_a_refusal_into_acceptance(
    evidence: Evidence, given_: dict[str, float], metric: str, more: float
) -> None:
    lenient = Policy(thresholds=given_)
    strict = Policy(thresholds={**given_, metric: max(lenient.threshold(metric), more)})
    order = [Outcome.ACCEPTED, Outcome.INDETERMINATE, Outcome.REFUSED]
    assert order.index(verdict_of(evidence, strict).outcome) >= order.index(
        verdict_of(evidence, lenient).outcome
    )


@given(models, thresholds, st.booleans())
def test_what_fails_is_what_misses_its_threshold(
    evidence: Evidence, given_: dict[str, float], blind: bool
) -> None:
    policy = Policy(thresholds=given_)
    seen = replace(evidence, sources={**evidence.sources, "info": AWAY}, info={}) if blind else evidence
    verdict = verdict_of(seen, policy)
    certain = {f.metric for f in verdict.failures if f.is_certain}
    assert certain == {n for n, s in scores(seen, policy).items() if s.high < policy.threshold(n)}
    net = [score.low for score in verdict.scores]
    assert min(net) <= verdict.net_score <= max(net)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_and_its_repository_may_be_renamed(name: str) -> None:
    evidence = MODELS[name]()
    old, new = evidence.repo, "other-org/other-name"
    moved = json.dumps(evidence.to_json()).replace(old.full_name, new)
    named = {name for name in (old.namespace, old.name) if name}
    for name in sorted(named, key=len, reverse=True):
        moved = moved.replace(f'"{name}"', f'"other-{name}"')
    assert lows(evidence_from_json(json.loads(moved))) == lows(evidence)
