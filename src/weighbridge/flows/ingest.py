"""Take a model in: resolve, gather, fetch, scan, judge, record.

    require_free -> resolve -> gather -> judge_early -> ensure -> scan -> evaluate -> judge -> record

Each step may run again after a crash: what was fetched is held, documents are named by their
digest, and the one commit point is the last line of ``record``. What is large travels by digest;
the state between two steps is small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from weighbridge.domain.access import AuditLine
from weighbridge.domain.case import Case
from weighbridge.domain.evidence import Evidence, evidence_from_json
from weighbridge.domain.json_values import child
from weighbridge.domain.licence import stated_by_parent, stated_in_front_matter
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.package import Package, Refusal, Version, default_version, version_from_tag
from weighbridge.domain.ref import RepoId
from weighbridge.domain.repo import ModelInfo
from weighbridge.domain.resemblance import fingerprints_of
from weighbridge.domain.scan import ScanReport
from weighbridge.domain.verdict import Outcome, Verdict
from weighbridge.errors import BadListing, PackageExists, Rejected
from weighbridge.flows.documents import keep, load
from weighbridge.flows.ensure import resolve_manifest
from weighbridge.flows.fetching import fetch
from weighbridge.flows.gather import gather, with_headers
from weighbridge.flows.ingest_state import State, Tools
from weighbridge.flows.registry import with_registry
from weighbridge.flows.weighing import UNSCANNED, blocked_files, weigh_case


def require_free(tools: Tools, state: State) -> State:
    """Refuse a taken version before minutes of download."""
    if state.request.version is not None:
        tools.ledger.require_free(state.request.ref.repo, "", state.request.version)
    return state


def resolve(tools: Tools, state: State) -> State:
    """Pin the revision, refuse a commit that is listed already, choose the version.

    A state that names a commit already keeps it, wherever its branch has moved.
    """
    repo = state.request.ref.repo
    ref = replace(state.request.ref, revision=state.commit) if state.commit else state.request.ref
    info, _ = resolve_manifest(ref, tools.hub, tools.shelf, tools.blobs)
    version = state.request.version or next_version(tools, repo, info.commit)
    tools.ledger.require_free(repo, info.commit, version)
    draft = {"info": info.raw}
    return replace(state, commit=info.commit, version=version, draft_sha256=keep(tools.blobs, draft))


def next_version(tools: Tools, repo: RepoId, commit: str) -> Version:
    """A semver tag on the commit; else 1.0.0 for a new name; else the next minor."""
    tags = tools.hub.refs(repo).tags
    tagged = [version_from_tag(name) for name, target in tags.items() if target == commit]
    named = [version for version in tagged if version is not None]
    taken = tools.ledger.versions(repo)
    if named and (best := max(named, key=lambda version: version.precedence)) not in taken:
        return best
    return default_version(taken)


def gather_evidence(tools: Tools, state: State) -> State:
    """Read card, configuration and parents; nothing large is fetched yet."""
    manifest = _manifest(tools, state)
    raw = child(load(tools.blobs, state.draft_sha256), "info")
    info = ModelInfo(repo=manifest.repo, commit=state.commit, raw=raw)
    draft = gather(
        info,
        manifest,
        tools.hub,
        tools.blobs,
        lambda entries: _taken_in(tools, state, entries),
        tools.readers,
        state.at,
        tools.registry.origins(manifest.repo),
    )
    return replace(state, draft_sha256=keep(tools.blobs, with_registry(draft, tools.registry).to_json()))


def judge_early(tools: Tools, state: State) -> State:
    """Refuse what certainly fails before its weights are fetched."""
    draft = evidence_from_json(load(tools.blobs, state.draft_sha256))
    verdict = _weighed(tools, state, draft, UNSCANNED)
    if verdict.outcome is Outcome.REFUSED:
        _refuse(tools, replace(state, evidence_sha256=state.draft_sha256), verdict)
    return state


def ensure(tools: Tools, state: State) -> State:
    """Fetch what is not held, every byte hashed on its way in."""
    _taken_in(tools, state, _manifest(tools, state).files)
    return state


def scan(tools: Tools, state: State) -> State:
    """Look into every held file; the report is kept by its digest."""
    files = [(e.path, tools.blobs.path(e.sha256), e.sha256) for e in _whole(tools, state).files if e.sha256]
    return replace(state, scan_sha256=keep(tools.blobs, tools.scan_tree(files).to_json()))


def evaluate(tools: Tools, state: State) -> State:
    """Complete the evidence with the weights' headers and with what the scanners block."""
    draft = evidence_from_json(load(tools.blobs, state.draft_sha256))
    report = ScanReport.from_json(load(tools.blobs, state.scan_sha256))
    draft = replace(draft, manifest=_whole(tools, state), blocked=blocked_files(report))
    evidence = with_headers(draft, tools.blobs.path, tools.readers)
    evidence = with_registry(evidence, tools.registry)  # the digests of small weight files are known now
    return replace(state, evidence_sha256=keep(tools.blobs, evidence.to_json()))


