"""What an unread source does to scores: the interval holds what would have come out."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.metrics.making import AWAY, data_set, evidence_of, history, merged, organization
from tests.metrics.models import LLAMA_PARENT, MODELS
from weighbridge.domain.evidence import Evidence, Likeness, OperatorNote, Resemblance
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.manifest import FileEntry, sha256
from weighbridge.domain.policy import Policy
from weighbridge.domain.repo import DETAILS
from weighbridge.domain.score import Score
from weighbridge.metrics import METRICS, REPORTED
from weighbridge.metrics._proofs import Lines

settings.register_profile("sources", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sources")

HIDEABLE = (
    "info", "details", "texts", "headers", "parents", "commits", "discussions", "owner", "data_sets",
)  # fmt: skip
"""Every source that a Hub can refuse; the registry looks into itself."""
names = st.sampled_from(sorted(MODELS))
blinds = st.sets(st.sampled_from(HIDEABLE))
COPIES = (
    Resemblance(likeness=Likeness.SAME_WEIGHTS, repo="other/original", subject="model.safetensors"),
    Resemblance(likeness=Likeness.SAME_CARD, repo="openai/whisper-tiny", subject="README.md", degree=0.95),
)


def scores(evidence: Evidence) -> dict[str, Score]:
    shown = {"reproducibility": REPORTED["reproducibility"]}
    found = {name: metric(evidence, Policy()) for name, metric in {**METRICS, **shown}.items()}
    return {name: score for name, score in found.items() if score}


def without(evidence: Evidence, away: Collection[str]) -> Evidence:
    """The evidence as it would be had these sources been unreachable."""
    hidden = {**dict.fromkeys(away, AWAY)}
    info = {k: v for k, v in evidence.info.items() if "details" not in away or k not in DETAILS}
    changes: dict[str, object] = {"info": {} if "info" in away else info}
    if "info" in away:
        hidden["details"] = AWAY
    if "texts" in away:
        changes |= {"texts": {}, "front_matter": None, "eval_results": {}}
    if "headers" in away:
        changes["headers"] = {}
    if "parents" in away:
        gone = {"source": AWAY, "info": None, "weight_bytes": None, "card": ""}
        changes["parents"] = tuple(replace(p, **gone) for p in evidence.parents)  # type: ignore[arg-type]
    if "data_sets" in away:
        gone = {"source": AWAY, "info": None, "files": (), "card": ""}
        changes["data_sets"] = tuple(replace(d, **gone) for d in evidence.data_sets)  # type: ignore[arg-type]
    changes |= {name: () for name in ("commits", "discussions") if name in away}
    if "owner" in away:
        changes["owner"] = None
    return replace(evidence, sources={**evidence.sources, **hidden}, **changes)  # type: ignore[arg-type]


def model(name: str, copied: bool = False) -> Evidence:
    evidence = MODELS[name]()
    return replace(evidence, resemblances=COPIES) if copied else evidence


@given(names, st.booleans(), blinds)
def test_an_unread_source_leaves_an_interval_around_the_known_score(
    name: str, copied: bool, away: set[str]
) -> None:
    evidence = model(name, copied)
    known, unsure = scores(evidence), scores(without(evidence, away))
    for metric in known:
        assert unsure[metric].low <= known[metric].low <= known[metric].high <= unsure[metric].high, metric


@given(names, st.booleans(), blinds, blinds)
def test_reading_one_more_source_never_widens_the_interval(
    name: str, copied: bool, away: set[str], more: set[str]
) -> None:
    evidence = model(name, copied)
    narrow, wide = scores(without(evidence, away)), scores(without(evidence, away | more))
    for metric in narrow:
        assert wide[metric].low <= narrow[metric].low <= narrow[metric].high <= wide[metric].high, metric


@pytest.mark.parametrize(
    ("source", "feeds"),
    [
        ("commits", {"bus_factor"}),
        ("discussions", {"bus_factor"}),
        ("owner", {"bus_factor"}),
        ("data_sets", {"dataset_and_code_score", "dataset_quality"}),
        ("details", {"bus_factor", "performance_claims"}),
        ("headers", {"code_quality"}),
    ],
)
def test_each_source_feeds_these_metrics_and_no_other(source: str, feeds: set[str]) -> None:
    moved = set()
    for name in MODELS:
        known, unsure = scores(model(name)), scores(without(model(name), {source}))
        moved |= {m for m in known if (known[m].low, known[m].high) != (unsure[m].low, unsure[m].high)}
    assert moved == feeds


def test_the_word_of_the_hubs_scanners_is_the_one_source_that_leaves_no_interval() -> None:
    """Their "safe" may not raise a score, so that it was not heard cannot lower one."""
    status = {"filesWithIssues": [{"path": "pytorch_model.bin", "level": "unsafe"}]}
    unsafe = replace(model("sst2"), info={**model("sst2").info, "securityRepoStatus": status})
    assert scores(unsafe)["code_quality"].high == 0.2
    assert scores(without(unsafe, {"details"}))["code_quality"] == scores(model("sst2"))["code_quality"]


@given(names)
def test_parents_that_were_never_listed_are_found_in_the_files(name: str) -> None:
    evidence = model(name)
    blind = replace(evidence, parents=(), sources={**evidence.sources, "parents": AWAY})
    if (evidence.front_matter or {}).get("base_model") or "adapter_config.json" in evidence.texts:
        known, unsure = scores(evidence), scores(blind)
        for metric in METRICS:
            assert unsure[metric].low <= known[metric].low <= unsure[metric].high


# what more can only help


def added(evidence: Evidence, path: str) -> Evidence:
    entry = FileEntry(path=path, size_bytes=1_000, digests=(sha256("0" * 64),))
    header: JsonObject = {"format": "safetensors", "tensors": 1, "parameters": 10}
    files = (*evidence.files, entry)
    return replace(
        evidence,
        manifest=replace(evidence.manifest, files=files),
        headers={**evidence.headers, path: header},
    )


@given(names, st.sampled_from(["model.safetensors", "adapter_model.safetensors", "extra/w.safetensors"]))
def test_adding_safetensors_never_lowers_code_quality(name: str, path: str) -> None:
    evidence = model(name)
    having = added(evidence, path) if path not in evidence.manifest.by_path else evidence
    if having.shape is evidence.shape:
        assert scores(having)["code_quality"].low >= scores(evidence)["code_quality"].low


entries = st.fixed_dictionaries(
    {
        "dataset": st.fixed_dictionaries(
            {"id": st.sampled_from(["yard/trucks", "openai/gsm8k"]), "task_id": st.sampled_from(["a", "b"])}
        ),
        "value": st.floats(0.0, 100.0),
    }
)


@given(names, st.lists(entries, min_size=1, max_size=4))
def test_what_an_operator_attaches_never_lowers_and_comes_to_a_pass(
    name: str, attached: list[JsonObject]
) -> None:
    evidence = model(name)
    note = OperatorNote(
        metric="performance_claims", by="ops", at="2026-11-20T08:00:00Z", entries=tuple(attached)
    )
    noted = scores(replace(evidence, notes=(note,)))["performance_claims"]
    assert noted.low >= scores(evidence)["performance_claims"].low
    assert noted.low >= 0.5
    others = scores(replace(evidence, notes=(replace(note, metric="bus_factor"),)))
    assert others["performance_claims"] == scores(evidence)["performance_claims"]


# anything at all

words = st.text(max_size=30) | st.sampled_from(
    ["# A", "## Dataset Structure", "```", "|a|b|", "train 1,000", "\x00"]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("tags", "cardData", "disabled", "childrenModelCount", "securityRepoStatus", "sha", "library_name")


@settings(max_examples=150)
@given(
    st.dictionaries(st.sampled_from(FIELDS), json_values),
    st.lists(words, max_size=8).map("\n".join),
    st.lists(st.text(max_size=12), max_size=4),
    st.binary(max_size=200).map(lambda raw: raw.decode("utf-8", "replace")),
)
def test_any_surroundings_are_judged_without_an_exception(
    info: dict[str, JsonObject], said: str, people: list[str], code: str
) -> None:
    commits = tuple(
        replace(commit, authors=(person,), title=said[:20], created_at=person)
        for commit, person in zip(history(x=4), people, strict=False)
    )
    found = replace(data_set("yard/t", card=said, files=tuple(people)), info=info)
    evidence = evidence_of(
        "yard/m",
        sizes={"a.bin": 7},
        texts={"README.md": said, "train.py": code, "requirements.txt": code, "config.json": code},
        info=info,
        commits=commits,
        discussions=merged(*people),
        owner=organization(said[:5], len(people)),
        data_sets=(found,),
        parents=(replace(LLAMA_PARENT, info=info, card=said),),
        notes=(OperatorNote(metric="performance_claims", by="o", at="", entries=(info,)),),
    )
    for metric in (*METRICS.values(), *REPORTED.values()):
        score = metric(evidence, Policy())
        assert score is None or 0.0 <= score.low <= score.high <= 1.0


lines = st.lists(st.text("ab\x0b \r\u2028", max_size=6) | st.sampled_from(["", "a", " "]), max_size=12)


@given(lines, st.text("ab ", max_size=3))
def test_the_line_that_holds_something_is_the_first_that_does(written: list[str], needle: str) -> None:
    content = "\n".join(written)
    plain = [(n, raw) for n, raw in enumerate(content.splitlines(), 1) if raw.strip() and needle in raw]
    assert Lines(enumerate(content.splitlines(), 1)).first(needle) == next(iter(plain), None)


whole_numbers = st.integers() | st.just(10**4299) | st.just(-(2**63)) | st.just(2**1024)


@given(st.dictionaries(st.sampled_from("abc"), whole_numbers))
def test_numbers_that_no_machine_holds_are_judged_without_an_exception(counts: dict[str, int]) -> None:
    info: JsonObject = {
        "childrenModelCount": counts,
        "evalResults": [
            {"dataset": {"id": "a", "task_id": "b"}, "value": count} for count in counts.values()
        ],
    }
    config = json.dumps(
        {"num_hidden_layers": max(counts.values(), default=1), "architectures": ["XCausalLM"]}
    )
    evidence = evidence_of("yard/m", sizes={"a.bin": 7}, texts={"config.json": config}, info=info)
    for metric in (*METRICS.values(), *REPORTED.values()):
        score = metric(evidence, Policy())
        assert score is None or 0.0 <= score.low <= score.high <= 1.0
