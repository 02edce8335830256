"""A score and its reasons. A value without a reason does not exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, JsonObject, child, number, objects, text

EXCERPT_LIMIT = 200
"""The most characters of a source that an evidence line repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Where a signal was seen: the file, Hub field, registry or operator, the place, the words."""

    source: Literal["file", "hub", "registry", "operator"]
    path: str
    locator: str = ""
    excerpt: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "excerpt", self.excerpt[:EXCERPT_LIMIT])

    def to_json(self) -> JsonObject:
        """All four fields."""
        return {
            "source": self.source,
            "path": self.path,
            "locator": self.locator,
            "excerpt": self.excerpt,
        }


class Status(StrEnum):
    """How a signal came out.

    ``unknown``: the source could not be read, so the value lies in [0, 1]. ``n/a``: the signal
    does not apply to this kind of model and leaves the denominator.
    """

    PASS = "pass"
    PARTIAL = "partial"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "n/a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One named question of a metric, its answer in [0, 1] (None: unknown or n/a), and why.

    Of an unknown answer, ``low`` and ``high`` say what it can still be.
    """

    id: str
    weight: float
    value: float | None
    status: Status
    reason: str
    proofs: tuple[Proof, ...] = ()
    how_to_improve: str = ""
    low: float = 0.0
    high: float = 1.0

    @classmethod
    def of(
        cls,
        id: str,
        weight: float,
        value: float,
        reason: str,
        proofs: Sequence[Proof] = (),
        how_to_improve: str = "",
    ) -> Signal:
        """A signal whose answer is known; the status follows from the value."""
        value = min(1.0, max(0.0, value))
        status = Status.PASS if value >= 1.0 else Status.FAIL if value <= 0.0 else Status.PARTIAL
        return cls(
            id=id,
            weight=weight,
            value=round(value, 6),
            status=status,
            reason=reason,
            proofs=tuple(proofs),
            how_to_improve="" if status is Status.PASS else how_to_improve,
        )

    @classmethod
    def unknown(cls, id: str, weight: float, reason: str, how_to_improve: str = "") -> Signal:
        """A signal whose source could not be read."""
        return cls(
            id=id,
            weight=weight,
            value=None,
            status=Status.UNKNOWN,
            reason=reason,
            how_to_improve=how_to_improve,
        )

    @classmethod
    def between(
        cls,
        id: str,
        weight: float,
        low: float,
        high: float,
        reason: str,
        proofs: Sequence[Proof] = (),
        how_to_improve: str = "",
    ) -> Signal:
        """A signal that was read in part: the answer lies in [low, high]; a known one if they meet."""
        if high <= low:
            return cls.of(id, weight, low, reason, proofs, how_to_improve)
        return cls(
            id=id,
            weight=weight,
            value=None,
            status=Status.UNKNOWN,
            reason=reason,
            proofs=tuple(proofs),
            how_to_improve=how_to_improve,
            low=round(max(0.0, low), 6),
            high=round(min(1.0, high), 6),
        )

    @property
    def least(self) -> float:
        """The lowest value that the answer can have."""
        return self.low if self.value is None else self.value

    @property
    def most(self) -> float:
        """The highest value that the answer can have."""
        return self.high if self.value is None else self.value

    @classmethod
    def not_applicable(cls, id: str, weight: float, reason: str) -> Signal:
        """A signal that this kind of model cannot have."""
        return cls(id=id, weight=weight, value=None, status=Status.NOT_APPLICABLE, reason=reason)

    def to_json(self) -> JsonObject:
        """All fields; proofs as a list of objects, ``low`` and ``high`` only of an unknown answer."""
        bounds = {"low": self.low, "high": self.high} if self.status is Status.UNKNOWN else {}
        return {
            "id": self.id,
            "weight": self.weight,
            "value": self.value,
            **bounds,
            "status": self.status.value,
            "reason": self.reason,
            "evidence": [proof.to_json() for proof in self.proofs],
            "how_to_improve": self.how_to_improve,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """A hard upper limit on a metric, with its reason.

    One that is not certain may apply (its source could not be read): it lowers the low end only.
    """

    limit: float
    reason: str
    proofs: tuple[Proof, ...] = ()
    how_to_improve: str = ""
    is_certain: bool = True

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "limit": self.limit,
            "certain": self.is_certain,
            "reason": self.reason,
            "evidence": [proof.to_json() for proof in self.proofs],
            "how_to_improve": self.how_to_improve,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a metric says: an interval [low, high] in [0, 1] and the signals that make it.

    ``low == high`` when every source was read. ``parts`` holds further named values of the
    metric, such as the size score of each target device.
    """

    metric: str
    version: str
    low: float
    high: float
    signals: tuple[Signal, ...]
    caps: tuple[Cap, ...] = ()
    parts: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 <= self.low <= self.high <= 1.0:
            raise Invalid("score", (self.low, self.high), f"of {self.metric} is not 0 <= low <= high <= 1")
        if not self.signals:
            raise Invalid("score", self.metric, "has no signal, so no reason")

    @property
    def is_exact(self) -> bool:
        """Whether every source that counts was read."""
        return self.low == self.high

    def to_json(self) -> JsonObject:
        """``{"metric", "version", "score", "high", "signals", "caps", "parts"}``."""
        return {
            "metric": self.metric,
            "version": self.version,
            "score": self.low,
            "high": self.high,
            "signals": [signal.to_json() for signal in self.signals],
            "caps": [cap.to_json() for cap in self.caps],
            "parts": dict(self.parts),
        }


def weigh(
    metric: str,
    version: str,
    signals: Sequence[Signal],
    caps: Sequence[Cap] = (),
    parts: Mapping[str, float] | None = None,
) -> Score:
    """The score of a checklist: ``min(caps, sum(w*v) / sum(w))``, rounded to four digits.

    An unknown signal counts its ``low`` (0) at the low end and its ``high`` (1) at the high end;
    one that does not apply leaves the denominator. Sums run in the order of ``signals``, so that the
    result is the same on every machine.

    Raises:
        Invalid: no signal applies.
    """
    counted = [s for s in signals if s.status is not Status.NOT_APPLICABLE]
    total = sum(s.weight for s in counted)
    if total <= 0:
        raise Invalid("metric", metric, "has no signal that applies")
    low = min([sum(s.weight * s.least for s in counted) / total, *(cap.limit for cap in caps)])
    certain = [cap.limit for cap in caps if cap.is_certain]
    high = min([sum(s.weight * s.most for s in counted) / total, *certain])
    low, high = (min(1.0, max(0.0, round(end, 4))) for end in (low, high))
    return Score(
        metric=metric,
        version=version,
        low=low,
        high=max(low, high),
        signals=tuple(signals),
        caps=tuple(caps),
        parts=parts or {},
    )


def failed(metric: str, version: str, error: str) -> Score:
    """The score of a metric that crashed: anything in [0, 1], and why."""
    signal = Signal.unknown(metric, 1.0, f"the metric failed: {error}", "report this as a bug")
    return Score(metric=metric, version=version, low=0.0, high=1.0, signals=(signal,))


def score_from_json(source: JsonObject) -> Score:
    """Read what ``Score.to_json`` wrote.

    Raises:
        Invalid: a field is missing or is not what it must be.
    """
    return Score(
        metric=text(source, "metric") or "",
        version=text(source, "version") or "",
        low=float(number(source, "score") or 0),
        high=float(number(source, "high") or 0),
        signals=tuple(_signal(s) for s in objects(source, "signals")),
        caps=tuple(
            Cap(
                limit=float(number(c, "limit") or 0),
                reason=text(c, "reason") or "",
                proofs=_proofs(c),
                how_to_improve=text(c, "how_to_improve") or "",
                is_certain=c.get("certain") is not False,
            )
            for c in objects(source, "caps")
        ),
        parts={k: float(v) for k, v in child(source, "parts").items() if isinstance(v, (int, float))},
    )


def _signal(source: JsonObject) -> Signal:
    value: Json = source.get("value")
    low, high = number(source, "low"), number(source, "high")
    return Signal(
        id=text(source, "id") or "",
        weight=float(number(source, "weight") or 0),
        value=float(value) if isinstance(value, (int, float)) else None,
        status=Status(text(source, "status") or Status.UNKNOWN.value),
        reason=text(source, "reason") or "",
        proofs=_proofs(source),
        how_to_improve=text(source, "how_to_improve") or "",
        low=0.0 if low is None else float(low),
        high=1.0 if high is None else float(high),
    )


def _proofs(source: JsonObject) -> tuple[Proof, ...]:
    return tuple(
        Proof(
            source=text(p, "source") or "file",  # type: ignore[arg-type]
            path=text(p, "path") or "",
            locator=text(p, "locator") or "",
            excerpt=text(p, "excerpt") or "",
        )
        for p in objects(source, "evidence")
    )