def judge_all(tools: Tools, state: State) -> State:
    """Score the evidence as it is stored, and hold scores and findings against the policy."""
    report = ScanReport.from_json(load(tools.blobs, state.scan_sha256))
    evidence = evidence_from_json(load(tools.blobs, state.evidence_sha256))
    verdict = _weighed(tools, state, evidence, report)
    if verdict.outcome is not Outcome.ACCEPTED:
        _refuse(tools, state, verdict)
    return replace(state, verdict_sha256=keep(tools.blobs, verdict.to_json()))


def record(tools: Tools, state: State) -> State:
    """List the package: the one commit point.

    A version that nobody asked for, and that another ingestion took meanwhile, is chosen again.
    """
    verdict = Verdict.from_json(load(tools.blobs, state.verdict_sha256))
    waived = ", ".join(f"{w.metric} waived: {w.reason}" for w in verdict.waived)
    line = _audit(state, "ingest", f"accepted as {state.id}" + (f"; {waived}" if waived else ""))
    evidence = evidence_from_json(load(tools.blobs, state.evidence_sha256))
    prints = fingerprints_of(evidence)
    try:
        tools.ledger.add(_package(tools, state, evidence, verdict), verdict.waived, line, prints=prints)
    except PackageExists as error:
        if state.request.version is not None or error.commit is not None:
            raise
        taken = tools.ledger.versions(state.request.ref.repo)
        return record(tools, replace(state, version=default_version(taken)))
    return state


def _package(tools: Tools, state: State, evidence: Evidence, verdict: Verdict) -> Package:
    stated = stated_in_front_matter(evidence.front_matter or {}) or stated_by_parent(evidence.info)
    return Package(
        id=state.id,
        version=state.version or Version("1.0.0"),
        manifest=_whole(tools, state),
        net_score=verdict.net_score,
        metrics={score.metric: score.low for score in verdict.scores},
        evidence_sha256=state.evidence_sha256,
        verdict_sha256=state.verdict_sha256,
        created_at=state.at,
        created_by=state.by,
        description=state.request.description,
        licence=stated[0].id[:128] if stated else "",
    )


Step = Callable[[Tools, State], State]
INGEST: tuple[tuple[str, Step], ...] = (
    ("require_free", require_free),
    ("resolve", resolve),
    ("gather", gather_evidence),
    ("judge_early", judge_early),
    ("ensure", ensure),
    ("scan", scan),
    ("evaluate", evaluate),
    ("judge", judge_all),
    ("record", record),
)
"""The flow: its names are what a job shows."""


def weigh_only(tools: Tools, state: State) -> tuple[Evidence, Verdict]:
    """What is known of a revision before its weights are fetched, and its judgement; nothing is listed."""
    evidence = look(tools, state)
    return evidence, _weighed(tools, state, evidence, UNSCANNED)


