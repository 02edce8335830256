"""Writes the golden reports again: ``python -m tests.metrics.record``, after a metric was changed."""

from __future__ import annotations

import json

from tests.metrics.test_expected_scores import EXPECTED, GOLDEN, report_of


def record() -> None:
    for name in EXPECTED:
        text = json.dumps(report_of(name), indent=1, ensure_ascii=False)
        (GOLDEN / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    record()
