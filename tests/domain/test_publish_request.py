"""What may be asked to be published."""

from __future__ import annotations

import pytest

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.publish_request import said_metrics


def test_metrics_are_numbers_where_they_can_be() -> None:
    said = said_metrics(["accuracy=0.85", "steps=7", "f1 = 1e-3", "note=a=b", "loss=nan", "huge=1e999"])
    assert said == {
        "accuracy": 0.85, "steps": 7, "f1": 0.001, "note": "a=b", "loss": "nan", "huge": "1e999"
    }  # fmt: skip


@pytest.mark.parametrize("pairs", [["accuracy"], ["=1"], ["accuracy="], ["f1=0.5", "f1 =0.6"]])
def test_a_metric_without_a_name_or_a_value_or_with_two_is_refused(pairs: list[str]) -> None:
    with pytest.raises(Invalid, match="metric"):
        said_metrics(pairs)
