"""What is loaded (checked bytes), how it is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import Manifest
from weighbridge.domain.scan import ScanReport

MAX_TOKENS = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A folder that shows just the files of a manifest: the bytes are here and were checked."""

    folder: Path
    manifest: Manifest

    def path(self, name: str) -> Path:
        """Where a file of the manifest lies.

        Raises:
            Invalid: the manifest has no such file.
        """
        if name not in self.manifest.by_path:
            raise Invalid("file", name, f"is none of {self.manifest.repo}")
        return self.folder / name


def _nothing(module: str, name: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOrder:
    """What a loader is to bring into memory.

    ``file`` is the one to load where the format is a file; empty where it is the whole folder.
    ``base`` is what an adapter is put on. ``scanned`` is what the scanners found of all these bytes:
    a loader of a format that can carry code looks at it, and lets a pickle name only those globals
    (module, name) that it ``may_name``. ``context`` is in tokens, 0 for the model's own.
    """

    snapshot: Snapshot
    scanned: ScanReport
    may_name: Callable[[str, str], bool] = _nothing
    file: str = ""
    base: Snapshot | None = None
    threads: int = 1
    context: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A text to go on with. ``temperature`` 0 always takes the likeliest token."""

    text: str
    max_tokens: int = 256
    temperature: float = 0.8
    seed: int = 0
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, text in (("prompt", self.text), *(("stop", text) for text in self.stop)):
            if any("\ud800" <= char <= "\udfff" for char in text):
                raise Invalid(name, text, "is not valid Unicode")
        if "" in self.stop:
            raise Invalid("stop", self.stop, "has a text that is empty")
        if not 1 <= self.max_tokens <= MAX_TOKENS:
            raise Invalid("max_tokens", self.max_tokens, f"is not from 1 to {MAX_TOKENS}")
        if not 0 <= self.temperature <= 100:
            raise Invalid("temperature", self.temperature, "is not from 0 to 100")
        if not 0 <= self.seed < 1 << 32:
            raise Invalid("seed", self.seed, "is not a number of 32 bits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What is in memory. ``model`` is the library's own object, for those who know it.

    ``speak`` goes on with a prompt and gives only what was added; None where the model makes no text.
    It may be called from several threads.
    """

    kind: str
    model: object
    speak: Callable[[Prompt], str] | None = None
