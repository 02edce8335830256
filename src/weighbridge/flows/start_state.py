"""What the steps of a start hand on to each other, and what they may touch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from weighbridge.domain.evidence import Evidence
from weighbridge.domain.hashed_file import HashedFile
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.loading import Loaded, Snapshot
from weighbridge.domain.lock import LockEntry
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.ref import ModelRef
from weighbridge.domain.scan import ScanReport
from weighbridge.domain.start_report import Identity, Origin
from weighbridge.domain.start_wish import StartWish
from weighbridge.domain.terms import Terms
from weighbridge.errors import WeighbridgeError
from weighbridge.flows.ensure import Shelf
from weighbridge.ports import BlobStore, Hub, Layout, Loader, Reporter, Source


class Pins(Protocol):
    """What versions meant when they were first asked for."""

    def folder(self, ref: ModelRef) -> str:
        """Where the files of a version lie, below the cache folder."""

    def get(self, ref: ModelRef) -> LockEntry | None:
        """What a version means, or None where it was never asked for."""

    def put(self, ref: ModelRef, entry: LockEntry, *, anew: bool = False) -> LockEntry:
        """Remember what a version means, and give it; unless it is to be ``anew``, the first one stands."""

    def using(self) -> AbstractContextManager[None]:
        """Nobody removes what is stored meanwhile; many may do this at once."""

    def alone(self, ref: ModelRef) -> AbstractContextManager[None]:
        """One process at a time."""


@dataclass(frozen=True, kw_only=True)
class StartTools:
    """What a start touches. ``hub`` and ``blobs`` are made when something is to be asked of them.

    ``faults`` compares the named files of a folder with a manifest, byte by byte. ``gguf`` reads a head
    and raises CannotLoad where it is broken. ``file_at`` gives the size of what an address holds, and
    its bytes.
    """

    hub: Callable[[], Hub]
    blobs: Callable[[], BlobStore]
    shelf: Shelf
    layout: Layout
    pins: Pins
    faults: Callable[[str, Manifest], Sequence[WeighbridgeError]]
    scan: Callable[[Sequence[tuple[str, Path, str]]], ScanReport]
    gguf: Callable[[Path], JsonObject]
    front_matter: Callable[[str], tuple[JsonObject | None, str]]
    terms: Callable[[Evidence], Terms]
    file_at: Callable[[str, str], tuple[int, Callable[[FileEntry], Source]]]
    loaders: Mapping[str, Loader]
    threads: Callable[[], int]
    context: int
    reporter: Reporter
    connections: int


@dataclass(frozen=True, kw_only=True)
class Part:
    """One repository of a start: what was asked, what it was pinned to, and which files are used.

    ``entry`` may name more files: those that other models of this folder use.
    """

    ref: ModelRef
    entry: LockEntry
    wanted: tuple[str, ...]
    folder: str
    is_url: bool = False

    @property
    def used(self) -> Manifest:
        """The manifest of the files that are used."""
        known = self.entry.manifest.by_path
        manifest = self.entry.manifest
        files = tuple(known[path] for path in self.wanted)
        return Manifest(repo=manifest.repo, commit=manifest.commit, files=files)

    @property
    def origin(self) -> Origin:
        """Where it came from."""
        return Origin(
            repo=self.ref.repo.full_name,
            version=self.ref.revision,
            commit="" if self.is_url else self.entry.manifest.commit,
            license=self.entry.license,
            files=tuple(HashedFile.of(file) for file in self.used.files),
        )

    def snapshot(self, layout: Layout) -> Snapshot:
        """Its folder with the files that are used."""
        return Snapshot(folder=layout.path(self.folder), manifest=self.used)


@dataclass(frozen=True, kw_only=True)
class Start:
    """How far a start is. ``detail`` and ``warnings`` are what the last step has to say."""

    wish: StartWish
    model: Part | None = None
    base: Part | None = None
    facts: JsonObject | None = None
    licenses: tuple[str, ...] = ()
    scanned: ScanReport | None = None
    loaded: Loaded | None = None
    detail: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def main(self) -> Part:
        """The model, or the adapter; it is there after ``resolve``."""
        if self.model is None:
            raise AssertionError("a step before 'resolve' asks for what it resolves")
        return self.model

    @property
    def parts(self) -> tuple[Part, ...]:
        """Everything that is loaded."""
        return tuple(part for part in (self.model, self.base) if part is not None)

    @property
    def identity(self) -> Identity | None:
        """What is being loaded, as far as it is known."""
        if self.model is None:
            return None
        return Identity(
            type=self.wish.type.value,
            model=self.model.origin,
            base=self.base.origin if self.base else None,
            licenses=self.licenses,
            facts=self.facts,
        )

    def said(self, detail: str, *warnings: str) -> Start:
        """The state with what a step has to say."""
        return replace(self, detail=detail, warnings=warnings)
