"""Loads the tiny GGUF with our loader and with llama-cpp-python itself."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from llama_cpp import Llama

from tests.loaders.programs.orders import GREETING, SAMPLED, order
from weighbridge.domain.loading import Prompt
from weighbridge.errors import BadInput, CannotLoad
from weighbridge.loaders import LOADERS

folder = Path(sys.argv[1])
loaded = LOADERS["gguf"].load(order(folder, "tiny.gguf", context=64))
speak = loaded.speak
assert speak is not None
own = Llama(model_path=str(folder / "tiny.gguf"), n_ctx=64, verbose=False)
said = own.create_completion(GREETING.text, max_tokens=8, temperature=0, seed=1)["choices"][0]["text"]


def refused(text: str) -> str:
    try:
        speak(Prompt(text=text))
    except BadInput as error:
        return str(error)
    return ""


def unloadable() -> str:
    (folder / "cut.gguf").write_bytes((folder / "tiny.gguf").read_bytes()[:200_000])
    try:
        LOADERS["gguf"].load(order(folder, "cut.gguf"))
    except CannotLoad as error:
        return str(error)
    return ""


with ThreadPoolExecutor(4) as pool:
    together = list(pool.map(speak, [GREETING] * 8))
first = speak(Prompt(text="weigh", max_tokens=8, temperature=0, stop=(said[0],)))
print(json.dumps({
    "kind": loaded.kind,
    "is_llama": isinstance(loaded.model, Llama),
    "said": together[0],
    "own": said,
    "together": sorted(set(together)),
    "sampled": [speak(SAMPLED), speak(SAMPLED)],
    "stopped": first,
    "too_long": refused("x" * 500),
    "cut": unloadable(),
}))  # fmt: skip
