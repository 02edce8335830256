"""The judges of quality: one pure function each, from evidence and a policy to a score.

A metric has no clock, no network and no chance in it; it looks at nothing but its arguments, and
never at how popular or by whom a model is. What each one asks is written in docs/metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from weighbridge.domain.evidence import Evidence
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import RepoKind
from weighbridge.domain.score import Score
from weighbridge.metrics.bus_factor import bus_factor
from weighbridge.metrics.code_quality import code_quality
from weighbridge.metrics.dataset_and_code_score import dataset_and_code_score
from weighbridge.metrics.dataset_quality import dataset_quality
from weighbridge.metrics.license import license_score
from weighbridge.metrics.of_data import quality_of_data, ramp_up_time_of_data
from weighbridge.metrics.performance_claims import performance_claims
from weighbridge.metrics.ramp_up_time import ramp_up_time
from weighbridge.metrics.reproducibility import reproducibility
from weighbridge.metrics.reviewedness import reviewedness
from weighbridge.metrics.size_score import size_score
from weighbridge.metrics.tree_score import tree_score

Metric = Callable[[Evidence, Policy], Score]
Report = Callable[[Evidence, Policy], Score | None]
"""Like a metric; None where it does not apply, or nothing can be said."""

METRICS: Mapping[str, Metric] = {
    "license": license_score,
    "size_score": size_score,
    "ramp_up_time": ramp_up_time,
    "bus_factor": bus_factor,
    "performance_claims": performance_claims,
    "dataset_and_code_score": dataset_and_code_score,
    "dataset_quality": dataset_quality,
    "code_quality": code_quality,
}
"""The eight that the gate asks for, in the order of the ingestion document."""

REPORTED: Mapping[str, Report] = {
    "reproducibility": reproducibility,
    "reviewedness": reviewedness,
    "tree_score": tree_score,
}
"""The three that are shown beside them and hold nothing up."""

METRICS_OF: Mapping[RepoKind, Mapping[str, Metric]] = {
    RepoKind.MODEL: METRICS,
    RepoKind.DATASET: {
        "license": license_score,
        "ramp_up_time": ramp_up_time_of_data,
        "bus_factor": bus_factor,
        "dataset_quality": quality_of_data,
    },
}
"""By what is weighed; a metric that does not apply to it is not there."""

REPORTED_OF: Mapping[RepoKind, Mapping[str, Report]] = {
    RepoKind.MODEL: REPORTED,
    RepoKind.DATASET: {"reproducibility": reproducibility, "reviewedness": reviewedness},
}
