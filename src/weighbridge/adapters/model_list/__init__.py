"""The model list (models.yaml) and its lock beside it (models.lock).

    cache_dir: models            # relative to this file, whatever folder the command runs in
    layout: dir                  # or hf-cache
    verify: sha256               # default level of `weighbridge verify`
    models:
      - id: my-model
        repo_id: org/model-name
        revision: main
        local_dir: custom-name
        files: [config.json, "*.safetensors"]
        kind: model
        license: apache-2.0

The file is YAML 1.2 (`no` is a text). Its nodes are read and not its values: every node knows
its place, so every mistake is told with line and column, all of them at once, and a revision
that YAML took for a number is caught before it loses its zeros. It also costs a third less than
the loader that keeps comments.

Still it is half of a warm ``sync``. So what a list says is remembered by the sha256 of its bytes
(``<home>/lists-v1/<hex>.json``), and one that did not change is not parsed again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from weighbridge.adapters.model_list.memory import Said, recall, remember
from weighbridge.domain.lock import Spec
from weighbridge.errors import BadConfig, BadInput, NotFound, Place, StoreDown

MAX_LIST_BYTES = 1 << 20

EXAMPLE = """\
# The models that this project uses. Next: `weighbridge lock`, then `weighbridge sync`.
# Commit this file and models.lock; keep the cache folder out of version control.

# Where the models are laid out, relative to this file.
cache_dir: models

# How: dir (plain folders), or hf-cache, which from_pretrained reads offline (docs/models.md).
# layout: dir

# What `weighbridge verify` compares: none (files are there), size, or sha256.
# Whatever stands here, every downloaded byte is hashed on its way in.
verify: sha256

models:
  - id: all-minilm                                   # unique; also the folder's name
    repo_id: sentence-transformers/all-MiniLM-L6-v2
    revision: main                                   # branch, tag or commit; the lock pins it
    # local_dir: embeddings/minilm                   # another folder below cache_dir
    # license: apache-2.0                            # refuse the model if its licence is another
    # kind: model                                    # or dataset, space
    files:                                           # all files if left out
      - config.json
      - "tokenizer*"
      - vocab.txt
      - model.safetensors
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelList:
    """A model list that was read: where it stands, where models go, and the wanted models.

    ``cache_dir`` is where plain folders go; ``hf_cache`` is the Hugging Face cache that the list
    names, or None where it is the user's own.
    """

    path: Path
    cache_dir: Path
    verify: str
    specs: tuple[Spec, ...]
    layout: str = "dir"
    hf_cache: Path | None = None

    @property
    def lock_path(self) -> Path:
        """The lock beside the list: ``models.minimal.lock`` for ``models.minimal.yaml``."""
        return self.path.with_suffix(".lock")


def read_model_list(path: Path, memory: Path | None = None) -> ModelList:
    """The model list in ``path``; ``memory`` is the folder in which lists are remembered.

    Raises:
        NotFound: there is no such file.
        BadConfig: it has mistakes; the error holds the place of each.
    """
    content = _content_of(path)
    name = f"{sha256(content).hexdigest()}.json"
    said = recall(memory / name) if memory else None
    if said is None:
        said = _parsed(path, content)
        if memory:
            remember(memory / name, said)
    folder = path.absolute().parent
    named = Path(os.path.normpath(folder / Path(said.cache_dir).expanduser())) if said.cache_dir else None
    is_dir = said.layout == "dir"
    return ModelList(
        path=path,
        cache_dir=named if named and is_dir else folder / "models",
        verify=said.verify,
        specs=said.specs,
        layout=said.layout,
        hf_cache=None if is_dir else named,
    )


def write_example(path: Path) -> None:
    """Write the commented example.

    Raises:
        BadInput: something stands there already; it is not touched.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(EXAMPLE)
    except FileExistsError as error:
        raise BadInput(f"{path} exists and was not touched", hint="choose another with --config") from error
    except OSError as error:
        raise StoreDown(f"cannot write {path}: {error.strerror or error}") from error


def _content_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_LIST_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFound(
            f"there is no model list '{path}'", hint="'weighbridge init' writes one; --config names another"
        ) from error
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from error
    if len(content) > MAX_LIST_BYTES:
        raise BadInput(f"{path} is too long: a model list has at most {MAX_LIST_BYTES} bytes")
    return content


def _parsed(path: Path, content: bytes) -> Said:
    from weighbridge.adapters.model_list.reading import parse

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise BadConfig(str(path), [Place(line, column, "is not UTF-8")]) from error
    return parse(str(path), text)
