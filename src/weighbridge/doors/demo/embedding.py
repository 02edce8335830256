"""A sentence embedding by all-MiniLM-L6-v2 in plain numpy: proof that what came back is a model.

A BERT encoder (Devlin et al. 2018, post-layer-norm) of 6 layers, 384 wide, 12 heads, mean
pooling over the tokens and unit length, as the repository's ``modules.json`` and
``1_Pooling/config.json`` say.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]


def embed(folder: Path, sentence: str) -> Array:
    """The embedding of a sentence: 384 numbers of unit length."""
    import numpy as np
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    weights = load_file(folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    ids = tokenizer.encode(sentence).ids

    def norm(x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + config["layer_norm_eps"])
        moved: Array = scaled * weights[f"{name}.LayerNorm.weight"] + weights[f"{name}.LayerNorm.bias"]
        return moved

    def linear(x: Array, name: str) -> Array:
        mapped: Array = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        return mapped

    hidden = (
        weights["embeddings.word_embeddings.weight"][ids]
        + weights["embeddings.position_embeddings.weight"][: len(ids)]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    hidden = norm(hidden, "embeddings")
    heads = config["num_attention_heads"]
    for layer in range(config["num_hidden_layers"]):
        name = f"encoder.layer.{layer}"
        mixed = _attention(hidden, linear, f"{name}.attention.self", heads)
        hidden = norm(linear(mixed, f"{name}.attention.output.dense") + hidden, f"{name}.attention.output")
        inner = linear(hidden, f"{name}.intermediate.dense")
        inner = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        hidden = norm(linear(inner, f"{name}.output.dense") + hidden, f"{name}.output")
    pooled = hidden.mean(0)
    unit: Array = (pooled / np.linalg.norm(pooled)).astype(np.float32)
    return unit


def _attention(hidden: Array, linear: Callable[[Array, str], Array], name: str, heads: int) -> Array:
    import numpy as np

    tokens, width = hidden.shape
    query, key, value = (
        linear(hidden, f"{name}.{part}").reshape(tokens, heads, width // heads).swapaxes(0, 1)
        for part in ("query", "key", "value")
    )
    scores = query @ key.swapaxes(1, 2) / math.sqrt(width // heads)
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    attended = scores / scores.sum(-1, keepdims=True) @ value
    mixed: Array = attended.swapaxes(0, 1).reshape(tokens, width)
    return mixed
