"""The start of an application: its environment, its checklist, its model in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from weighbridge.adapters.layout_dir import DirLayout
from weighbridge.adapters.lock_file import LockRegister
from weighbridge.adapters.manifests import ManifestShelf
from weighbridge.adapters.progress import SilentReporter
from weighbridge.adapters.version_locks import VersionLocks
from weighbridge.bridge.upstream import token_for, upstream_hub
from weighbridge.domain.loading import Loaded
from weighbridge.domain.scan import ScanReport
from weighbridge.domain.start_report import StartReport, Step
from weighbridge.domain.start_wish import StartWish, read_wish
from weighbridge.errors import BadInput, HubDown, StoreDown
from weighbridge.flows.load import CHECKS, LOAD, Checklist
from weighbridge.flows.start_state import StartTools
from weighbridge.ports import Reporter, Source
from weighbridge.settings import Settings, load_settings

if TYPE_CHECKING:
    from weighbridge.adapters.blobs_fs import FolderBlobs
    from weighbridge.domain.manifest import FileEntry

Made = TypeVar("Made")
DEFAULT_CONTEXT = 4096
"""Tokens; a model that was trained for fewer gets those."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """The report of a start, where its files are, and what is in memory (None: not asked for)."""

    report: StartReport
    folder: Path
    loaded: Loaded | None


def start(
    environ: Mapping[str, str] | None = None,
    *,
    into_memory: bool = True,
    context: int = DEFAULT_CONTEXT,
    told: Callable[[Step], None] = lambda step: None,
    reporter: Reporter | None = None,
) -> Started:
    """Run the checklist of the environment (the process's own by default), and load what passed it.

    ``told`` hears of each step when it is over.

    Raises:
        StartFailed: a step failed; it carries the report and the cause.
    """
    checklist = Checklist(told)

    def prepare() -> tuple[StartWish, StartTools]:
        settings = load_settings(environ)
        checklist.hide(token_for(settings), settings.admin_password, settings.start.get("MODEL_URL"))
        wish = _wish(settings)
        return wish, _tools(settings, wish, context, reporter or SilentReporter())

    begun, tools = checklist.read(prepare)
    done = checklist.run(CHECKS, begun, tools)
    if into_memory:
        done = checklist.run(LOAD, done, tools)
    else:
        checklist.skip("load", "not asked for")
    folder = tools.layout.path(done.main.folder)
    return Started(report=checklist.report, folder=folder, loaded=done.loaded)


def _wish(settings: Settings) -> StartWish:
    wish, faults = read_wish(settings.start, _alternatives)
    if wish is None:
        raise BadInput("; ".join(faults), hint="docs/runtime.md explains each variable")
    return wish


def _alternatives(expression: str) -> tuple[str, ...]:
    from weighbridge.adapters.spdx import permitted

    return permitted([expression])


def _tools(settings: Settings, wish: StartWish, context: int, reporter: Reporter) -> StartTools:
    from weighbridge.adapters.front_matter import front_matter
    from weighbridge.adapters.processors import usable_processors
    from weighbridge.bridge.gguf_head import gguf_head
    from weighbridge.loaders import LOADERS
    from weighbridge.metrics.licence_terms import licence_terms

    home, place = settings.models_home, settings.models_dir
    blobs = _once(lambda: _blobs(home))
    layout = DirLayout(place, lambda sha256: blobs().path(sha256))
    return StartTools(
        hub=_once(lambda: upstream_hub(settings)),
        blobs=blobs,
        shelf=ManifestShelf(home),
        layout=layout,
        pins=VersionLocks(place, LockRegister(home)),
        faults=lambda folder, manifest: layout.faults(folder, manifest, "sha256"),
        scan=partial(_scan, home),
        gguf=gguf_head,
        front_matter=front_matter,
        terms=licence_terms,
        file_at=partial(_file_at, settings, wish),
        loaders=LOADERS,
        threads=usable_processors,
        context=context,
        reporter=reporter,
        connections=settings.connections,
    )


def _blobs(home: Path) -> FolderBlobs:
    from weighbridge.adapters.blobs_fs import FolderBlobs

    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreDown(
            f"cannot make {home}: {error.strerror or error}",
            hint="CACHE_DIR names a place that can be written",
        ) from error
    return FolderBlobs(home)


def _scan(home: Path, files: Sequence[tuple[str, Path, str]]) -> ScanReport:
    from weighbridge.adapters.scan_cache import ScanCache
    from weighbridge.scanners import scan_tree

    return scan_tree(files, ScanCache(home))


def _file_at(
    settings: Settings, wish: StartWish, url: str, path: str
) -> tuple[int, Callable[[FileEntry], Source]]:
    if settings.offline:
        raise HubDown(
            "MODEL_URL is not asked: HF_HUB_OFFLINE is set", hint="unset it once, to fetch the file"
        )
    from weighbridge.adapters.hub_http.single import SingleFile

    single = SingleFile(url, wish.ref.repo, path, environ=settings.environ)
    return single.size_bytes(), single.source


def _once(make: Callable[[], Made]) -> Callable[[], Made]:
    """What ``make`` gives, made when it is first asked for."""
    made: list[Made] = []

    def given() -> Made:
        if not made:
            made.append(make())
        return made[0]

    return given
