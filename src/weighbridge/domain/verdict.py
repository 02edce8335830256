"""The judgement: derived from scores, findings and a policy, with its causes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from weighbridge.domain.json_values import JsonObject, child, objects, text, texts
from weighbridge.domain.policy import METRICS_OF_THE_GATE, METRICS_REPORTED, SAFETY, Policy, Waiver
from weighbridge.domain.ref import RepoKind
from weighbridge.domain.scan import FileScan, ScanReport, Severity
from weighbridge.domain.score import Score, score_from_json
from weighbridge.domain.waiver import GATE_OF, kind_of

TITLES = {
    "license": "License",
    "size_score": "Size Score",
    "ramp_up_time": "Ramp-Up Time",
    "bus_factor": "Bus Factor",
    "performance_claims": "Performance Claims",
    "dataset_and_code_score": "Dataset/Code Score",
    "dataset_quality": "Dataset Quality",
    "code_quality": "Code Quality",
    "reproducibility": "Reproducibility",
    "reviewedness": "Reviewedness",
    "tree_score": "Tree Score",
    SAFETY: "Safety",
}
"""How the ingestion document spells each metric in a sentence."""


class Outcome(StrEnum):
    """What a verdict comes to."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    INDETERMINATE = "indeterminate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A metric whose best possible score misses its threshold, or that could not be told."""

    metric: str
    low: float
    high: float
    threshold: float

    @property
    def is_certain(self) -> bool:
        """Whether even the high end misses the threshold."""
        return self.high < self.threshold

    def sentence(self) -> str:
        """As ``Bus Factor (0.30 < 0.50)``; two decimals, rounded down so that 0.496 reads 0.49."""
        if self.is_certain:
            return f"{TITLES[self.metric]} ({down(self.high)} < {down(self.threshold)})"
        return f"{self.metric} {down(self.low)}..{down(self.high)}"


def down(value: float) -> str:
    """Two decimals, rounded down; the tolerance keeps 0.29 from reading 0.28."""
    return f"{math.floor(value * 100 + 1e-9) / 100:.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Scores, findings and the policy they were held against; all else is derived.

    ``waived`` are the waivers that held on the day of the judgement. ``not_judged`` names the
    metrics of the gate for which this version has no judge, and ``safety`` where the refusal came
    before the files were fetched: they neither pass nor fail. ``reported`` are the metrics that are
    shown beside the gate's, None where one does not apply; they count where the policy asks for them.
    ``licence_faults`` say why the policy does not allow the licences in force, ``licence_doubts``
    what of them could not be read. ``warnings`` hold nothing up: somebody should read them.
    """

    scores: tuple[Score, ...]
    scan: ScanReport
    policy: Policy
    repo: str
    commit: str
    waived: tuple[Waiver, ...]
    reported: Mapping[str, Score | None] = field(default_factory=dict)
    licence_faults: tuple[str, ...] = ()
    licence_doubts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    kind: RepoKind = RepoKind.MODEL

    @property
    def all_scores(self) -> tuple[Score, ...]:
        """The scores of the gate, then those that are reported and apply."""
        return (*self.scores, *(score for score in self.reported.values() if score))

    @property
    def not_judged(self) -> tuple[str, ...]:
        """The metrics of the gate that apply to this kind and have no score here."""
        judged = {score.metric for score in self.scores}
        unscanned = () if self.scan.rules else (SAFETY,)
        return (*(metric for metric in GATE_OF[self.kind] if metric not in judged), *unscanned)

    @property
    def net_score(self) -> float:
        """The weighted mean of the scores' low ends, four digits, between the least and the most."""
        weights = [self.policy.net_weights.get(score.metric, 0.0) for score in self.scores]
        total = sum(weights)
        if total <= 0:
            return 0.0
        mean = sum(w * s.low for w, s in zip(weights, self.scores, strict=True)) / total
        lows = [score.low for score in self.scores]
        return round(min(max(lows), max(min(lows), mean)), 4)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Metrics that miss their threshold and are not waived, weakest first."""
        waived = {waiver.metric for waiver in self.waived}
        missed = [
            Failure(
                metric=score.metric,
                low=score.low,
                high=score.high,
                threshold=self.policy.threshold(score.metric),
            )
            for score in self.all_scores
            if self.policy.gates(score.metric)
            and score.metric not in waived
            and score.low < self.policy.threshold(score.metric)
        ]
        return tuple(sorted(missed, key=lambda f: (not f.is_certain, f.high, f.low, f.metric)))

    @property
    def unsafe(self) -> Sequence[FileScan]:
        """The files that keep the package out, worst first."""
        waived = any(waiver.metric == SAFETY for waiver in self.waived)
        lifted = waived and not self.policy.strict
        return self.scan.worst(Severity.BLOCK if lifted else Severity.REVIEW)

    @property
    def forbidden(self) -> Sequence[str]:
        """Why the licences are not allowed; nothing where ``license`` is waived."""
        return () if self._terms_accepted else self.licence_faults

    @property
    def doubtful(self) -> Sequence[str]:
        """What could not be told of the licences; nothing where ``license`` is waived."""
        return () if self._terms_accepted else self.licence_doubts

    @property
    def _terms_accepted(self) -> bool:
        return any(waiver.metric == "license" for waiver in self.waived)

    @property
    def outcome(self) -> Outcome:
        """Refused when something certainly fails, indeterminate when something may, else accepted."""
        if self.unsafe or self.forbidden or any(failure.is_certain for failure in self.failures):
            return Outcome.REFUSED
        return Outcome.INDETERMINATE if self.failures or self.doubtful else Outcome.ACCEPTED

    @property
    def weakest(self) -> str | None:
        """The metric with the lowest score."""
        return min(self.scores, key=lambda s: (s.low, s.metric)).metric if self.scores else None

    def sentence(self) -> str:
        """The refusal in one sentence, as the ingestion document spells it."""
        certain = [f.sentence() for f in self.failures if f.is_certain]
        parts, what = list[str](), self.kind.value.capitalize()
        if certain:
            parts.append(f"{what} does not meet quality requirements. Failed metrics: " + ", ".join(certain))
        if self.forbidden:
            parts.append(f"{what} does not meet licence requirements: " + "; ".join(self.forbidden) + ".")
        if self.unsafe:
            parts.append(f"{what} does not meet safety requirements. " + _unsafe_sentence(self.unsafe))
        if not parts and (self.failures or self.doubtful):
            unknown = ", ".join([*(f.sentence() for f in self.failures), *self.doubtful])
            parts.append(f"indeterminate: {unknown}; a source could not be read, so retry later")
        return " ".join(parts) or f"{what} meets all requirements."

    def to_json(self) -> JsonObject:
        """Everything, with the derived fields spelled out for readers."""
        return {
            "outcome": self.outcome.value,
            "sentence": self.sentence(),
            "kind": self.kind.value,
            "repo": self.repo,
            "commit": self.commit,
            "net_score": self.net_score,
            "weakest": self.weakest,
            "metrics": {score.metric: score.low for score in self.scores},
            "failures": self.failures_json(),
            "unsafe_files": [file.to_json() for file in self.unsafe],
            "licence_faults": list(self.licence_faults),
            "licence_doubts": list(self.licence_doubts),
            "warnings": list(self.warnings),
            "not_judged": list(self.not_judged),
            "waived": [waiver.to_json() for waiver in self.waived],
            "scores": [score.to_json() for score in self.scores],
            "reported": {name: score.to_json() if score else None for name, score in self.reported.items()},
            "scan": self.scan.to_json(),
            "policy": self.policy.to_json(),
            "policy_sha256": self.policy.sha256,
        }

    def failures_json(self) -> list[JsonObject]:
        """The failures spelled, weakest first, each with what would raise its score."""
        by_metric = {score.metric: score for score in self.all_scores}
        return [
            {
                "metric": f.metric,
                "title": TITLES[f.metric],
                "score": f.low,
                "high": f.high,
                "threshold": f.threshold,
                "certain": f.is_certain,
                "how_to_improve": _remedies(by_metric[f.metric]),
            }
            for f in self.failures
        ]

    @classmethod
    def from_json(cls, source: JsonObject) -> Verdict:
        """Read what ``to_json`` wrote; derived fields are derived again.

        Raises:
            Invalid: a field is missing or is not what it must be.
        """
        return cls(
            scores=tuple(score_from_json(s) for s in objects(source, "scores")),
            scan=ScanReport.from_json(child(source, "scan")),
            policy=Policy.from_json(child(source, "policy")),
            repo=text(source, "repo") or "",
            commit=text(source, "commit") or "",
            waived=tuple(Waiver.from_json(w) for w in objects(source, "waived")),
            reported=reported_from_json(child(source, "reported")),
            licence_faults=texts(source, "licence_faults"),
            licence_doubts=texts(source, "licence_doubts"),
            warnings=texts(source, "warnings"),
            kind=kind_of(text(source, "kind") or RepoKind.MODEL.value),
        )


def judge(
    scores: Sequence[Score],
    scan: ScanReport,
    policy: Policy,
    *,
    repo: str,
    commit: str,
    as_of: date,
    kind: RepoKind = RepoKind.MODEL,
    reported: Mapping[str, Score | None] | None = None,
    licence_faults: Sequence[str] = (),
    licence_doubts: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> Verdict:
    """Hold scores and findings against a policy on a day; the day only decides which waivers hold."""
    held = tuple(waiver for waiver in policy.waivers if waiver.holds(repo, commit, as_of))
    ordered = sorted(scores, key=lambda score: METRICS_OF_THE_GATE.index(score.metric))
    beside = reported or {}
    return Verdict(
        scores=tuple(ordered),
        scan=scan,
        policy=policy,
        repo=repo,
        commit=commit,
        waived=held,
        reported={name: beside[name] for name in METRICS_REPORTED if name in beside},
        licence_faults=tuple(licence_faults),
        licence_doubts=tuple(licence_doubts),
        warnings=tuple(warnings),
        kind=kind,
    )


def reported_from_json(source: JsonObject) -> dict[str, Score | None]:
    """Read what ``Verdict.to_json`` wrote under ``reported``."""
    found = {name: child(source, name) for name in METRICS_REPORTED if name in source}
    return {name: score_from_json(said) if said else None for name, said in found.items()}


def _remedies(score: Score) -> list[str]:
    """What would raise a score, the heaviest shortfall first, then what lifts its caps."""
    lacking = [s for s in score.signals if s.how_to_improve and (s.value is None or s.value < 1)]
    lacking.sort(key=lambda s: -s.weight * (1 - (s.value or 0.0)))
    caps = [cap.how_to_improve for cap in score.caps if cap.how_to_improve]
    return list(dict.fromkeys([*caps, *(s.how_to_improve for s in lacking)]))


def _unsafe_sentence(files: Sequence[FileScan]) -> str:
    named = []
    for file in files[:3]:
        finding = max(file.findings, key=lambda f: f.severity, default=None)
        why = finding.message if finding else f"not scanned ({file.state.value})"
        named.append(f"{file.path}: {why} ({file.verdict.word})")
    more = f", and {len(files) - 3} more files" if len(files) > 3 else ""
    return "Files: " + "; ".join(named) + more
