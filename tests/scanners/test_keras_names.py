"""Classes that a Keras configuration names without saying where they come from."""

from __future__ import annotations

import json

import pytest

from weighbridge.domain.scan import Severity
from weighbridge.scanners.keras_config import judge_keras_json
from weighbridge.scanners.keras_names import KERAS_CLASSES
from weighbridge.scanners.notes import Notes


def judged(kind: str, **more: object) -> list[tuple[str, Severity]]:
    notes = Notes("model.h5")
    layers = [{"class_name": "InputLayer", "config": {}}, {"class_name": kind, "config": {}, **more}]
    judge_keras_json(json.dumps({"class_name": "Sequential", "config": {"layers": layers}}).encode(), notes)
    return [(finding.rule, finding.severity) for finding in notes.findings]


@pytest.mark.parametrize("kind", ["Dense", "Conv2D", "BatchNormalization", "Adam", "GlorotUniform", "LSTM"])
def test_what_keras_has_is_fine(kind: str) -> None:
    assert kind in KERAS_CLASSES
    assert judged(kind) == []


@pytest.mark.parametrize("kind", ["MaliciousLayer", "Densee", "keras_layer", "my_package>Attention"])
def test_a_class_of_somebody_else_is_looked_at(kind: str) -> None:
    assert [severity for _, severity in judged(kind)] == [Severity.REVIEW]


def test_a_stated_module_decides_alone() -> None:
    assert judged("Whatever", module="keras.layers") == []
    assert judged("Whatever", module="os") == [("keras.module", Severity.BLOCK)]


def test_no_class_that_carries_code_is_among_the_known_ones() -> None:
    assert not KERAS_CLASSES & {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}


@pytest.mark.parametrize(
    ("loss", "rules"), [("mse", []), ("BinaryCrossentropy", []), ("mine", ["keras.custom"])]
)
def test_a_loss_that_keras_does_not_have_is_looked_at(loss: str, rules: list[str]) -> None:
    notes = Notes("model.h5")
    judge_keras_json(json.dumps({"loss": loss, "metrics": None}).encode(), notes)
    assert [finding.rule for finding in notes.findings] == rules
