"""``weighbridge hub FOLDER`` as a process, and folders of small models for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

CARD = b"""---
license: apache-2.0
language: [en, de]
library_name: transformers
pipeline_tag: text-classification
tags: [tiny]
datasets: [acme/words]
base_model: acme/base
---
# Tiny

A tiny model.
"""


def safetensors(values: int) -> bytes:
    """A safetensors file of one F32 tensor."""
    header = {"w": {"dtype": "F32", "shape": [values], "data_offsets": [0, 4 * values]}}
    spelled = json.dumps(header).encode()
    return len(spelled).to_bytes(8, "little") + spelled + bytes(range(256)) * (values // 64)


TINY: Mapping[str, bytes] = {
    "README.md": CARD,
    "config.json": b'{"architectures": ["TinyModel"], "model_type": "bert"}',
    "empty.txt": b"",
    "model.safetensors": safetensors(64_000),
    "sub dir/deep/\u00fc 1.txt": "gr\u00fc\u00dfe\n".encode(),
    "sub dir/other.json": b"{}",
}


def write_repo(folder: Path, name: str, files: Mapping[str, bytes], sidecar: object = None) -> Path:
    """A repository in a folder, and the sidecar beside it."""
    root = folder / name
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    if sidecar is not None:
        root.with_name(root.name + ".hub.json").write_text(json.dumps(sidecar))
    return root


@contextmanager
def hub_process(folder: Path, *more: str) -> Iterator[str]:
    """The address of a Hub over ``folder``; the process is stopped at the end."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("WEIGHBRIDGE_", "HF_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "weighbridge", "hub", str(folder), "--port", "0", "--json", *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=kept, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        if not said:
            raise AssertionError(process.communicate(timeout=600)[1])
        yield json.loads(said)["url"]
    finally:
        process.terminate()
        process.communicate(timeout=600)
