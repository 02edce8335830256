"""What the loaders on torch share: a folder as tokenizer and model, and going on with a prompt.

Safetensors only, local files only, and never code that came with a model.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from weighbridge.domain.loading import MAX_TOKENS, Prompt
from weighbridge.errors import BadInput, CannotLoad, MissingExtra

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def require_torch(threads: int) -> None:
    """Let torch use so many threads. Raises MissingExtra."""
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtra("lora", error.name or "torch") from error
    torch.set_num_threads(threads)
    transformers.utils.logging.disable_progress_bar()


def text_model(folder: Path, words: Path | None = None) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """The tokenizer and the model of a folder, on the processor, as it was saved.

    ``words`` is another folder for the tokenizer; a model that has fewer tokens than it gets more.

    Raises:
        CannotLoad: transformers cannot make a text model of the folder.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            str(words or folder), local_files_only=True, trust_remote_code=False, use_fast=True
        )
        model = AutoModelForCausalLM.from_pretrained(
            str(folder),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype="auto",
        )
        if len(tokenizer) > model.get_input_embeddings().num_embeddings:
            model.resize_token_embeddings(len(tokenizer))
    except Exception as error:  # it fails in any way on configurations from outside
        raise CannotLoad(f"transformers cannot load '{folder}': {error}") from error
    return tokenizer, model.eval()


def speaker(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> Callable[[Prompt], str]:
    """Goes on with prompts, one at a time: the seed is torch's own and belongs to one prompt.

    Of the settings for generation that came with the model, those that multiply work or change the shape
    of the answer do not count.
    """
    import torch

    turn = Lock()
    stated = getattr(model.config, "max_position_embeddings", None)
    limit = stated if isinstance(stated, int) and stated > 0 else MAX_TOKENS

    def speak(prompt: Prompt) -> str:
        inputs = tokenizer(prompt.text, return_tensors="pt", return_token_type_ids=False)
        asked = inputs["input_ids"].shape[1]
        if not asked:
            raise BadInput("the prompt has no token", hint="give a text that is not empty")
        if asked >= limit:
            raise BadInput(f"the prompt has {asked} tokens, and the model was trained for {limit}")
        chosen: dict[str, object] = {
            "do_sample": prompt.temperature > 0,
            "max_new_tokens": min(prompt.max_tokens, limit - asked),
            "num_beams": 1,
            "num_return_sequences": 1,
            "return_dict_in_generate": False,
        }
        if prompt.temperature > 0:
            chosen["temperature"] = prompt.temperature
        if prompt.stop:
            chosen |= {"stop_strings": list(prompt.stop), "tokenizer": tokenizer}
        with turn, torch.inference_mode():
            torch.manual_seed(prompt.seed)
            try:
                tokens = model.generate(**inputs, **chosen)
            except Exception as error:  # as above: by settings that came with the model
                raise BadInput(f"transformers cannot go on with the prompt: {error}") from error
        said = str(tokenizer.decode(tokens[0][asked:], skip_special_tokens=True))
        ends = [at for stop in prompt.stop if (at := said.find(stop)) >= 0]
        return said[: min(ends)] if ends else said

    return speak
