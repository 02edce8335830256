"""A package of one of the expected models, with its verdict: what the papers are made of."""

from __future__ import annotations

from datetime import UTC, date, datetime

from weighbridge.domain.evidence import Evidence
from weighbridge.domain.json_values import digest_of
from weighbridge.domain.package import Package, Version
from weighbridge.domain.policy import Policy
from weighbridge.domain.scan import ScanReport
from weighbridge.domain.verdict import Verdict, judge
from weighbridge.metrics import METRICS

WHEN = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def verdict_of(evidence: Evidence, policy: Policy | None = None) -> Verdict:
    policy = policy or Policy()
    return judge(
        [metric(evidence, policy) for metric in METRICS.values()],
        ScanReport(rules="7", files=()),
        policy,
        repo=evidence.repo.full_name,
        commit=evidence.manifest.commit,
        as_of=date(2026, 11, 20),
    )


def package_of(evidence: Evidence, verdict: Verdict) -> Package:
    return Package(
        id="0b0c0000-0000-4000-8000-000000000000",
        version=Version("1.0.0"),
        manifest=evidence.manifest,
        net_score=verdict.net_score,
        metrics={score.metric: score.low for score in verdict.scores},
        evidence_sha256=digest_of(evidence.to_json()),
        verdict_sha256=digest_of(verdict.to_json()),
        created_at=WHEN,
        created_by="ada",
    )
