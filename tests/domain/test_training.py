"""What a card says of a training, and what it must not."""

from __future__ import annotations

import pytest

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.made_model import Documents, Making, Said, adapter_kind, made_model
from weighbridge.domain.training import measured, shown_training

ROWS = [{"step": 10, "eval_loss": 0.5}, {"step": 20, "eval_loss": 0.9}]
LORA = {"peft_type": "LORA", "base_model_name_or_path": "org/base"}


@pytest.mark.parametrize(
    ("state", "arguments", "expected"),
    [
        ({"log_history": ROWS}, {}, 0.9),
        ({"log_history": ROWS, "best_model_checkpoint": "c-10", "best_global_step": 10}, {}, None),
        (
            {"log_history": ROWS, "best_model_checkpoint": "c-10", "best_global_step": 10},
            {"load_best_model_at_end": True},
            0.5,
        ),
        (
            {"log_history": ROWS, "best_model_checkpoint": "c-10", "best_global_step": 10},
            {"load_best_model_at_end": False},
            0.9,
        ),
        ({"log_history": ROWS, "best_model_checkpoint": "c-20", "best_global_step": 20}, {}, 0.9),
        ({"log_history": [{"step": 1, "loss": 2.0}]}, {}, None),
        ({"log_history": "no list"}, {}, None),
    ],
)
def test_results_are_those_of_the_weights_that_were_kept(
    state: JsonObject, arguments: JsonObject, expected: float | None
) -> None:
    found = measured({}, "", {}, state, arguments)
    assert [result.value for result in found.found] == ([] if expected is None else [expected])
    assert bool(found.notes) is (expected is None and "best_model_checkpoint" in state)


def test_what_was_said_counts_before_files_and_costs_are_no_results() -> None:
    files = {"eval_accuracy": 0.9, "eval_runtime": 12.0, "eval_samples_per_second": 5, "train_loss": 0.1}
    assert [r.name for r in measured({}, "", files, {}, {}).found] == ["accuracy"]
    assert [r.value for r in measured({"f1": 0.3}, "org/test", files, {}, {}).found] == [0.3]


def test_secrets_and_places_of_this_machine_are_not_shown() -> None:
    arguments = {"learning_rate": 1e-4, "hub_token": "hf_x", "output_dir": "/home/a", "logging_dir": "runs"}
    said = {
        "api_key": "x",
        "wandb": {"password": "x", "project": "p"},
        "data": "C:\\mine",
        "rank": 8,
        "key": "x",
    }
    assert shown_training(arguments, said) == {"learning_rate": 1e-4, "wandb": {"project": "p"}, "rank": 8}


@pytest.mark.parametrize(
    ("found", "said", "kind"),
    [
        (Documents(adapter=LORA), Said(), "LoRA"),
        (Documents(adapter={**LORA, "use_dora": True}), Said(), "DoRA"),
        (Documents(adapter=LORA, training_args={"load_in_4bit": True}), Said(), "QLoRA"),
        (Documents(adapter=LORA), Said(training={"quantization_config": {"load_in_4bit": True}}), "QLoRA"),
        (Documents(adapter={"peft_type": "ADALORA"}), Said(training={"load_in_4bit": True}), "AdaLoRA"),
        (Documents(adapter={"peft_type": 7}), Said(), ""),
        (Documents(), Said(adapter_type="LoRA"), "LoRA"),
    ],
)
def test_the_type_of_an_adapter_has_a_source(found: Documents, said: Said, kind: str) -> None:
    assert adapter_kind(found, said) == kind


def test_a_base_model_that_is_a_path_is_left_out_and_told() -> None:
    made = made_model(Documents(adapter={**LORA, "base_model_name_or_path": "/data/llama"}), Said())
    assert (made.bases, made.making) == ((), Making.ADAPTER)
    assert "--base-model" in made.notes[0]
    assert "/data/llama" not in made.notes[0]


def test_nothing_is_claimed_of_a_folder_of_weights_alone() -> None:
    made = made_model(Documents(paths=("model.safetensors",)), Said())
    assert (made.making, made.library, made.task, made.tags, made.details) == (Making.OTHER, "", "", (), ())
