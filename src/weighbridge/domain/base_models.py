"""Which models a revision says it was made from, and what is known of them."""

from __future__ import annotations

from collections.abc import Iterator

from weighbridge.domain.evidence import Evidence, Parent, Source, SourceState
from weighbridge.domain.json_values import JsonObject, child, objects, text, texts

Declared = dict[str, tuple[str, str]]
"""Id to (relation, where it is declared), the most trustworthy declaration first."""


def declared_base_models(evidence: Evidence) -> Declared:
    """What a revision's own files and the Hub's answer for it name.

    In this order: the Hub's ``baseModels``, the card's ``base_model``, adapter_config.json, and the
    ``base_model:`` tags. A model is not its own base.
    """
    adapter = text(evidence.json_of("adapter_config.json"), "base_model_name_or_path")
    found = _declared(evidence.info, evidence.front_matter or {}, adapter)
    return {id: said for id, said in found.items() if id.lower() != evidence.repo.full_name.lower()}


def declared_by_parent(info: JsonObject) -> Declared:
    """The same of a base model, of which only the Hub's answer is known."""
    return _declared(info, child(info, "cardData"), None)


def _declared(info: JsonObject, front: JsonObject, adapter: str | None) -> Declared:
    found: Declared = {}
    for id, relation, where in _named(info, front, adapter):
        found.setdefault(id, (relation, where))
    return found


def _named(info: JsonObject, front: JsonObject, adapter: str | None) -> Iterator[tuple[str, str, str]]:
    resolved = child(info, "baseModels")
    relation = text(resolved, "relation") or ""
    for model in objects(resolved, "models"):
        if id := text(model, "id"):
            yield id, relation, "info:baseModels"
    stated = text(front, "base_model_relation") or relation
    for id in texts(front, "base_model"):
        yield id, stated, "README.md:base_model"
    if adapter:
        yield adapter, "adapter", "adapter_config.json:base_model_name_or_path"
    for tag in texts(info, "tags"):
        if tag.startswith("base_model:"):
            between, _, id = tag.removeprefix("base_model:").rpartition(":")
            yield id, between, "info:tags"


def base_models_of(evidence: Evidence) -> tuple[Parent, ...]:
    """The captured base models; where none could be captured, those that the files declare.

    The latter are unreachable: they are there, and nothing is known of them.
    """
    if evidence.parents or evidence.state("parents") is not SourceState.UNREACHABLE:
        return evidence.parents
    away = Source(state=SourceState.UNREACHABLE, reason="the base models could not be looked up")
    return tuple(
        Parent(id=id, relation="", declared_in=where, source=away)
        for id, (_, where) in sorted(declared_base_models(evidence).items())
    )


def line_of(evidence: Evidence) -> tuple[Parent, ...]:
    """The base models, and theirs: everything whose licence the model inherits."""
    return (*base_models_of(evidence), *evidence.ancestors)
