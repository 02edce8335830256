"""Writes the golden reports again: ``python -m tests.metrics.record``, after a metric was changed."""

from __future__ import annotations

import json

from tests.metrics.models import MODELS
from tests.metrics.test_expected_scores import GOLDEN, RECORDED
from weighbridge.domain.policy import Policy
from weighbridge.metrics import METRICS


def record() -> None:
    for name in RECORDED:
        evidence = MODELS[name]()
        report = {metric: judged(evidence, Policy()).to_json() for metric, judged in METRICS.items()}
        (GOLDEN / f"{name}.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    record()
