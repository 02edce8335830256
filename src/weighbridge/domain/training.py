"""How a model was trained and what it measured, out of what the Trainer of transformers writes.

``training_args.bin`` is a pickle and is not looked at; its JSON twin, if somebody wrote one, is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from weighbridge.domain.json_values import Json, JsonObject, number, objects, text, whole
from weighbridge.domain.secret_text import secret_in

LIMIT_VALUES, LIMIT_TEXT = 200, 2000
"""Values of a training configuration that are shown, and characters of one of them."""
METRICS_LIMIT = 100
_SHOWN = (
    "learning_rate", "num_train_epochs", "max_steps", "per_device_train_batch_size",
    "per_device_eval_batch_size", "gradient_accumulation_steps", "lr_scheduler_type", "warmup_ratio",
    "warmup_steps", "weight_decay", "max_grad_norm", "optim", "adam_beta1", "adam_beta2", "adam_epsilon",
    "label_smoothing_factor", "neftune_noise_alpha", "bf16", "fp16", "gradient_checkpointing", "seed",
    "max_seq_length", "max_length", "packing", "load_in_4bit", "load_in_8bit",
)  # fmt: skip
"""What of the Trainer's arguments tells how a model came to be; the others name paths, hosts and tokens."""
_SECRET = re.compile(
    r"token$|secret|password|passwd|api_?key|credential|private_?key|_key$|^key$", re.IGNORECASE
)
_PLACE = re.compile(r"(?:[/~\\]|[A-Za-z]:[/\\]|\.\.?[/\\])")
_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_COSTS = re.compile(
    r"runtime|per_second|preparation_time|samples|steps|flos|epoch|memory|mem_", re.IGNORECASE
)
"""What is measured of the machine and not of the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A measured value. ``data_set`` is what it was measured on, empty where nobody says."""

    name: str
    value: int | float | str
    data_set: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The results, and why others are left out."""

    found: tuple[Result, ...] = ()
    notes: tuple[str, ...] = ()


def shown_training(arguments: JsonObject, said: JsonObject) -> dict[str, Json]:
    """The settings that a card shows: of the Trainer's arguments the telling ones, and all that was said.

    What is called like a secret is left out, and so is a path of the machine.
    """
    kept = {key: arguments[key] for key in _SHOWN if isinstance(arguments.get(key), (bool, int, float, str))}
    kept = {
        key: value for key, value in kept.items() if value != "" and not (key == "max_steps" and value == -1)
    }
    told = {**{key: kept[key] for key in _SHOWN if key in kept}, **said}
    shown = {key: value for key, held in told.items() if (value := _plain(key, held, 0)) is not None}
    return dict(list(shown.items())[:LIMIT_VALUES])


def _plain(key: str, value: Json, depth: int) -> Json:
    if _SECRET.search(key) or depth > 8:
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return number({"": value}, "")
    if isinstance(value, str):
        hidden = _PLACE.match(value) or _PASSWORD.search(value) or secret_in(value)
        return None if hidden else value[:LIMIT_TEXT]
    if isinstance(value, Mapping):
        held = {
            name: kept for name, one in value.items() if (kept := _plain(name, one, depth + 1)) is not None
        }
        return dict(list(held.items())[:LIMIT_VALUES])
    if isinstance(value, Sequence):
        return [kept for one in value[:LIMIT_VALUES] if (kept := _plain("", one, depth + 1)) is not None]
    return None


def measured(
    said: Mapping[str, Json], data_set: str, results: JsonObject, state: JsonObject, arguments: JsonObject
) -> Measured:
    """The results that were said; else those that the last evaluation wrote; else the Trainer's last ones.

    The Trainer's are left out where it may have gone back to an earlier checkpoint afterwards.
    """
    if said:
        return Measured(found=tuple(_results(said, data_set, "")))
    if found := tuple(_results(results, data_set, "eval_")):
        return Measured(found=found)
    rows = [row for row in objects(state, "log_history")[-100_000:] if _evaluates(row)]
    if not rows:
        return Measured()
    last, best = rows[-1], whole(state, "best_global_step")
    went_back = text(state, "best_model_checkpoint") and arguments.get("load_best_model_at_end") is not False
    if went_back and whole(last, "step") != best:
        better = [row for row in rows if best is not None and whole(row, "step") == best]
        if arguments.get("load_best_model_at_end") is not True or not better:
            note = "trainer_state.json does not say which checkpoint was kept, so its results are left out"
            return Measured(notes=(note,))
        last = better[-1]
    return Measured(found=tuple(_results(last, data_set, "eval_")))


def _evaluates(row: JsonObject) -> bool:
    return any(key.startswith("eval_") for key in row)


def _results(source: Mapping[str, Json], data_set: str, prefix: str) -> Iterator[Result]:
    """Finite numbers, and texts where somebody said them; ``prefix`` is taken off."""
    for key in list(source)[:METRICS_LIMIT]:
        name = key.removeprefix(prefix)
        if not key.startswith(prefix) or not name or (prefix and _COSTS.search(name)):
            continue
        value = number(source, key)
        spelled = None if prefix else text(source, key)
        if value is not None or spelled:
            yield Result(
                name=name, value=value if value is not None else (spelled or "")[:200], data_set=data_set
            )
