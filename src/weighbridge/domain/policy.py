"""What the gate asks for: data, from settings, per group or per model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, child, digest_of, is_unicode, number, objects, text
from weighbridge.domain.licence import PERMISSIVENESS

METRICS_OF_THE_GATE = (
    "license",
    "size_score",
    "ramp_up_time",
    "bus_factor",
    "performance_claims",
    "dataset_and_code_score",
    "dataset_quality",
    "code_quality",
)
"""The eight metrics of the ingestion document, in its order."""

SAFETY = "safety"
"""The name by which a waiver admits ``review`` findings (never ``block``) at one commit."""

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
class Waiver:
    """A recorded exception: this metric need not pass, said by whom and why.

    It holds for one repository and, for ``safety``, for one commit only. ``expires`` is the
    last day on which it holds; None means until the package is judged again.
    """

    metric: str
    repo: str
    reason: str
    author: str
    commit: str | None = None
    expires: date | None = None

    def __post_init__(self) -> None:
        if self.metric not in (*METRICS_OF_THE_GATE, SAFETY):
            raise Invalid(
                "metric",
                self.metric,
                "is none that can be waived",
                hint=f"one of {', '.join((*METRICS_OF_THE_GATE, SAFETY))}",
            )
        if not self.reason.strip():
            raise Invalid("waiver", self.metric, "has no reason")
        if not is_unicode(self.reason):
            raise Invalid("reason", self.reason, "is not Unicode text")
        if self.metric == SAFETY and self.commit is None:
            raise Invalid("waiver", SAFETY, "names no commit", hint="pin the revision to a commit")

    def holds(self, repo: str, commit: str, today: date) -> bool:
        """Whether this waiver counts for a commit on a day."""
        return (
            self.repo == repo
            and self.commit in (None, commit)
            and (self.expires is None or today <= self.expires)
        )

    def to_json(self) -> JsonObject:
        """All fields; the day as ``YYYY-MM-DD``."""
        return {
            "metric": self.metric,
            "repo": self.repo,
            "reason": self.reason,
            "author": self.author,
            "commit": self.commit,
            "expires": self.expires.isoformat() if self.expires else None,
        }

    @classmethod
    def from_json(cls, source: JsonObject) -> Waiver:
        """Read what ``to_json`` wrote.

        Raises:
            Invalid: a field is not what it must be.
        """
        expires = text(source, "expires")
        try:
            day = date.fromisoformat(expires) if expires else None
        except ValueError as error:
            raise Invalid("date", expires, "is not YYYY-MM-DD") from error
        return cls(
            metric=text(source, "metric") or "",
            repo=text(source, "repo") or "",
            reason=text(source, "reason") or "",
            author=text(source, "author") or "",
            commit=text(source, "commit"),
            expires=day,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Thresholds, device sizes, licence classes and waivers for one judgement.

    ``thresholds`` overrides ``default_threshold`` for single metrics. ``permissiveness`` says
    how free each class of licences is, from 0 to 1 (``licence.Category``). ``strict`` turns
    everything that no scanner could read into a refusal that no waiver lifts.
    """

    default_threshold: float = 0.5
    thresholds: Mapping[str, float] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    targets_gib: Mapping[str, float] = field(default_factory=lambda: dict(TARGETS_GIB))
    target_weights: Mapping[str, float] = field(default_factory=lambda: dict(TARGET_WEIGHTS))
    net_weights: Mapping[str, float] = field(default_factory=lambda: dict(NET_WEIGHTS))
    permissiveness: Mapping[str, float] = field(default_factory=lambda: dict(PERMISSIVENESS))
    strict: bool = False

    def __post_init__(self) -> None:
        # A metric sums in the order of the targets, and a stored policy comes back sorted by name.
        known = list(TARGETS_GIB)
        order = sorted(self.targets_gib, key=lambda n: (known.index(n) if n in known else len(known), n))
        object.__setattr__(self, "targets_gib", {name: self.targets_gib[name] for name in order})
        for metric, value in self.thresholds.items():
            if metric not in METRICS_OF_THE_GATE:
                raise Invalid(
                    "metric",
                    metric,
                    "has no threshold",
                    hint=f"one of {', '.join(METRICS_OF_THE_GATE)}",
                )
            if not 0.0 <= value <= 1.0:
                raise Invalid("threshold", value, f"of {metric} is not between 0 and 1")

    def threshold(self, metric: str) -> float:
        """What a metric must reach."""
        return self.thresholds.get(metric, self.default_threshold)

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
        }

    @classmethod
    def from_json(cls, source: JsonObject) -> Policy:
        """Read what ``to_json`` wrote.

        Raises:
            Invalid: a field is not what it must be.
        """

        def floats(key: str) -> dict[str, float]:
            values = child(source, key)
            return {k: float(number(values, k) or 0.0) for k in values}

        default = number(source, "default_threshold")
        return cls(
            default_threshold=0.5 if default is None else float(default),
            thresholds=floats("thresholds"),
            waivers=tuple(Waiver.from_json(w) for w in objects(source, "waivers")),
            targets_gib=floats("targets_gib"),
            target_weights=floats("target_weights"),
            net_weights=floats("net_weights"),
            permissiveness=floats("permissiveness") or dict(PERMISSIVENESS),
            strict=source.get("strict") is True,
        )
