"""The base models of a revision, as all who judge it see them."""

from __future__ import annotations

from weighbridge.domain.evidence import Evidence, Parent, Source, SourceState
from weighbridge.domain.json_values import text, texts


def base_models_of(evidence: Evidence) -> tuple[Parent, ...]:
    """The captured base models; where none could be captured, those that the files declare.

    The latter are unreachable: they are there, and nothing is known of them.
    """
    if evidence.parents or evidence.state("parents") is not SourceState.UNREACHABLE:
        return evidence.parents
    away = Source(state=SourceState.UNREACHABLE, reason="the base models could not be looked up")
    declared = dict.fromkeys(texts(evidence.front_matter or {}, "base_model"), "README.md:base_model")
    adapter = text(evidence.json_of("adapter_config.json"), "base_model_name_or_path")
    if adapter:
        declared.setdefault(adapter, "adapter_config.json:base_model_name_or_path")
    for tag in texts(evidence.info, "tags"):
        if tag.startswith("base_model:"):
            declared.setdefault(tag.rpartition(":")[2], "info:tags")
    return tuple(
        Parent(id=id, relation="", declared_in=where, source=away) for id, where in sorted(declared.items())
    )
