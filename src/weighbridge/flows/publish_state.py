"""What publishing touches, and what one of its steps hands to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.made_model import Documents, MadeModel, Said
from weighbridge.domain.manifest import FileEntry
from weighbridge.domain.own_card import OwnCard, StatedLicence
from weighbridge.domain.policy import Policy
from weighbridge.domain.publication import LeftOut, OwnFile, Sending, Sent
from weighbridge.domain.publish_request import PublishRequest
from weighbridge.domain.ref import RepoId
from weighbridge.domain.verdict import Verdict
from weighbridge.flows.gather import Readers
from weighbridge.flows.ingest_state import ScanTree
from weighbridge.flows.weighing import UNSCANNED, Scales
from weighbridge.ports import BlobStore, Hub, Reporter

_UNWEIGHED = Verdict(scores=(), scan=UNSCANNED, policy=Policy(), repo="", commit="", waived=())


class Writing(Protocol):
    """The writing half of a Hub; every method raises what the Hub refuses with, and Unreachable."""

    def create(self, repo: RepoId, *, private: bool) -> None:
        """Make an empty repository. Raises Conflict where there is one."""

    def require_known(self) -> None:
        """Nothing, if the Hub is told who writes. Raises NotAuthenticated."""

    def branch(self, repo: RepoId, name: str, start: str) -> None:
        """Make a branch at a commit, or at the head of main where ``start`` is empty."""

    def commit(self, repo: RepoId, sending: Sending) -> Sent:
        """Send files in one commit. Raises Conflict where the branch is not where it was."""

    def tag(self, repo: RepoId, name: str, commit: str) -> None:
        """Put a tag on a commit. Raises Conflict where there is such a tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardWriter:
    """How a card becomes text; each raises BadInput for a card that cannot be read."""

    metadata_of: Callable[[OwnCard], JsonObject]
    written: Callable[[JsonObject, str], str]
    said_by: Callable[[str], JsonObject]
    completed: Callable[[str, JsonObject], tuple[str, JsonObject]]
    require_readable: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishTools:
    """Everything of the world that publishing touches.

    ``target`` is the Hub that is published to, at ``address``; ``bases`` the one that is asked for base
    models and data sets, at ``bases_address``. ``desk`` is an empty folder for what is written on the way.
    ``sending`` hears of the upload where the client does not show it itself.
    """

    target: Hub
    writing: Writing
    address: str
    bases: Hub
    bases_address: str
    desk: Path
    blobs: BlobStore
    list_files: Callable[[Path], tuple[dict[str, OwnFile], tuple[LeftOut, ...]]]
    own_file: Callable[[str, Path], OwnFile]
    hashed: Callable[[OwnFile, Callable[[int], None]], FileEntry]
    require_unchanged: Callable[[Iterable[OwnFile]], None]
    staged: Callable[[RepoId, Mapping[str, FileEntry], Mapping[str, Path]], Hub]
    gguf_head: Callable[[Path], JsonObject]
    cards: CardWriter
    readers: Readers
    scan_tree: ScanTree
    scales: Scales
    policy: Callable[[RepoId, datetime], Policy]
    now: Callable[[], datetime]
    reporter: Reporter
    sending: Reporter
    quiet: Reporter


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The repository as it is before: ``head`` is empty where there is none yet, ``tagged`` is the commit
    that has the wanted tag already, empty where none has it.
    """

    head: str = ""
    has_branch: bool = True
    tagged: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishState:
    """What one step hands to the next.

    ``listed`` is every file of the folder, ``files`` what goes out; ``said`` is the maker's word
    completed by the card that is there. ``held`` is what the repository holds before.
    """

    request: PublishRequest
    said: Said
    listed: Mapping[str, OwnFile] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    files: Mapping[str, OwnFile] = field(default_factory=dict)
    target: Target = field(default_factory=Target)
    old_card: str | None = None
    documents: Documents = field(default_factory=Documents)
    made: MadeModel = field(default_factory=MadeModel)
    licence: StatedLicence = field(default_factory=StatedLicence)
    card: str = ""
    added: JsonObject | None = None
    entries: Mapping[str, FileEntry] = field(default_factory=dict)
    held: Mapping[str, FileEntry] = field(default_factory=dict)
    verdict: Verdict = _UNWEIGHED
    warnings: tuple[str, ...] = ()
    sent: Sent = field(default_factory=lambda: Sent(commit=""))

    @property
    def is_there(self) -> bool:
        """Whether the repository holds already all that would be sent."""
        return bool(self.target.head) and agree(self.entries, self.held)


def agree(wanted: Mapping[str, FileEntry], held: Mapping[str, FileEntry]) -> bool:
    """Whether every file is held as it is wanted."""
    return all(path in held and held[path].agrees_with(entry) for path, entry in wanted.items())
