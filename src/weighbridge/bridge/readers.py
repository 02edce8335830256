"""The libraries that flows read files with, as the functions that they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from weighbridge.adapters.front_matter import front_matter, yaml_value
from weighbridge.adapters.gguf_header import gguf_info
from weighbridge.domain.json_values import JsonObject, mended
from weighbridge.flows.gather import Readers
from weighbridge.scanners.safetensors import read_safetensors_header


def readers() -> Readers:
    """The libraries by which evidence is read out of cards, YAML and weight files."""

    def header(file: Path, format: str) -> JsonObject:
        if format == "gguf":
            said = gguf_info(file, either_order=True)
            return {"format": "gguf", **said} if said else {"error": "no GGUF header that could be read"}
        read = mended(read_safetensors_header(file))
        return read if isinstance(read, Mapping) else {}

    return Readers(front_matter=front_matter, yaml=lambda spelled: yaml_value(spelled)[0], header=header)
