"""What brings models into memory, by the name of the format. Loaders know ports only, and not each other.

    LOADERS["gguf"].load(order)   ->  Loaded

A loader's library is an extra of the package and is imported inside ``load``: the table costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from weighbridge.loaders.gguf import GgufLoader
from weighbridge.loaders.joblib import JoblibLoader
from weighbridge.loaders.lora import LoraLoader
from weighbridge.loaders.transformers import TransformersLoader
from weighbridge.ports import Loader

LOADERS: Mapping[str, Loader] = MappingProxyType(
    {
        "gguf": GgufLoader(),
        "joblib": JoblibLoader(),
        "lora": LoraLoader(),
        "transformers": TransformersLoader(),
    }
)
"""Every format that can be loaded."""
