"""``weighbridge score``: what the metrics say, with their reasons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.domain.access import LOCAL
from weighbridge.domain.ref import ModelRef
from weighbridge.doors.cli.render import AsJson, printable, show_json
from weighbridge.doors.cli.verdicts import show_lines, verdict_lines, width
from weighbridge.errors import BadInput, NoSuchPackage
from weighbridge.settings import Settings, load_settings

if TYPE_CHECKING:
    from weighbridge.bridge import Bridge
    from weighbridge.domain.case import Case
    from weighbridge.domain.verdict import Verdict


def score(
    what: str | None = None, *, evidence: Path | None = None, name: str | None = None, json: AsJson = False
) -> None:
    """Score a repository of the upstream, a folder, or what was kept of a judgement.

    Of a repository the weights are not downloaded. Of a folder nothing is asked anywhere: what only
    a Hub knows (history, owner, base models, data sets) stays open, and scores become intervals.

    Parameters
    ----------
    what
        A repository as org/name or org/name@revision, or a folder.
    evidence
        A file that 'weighbridge case' or /package/ID/case gave: its verdict is computed again.
    name
        What the repository of a folder will be called, as org/name; default: the end of its path.
    """
    if (what is None) == (evidence is None):
        raise BadInput("give a repository, a folder or --evidence FILE", hint="weighbridge score org/name")
    settings = load_settings()
    if evidence is not None:
        from weighbridge.bridge.scoring import score_again

        verdict = score_again(evidence, settings)
    elif what is not None and Path(what).is_dir():
        from weighbridge.bridge.scoring import score_folder

        verdict = score_folder(Path(what), settings, name)
    else:
        verdict = _of_upstream(what or "", settings)
    if json:
        show_json({"model": what or verdict.repo, **verdict.to_json()})
        return
    show_lines(verdict_lines(verdict, width(), everything=True))
    print(printable(verdict.sentence()))


def _of_upstream(repo: str, settings: Settings) -> Verdict:
    from weighbridge.bridge import open_bridge

    bridge = open_bridge(settings)
    try:
        return bridge.packages.score(LOCAL, ModelRef.parse(repo))
    finally:
        bridge.close()


def case(package: str) -> None:
    """Print all that a package or a refusal was judged by, as JSON.

    Evidence, findings, policy and day: 'weighbridge score --evidence FILE' computes the verdict from
    it again, on any machine and years later.

    Parameters
    ----------
    package
        org/name@version, or the id of a package or of a refusal.
    """
    from weighbridge.bridge import open_bridge

    bridge = open_bridge(load_settings())
    try:
        show_json(_case_of(bridge, package).to_json())
    finally:
        bridge.close()


def _case_of(bridge: Bridge, spelled: str) -> Case:
    name, at, version = spelled.partition("@")
    if at:
        return bridge.packages.case(LOCAL, bridge.packages.named(LOCAL, name, version).id)
    try:
        return bridge.packages.case(LOCAL, spelled)
    except NoSuchPackage:
        return bridge.packages.case_of_refusal(LOCAL, spelled)
