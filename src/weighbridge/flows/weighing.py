"""Put evidence on the scales: every metric, then the verdict. No I/O, no clock, no chance."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from weighbridge.domain.case import Case
from weighbridge.domain.evidence import Evidence
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import RepoKind
from weighbridge.domain.resemblance import warnings_of
from weighbridge.domain.scan import FileScan, ScanReport, Severity
from weighbridge.domain.score import Score, failed
from weighbridge.domain.terms import Terms
from weighbridge.domain.verdict import Verdict, judge
from weighbridge.domain.weights import pickled_twins

_LOG = logging.getLogger(__name__)
_ERROR_LIMIT = 500
"""How much of a metric's error stands in its score: what strangers wrote may be part of it."""
Metric = Callable[[Evidence, Policy], Score]
Report = Callable[[Evidence, Policy], Score | None]
UNSCANNED = ScanReport(rules="", files=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """The metrics of the gate by what is weighed, those that are reported beside them, and the licence
    engine. Without metrics a repository is scanned and not scored.
    """

    metrics: Mapping[RepoKind, Mapping[str, Metric]]
    reports: Mapping[RepoKind, Mapping[str, Report]]
    terms: Callable[[Evidence], Terms]


def weigh_case(case: Case, scales: Scales) -> Verdict:
    """The verdict that follows from a case."""
    wish, kind = case.policy.licence, case.evidence.repo.kind
    terms = scales.terms(case.evidence) if wish.asks else None
    return judge(
        score_all(case.evidence, case.policy, scales.metrics.get(kind, {})),
        case.scan,
        case.policy,
        repo=case.evidence.repo.full_name,
        commit=case.evidence.manifest.commit,
        as_of=case.as_of,
        kind=kind,
        reported=report_all(case.evidence, case.policy, scales.reports.get(kind, {})),
        licence_faults=wish.faults(terms) if terms else (),
        licence_doubts=wish.doubts(terms) if terms else (),
        warnings=(*warnings_of(case.evidence), *_of_twins(case.evidence)),
    )


def _of_twins(evidence: Evidence) -> tuple[str, ...]:
    twins = pickled_twins(evidence.files)
    if not twins:
        return ()
    named = twins[0] if len(twins) == 1 else f"{twins[0]} and {len(twins) - 1} further files"
    return (f"{named}: a pickle whose weights stand beside it as safetensors; load those",)


def score_all(evidence: Evidence, policy: Policy, metrics: Mapping[str, Metric]) -> tuple[Score, ...]:
    """Every metric, side by side; one that crashes becomes a score of [0, 1] that says so."""
    with ThreadPoolExecutor(max_workers=max(1, len(metrics)), thread_name_prefix="metric") as pool:
        running = {name: pool.submit(metric, evidence, policy) for name, metric in metrics.items()}
    return tuple(_scored(name, future) or _crashed(name, future) for name, future in running.items())


def report_all(
    evidence: Evidence, policy: Policy, reports: Mapping[str, Report]
) -> Mapping[str, Score | None]:
    """Every reported metric; None where it does not apply."""
    with ThreadPoolExecutor(max_workers=max(1, len(reports)), thread_name_prefix="metric") as pool:
        running = {name: pool.submit(report, evidence, policy) for name, report in reports.items()}
    return {name: _scored(name, future) for name, future in running.items()}


def blocked_files(report: ScanReport) -> dict[str, str]:
    """The files that the scanners block, by path, each with the rule that did."""
    return {file.path: _rule(file) for file in report.worst(Severity.BLOCK)}


def _rule(file: FileScan) -> str:
    return max(file.findings, key=lambda finding: finding.severity).rule


def _scored(name: str, future: Future[Score] | Future[Score | None]) -> Score | None:
    return _crashed(name, future) if future.exception() is not None else future.result()


def _crashed(name: str, future: Future[Score] | Future[Score | None]) -> Score:
    error = future.exception()
    _LOG.error("the metric %s failed", name, exc_info=error)
    return failed(name, "0", repr(error)[:_ERROR_LIMIT])
