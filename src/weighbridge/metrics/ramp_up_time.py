"""``ramp_up_time``: how soon somebody who never saw the model has it running.

Six signals: loads_as_is .20, quickstart .30, explains_use .25, io_contract .10,
no_custom_code .10, access .05.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from weighbridge.domain.card import CARD_PATH, Card, Role, card_of
from weighbridge.domain.evidence import Evidence, SourceState
from weighbridge.domain.json_values import child, items
from weighbridge.domain.markdown import Paragraph, distinct_trigrams
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Proof, Score, Signal, weigh
from weighbridge.metrics._examples import best_example
from weighbridge.metrics._files import custom_code, file_set, library_of, task_of
from weighbridge.metrics._proofs import card_line, front_field, hub_field, listed, text_line

NAME, VERSION = "ramp_up_time", "1.0.0"
ENOUGH_TRIGRAMS = 120
"""So many different runs of three words explain a use; about two paragraphs."""
DERIVABLE = 0.4
"""What a quick start is worth that the Hub derives by itself from library and task."""
_UNNAMED_LABEL = re.compile(r"LABEL_\d+|\d+", re.IGNORECASE)
_GATES = {"auto": 0.7, "manual": 0.4}
_LATER = "Try again when the Hub can be reached."


def ramp_up_time(evidence: Evidence, policy: Policy) -> Score:
    """How quickly the model can be put to use."""
    card = card_of(evidence)
    signals = (
        _loads_as_is(evidence),
        _quickstart(evidence, card),
        _explains_use(evidence, card),
        _io_contract(evidence, card),
        _no_custom_code(evidence),
        access(evidence),
    )
    return weigh(NAME, VERSION, signals)


def _texts_away(evidence: Evidence) -> bool:
    return evidence.state("texts") is SourceState.UNREACHABLE


def _info_away(evidence: Evidence) -> bool:
    return evidence.state("info") is SourceState.UNREACHABLE


def _loads_as_is(evidence: Evidence) -> Signal:
    found = file_set(evidence)
    remedy = "Publish every file that loading needs: all shards, config.json, tokenizer or processor."
    if _texts_away(evidence) and found.value:
        reason = f"{found.reason}; whether the configuration agrees could not be read"
        return Signal.between("loads_as_is", 0.20, 0.0, 1.0, reason, found.proofs, _LATER)
    return Signal.of("loads_as_is", 0.20, found.value, found.reason, found.proofs, remedy)


def _quickstart(evidence: Evidence, card: Card) -> Signal:
    id, weight = "quickstart", 0.30
    if _texts_away(evidence):
        return Signal.unknown(id, weight, "the card could not be read", _LATER)
    remedy = f"Show in a Python block how to load {evidence.repo.full_name} by its name and use it."
    best = best_example(card, evidence.repo)
    value = best.grade if best else 0.0
    reason = f"the best example {best.reason}" if best else "the card shows no example"
    proofs: tuple[Proof, ...] = (card_line(best.line),) if best else ()
    library, task = library_of(evidence), task_of(evidence)
    if value < DERIVABLE and file_set(evidence).is_complete:
        if library and task:
            value = DERIVABLE
            reason += f"; the Hub derives one for {library}"
            proofs += (task,)
        elif _info_away(evidence):
            return Signal.between(
                id, weight, value, DERIVABLE, f"{reason}; the Hub could not be asked", proofs, _LATER
            )
    return Signal.of(id, weight, value, reason, proofs, remedy)


def _explains_use(evidence: Evidence, card: Card) -> Signal:
    id, weight = "explains_use", 0.25
    if _texts_away(evidence):
        return Signal.unknown(id, weight, "the card could not be read", _LATER)
    sections = card.of(Role.INTRO, Role.DESCRIPTION, Role.USAGE)
    paragraphs = [paragraph for section in sections for paragraph in section.paragraphs]
    count, proofs = explained(paragraphs)
    return Signal.of(
        id,
        weight,
        count / ENOUGH_TRIGRAMS,
        f"introduction, description and usage hold {count} different word triples; "
        f"{ENOUGH_TRIGRAMS} are enough",
        proofs,
        "Describe what the model does, how to use it and what it is not for, in sections of those names.",
    )


def explained(paragraphs: Sequence[Paragraph]) -> tuple[int, tuple[Proof, ...]]:
    """How many different word triples paragraphs hold, and the two longest of them."""
    count = distinct_trigrams(paragraph.text for paragraph in paragraphs)
    longest = sorted(paragraphs, key=lambda p: (-len(p.text), p.lines[0].number))[:2]
    return count, tuple(card_line(paragraph.lines[0]) for paragraph in longest) if count else ()


def _io_contract(evidence: Evidence, card: Card) -> Signal:
    id, weight = "io_contract", 0.10
    if _texts_away(evidence):
        return Signal.unknown(id, weight, "card and configuration could not be read", _LATER)
    remedy = "Give widget examples, names for the labels (id2label) or a chat template."
    shown = _shown_contract(evidence, card)
    if shown:
        return Signal.of(id, weight, 1.0, shown[0], (shown[1],))
    task = task_of(evidence)
    has_code = best_example(card, evidence.repo) is not None
    value = 0.0 if task is None else 0.7 if has_code else 0.4
    reason = "no task is stated" if task is None else "the task is stated"
    reason += " and an example shows it in use" if task and has_code else ""
    proofs = (task,) if task else ()
    if _info_away(evidence):
        return Signal.between(id, weight, value, 1.0, f"{reason}; the Hub could not be asked", proofs, _LATER)
    return Signal.of(id, weight, value, reason, proofs, remedy)


def _shown_contract(evidence: Evidence, card: Card) -> tuple[str, Proof] | None:
    """Examples of input, names of output, or the form of a conversation."""
    front = evidence.front_matter or {}
    for item in items(evidence.info, "widgetData"):
        if item:
            return "the Hub shows example inputs", hub_field("widgetData", item)
    if any(items(front, "widget")):
        return "the card gives example inputs", front_field(evidence, card.front_line("widget"), "widget")
    labels = [v for v in child(evidence.json_of("config.json"), "id2label").values() if isinstance(v, str)]
    if labels and not any(_UNNAMED_LABEL.fullmatch(label.strip()) for label in labels):
        return "the labels have names", text_line(evidence, "config.json", "id2label")
    if evidence.json_of("tokenizer_config.json").get("chat_template"):
        return "a chat template is there", text_line(evidence, "tokenizer_config.json", "chat_template")
    for path in ("chat_template.jinja", "chat_template.json"):
        if path in evidence.manifest.by_path:
            return "a chat template is there", listed(evidence, path)
    return None


def _no_custom_code(evidence: Evidence) -> Signal:
    id, weight = "no_custom_code", 0.10
    found = custom_code(evidence)
    remedy = "Use an architecture that the library has, so that loading runs no code of the repository."
    if found:
        where = text_line(evidence, found, "auto_map" if found.endswith(".json") else "")
        return Signal.of(id, weight, 0.2, f"loading runs code of the repository ({found})", (where,), remedy)
    if not evidence.files:
        return Signal.of(id, weight, 0.0, "the revision holds no files", (), remedy)
    seen = "config.json" if "config.json" in evidence.manifest.by_path else evidence.files[0].path
    if _texts_away(evidence):
        return Signal.between(id, weight, 0.2, 1.0, "the configuration could not be read", (), _LATER)
    return Signal.of(id, weight, 1.0, "loading runs no code of the repository", (listed(evidence, seen),))


def access(evidence: Evidence) -> Signal:
    """Who may fetch it."""
    id, weight = "access", 0.05
    if _info_away(evidence):
        return Signal.between(id, weight, 0.4, 1.0, "whether it is gated could not be read", (), _LATER)
    gated = evidence.info.get("gated")
    if not evidence.files:
        return Signal.of(id, weight, 0.0, "the revision holds no files", (), "Publish the files.")
    if not gated:
        seen = CARD_PATH if CARD_PATH in evidence.manifest.by_path else evidence.files[0].path
        proof = hub_field("gated", gated) if "gated" in evidence.info else listed(evidence, seen)
        return Signal.of(id, weight, 1.0, "anybody may fetch it", (proof,))
    value = _GATES.get(gated, 0.4) if isinstance(gated, str) else 0.4
    how = "at once" if value > 0.4 else "after somebody looked at the request"
    reason = f"it is gated: access is granted {how}"
    return Signal.of(id, weight, value, reason, (hub_field("gated", gated),), "Open the repository.")
