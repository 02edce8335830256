"""A folder of safetensors with a configuration and a tokenizer, by transformers, on the processor."""

from __future__ import annotations

from weighbridge.domain.loading import Loaded, LoadOrder
from weighbridge.loaders._torch_text import require_torch, speaker, text_model


class TransformersLoader:
    """Loads a whole folder as a model that goes on with text."""

    def load(self, order: LoadOrder) -> Loaded:
        """A ``PreTrainedModel``. Raises MissingExtra, CannotLoad."""
        require_torch(order.threads)
        tokenizer, model = text_model(order.snapshot.folder)
        return Loaded(kind="transformers", model=model, speak=speaker(tokenizer, model))
