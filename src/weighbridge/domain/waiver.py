"""Exceptions from the gate: recorded, with author, reason and last day; and what metrics there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, child, is_unicode, number, text, texts
from weighbridge.domain.ref import RepoId, RepoKind

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

METRICS_REPORTED = ("reproducibility", "reviewedness", "tree_score")
"""Shown beside the eight; they hold nothing up unless a policy sets a threshold for them."""

SAFETY = "safety"
"""The name by which a waiver admits ``review`` findings (never ``block``) at one commit."""

METRICS = (*METRICS_OF_THE_GATE, *METRICS_REPORTED)
"""Every metric, the eight of the gate first."""

GATE_OF: Mapping[RepoKind, tuple[str, ...]] = {
    RepoKind.MODEL: METRICS_OF_THE_GATE,
    RepoKind.DATASET: ("license", "ramp_up_time", "bus_factor", "dataset_quality"),
    RepoKind.SPACE: (),
}
"""Which of them apply to what: data are not run on a device, claim no results, and have no architecture."""

REPORTED_OF: Mapping[RepoKind, tuple[str, ...]] = {
    RepoKind.MODEL: METRICS_REPORTED,
    RepoKind.DATASET: ("reproducibility", "reviewedness"),
    RepoKind.SPACE: (),
}

_WAIVABLE = (*METRICS, SAFETY)


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
        if self.metric not in _WAIVABLE:
            raise Invalid(
                "metric",
                self.metric,
                "is none that can be waived",
                hint=f"one of {', '.join(_WAIVABLE)}",
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
        return cls(
            metric=text(source, "metric") or "",
            repo=text(source, "repo") or "",
            reason=text(source, "reason") or "",
            author=text(source, "author") or "",
            commit=text(source, "commit"),
            expires=day_of(text(source, "expires")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What a policy says of some repositories only, said by whom and why.

    ``models`` is ``org/name``, or ``org/*`` for all of a namespace, of one ``kind``; upper and lower
    case do not matter, as in ids on the Hub. ``waive`` names metrics that need not pass. ``commit`` binds the
    waivers to one commit, which ``safety`` asks for. ``expires`` is the last day on which it holds.
    """

    models: str
    reason: str
    author: str
    thresholds: Mapping[str, float] = field(default_factory=dict)
    waive: tuple[str, ...] = ()
    commit: str | None = None
    expires: date | None = None
    kind: RepoKind = RepoKind.MODEL

    def __post_init__(self) -> None:
        namespace, _, name = self.models.rpartition("/")
        try:
            RepoId.parse(f"{namespace}/all" if name == "*" else self.models)
        except Invalid as error:
            raise Invalid("models", self.models, error.why, hint="org/name, or org/*") from error
        if not self.author.strip():
            raise Invalid("override", self.models, "has no author")
        if not self.reason.strip():
            raise Invalid("override", self.models, "has no reason")
        require_thresholds(self.thresholds)
        self.waivers(self.models)
        require_applying((*self.thresholds, *self.waive), self.kind)

    def covers(self, repo: RepoId, today: date) -> bool:
        """Whether it speaks of a repository on a day."""
        pattern, name = self.models.lower(), repo.full_name.lower()
        same = name.startswith(pattern[:-1]) if pattern.endswith("/*") else name == pattern
        return same and repo.kind is self.kind and (self.expires is None or today <= self.expires)

    def waivers(self, repo: str) -> tuple[Waiver, ...]:
        """The waivers that it comes to for a repository."""
        return tuple(
            Waiver(
                metric=metric,
                repo=repo,
                reason=self.reason,
                author=self.author,
                commit=self.commit,
                expires=self.expires,
            )
            for metric in self.waive
        )

    def to_json(self) -> JsonObject:
        """All fields; the day as ``YYYY-MM-DD``."""
        return {
            "models": self.models,
            **({} if self.kind is RepoKind.MODEL else {"kind": self.kind.value}),
            "reason": self.reason,
            "author": self.author,
            "thresholds": dict(self.thresholds),
            "waive": list(self.waive),
            "commit": self.commit,
            "expires": self.expires.isoformat() if self.expires else None,
        }

    @classmethod
    def from_json(cls, source: JsonObject) -> Override:
        """Read what ``to_json`` wrote.

        Raises:
            Invalid: a field is not what it must be.
        """
        return cls(
            models=text(source, "models") or "",
            reason=text(source, "reason") or "",
            author=text(source, "author") or "",
            thresholds=floats_in(source, "thresholds"),
            waive=texts(source, "waive"),
            commit=text(source, "commit"),
            expires=day_of(text(source, "expires")),
            kind=kind_of(text(source, "kind") or RepoKind.MODEL.value),
        )


def float_in(source: JsonObject, key: str) -> float:
    """The finite number under ``key``.

    Raises:
        Invalid: there is none.
    """
    value = number(source, key)
    if value is None:
        raise Invalid(key, source.get(key), "is not a finite number")
    return float(value)


def floats_in(source: JsonObject, key: str) -> dict[str, float]:
    """The numbers by name under ``key``; none where it is not there.

    Raises:
        Invalid: a value is not a finite number.
    """
    values = child(source, key)
    return {name: float_in(values, name) for name in values}


def require_thresholds(thresholds: Mapping[str, float]) -> None:
    """Nothing, if each is of a metric and from 0 to 1.

    Raises:
        Invalid: one is not.
    """
    for metric, value in thresholds.items():
        if metric not in METRICS:
            raise Invalid("metric", metric, "has no threshold", hint=f"one of {', '.join(METRICS)}")
        if not 0.0 <= value <= 1.0:
            raise Invalid("threshold", value, f"of {metric} is not between 0 and 1")


def require_applying(metrics: Iterable[str], kind: RepoKind) -> None:
    """Nothing, if each is ``safety`` or a metric by which a repository of this kind is weighed.

    Raises:
        Invalid: one is not.
    """
    known = (*GATE_OF[kind], *REPORTED_OF[kind])
    for metric in metrics:
        if metric not in (*known, SAFETY):
            raise Invalid(
                "metric", metric, f"does not apply to a {kind.value}", hint=f"one of {', '.join(known)}"
            )


def kind_of(spelled: str) -> RepoKind:
    """A kind of repository by its name.

    Raises:
        Invalid: there is none of this name.
    """
    if spelled not in list(RepoKind):
        raise Invalid("kind", spelled, "is no kind of repository", hint=f"one of {', '.join(RepoKind)}")
    return RepoKind(spelled)


def day_of(spelled: str | None) -> date | None:
    """A day; None where none is said.

    Raises:
        Invalid: it is not ``YYYY-MM-DD``.
    """
    try:
        return date.fromisoformat(spelled) if spelled else None
    except ValueError as error:
        raise Invalid("date", spelled, "is not YYYY-MM-DD") from error
