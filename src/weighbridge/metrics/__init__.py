"""The judges of quality: one pure function each, from evidence and a policy to a score.

A metric has no clock, no network and no chance in it; it looks at nothing but its arguments, and
never at how popular or by whom a model is. What each one asks is written in docs/metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from weighbridge.domain.evidence import Evidence
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Score
from weighbridge.metrics.license import license_score
from weighbridge.metrics.performance_claims import performance_claims
from weighbridge.metrics.ramp_up_time import ramp_up_time
from weighbridge.metrics.size_score import size_score

Metric = Callable[[Evidence, Policy], Score]

METRICS: Mapping[str, Metric] = {
    "license": license_score,
    "size_score": size_score,
    "ramp_up_time": ramp_up_time,
    "performance_claims": performance_claims,
}
