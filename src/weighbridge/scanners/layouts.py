"""Which format an archive is laid out as, by the names in it, and what that lets its members be.

A layout never hides a member: every one is looked at, and those whose name a loader would act on
(``config.json`` of Keras, ``schema.json`` of skops, the configuration of NeMo) are judged in any archive.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import BinaryIO

from weighbridge.scanners.keras_config import judge_keras_json
from weighbridge.scanners.notes import Malformed, Notes
from weighbridge.scanners.skops_schema import judge_skops
from weighbridge.scanners.sniff import MEDIA
from weighbridge.scanners.yaml_text import judge_yaml

_MAX_TEXT_BYTES = 32 << 20
DATA = "data"
_TEXTS = (".json", ".jsonl", ".ndjson", ".txt", ".csv", ".tsv", ".cls", ".caption", ".lab", ".srt", ".vtt")
_MEDIA = (
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".gif",
    ".bmp",
    ".wav",
    ".flac",
    ".mp3",
    ".ogg",
    ".opus",
    ".mp4",
    ".m4a",
)
"""What samples of data consist of: WebDataset's shards and zipped folders of pictures or sound."""


@dataclass(frozen=True, slots=True)
class Layout:
    """``storages``: names that begin so hold raw numbers; ``nested``: so ending members may be archives;
    ``is_script``: a TorchScript program with its pickles.
    """

    kind: str = ""
    root: str = ""
    storages: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    is_script: bool = False

    def is_storage(self, name: str) -> bool:
        """Whether a member holds the raw numbers of tensors."""
        return bool(self.storages) and name.startswith(self.storages) and not name.endswith(".json")

    def may_nest(self, name: str) -> bool:
        """Whether the format itself puts an archive in this member."""
        return bool(self.nested) and name.endswith(self.nested)


def zip_layout(name: str, names: Collection[str]) -> Layout:
    """The layout of a ZIP that is called ``name`` and has members called ``names``."""
    torch, export = _root(names, "data.pkl"), _root(names, "archive_format")
    if torch:
        is_script = any(n == f"{torch}constants.pkl" or n.startswith(f"{torch}code/") for n in names)
        return Layout("torch", torch, (f"{torch}data/",), is_script=is_script)
    if export:
        places = (f"{export}data/weights/", f"{export}data/constants/")
        return Layout("torch export", export, places, (".pt",))
    if "config.json" in names and "metadata.json" in names:
        return Layout("keras")
    if "schema.json" in names:
        return Layout("skops", nested=(".npz",))
    if names and all(member.endswith(".npy") for member in names):
        return Layout("npz")
    return _of_samples(names)


def tar_layout(names: Collection[str]) -> Layout:
    """The layout of a tar archive with these members."""
    plain = {member.removeprefix("./") for member in names}
    if "model_config.yaml" in plain:
        return Layout("nemo", nested=(".ckpt", ".pt", ".pth", ".nemo"))
    return _of_samples(names)


def _of_samples(names: Collection[str]) -> Layout:
    is_data = bool(names) and all(name.lower().endswith((*_TEXTS, *_MEDIA)) for name in names)
    return Layout(DATA) if is_data else Layout()


def is_of_its_name(name: str, kind: str) -> bool:
    """Whether a sample holds what its name says, as far as its first bytes tell."""
    if name.lower().endswith(_TEXTS):
        return kind in ("text", "empty")
    return kind in MEDIA or kind in ("binary", "empty")


def judge_member(name: str, inner: BinaryIO, size: int, notes: Notes, label: str) -> None:
    """Judge a member that a loader acts on by its name.

    Raises:
        Malformed: it is larger than any real one.
    """
    judge = _JUDGES.get(name.removeprefix("./"))
    if judge is None and name.lower().endswith((".yaml", ".yml")):
        judge = judge_yaml
    if judge is None:
        return
    if size > _MAX_TEXT_BYTES:
        raise Malformed(f"a configuration of {size} bytes")
    inner.seek(0)
    judge(inner.read(_MAX_TEXT_BYTES), notes, label)
    inner.seek(0)


def _judge_nemo(raw: bytes, notes: Notes, where: str) -> None:
    judge_yaml(raw, notes, where, builds=True)


_JUDGES: dict[str, Callable[[bytes, Notes, str], None]] = {
    "config.json": judge_keras_json,
    "schema.json": judge_skops,
    "model_config.yaml": _judge_nemo,
}


def _root(names: Collection[str], last: str) -> str:
    """The one folder (``archive/``) that holds a member called ``last``, or an empty string."""
    roots = {n.removesuffix(last) for n in names if n.endswith(f"/{last}") and n.count("/") == 1}
    return roots.pop() if len(roots) == 1 else ""
