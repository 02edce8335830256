"""Results stated as data: ``.eval_results/*.yaml``, the Hub's ``evalResults``, ``model-index``, and notes.

Formats: the Hub's eval-results specification (dataset.id, dataset.task_id, value, verifyToken,
source.url) and the older model-index of the card's front matter (papers-with-code layout).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace

from weighbridge.domain.card import Card
from weighbridge.domain.evidence import Evidence, Likeness, Resemblance
from weighbridge.domain.json_values import Json, JsonObject, child, objects, text
from weighbridge.domain.markdown import Line
from weighbridge.domain.score import Proof
from weighbridge.metrics._claims import (
    ATTESTED,
    COMPLETE,
    PROSE,
    SOURCED,
    Claim,
    lower_rung,
    number_of,
)
from weighbridge.metrics._proofs import Lines, as_text, card_line, front_field, hub_field, text_line

_FROM_OPEN_PR = ("pullRequest", "pull_request", "pr", "prNumber", "discussion")


def structured_claims(evidence: Evidence, card: Card) -> Iterator[Claim]:
    """Every result that is stated as data, in a fixed order; a token of another model counts for nothing."""
    for claim in _stated_claims(evidence, card):
        reused = claim.token and reused_token(evidence, claim.token)
        yield claim.without_token() if reused else claim
    yield from _noted(evidence)


def reused_token(evidence: Evidence, token: str) -> Resemblance | None:
    """The other repository in which a verification token was seen before, or None."""
    digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
    seen = (r for r in evidence.resemblances if r.likeness is Likeness.SAME_TOKEN and r.subject)
    return next((r for r in seen if digest.startswith(r.subject.lower())), None)


def _stated_claims(evidence: Evidence, card: Card) -> Iterator[Claim]:
    for path in sorted(evidence.eval_results):
        for entry in objects(evidence.eval_results[path], "results"):
            yield _entry(entry, text_line(evidence, path, _needle(entry)))
    for item in objects(evidence.info, "evalResults"):
        if "error" not in item:
            claim = _entry(child(item, "data") or item, hub_field("evalResults", item))
            yield _a_rung_lower(claim) if _is_community(item) else claim
    front = evidence.front_matter or {}
    if front.get("model-index"):
        stating = Lines((line.number, line.raw) for line in card.front_lines if "value" in line.raw)
        beside = front_field(evidence, card.front_line("model-index"), "model-index")
        for metric, claim in _model_index(front):
            yield replace(claim, proof=_front_proof(stating, metric) or beside)
    else:
        for holder, field in ((evidence.info, "model-index"), (child(evidence.info, "cardData"), "cardData")):
            found = list(_model_index(holder))
            for metric, claim in found:
                yield replace(claim, proof=hub_field(field, metric))
            if found:
                return


def recorded_claims(info: JsonObject) -> Iterator[Claim]:
    """What the Hub's answer for another model records of it."""
    for holder in (info, child(info, "cardData")):
        for _, claim in _model_index(holder):
            yield claim
    for item in objects(info, "evalResults"):
        yield _entry(child(item, "data") or item, hub_field("evalResults", ""))


def _a_rung_lower(claim: Claim) -> Claim:
    return replace(claim, rung=lower_rung(claim.rung), unattested=lower_rung(claim.unattested))


def _noted(evidence: Evidence) -> Iterator[Claim]:
    """What operators attached: as good as a result with its source, for they are named with it."""
    for note in evidence.notes:
        if note.metric != "performance_claims":
            continue
        for entry in note.entries:
            where = f"{note.by}, {note.at}"
            proof = Proof(source="operator", path="notes", locator=where, excerpt=as_text(entry))
            claim = _entry({k: v for k, v in entry.items() if k != "verifyToken"}, proof)
            if claim.rung >= COMPLETE:
                yield replace(claim, rung=SOURCED, has_source=True, is_noted=True)
            else:
                yield claim


def _entry(entry: JsonObject, proof: Proof) -> Claim:
    """One entry of the eval-results format. Its task names metric and split of the benchmark."""
    dataset = child(entry, "dataset")
    id, task = text(dataset, "id") or "", text(dataset, "task_id") or ""
    source = text(child(entry, "source"), "url") or ""
    rung = COMPLETE if id and task else PROSE
    rung = SOURCED if rung == COMPLETE and _is_address(source) else rung
    token = text(entry, "verifyToken") or ""
    attested = rung >= COMPLETE and token
    return Claim(
        rung=ATTESTED if attested else rung,
        unattested=rung,
        token=token,
        metric=text(entry, "metric") or task,
        dataset=id,
        config=task,
        split=text(dataset, "split") or ("test" if task else ""),
        value=number_of(entry.get("value")),
        has_source=bool(attested) or rung == SOURCED,
        has_address=rung == SOURCED,
        has_protocol=bool(text(entry, "notes")),
        proof=proof,
    )


def _model_index(holder: JsonObject) -> Iterator[tuple[JsonObject, Claim]]:
    for model in objects(holder, "model-index"):
        for result in objects(model, "results"):
            source = text(child(result, "source"), "url") or ""
            dataset, task = child(result, "dataset"), child(result, "task")
            name = text(dataset, "type") or text(dataset, "name") or ""
            for metric in objects(result, "metrics"):
                measure = text(metric, "type") or text(metric, "name") or ""
                complete = bool(name and measure and (text(task, "type") or text(task, "name")))
                rung = COMPLETE if complete else PROSE
                rung = SOURCED if complete and _is_address(source) else rung
                token = (metric.get("verified") is True and text(metric, "verifyToken")) or ""
                attested = complete and token
                yield (
                    metric,
                    Claim(
                        rung=ATTESTED if attested else rung,
                        unattested=rung,
                        token=token,
                        metric=measure,
                        dataset=name,
                        config=_word(dataset.get("config")) or _word(dataset.get("args")),
                        split=text(dataset, "split") or "",
                        value=number_of(metric.get("value")),
                        has_source=bool(attested) or rung == SOURCED,
                        has_address=rung == SOURCED,
                        proof=hub_field("model-index", metric),
                    ),
                )


def _word(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _is_address(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _is_community(item: JsonObject) -> bool:
    """Whether the entry stands in a pull request that nobody has merged: anyone may open one."""
    badges = (item.get("badge"), item.get("status"))
    return any(item.get(key) for key in _FROM_OPEN_PR) or "community" in badges


def _needle(entry: JsonObject) -> str:
    id = text(child(entry, "dataset"), "id")
    return id or _spelled(entry.get("value"))


def _spelled(value: Json) -> str:
    return value if isinstance(value, str) else "" if isinstance(value, (Mapping, list)) else str(value)


def _front_proof(stating: Lines, metric: JsonObject) -> Proof | None:
    """The front matter's line with the value, where it is spelled as it was parsed."""
    value = _spelled(metric.get("value"))
    seen = stating.first(value) if value else None
    return seen and card_line(Line(seen[0], seen[1], seen[1].strip()))
