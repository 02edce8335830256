"""``weighbridge ingest`` and ``scan``: the gate, from the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from weighbridge.bridge import Bridge, durable_engine, open_bridge
from weighbridge.bridge.reporting import reporter_for
from weighbridge.domain.access import LOCAL
from weighbridge.domain.explained import explained
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json
from weighbridge.domain.package import IngestRequest, Version
from weighbridge.domain.policy import SAFETY, Waiver
from weighbridge.domain.ref import ModelRef, RepoKind
from weighbridge.domain.scan import Severity
from weighbridge.doors.cli.render import (
    AsJson,
    error_document,
    exit_code_of,
    printable,
    show_error,
    show_json,
    size,
)
from weighbridge.doors.cli.targets import Kind, either, path_or_repo
from weighbridge.doors.cli.verdicts import show_lines, verdict_lines, width
from weighbridge.errors import BadInput, Rejected, WeighbridgeError
from weighbridge.settings import load_settings

if TYPE_CHECKING:
    from weighbridge.bridge.packages import Admission


def ingest(
    *repos: str,
    kind: Kind = RepoKind.MODEL,
    version: str | None = None,
    description: str | None = None,
    threshold: list[str] | None = None,
    waive: list[str] | None = None,
    reason: str | None = None,
    expires: date | None = None,
    no_wait: Annotated[bool, Parameter(negative="")] = False,
    json: AsJson = False,
) -> int:
    """Weigh models or data sets of the upstream and list them, or refuse them with reasons.

    Parameters
    ----------
    repos
        What to take in, as org/name or org/name@revision.
    kind
        What they are; datasets/org/name says it too.
    version
        The version to list it under; default: a tag on the commit, else the next one.
    description
        A line for the catalogue.
    threshold
        What a metric must reach instead of 0.5, as license=0.7; may be given several times.
    waive
        A metric that need not pass this time; needs --reason; may be given several times.
    reason
        Why it is waived; recorded with your name.
    expires
        The last day of the waiver (UTC), as 2027-01-31; default: none.
    no_wait
        Leave the work to a server or worker of this home; 'weighbridge job watch' follows it.
    """
    if not repos:
        raise BadInput("no repository given", hint="weighbridge ingest org/name")
    _require_whole(waive or (), reason, expires)
    wishes = [
        IngestRequest(
            ref=(ref := ModelRef.read(repo, kind)),
            version=Version(version) if version else None,
            description=description or "",
            thresholds=dict(_threshold(spelled) for spelled in threshold or ()),
            waivers=tuple(_waiver(metric, ref, reason or "", expires) for metric in waive or ()),
        )
        for repo in repos
    ]
    worst, answers = 0, list[Json]()
    settings = load_settings()
    # An engine that is never begun: whoever keeps the jobs of this home does the work.
    with open_bridge(settings, engine=durable_engine(settings) if no_wait else None) as bridge:
        for wish in wishes:
            code, answer = (_asked if no_wait else _ingested)(bridge, wish, json)
            worst = max(worst, code)
            answers.append(answer)
    if json:
        show_json(answers)
    return worst


def _ingested(bridge: Bridge, wish: IngestRequest, json: bool) -> tuple[int, Json]:
    """The exit code and the document of one ingestion; without ``json`` it is told at once."""
    asked = str(wish.ref)
    try:
        admission = bridge.packages.ingest(LOCAL, wish, reporter_for(silent=json))
    except (WeighbridgeError, Invalid) as error:
        if not json:
            _show_refusal(asked, error)
        verdict = (
            {"verdict": {**error.verdict.to_json(), **explained(error.verdict)}}
            if isinstance(error, Rejected)
            else {}
        )
        return exit_code_of(error), {"model": asked, "error": error_document(error), **verdict}
    if not json:
        _show_admission(admission)
    sizes = {"fetched_bytes": admission.fetched_bytes, "saved_bytes": admission.saved_bytes}
    return 0, {"model": asked, **admission.package.to_json(), **sizes}


def _asked(bridge: Bridge, wish: IngestRequest, json: bool) -> tuple[int, Json]:
    """The same for work that is left to others."""
    try:
        job = bridge.packages.ask(LOCAL, wish)
    except (WeighbridgeError, Invalid) as error:
        if not json:
            _show_refusal(str(wish.ref), error)
        return exit_code_of(error), {"model": str(wish.ref), "error": error_document(error)}
    if not json:
        print(f"{job.state.value} {job.id} ({wish.ref}, commit {job.commit[:12]})")
    return 0, {"model": str(wish.ref), **job.to_json()}


def _threshold(spelled: str) -> tuple[str, float]:
    metric, _, value = spelled.partition("=")
    try:
        return metric, float(value)
    except ValueError as error:
        raise BadInput(f"--threshold {spelled!r} is not METRIC=NUMBER", hint="as in license=0.7") from error


def _require_whole(waived: Sequence[str], reason: str | None, expires: date | None) -> None:
    if waived and not reason:
        raise BadInput("a waiver needs a reason", hint="add --reason 'why this is acceptable'")
    if expires and not waived:
        raise BadInput(
            "--expires is the last day of a waiver, and nothing is waived", hint="add --waive METRIC"
        )


def _waiver(metric: str, ref: ModelRef, reason: str, expires: date | None) -> Waiver:
    pinned = ref.revision if ref.is_pinned else None
    if metric == SAFETY and pinned is None:
        raise BadInput(
            "a safety waiver is for one commit only", hint=f"write {ref.repo}@<the 40 digits of the commit>"
        )
    name = ref.repo.full_name
    return Waiver(metric=metric, repo=name, reason=reason, author=LOCAL.name, commit=pinned, expires=expires)


def _show_admission(admission: Admission) -> None:
    package = admission.package
    fetched = f"fetched {size(admission.fetched_bytes)}"
    if admission.saved_bytes:
        fetched += f", {size(admission.saved_bytes)} were here already"
    repo, commit = package.manifest.repo.spelled, package.manifest.commit[:12]
    print(f"accepted {repo}@{package.version} (commit {commit}; {fetched})")
    show_lines(verdict_lines(admission.verdict, width()))


def _show_refusal(repo: str, error: Exception) -> None:
    print(f"{repo}:", file=sys.stderr)
    show_error(error)
    if isinstance(error, Rejected):
        show_lines(verdict_lines(error.verdict, width()))


def scan(target: str, *, json: AsJson = False) -> int:
    """Scan a file, a folder or a repository of the upstream, file by file, for what could run or hide.

    Exit code 0 means allow, 3 means review or block.

    Parameters
    ----------
    target
        The file or the folder; or a repository, as org/name or org/name@revision, which is fetched
        (datasets/org/name of a data set).
        What is there as a path is a path, and ./name always is one.
    """
    from weighbridge.bridge.scan import scan_path

    what = path_or_repo(target)
    if isinstance(what, Path):
        report = scan_path(what, load_settings().home)
    else:
        with open_bridge(load_settings()) as bridge, either(target):
            report = bridge.packages.scan(LOCAL, what, reporter_for(silent=json))
    if json:
        show_json(report.to_json())
    else:
        for file in report.files:
            print(f"{file.verdict.word:<7} {printable(file.path)} ({file.format}, {file.state.value})")
            for finding in file.findings:
                print(f"        {finding.severity.word}: {printable(finding.message)}  [{finding.rule}]")
        print(f"{report.verdict.word}: {len(report.files)} files, rules {report.rules}")
    return 0 if report.verdict is Severity.ALLOW else 3
