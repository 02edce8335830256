"""GGUF by llama.cpp, on the processor."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from weighbridge.domain.loading import Loaded, LoadOrder, Prompt
from weighbridge.errors import BadInput, CannotLoad, MissingExtra

if TYPE_CHECKING:
    from llama_cpp import Llama

DEFAULT_CONTEXT = 4096
"""Tokens; a model that was trained on fewer gets those."""


class GgufLoader:
    """Loads one GGUF file, or the first of its parts: llama.cpp finds the others beside it."""

    def load(self, order: LoadOrder) -> Loaded:
        """A ``llama_cpp.Llama``. Raises MissingExtra, CannotLoad."""
        try:
            from llama_cpp import Llama
        except ImportError as error:
            raise MissingExtra("gguf", "llama-cpp-python") from error
        path = order.snapshot.path(order.file)
        try:
            model = Llama(
                model_path=str(path),
                n_ctx=order.context or DEFAULT_CONTEXT,
                n_threads=order.threads,
                n_threads_batch=order.threads,
                verbose=False,
            )
        except (ValueError, OSError, RuntimeError, AssertionError) as error:
            raise CannotLoad(f"llama.cpp cannot load '{order.file}': {error}") from error
        return Loaded(kind="gguf", model=model, speak=_Speaker(model).speak)


class _Speaker:
    """One prompt at a time: llama.cpp's context cannot be shared between threads."""

    def __init__(self, model: Llama) -> None:
        self._model, self._turn = model, Lock()

    def speak(self, prompt: Prompt) -> str:
        """What the model adds to the prompt.

        Raises:
            BadInput: the prompt is longer than the context.
        """
        with self._turn:
            try:
                answer = self._model.create_completion(
                    prompt.text,
                    max_tokens=prompt.max_tokens,
                    temperature=prompt.temperature,
                    seed=prompt.seed,
                    stop=list(prompt.stop) or None,
                )
            except ValueError as error:
                raise BadInput(f"llama.cpp cannot go on with the prompt: {error}") from error
        return str(answer["choices"][0]["text"])
