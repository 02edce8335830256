"""A LoRA adapter on its base model, by transformers and PEFT, on the processor."""

from __future__ import annotations

from weighbridge.domain.loading import Loaded, LoadOrder
from weighbridge.errors import CannotLoad, MissingExtra
from weighbridge.loaders._torch_text import require_torch, speaker, text_model


class LoraLoader:
    """Loads the base's folder, then the adapter's on top of it; no weights are merged.

    An adapter that brings a tokenizer was trained with it, perhaps with tokens that the base lacks.
    """

    def load(self, order: LoadOrder) -> Loaded:
        """A ``PeftModel``. Raises MissingExtra, CannotLoad."""
        if order.base is None:
            raise CannotLoad("an adapter is loaded on a base model, and none is given")
        require_torch(order.threads)
        try:
            from peft import PeftModel
        except ImportError as error:
            raise MissingExtra("lora", error.name or "peft") from error
        folder = order.snapshot.folder
        brings_words = "tokenizer_config.json" in order.snapshot.manifest.by_path
        tokenizer, base = text_model(order.base.folder, folder if brings_words else None)
        try:
            model = PeftModel.from_pretrained(
                base, str(folder), is_trainable=False, use_safetensors=True, local_files_only=True
            )
        except Exception as error:  # it fails in any way on configurations from outside
            raise CannotLoad(f"PEFT cannot put '{folder}' on its base model: {error}") from error
        model.eval()
        return Loaded(kind="lora", model=model, speak=speaker(tokenizer, model))
