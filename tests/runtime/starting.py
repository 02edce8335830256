"""A Hub of tiny models, and starts from it without loading."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hub_server import HubRepo, HubServer, serve_hub
from tests.tiny_gguf import tiny_gguf
from weighbridge.bridge.runtime import Started, start
from weighbridge.domain.start_report import Step
from weighbridge.errors import StartFailed

CANARY = "hf_canaryCANARYcanary0123456789"
CARD = "---\nlicense: {licence}\n{more}---\n# A model\n"


def card(licence: str, *bases: str) -> bytes:
    """A card with a licence and base models."""
    more = "".join(["base_model:\n", *(f"- {base}\n" for base in bases)]) if bases else ""
    return CARD.format(licence=licence, more=more).encode()


def tensors(*names: str) -> bytes:
    """A safetensors file of small tensors."""
    header = {
        name: {"dtype": "F32", "shape": [4], "data_offsets": [16 * at, 16 * at + 16]}
        for at, name in enumerate(names)
    }
    spelled = json.dumps(header).encode()
    spelled += b" " * (-len(spelled) % 8)
    return len(spelled).to_bytes(8, "little") + spelled + bytes(16 * len(names))


BASE = {
    "README.md": card("apache-2.0"),
    "config.json": b'{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}',
    "model.safetensors": tensors("lm_head.weight"),
    "tokenizer.json": b"{}",
    "pytorch_model.bin": b"never fetched",
    "training_args.bin": b"never fetched",
}
ADAPTER = {
    "README.md": card("mit", "acme/base"),
    "adapter_config.json": b'{"base_model_name_or_path": "acme/base", "peft_type": "LORA"}',
    "adapter_model.safetensors": tensors("base_model.q.lora_A.weight"),
    "optimizer.pt": b"never fetched",
}
GGUF = {"README.md": card("mit", "acme/base"), "tiny.Q4.gguf": tiny_gguf(1), "tiny.F32.gguf": tiny_gguf(2)}
AS_GGUF = {"MODEL_ID": "acme/tiny", "MODEL_TYPE": "gguf", "MODEL_FILE": "tiny.Q4.gguf"}
AS_LORA = {"MODEL_TYPE": "lora", "LORA_ID": "acme/lora", "BASE_MODEL": "acme/base"}
AS_FOLDER = {"MODEL_TYPE": "transformers", "MODEL_ID": "acme/base"}


class Yard:
    """A Hub, a cache folder, and what was told of the last start."""

    def __init__(self, hub: HubServer, place: Path) -> None:
        self.hub, self.place = hub, place
        self.cache = place / "models"
        self.told: list[Step] = []

    def environ(self, **changes: str) -> dict[str, str]:
        """An environment of this Hub and cache folder; what is empty is not set."""
        given = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.place / "user"),
            "HF_ENDPOINT": self.hub.url,
            "HF_TOKEN": CANARY,
            "NO_PROXY": "127.0.0.1",
            "CACHE_DIR": str(self.cache),
            **changes,
        }
        return {name: value for name, value in given.items() if value}

    def start(self, wish: Mapping[str, str], *, into_memory: bool = False, **changes: str) -> Started:
        """Run the checklist."""
        self.told = []
        environ = self.environ(**{**wish, **changes})
        return start(environ, into_memory=into_memory, told=self.told.append)

    def failure(self, wish: Mapping[str, str], *, into_memory: bool = False, **changes: str) -> StartFailed:
        """Run a checklist that fails; no step after the failed one ran."""
        with pytest.raises(StartFailed) as caught:
            self.start(wish, into_memory=into_memory, **changes)
        error = caught.value
        assert self.told == list(error.report.steps)
        assert not error.report.passed
        assert error.report.steps[-1].name == error.step
        assert CANARY not in f"{error} {error.hint} {error.report.to_json()}"
        return error


@contextmanager
def yard(place: Path) -> Iterator[Yard]:
    """A Hub with a GGUF model, an adapter and its base."""
    repos = {"acme/tiny": HubRepo(GGUF), "acme/lora": HubRepo(ADAPTER), "acme/base": HubRepo(BASE)}
    repos["acme/tiny"].info = {"tags": ["license:mit"]}
    with serve_hub(repos) as hub:
        yield Yard(hub, place)
