"""Model cards by the official client's own classes: their metadata, and whether they can be read."""

from __future__ import annotations

import json
from typing import Any

from weighbridge.adapters.front_matter import front_matter
from weighbridge.domain.card import CARD_PATH
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.own_card import UNKNOWN_DATA, OwnCard
from weighbridge.errors import BadInput


def metadata_of(card: OwnCard) -> JsonObject:
    """The metadata of a card as ``ModelCardData`` gives them, the results as its ``model-index``.

    Results of a task that nobody named stand in the text alone: a model-index asks for it.
    """
    from huggingface_hub import EvalResult, ModelCardData

    results = [
        EvalResult(
            task_type=card.task,
            dataset_type=result.data_set or UNKNOWN_DATA,
            dataset_name=result.data_set or UNKNOWN_DATA.capitalize(),
            metric_type=result.name,
            metric_value=result.value,
        )
        for result in card.results
        if card.task
    ]
    name = card.repo.rpartition("/")[2]
    fields: dict[str, Any] = dict(card.fields)  # the class takes its fields by name and has no type for them
    if results:
        fields |= {"eval_results": results, "model_name": name}
    data: Any = ModelCardData(**fields)
    made = json.loads(json.dumps(data.to_dict()))
    order = [*card.fields, "model-index"]
    return {key: made[key] for key in order if key in made}


def require_readable(card: str) -> None:
    """Nothing, if the client's ``ModelCard`` reads the card with its metadata, or it has none.

    Raises:
        BadInput: it does not; the message says why.
    """
    from huggingface_hub import ModelCard
    from huggingface_hub.repocard import REGEX_YAML_BLOCK

    if REGEX_YAML_BLOCK.search(card) is None:  # the client would write a line to its log, and go on
        if front_matter(card) == (None, ""):
            return
        raise BadInput(
            f"Hugging Face's own reader does not see the metadata of {CARD_PATH}",
            hint="save it without a byte order mark and without blanks behind '---', or give --replace-card",
        )
    try:
        ModelCard(card)
    except Exception as error:  # whatever its YAML library and its classes raise
        why = " ".join(str(error).split())[:300]
        raise BadInput(
            f"Hugging Face's own reader cannot read the metadata of {CARD_PATH}: {why}",
            hint="mend them, or give --replace-card",
        ) from error
