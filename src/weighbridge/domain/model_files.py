"""Which files of a repository are needed to run it, and what stands in the small ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import Manifest
from weighbridge.domain.start_wish import ModelType

CHECKSUMS = ("checksums.txt", "sha256sums.txt", "sha256sum.txt", "sha256sums")
"""What a list of checksums is called, in lower case."""
WEIGHTS = (".safetensors", ".gguf")
"""How files end that are loaded into memory."""
_PAPERS = re.compile(r"(readme\.md|licen[cs]e[^/]*|notice[^/]*|copying[^/]*|use_policy\.md)", re.IGNORECASE)
_SMALL = (".json", ".txt", ".model", ".jinja", ".tiktoken")
_WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors")
_ADAPTER = re.compile(r"adapter_model(-\d{5}-of-\d{5})?\.safetensors")
_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<ending>\.gguf)", re.IGNORECASE)
_SUM = re.compile(r"\\?(?P<sha256>[0-9a-fA-F]{64})[ \t]+\*?(?P<path>[^\r\n]+)")
_TAGGED_SUM = re.compile(r"SHA256 \((?P<path>[^\r\n]+)\) = (?P<sha256>[0-9a-fA-F]{64})")


def files_to_run(type: ModelType, manifest: Manifest, file: str = "") -> tuple[str, ...]:
    """The paths that running it needs, with card, licence texts and checksums.

    Weights are safetensors or GGUF: nothing that unpickles is chosen.

    Raises:
        Invalid: a needed file is missing.
    """
    paths = [entry.path for entry in manifest.files]
    chosen = {
        ModelType.GGUF: lambda: _gguf(manifest, paths, file),
        ModelType.LORA: lambda: _adapter(manifest, paths),
        ModelType.TRANSFORMERS: lambda: _folder(manifest, paths),
    }[type]()
    return tuple(sorted({*chosen, *papers(manifest)}))


def papers(manifest: Manifest) -> tuple[str, ...]:
    """The card, licence texts and checksums; perhaps none."""
    return tuple(
        entry.path
        for entry in manifest.files
        if _PAPERS.fullmatch(entry.path) or entry.path.lower() in CHECKSUMS
    )


def main_file(type: ModelType, paths: Iterable[str], file: str = "") -> str:
    """The one file that holds the weights, by which the whole is known; empty where there are several."""
    if type is ModelType.GGUF:
        return file or next(path for path in sorted(paths) if path.lower().endswith(".gguf"))
    pattern = _ADAPTER if type is ModelType.LORA else _WEIGHTS
    found = [path for path in paths if pattern.fullmatch(path)]
    return found[0] if len(found) == 1 else ""


def is_later_part(path: str) -> bool:
    """Whether this is a part of a GGUF model other than the first."""
    part = _PART.fullmatch(path)
    return part is not None and int(part["number"]) > 1


def listed_sums(text: str) -> tuple[tuple[str, str], ...]:
    """Path and sha256 of each line, of a list as ``sha256sum`` writes it, with ``--tag`` or without.

    Lines that are none are passed over; a path that stands there twice is given twice.
    """
    lines = map(str.strip, text.removeprefix("\ufeff").splitlines())
    found = (_SUM.fullmatch(line) or _TAGGED_SUM.fullmatch(line) for line in lines)
    return tuple((each["path"].strip().removeprefix("./"), each["sha256"].lower()) for each in found if each)


def names_same_repo(recorded: str, base: str) -> bool:
    """Whether an adapter's ``base_model_name_or_path`` is a repository; the Hub ignores case in names."""
    return recorded.strip().rstrip("/").lower() == base.lower()


def _gguf(manifest: Manifest, paths: Sequence[str], file: str) -> Sequence[str]:
    if not file:
        found = [path for path in paths if path.lower().endswith(".gguf") and not is_later_part(path)]
        if len(found) != 1:
            listed = ", ".join(found[:10]) or "no GGUF file"
            raise Invalid("MODEL_FILE", "", f"is not set, and {manifest.repo} has {listed}")
        file = found[0]
    if file not in manifest.by_path:
        near = ", ".join(path for path in paths if path.lower().endswith(".gguf")) or "no GGUF file"
        raise Invalid("MODEL_FILE", file, f"is no file of {manifest.repo}", hint=f"it has {near}")
    part = _PART.fullmatch(file)
    if part is None:
        return [file]
    count = int(part["count"])
    names = [f"{part['stem']}-{n:05}-of-{part['count']}{part['ending']}" for n in range(1, count + 1)]
    _require(manifest, names)
    if int(part["number"]) != 1:
        raise Invalid("MODEL_FILE", file, "is a later part of a model", hint=f"name the first: {names[0]}")
    return names


def _adapter(manifest: Manifest, paths: Sequence[str]) -> Sequence[str]:
    _require(manifest, ["adapter_config.json"])
    _require_safetensors(manifest, paths, _ADAPTER)
    return _beside(paths, _ADAPTER)


def _folder(manifest: Manifest, paths: Sequence[str]) -> Sequence[str]:
    _require(manifest, ["config.json"])
    _require_safetensors(manifest, paths, _WEIGHTS)
    return _beside(paths, _WEIGHTS)


def _beside(paths: Iterable[str], weights: re.Pattern[str]) -> list[str]:
    """The weights and the small files at the top, of which transformers reads what it knows."""
    return [p for p in paths if weights.fullmatch(p) or ("/" not in p and p.lower().endswith(_SMALL))]


def _require(manifest: Manifest, names: Iterable[str]) -> None:
    if absent := [name for name in names if name not in manifest.by_path]:
        shown = ", ".join(absent[:5])
        raise Invalid("repository", manifest.repo.full_name, f"has no {shown} at {manifest.commit[:12]}")


def _require_safetensors(manifest: Manifest, paths: Sequence[str], weights: re.Pattern[str]) -> None:
    if any(weights.fullmatch(path) for path in paths):
        return
    pickled = [path for path in paths if path.endswith((".bin", ".pt", ".pth", ".ckpt"))]
    why = f"has no weights as safetensors{f' but {pickled[0]}, which is unpickled' if pickled else ''}"
    hint = "convert the weights to safetensors; pickles are never loaded" if pickled else ""
    raise Invalid("repository", manifest.repo.full_name, why, hint=hint)
