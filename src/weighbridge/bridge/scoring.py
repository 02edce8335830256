"""Scores without a registry: of a folder before anybody uploads it, and of a case that was kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.hub_draft import DraftHub
from weighbridge.adapters.hub_either import EitherHub
from weighbridge.adapters.hub_offline import OfflineHub
from weighbridge.adapters.policy_file import read_policy
from weighbridge.adapters.progress import SilentReporter
from weighbridge.bridge import now
from weighbridge.bridge.readers import readers
from weighbridge.bridge.scan import scan_path
from weighbridge.domain.case import Case, captured_on, case_from_json, is_case
from weighbridge.domain.evidence import Evidence, evidence_from_json
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.scan import ScanReport
from weighbridge.domain.verdict import Verdict
from weighbridge.errors import BadInput, NotFound
from weighbridge.flows.fetching import fetch
from weighbridge.flows.gather import gather, with_headers
from weighbridge.flows.weighing import UNSCANNED, Scales, blocked_files, weigh_case
from weighbridge.metrics import METRICS_OF, REPORTED_OF
from weighbridge.metrics.licence_terms import licence_terms
from weighbridge.ports import Hub
from weighbridge.settings import Settings

_CASE_LIMIT_BYTES = 256 * 1024 * 1024
_KINDS = tuple(kind.plural for kind in RepoKind)
_SCALES = Scales(metrics=METRICS_OF, reports=REPORTED_OF, terms=licence_terms)


def score_folder(
    folder: Path, settings: Settings, name: str | None = None, kind: RepoKind = RepoKind.MODEL
) -> Verdict:
    """What the gate would say of a folder, scanned and scored without asking any Hub.

    What only a Hub knows stays open, so scores that look at it are intervals. ``name`` is what the
    repository will be called; by default the last two parts of the folder's path.

    Raises:
        NotFound: there is no such folder.
        Invalid: the name is none for a repository.
        BadListing: the folder holds what no repository can.
    """
    if not folder.is_dir():
        raise NotFound(f"there is no folder '{folder}'")
    folder, repo = folder.resolve(), _called(folder.resolve(), name, kind)
    with TemporaryDirectory(prefix="weighbridge-score-") as made:
        place = Path(made) / "hub" / repo.spelled
        place.parent.mkdir(parents=True)
        place.symlink_to(folder, target_is_directory=True)
        draft = DraftHub(Path(made) / "hub")
        hub = EitherHub(lambda asked: asked == repo, draft, OfflineHub())
        evidence = _gathered(repo, hub, FolderBlobs(Path(made) / "home"))
        report = scan_path(folder)
        evidence = replace(evidence, blocked=blocked_files(report))
        files = {e.sha256: draft.locate(repo, evidence.manifest.commit, e) for e in evidence.files}
        evidence = with_headers(evidence, lambda sha256: files[sha256], readers())
    return _weighed(evidence, report, settings)


def _called(folder: Path, name: str | None, kind: RepoKind) -> RepoId:
    if name is not None:
        return RepoId.parse(name, kind)
    parent = folder.parent.name if folder.parent.name not in _KINDS else "local"
    for spelled in (f"{parent}/{folder.name}", f"local/{folder.name}"):
        try:
            return RepoId.parse(spelled, kind)
        except Invalid:
            continue
    return RepoId.parse(f"local/{kind.value}", kind)


def _gathered(repo: RepoId, hub: Hub, blobs: FolderBlobs) -> Evidence:
    info = hub.info(ModelRef(repo=repo))
    manifest = hub.manifest(repo, info.commit)

    def taken_in(entries: Iterable[FileEntry]) -> Mapping[str, FileEntry]:
        part = Manifest(repo=repo, commit=manifest.commit, files=tuple(entries))
        return fetch(part, hub, blobs, SilentReporter(), connections=4).by_path

    return gather(info, manifest, hub, blobs, taken_in, readers(), now())


def score_again(file: Path, settings: Settings) -> Verdict:
    """The verdict of a case, or of evidence alone, that was written to a file.

    A case brings its findings, policy and day; evidence alone is held against the policy of the
    settings, as of the day on which it was captured, and nothing is scanned.

    Raises:
        NotFound: there is no such file.
        BadInput, Invalid: it is neither.
    """
    document = _document(file)
    try:
        if is_case(document):
            return weigh_case(case_from_json(document), _SCALES)
        return _weighed(evidence_from_json(document), UNSCANNED, settings)
    except Invalid:
        raise
    except ValueError as error:  # a state or a kind that does not exist
        raise BadInput(f"'{file}' is no case and no evidence: {error}") from error


def _weighed(evidence: Evidence, report: ScanReport, settings: Settings) -> Verdict:
    day = captured_on(evidence)
    policy = read_policy(settings.policy_file).for_repo(evidence.repo, day)
    return weigh_case(Case(evidence=evidence, scan=report, policy=policy, as_of=day), _SCALES)


def _document(file: Path) -> JsonObject:
    try:
        with file.open("rb") as opened:
            content = opened.read(_CASE_LIMIT_BYTES + 1)
    except OSError as error:
        raise NotFound(f"'{file}' cannot be read: {error.strerror}") from error
    if len(content) > _CASE_LIMIT_BYTES:
        raise BadInput(f"'{file}' has more than {_CASE_LIMIT_BYTES} bytes")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"'{file}' is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadInput(f"'{file}' is not a JSON object")
    return document
