"""``weighbridge score``: what the metrics say, with their reasons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.domain.access import LOCAL
from weighbridge.domain.explained import explained
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.domain.verdict import Outcome
from weighbridge.doors.cli.render import AsJson, printable, show_json
from weighbridge.doors.cli.targets import Kind, either, path_or_repo
from weighbridge.doors.cli.verdicts import show_lines, verdict_lines, width
from weighbridge.errors import BadInput, NoSuchPackage
from weighbridge.settings import Settings, load_settings

if TYPE_CHECKING:
    from weighbridge.bridge import Bridge
    from weighbridge.domain.case import Case
    from weighbridge.domain.verdict import Verdict


def score(
    what: str | None = None,
    *,
    evidence: Path | None = None,
    name: str | None = None,
    kind: Kind = RepoKind.MODEL,
    json: AsJson = False,
) -> int:
    """Score a repository of the upstream, a folder, or what was kept of a judgement.

    Of a repository the weights are not downloaded. Of a folder nothing is asked anywhere: what only
    a Hub knows (history, owner, base models, data sets) stays open, and scores become intervals.
    Exit code 0: it would be let in; 3: it would be refused, or not all could be read.

    Parameters
    ----------
    what
        A repository as org/name or org/name@revision, or a folder. What is there as a path is a path,
        and ./name always is one.
    evidence
        A file that 'weighbridge case' or /package/ID/case gave: its verdict is computed again.
    name
        What the repository of a folder will be called, as org/name; default: the end of its path.
    kind
        What it is: a model, or a dataset, which has metrics of its own.
    """
    if (what is None) == (evidence is None):
        raise BadInput("give a repository, a folder or --evidence FILE", hint="weighbridge score org/name")
    settings = load_settings()
    if evidence is not None:
        from weighbridge.bridge.scoring import score_again

        verdict = score_again(evidence, settings)
    else:
        verdict = _of(what or "", settings, name, kind)
    if json:
        show_json({"model": what or verdict.repo, **verdict.to_json(), **explained(verdict)})
    else:
        show_lines(verdict_lines(verdict, width(), everything=True))
        print(printable(verdict.sentence()))
    return 0 if verdict.outcome is Outcome.ACCEPTED else 3


def _of(what: str, settings: Settings, name: str | None, kind: RepoKind) -> Verdict:
    found = path_or_repo(what, kind)
    if isinstance(found, Path):
        from weighbridge.bridge.scoring import score_folder

        return score_folder(found, settings, name, kind)
    if name is not None:
        raise BadInput("--name is for a folder; a repository has its name")
    from weighbridge.bridge import open_bridge

    with open_bridge(settings) as bridge, either(what):
        return bridge.packages.score(LOCAL, found)


def case(package: str, *, json: AsJson = False) -> None:
    """Print all that a package or a refusal was judged by, in any case as JSON.

    Evidence, findings, policy and day: 'weighbridge score --evidence FILE' computes the verdict from
    it again, on any machine and years later.

    Parameters
    ----------
    package
        org/name@version (datasets/org/name@version), or the id of a package or of a refusal.
    """
    from weighbridge.bridge import open_bridge

    del json  # there is nothing else to print
    with open_bridge(load_settings()) as bridge:
        show_json(_case_of(bridge, package).to_json())


def _case_of(bridge: Bridge, spelled: str) -> Case:
    name, at, version = spelled.partition("@")
    if at:
        return bridge.packages.case(LOCAL, bridge.packages.named(LOCAL, RepoId.read(name), version).id)
    try:
        return bridge.packages.case(LOCAL, spelled)
    except NoSuchPackage:
        return bridge.packages.case_of_refusal(LOCAL, spelled)
