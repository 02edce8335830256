"""``size_score``: on which machines the model fits.

For a target with B GiB of memory, s = clip(log2(B / M) / 2 + 0.5): 0.5 exactly fits, 1 fits twice
over, 0 is twice too big. M = (1.2 b + KV) / GiB + 0.3, where b are the bytes of the one variant
that one would deploy (with those of its base model, for an adapter) and KV is the cache of a causal
language model for 2048 tokens: 2 * layers * hidden * (kv heads / heads) * 2 bytes * 2048.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from weighbridge.domain.about import Memory
from weighbridge.domain.base_models import base_models_of
from weighbridge.domain.evidence import Evidence, ModelShape, Parent, SourceState
from weighbridge.domain.json_values import JsonObject, text, texts, whole
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Proof, Score, Signal, weigh
from weighbridge.domain.weights import Deployable, deployable
from weighbridge.metrics._proofs import first, listed

NAME, VERSION = "size_score", "1.0.0"
GIB = 1 << 30
OVERHEAD = 1.2
RUNTIME_GIB = 0.3
CONTEXT_TOKENS = 2048
FORMULA = (
    f"{OVERHEAD:g} x the bytes of the weights + the key-value cache for {CONTEXT_TOKENS} tokens"
    f" + {RUNTIME_GIB:g} GiB"
)
_SANE = 10_000_000
"""Larger numbers of layers, heads or hidden units in a config.json are lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    """What must lie in memory, in bytes; None where it is not known. ``why`` is for people.

    ``is_nothing``: there is nothing that could be run, so it fits nowhere.
    """

    weights_bytes: int | None = None
    is_nothing: bool = False
    cache_bytes: int = 0
    why: str = ""
    proofs: tuple[Proof, ...] = ()

    @property
    def memory_gib(self) -> float:
        return (OVERHEAD * (self.weights_bytes or 0) + self.cache_bytes) / GIB + RUNTIME_GIB


def size_score(evidence: Evidence, policy: Policy) -> Score:
    """How well the deployable variant fits each target device of the policy."""
    load = _load(evidence)
    parts: dict[str, float] = {}
    signals = []
    for target, gib in policy.targets_gib.items():
        weight = policy.target_weights.get(target, 0.0)
        if load.is_nothing:
            parts[target] = 0.0
            advice = "Publish the weights and, for an adapter, name its base model."
            signals.append(Signal.of(target, weight, 0.0, load.why, (), advice))
        elif load.weights_bytes is None:
            advice = "Try again when the Hub can be reached."
            signals.append(Signal.unknown(target, weight, load.why, advice))
        else:
            parts[target] = round(fit(gib, load.memory_gib), 4)
            signals.append(_signal(target, weight, gib, load))
    return weigh(NAME, VERSION, signals, parts=parts)


def memory_of(evidence: Evidence, policy: Policy) -> Memory:
    """What the deployable variant needs, beside the target devices of the policy."""
    load = _load(evidence)
    is_known = not load.is_nothing and load.weights_bytes is not None
    return Memory(
        need_gib=load.memory_gib if is_known else None,
        why=load.why,
        formula=FORMULA,
        devices=policy.targets_gib,
    )


def fit(device_gib: float, memory_gib: float) -> float:
    """How well ``memory_gib`` fits into a device: 0.5 exactly, 1 twice over, 0 twice too big."""
    if device_gib <= 0:
        return 0.0
    return min(1.0, max(0.0, math.log2(device_gib / memory_gib) / 2 + 0.5))


def _signal(target: str, weight: float, gib: float, load: _Load) -> Signal:
    value = fit(gib, load.memory_gib)
    reason = f"needs about {load.memory_gib:.2f} GiB ({load.why}); {target} has {gib:g} GiB"
    return Signal.of(
        target,
        weight,
        value,
        reason,
        load.proofs if value else (),
        "Choose a quantised or smaller variant, or set the targets of the policy to the machines in use.",
    )


def _load(evidence: Evidence) -> _Load:
    chosen = deployable(evidence.files, evidence.json_of)
    if not chosen.files:
        return _Load(is_nothing=True, why="the revision holds no weights")
    if evidence.state("texts") is SourceState.UNREACHABLE and _depends_on_texts(evidence):
        return _Load(why="config.json could not be read")
    proofs = first([listed(evidence, entry.path) for entry in chosen.files])
    why = f"{_files(chosen)} of {chosen.size_bytes / GIB:.2f} GiB"
    if evidence.shape is ModelShape.ADAPTER:
        return _with_base(evidence, chosen, why, proofs)
    cache = cache_bytes(evidence.json_of("config.json"))
    if cache:
        why += f", {cache / GIB:.2f} GiB cache for {CONTEXT_TOKENS} tokens"
    return _Load(weights_bytes=chosen.size_bytes, cache_bytes=cache, why=why, proofs=proofs)


def _with_base(evidence: Evidence, chosen: Deployable, why: str, proofs: Sequence[Proof]) -> _Load:
    base = _base_of(evidence)
    if base is None:
        return _Load(is_nothing=True, why="the adapter names no base model")
    if base.source.state is SourceState.ABSENT:
        return _Load(is_nothing=True, why=f"the base model {base.id} is not there: {base.source.reason}")
    if base.source.state is SourceState.UNREACHABLE or base.weight_bytes is None:
        reason = base.source.reason or "its listing shows no weights"
        return _Load(why=f"the size of the base model {base.id} is not known: {reason}")
    size = chosen.size_bytes + base.weight_bytes
    return _Load(
        weights_bytes=size,
        why=f"{why}, with {base.weight_bytes / GIB:.2f} GiB of {base.id}",
        proofs=(
            *proofs,
            Proof(source="hub", path=base.id, locator="weight_bytes", excerpt=str(base.weight_bytes)),
        ),
    )


def _base_of(evidence: Evidence) -> Parent | None:
    """The model that the adapter sits on: the one that adapter_config.json names, else the first."""
    parents = base_models_of(evidence)
    named = text(evidence.json_of("adapter_config.json"), "base_model_name_or_path")
    return next((p for p in parents if p.id == named), parents[0] if parents else None)


def _depends_on_texts(evidence: Evidence) -> bool:
    paths = evidence.manifest.by_path
    return (
        "config.json" in paths
        or "adapter_config.json" in paths
        or any(p.endswith(".index.json") for p in paths)
    )


def _files(chosen: Deployable) -> str:
    more = f" and {len(chosen.files) - 1} further files" if len(chosen.files) > 1 else ""
    others = f" ({len(chosen.others)} other variants not counted)" if chosen.others else ""
    return f"{chosen.files[0].path}{more}{others}"


def cache_bytes(config: JsonObject) -> int:
    """The key-value cache of a causal language model for 2048 tokens in 16 bits; else 0."""
    if not any("CausalLM" in name or "LMHead" in name for name in texts(config, "architectures")):
        return 0
    layers = _count(config, "num_hidden_layers", "n_layer", "num_layers", "n_layers")
    hidden = _count(config, "hidden_size", "n_embd", "d_model", "dim")
    heads = _count(config, "num_attention_heads", "n_head", "num_heads", "n_heads") or 1
    kv_heads = min(_count(config, "num_key_value_heads", "n_head_kv", "num_kv_heads") or heads, heads)
    return 2 * layers * (hidden * kv_heads // heads) * 2 * CONTEXT_TOKENS


def _count(config: JsonObject, *keys: str) -> int:
    for key in keys:
        value = whole(config, key)
        if value is not None and 0 < value <= _SANE:
            return value
    return 0