def look(tools: Tools, state: State) -> Evidence:
    """The evidence of a revision before its weights are fetched."""
    info, _ = resolve_manifest(state.request.ref, tools.hub, tools.shelf, tools.blobs)
    draft_sha256 = keep(tools.blobs, {"info": info.raw})
    state = gather_evidence(tools, replace(state, commit=info.commit, draft_sha256=draft_sha256))
    return evidence_from_json(load(tools.blobs, state.draft_sha256))


def _weighed(tools: Tools, state: State, evidence: Evidence, report: ScanReport) -> Verdict:
    case = Case(evidence=evidence, scan=report, policy=state.policy, as_of=state.at.date())
    return weigh_case(case, tools.scales)


def _refuse(tools: Tools, state: State, verdict: Verdict) -> None:
    """Keep the refusal with its reasons, then raise it.

    Raises:
        Rejected: always.
    """
    refusal = Refusal(
        id=state.id,
        ref=state.request.ref,
        commit=state.commit,
        outcome=verdict.outcome.value,
        sentence=verdict.sentence(),
        evidence_sha256=state.evidence_sha256,
        verdict_sha256=keep(tools.blobs, verdict.to_json()),
        created_at=state.at,
        created_by=state.by,
    )
    line = _audit(state, "ingest", f"{verdict.outcome.value} as {refusal.id}: {refusal.sentence}")
    tools.ledger.add_refusal(refusal, line)
    raise Rejected(verdict, refusal_id=refusal.id)


def _audit(state: State, verb: str, detail: str) -> AuditLine:
    target = f"{state.request.ref.repo.full_name}@{state.commit}"
    return AuditLine(at=state.at, by=state.by, verb=verb, target=target, detail=detail)


def _manifest(tools: Tools, state: State) -> Manifest:
    manifest = tools.shelf.get(state.request.ref.repo, state.commit)
    if manifest is None:
        manifest = tools.hub.manifest(state.request.ref.repo, state.commit)
        tools.shelf.put(manifest)
    return manifest


def _whole(tools: Tools, state: State) -> Manifest:
    """The manifest with every sha256. A worker on another machine has no shelf that knows them: what
    is not known there is asked for again.

    Raises:
        BadListing: a file has none even so.
    """
    manifest = _manifest(tools, state)
    if not manifest.is_complete:
        _taken_in(tools, state, manifest.files)
        manifest = _manifest(tools, state)
    if not manifest.is_complete:
        raise BadListing(f"'{manifest.repo}' has files that were never fetched")
    return manifest


def _taken_in(tools: Tools, state: State, entries: Iterable[FileEntry]) -> Mapping[str, FileEntry]:
    """Fetch entries and remember their sha256 on the manifest shelf."""
    manifest = _manifest(tools, state)
    chosen = {entry.path for entry in entries}
    part = Manifest(
        repo=manifest.repo,
        commit=manifest.commit,
        files=tuple(entry for entry in manifest.files if entry.path in chosen),
    )
    repo = manifest.repo

    def noted(_: RepoId, entry: FileEntry) -> Iterable[Path]:
        """The content of a small file that was fetched before a kill, by its git id."""
        sha256 = None if entry.sha256 else tools.shelf.noted(repo, entry.git_sha1 or "")
        return (tools.blobs.path(sha256),) if sha256 and tools.blobs.holds(sha256) else ()

    def note(entry: FileEntry) -> None:
        tools.shelf.note(repo, entry)

    held = fetch(part, tools.hub, tools.blobs, tools.reporter, tools.connections, noted, note)
    known = held.by_path
    tools.shelf.put(
        Manifest(
            repo=manifest.repo,
            commit=manifest.commit,
            files=tuple(known.get(entry.path, entry) for entry in manifest.files),
        )
    )
    tools.shelf.forget_notes(repo)
    return known
