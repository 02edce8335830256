"""What the gate asks for: data, from settings, per group or per model."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, child, digest_of, objects
from weighbridge.domain.licence import PERMISSIVENESS
from weighbridge.domain.licence_wish import LicenceWish
from weighbridge.domain.ref import RepoId
from weighbridge.domain.waiver import (
    METRICS,
    METRICS_OF_THE_GATE,
    METRICS_REPORTED,
    SAFETY,
    Override,
    Waiver,
    float_in,
    floats_in,
    require_thresholds,
)

__all__ = [
    "METRICS",
    "METRICS_OF_THE_GATE",
    "METRICS_REPORTED",
    "NET_WEIGHTS",
    "SAFETY",
    "TARGETS_GIB",
    "TARGET_WEIGHTS",
    "Override",
    "Policy",
    "Waiver",
]

NET_WEIGHTS: Mapping[str, float] = {
    "license": 0.20,
    "ramp_up_time": 0.15,
    "performance_claims": 0.15,
    "code_quality": 0.15,
    "bus_factor": 0.10,
    "dataset_and_code_score": 0.10,
    "dataset_quality": 0.10,
    "size_score": 0.05,
}
"""What each metric weighs in the net score; the weights of those that were judged are rescaled."""

TARGETS_GIB: Mapping[str, float] = {
    "raspberry_pi": 6.0,
    "jetson_nano": 3.0,
    "desktop_pc": 12.0,
    "aws_server": 80.0,
}
TARGET_WEIGHTS: Mapping[str, float] = {
    "raspberry_pi": 0.1,
    "jetson_nano": 0.1,
    "desktop_pc": 0.3,
    "aws_server": 0.5,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Thresholds, device sizes, licence classes and waivers for one judgement.

    ``thresholds`` overrides ``default_threshold`` for single metrics. ``permissiveness`` says
    how free each class of licences is, from 0 to 1 (``licence.Category``). ``strict`` turns
    everything that no scanner could read into a refusal that no waiver lifts. ``overrides`` are
    for some repositories only: ``for_repo`` picks those that hold. ``licence`` says which terms are
    allowed at all; a waiver of the metric ``license`` lifts it.
    """

    default_threshold: float = 0.5
    thresholds: Mapping[str, float] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    targets_gib: Mapping[str, float] = field(default_factory=lambda: dict(TARGETS_GIB))
    target_weights: Mapping[str, float] = field(default_factory=lambda: dict(TARGET_WEIGHTS))
    net_weights: Mapping[str, float] = field(default_factory=lambda: dict(NET_WEIGHTS))
    permissiveness: Mapping[str, float] = field(default_factory=lambda: dict(PERMISSIVENESS))
    strict: bool = False
    overrides: tuple[Override, ...] = ()
    licence: LicenceWish = field(default_factory=LicenceWish)

    def __post_init__(self) -> None:
        # A metric sums in the order of the targets, and a stored policy comes back sorted by name.
        known = list(TARGETS_GIB)
        order = sorted(self.targets_gib, key=lambda n: (known.index(n) if n in known else len(known), n))
        object.__setattr__(self, "targets_gib", {name: self.targets_gib[name] for name in order})
        require_thresholds(self.thresholds)
        if not 0.0 <= self.default_threshold <= 1.0:
            raise Invalid("default_threshold", self.default_threshold, "is not between 0 and 1")
        _require_all(self.targets_gib, "targets_gib", "is no size in GiB", lambda gib: 0.0 < gib < math.inf)
        for name in ("target_weights", "net_weights", "permissiveness"):
            values: Mapping[str, float] = getattr(self, name)
            _require_all(values, name, "is not between 0 and 1", lambda value: 0.0 <= value <= 1.0)
        if not any(self.target_weights.get(name, 0.0) for name in self.targets_gib):
            raise Invalid("target_weights", dict(self.target_weights), "weigh none of the targets above 0")
        if not any(self.net_weights.values()):
            raise Invalid("net_weights", dict(self.net_weights), "are all 0")

    def threshold(self, metric: str) -> float:
        """What a metric must reach."""
        return self.thresholds.get(metric, self.default_threshold)

    def gates(self, metric: str) -> bool:
        """Whether a metric can keep a model out."""
        return metric in METRICS_OF_THE_GATE or metric in self.thresholds

    def for_repo(self, repo: RepoId, today: date) -> Policy:
        """What holds for one repository on a day; of two overrides the later one counts.

        The overrides that count stay, so that it is stored why.
        """
        held = tuple(override for override in self.overrides if override.covers(repo, today))
        thresholds = dict(self.thresholds)
        for override in held:
            thresholds.update(override.thresholds)
        waivers = tuple(waiver for override in held for waiver in override.waivers(repo.full_name))
        return replace(self, thresholds=thresholds, waivers=(*self.waivers, *waivers), overrides=held)

    def adjusted(self, thresholds: Mapping[str, float], waivers: tuple[Waiver, ...]) -> Policy:
        """This policy with the wishes of one request.

        Raises:
            Invalid: a threshold names no metric or is not between 0 and 1.
        """
        return replace(self, thresholds={**self.thresholds, **thresholds}, waivers=(*self.waivers, *waivers))

    @property
    def sha256(self) -> str:
        """The digest that is stored with every score."""
        return digest_of(self.to_json())

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "default_threshold": self.default_threshold,
            "thresholds": dict(self.thresholds),
            "waivers": [waiver.to_json() for waiver in self.waivers],
            "targets_gib": dict(self.targets_gib),
            "target_weights": dict(self.target_weights),
            "net_weights": dict(self.net_weights),
            "permissiveness": dict(self.permissiveness),
            "strict": self.strict,
            "overrides": [override.to_json() for override in self.overrides],
            **({"licence": self.licence.to_json()} if self.licence.asks else {}),
        }

    @classmethod
    def from_json(cls, source: JsonObject) -> Policy:
        """Read what ``to_json`` wrote.

        Raises:
            Invalid: a field is not what it must be.
        """
        return cls(
            default_threshold=float_in({"default_threshold": 0.5, **source}, "default_threshold"),
            thresholds=floats_in(source, "thresholds"),
            waivers=tuple(Waiver.from_json(w) for w in objects(source, "waivers")),
            targets_gib=floats_in(source, "targets_gib") or dict(TARGETS_GIB),
            target_weights=floats_in(source, "target_weights") or dict(TARGET_WEIGHTS),
            net_weights=floats_in(source, "net_weights") or dict(NET_WEIGHTS),
            permissiveness=floats_in(source, "permissiveness") or dict(PERMISSIVENESS),
            strict=source.get("strict") is True,
            overrides=tuple(Override.from_json(o) for o in objects(source, "overrides")),
            licence=LicenceWish.from_json(child(source, "licence")),
        )


def _require_all(values: Mapping[str, float], name: str, why: str, holds: Callable[[float], bool]) -> None:
    """Nothing, if each value is what it must be.

    Raises:
        Invalid: one is not.
    """
    for key, value in values.items():
        if not holds(value):
            raise Invalid(name, value, f"of {key} {why}")
