"""Models on disk: safetensors, with what they are as JSON in the header. Nothing in them can run.

8 bytes        the length of the header
header (JSON)  {"__metadata__": {"about": "<JSON>"}, "<tensor>": {"dtype", "shape", "data_offsets"}, ...}
numbers
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

Tensors = Mapping[str, NDArray[np.float32]]


class NoModel(ValueError):
    """A file that is not the model that it should be."""


def write_model(path: Path, tensors: Tensors, about: Mapping[str, Any]) -> str:
    """Put a model in place in one rename; its sha256."""
    spelled = json.dumps(about, sort_keys=True, ensure_ascii=False)
    plain = {name: np.ascontiguousarray(tensor, np.float32) for name, tensor in tensors.items()}
    content = save(plain, {"about": spelled})
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(path)
    return hashlib.sha256(content).hexdigest()


def read_model(path: Path, sha256: str) -> tuple[Tensors, dict[str, Any]]:
    """The tensors of a model, and what it is. The bytes that are used are those that are hashed.

    Raises:
        NoModel: it is another file than the one with this sha256, or not one of ours.
    """
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise NoModel(f"'{path}' is not the file that was checked; start again")
    try:
        tensors = load(content)
        length = int.from_bytes(content[:8], "little")
        about = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["about"])
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise NoModel(f"'{path.name}' is no model of this application: {error}") from error
    if not isinstance(about, dict) or not all(
        t.dtype == np.float32 and np.isfinite(t).all() for t in tensors.values()
    ):
        raise NoModel(f"'{path.name}' is no model of this application")
    return tensors, about
