"""Every value has a witness that says so, and every shortfall a remedy that raises it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.metrics.making import data_set, history, merged, organization
from tests.metrics.models import MODELS, encyclopedia
from tests.metrics.witness import occurs
from tests.property.test_metric_laws import with_text
from tests.property.test_metric_sources import HIDEABLE, added, without
from weighbridge.domain.evidence import Evidence, Likeness, OperatorNote, Resemblance
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Score, Status
from weighbridge.metrics import METRICS, REPORTED

settings.register_profile("reasons", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("reasons")

ENTRY: JsonObject = {"dataset": {"id": "yard/trucks", "task_id": "heavy"}, "value": 91.2}
TOKEN = "eyJ.made.up"
DRESSES: Mapping[str, Callable[[Evidence], Evidence]] = {
    "blocked": lambda e: replace(e, blocked={e.files[0].path: "pickle.global"}),
    "broken header": lambda e: replace(e, headers={e.files[0].path: {"error": "not JSON"}}),
    "flagged": lambda e: replace(e, info={**e.info, "securityRepoStatus": {
        "filesWithIssues": [{"path": e.files[0].path, "level": "suspicious"}]}}),
    "noted": lambda e: replace(e, notes=(OperatorNote(
        metric="performance_claims", by="ops", at="2026-11-20T08:00:00Z", entries=(ENTRY,)),)),
    "copied": lambda e: replace(e, resemblances=(
        Resemblance(likeness=Likeness.SAME_WEIGHTS, repo="o/m", subject=e.files[0].path),
        Resemblance(likeness=Likeness.SAME_CARD, repo="o/n", subject="README.md", degree=0.9))),
    "borrowed": lambda e: replace(
        e, info={**e.info, "evalResults": [{**ENTRY, "verifyToken": TOKEN}]},
        resemblances=(Resemblance(likeness=Likeness.SAME_TOKEN, repo="o/m",
                                  subject=hashlib.sha256(TOKEN.encode()).hexdigest()[:16]),)),
    "known parents": lambda e: replace(e, parents=tuple(replace(p, net_score=0.5) for p in e.parents)),
}  # fmt: skip
"""What else may be known of a model."""


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    evidence = MODELS[draw(st.sampled_from(sorted(MODELS)))]()
    for dress in sorted(draw(st.sets(st.sampled_from(sorted(DRESSES)), max_size=3))):
        evidence = DRESSES[dress](evidence)
    away = draw(st.sets(st.sampled_from(HIDEABLE), max_size=2))
    if "info" in away:  # whose tags cannot have declared a base model then
        told = tuple(p for p in evidence.parents if not p.declared_in.startswith("info"))
        evidence = replace(evidence, parents=told)
    return without(evidence, away)


def scores(evidence: Evidence) -> list[Score]:
    found = [metric(evidence, Policy()) for metric in (*METRICS.values(), *REPORTED.values())]
    return [score for score in found if score]


@given(evidences())
def test_every_reason_has_a_witness_that_says_so(evidence: Evidence) -> None:
    for score in scores(evidence):
        for signal in score.signals:
            if signal.value:
                assert signal.proofs, f"{score.metric}.{signal.id} has no evidence"
            assert signal.reason
            for proof in signal.proofs:
                assert occurs(proof, evidence), proof
        for cap in score.caps:
            assert cap.reason
            assert cap.proofs or not cap.is_certain
            assert all(occurs(proof, evidence) for proof in cap.proofs)


@given(evidences())
def test_every_shortfall_says_how_to_improve(evidence: Evidence) -> None:
    for score in scores(evidence):
        counted = [s for s in score.signals if s.status is not Status.NOT_APPLICABLE]
        lacking = [s for s in counted if s.value is None or s.value < 1]
        assert all(signal.how_to_improve for signal in lacking)
        assert all(cap.how_to_improve for cap in score.caps)


CARD = """---
license: {licence}
datasets: [yard/trucks]
library_name: transformers
pipeline_tag: text-generation
---
# A model

```python
from transformers import AutoModel

model = AutoModel.from_pretrained("{name}")
```

## Training data

The texts were collected from forums of drivers and consist of 12,000 sentences in English. Duplicates were
removed, two people labelled every sentence, and there is a bias towards heavy trucks.
"""


def with_card(evidence: Evidence) -> Evidence:
    licence = "llama2" if "LICENSE.txt" in evidence.texts else "mit"
    return with_text(evidence, "README.md", CARD.format(name=evidence.repo.full_name, licence=licence))


APPLIED: Mapping[str, Callable[[Evidence], Evidence]] = {
    "license": with_card,
    "ramp_up_time": with_card,
    "dataset_and_code_score": lambda e: replace(with_card(e), data_sets=(data_set("yard/trucks"),)),
    "dataset_quality": lambda e: replace(with_card(e), data_sets=(encyclopedia(),)),
    "bus_factor": lambda e: replace(
        e, commits=history(a=3, b=3, c=3), owner=organization("yard", 5), discussions=merged("eve", "finn")
    ),
    "performance_claims": lambda e: replace(e, info={**e.info, "evalResults": [ENTRY]}),
    "code_quality": lambda e: added(
        with_text(with_card(e), "config.json", '{"model_type": "bert"}'), "model.safetensors"
    ),
}
"""For each metric what its own remedies ask for."""


@pytest.mark.parametrize("metric", sorted(APPLIED))
def test_following_the_advice_raises_what_failed(metric: str) -> None:
    seen = 0
    for name in sorted(MODELS):
        evidence = replace(MODELS[name](), parents=())
        before = METRICS[metric](evidence, Policy())
        if before.high < 0.5:
            seen += 1
            assert any(signal.how_to_improve for signal in before.signals)
            assert METRICS[metric](APPLIED[metric](evidence), Policy()).low > before.low, name
    assert seen


@pytest.mark.parametrize("name", sorted(MODELS))
def test_scores_bear_the_names_of_their_metrics(name: str) -> None:
    evidence = MODELS[name]()
    assert [metric(evidence, Policy()).metric for metric in METRICS.values()] == list(METRICS)


def test_what_is_unknown_says_what_to_do_about_it() -> None:
    blind = scores(without(MODELS["sst2"](), HIDEABLE))
    unknown = [s for score in blind for s in score.signals if s.status is Status.UNKNOWN]
    assert unknown
    assert all(signal.how_to_improve for signal in unknown)
