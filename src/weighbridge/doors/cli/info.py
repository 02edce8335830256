"""``weighbridge info``: what a model is, before anything large of it is fetched."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from weighbridge.domain.access import LOCAL
from weighbridge.domain.base_models import base_models_of
from weighbridge.domain.list_entry import list_entry
from weighbridge.domain.ref import ModelRef
from weighbridge.domain.terms import USES, spelled
from weighbridge.domain.verdict import TITLES, down
from weighbridge.domain.weights import deployable
from weighbridge.doors.cli.render import AsJson, printable, show_json, size
from weighbridge.doors.cli.verdicts import width
from weighbridge.settings import load_settings

if TYPE_CHECKING:
    from weighbridge.domain.about import About, StatedClaim

CLAIMS_SHOWN, CHILDREN_SHOWN = 5, 5


def info(repo: str, *, require: str = "", json: AsJson = False) -> None:
    """Licence, size, memory, formats, safety, kin, results, and what the gate would say of a model.

    No weights are downloaded.

    Parameters
    ----------
    repo
        org/name or org/name@revision; datasets/org/name for a data set.
    require
        Fail (exit code 3) unless its licences allow this: 'commercial', 'unconditional' (commercial
        without conditions), or an SPDX expression as 'Apache-2.0 OR MIT'.
    """
    from weighbridge.bridge import open_bridge

    with open_bridge(load_settings()) as bridge:
        about = bridge.papers.about(LOCAL, ModelRef.read(repo), require)
    if json:
        show_json(about.to_json())
        return
    for line in about_lines(about, width()):
        print(line)


def about_lines(about: About, columns: int) -> Iterator[str]:
    """All of it as lines of at most ``columns`` characters where words allow that."""
    evidence = about.evidence
    yield printable(f"{evidence.repo.spelled} (commit {evidence.manifest.commit[:12]})")
    for name, text in _rows(about):
        wrapped = textwrap.wrap(
            " ".join(printable(text).split()), columns - 12, break_long_words=False, break_on_hyphens=False
        )
        for number, line in enumerate(wrapped or [""]):
            yield f"  {name if number == 0 else '':<9} {line}".rstrip()
    yield ""
    yield "To use it, add this below 'models:' in models.yaml:"
    yield ""
    yield from printable(list_entry(evidence, about.revision)).splitlines()


def _rows(about: About) -> Iterator[tuple[str, str]]:
    evidence, terms, told = about.evidence, about.terms, about.to_json()
    for key in ("task", "library"):
        yield key, str(told[key] or "not stated")
    licences = [
        f"{spelled(one.licence)} ({one.whose.value}{'' if one.whose == 'model' else f' {one.repo}'})"
        for one in terms.holdings
    ]
    yield "licence", "; ".join(licences) or "none is stated"
    yield "allows", ", ".join(f"{use.replace('_', ' ')} {terms.use(use)}" for use in USES)
    for one in terms.obligations:
        yield "asks", f"{one.text} ({one.licence})"
    for remark in terms.remarks:
        yield "note", f"{remark.message} [{remark.rule}]"
    best = deployable(evidence.files)
    counted = f", {about.parameters:,} parameters" if about.parameters else ""
    to_load = f"{size(best.size_bytes)} to load ({best.format}{counted}); " if best.format else ""
    yield "size", f"{to_load}{size(evidence.manifest.total_bytes)} in all, {len(evidence.files)} files"
    yield from _memory(about)
    formats = ", ".join(f"{name} {size(count)}" for name, count in about.formats.items())
    yield "formats", formats or "no weights"
    yield "safety", _safety(about)
    yield from _kin(about)
    yield from _claims(about)
    yield from _gate(about)


def _memory(about: About) -> Iterator[tuple[str, str]]:
    memory = about.memory
    if memory.need_gib is None:
        yield "memory", f"not known: {memory.why}"
        return
    yield "memory", f"{memory.need_gib:.2f} GiB: {memory.formula} ({memory.why})"
    fits = (
        f"{name} ({gib:g} GiB) {'fits' if memory.fits(name) else 'too small'}"
        for name, gib in memory.devices.items()
    )
    yield "devices", ", ".join(fits)


def _safety(about: About) -> str:
    issues = about.upstream_issues
    if issues is None:
        upstream = "the Hub says nothing of it"
    elif issues:
        upstream = f"the Hub's scanners complain of {', '.join(issues[:5])}"
    else:
        upstream = "the Hub's scanners found nothing, which proves nothing"
    here = "; ".join(
        f"{p.version} is {p.state.value} (commit {p.manifest.commit[:12]}{_scanned(about, p.id)})"
        for p in about.packages
    )
    return f"{upstream}; here: {here or 'not admitted'}"


def _scanned(about: About, package: str) -> str:
    return f", scanned: {about.scans[package].word}" if package in about.scans else ""


def _kin(about: About) -> Iterator[tuple[str, str]]:
    bases = [
        f"{one.id} ({f'{one.relation}, ' if one.relation else ''}by {one.declared_in})"
        for one in base_models_of(about.evidence)
    ]
    yield "made from", "; ".join(bases) or "no base model is named"
    yield "children", _children(about)


def _children(about: About) -> str:
    children = about.children
    counted = ", ".join(f"{relation} {count:,}" for relation, count in about.children_counts.items())
    if children.unknown:
        return f"{f'{counted}; ' if counted else ''}which ones is not known: {children.unknown}"
    named = [f"{one.repo}{f' ({one.relation})' if one.relation else ''}" for one in children.known]
    if not named:
        return counted or "none that the Hub lists"
    more = ", and more" if children.has_more or len(named) > CHILDREN_SHOWN else ""
    return f"{f'{counted}; ' if counted else ''}{', '.join(named[:CHILDREN_SHOWN])}{more}"


def _claims(about: About) -> Iterator[tuple[str, str]]:
    if not about.claims:
        yield "claims", "no results are stated"
    for claim in about.claims[:CLAIMS_SHOWN]:
        yield "claims", _claim(claim)
    if len(about.claims) > CLAIMS_SHOWN:
        yield "", f"and {len(about.claims) - CLAIMS_SHOWN} more; --json has them"


def _claim(claim: StatedClaim) -> str:
    value = "" if claim.value is None else f" {claim.value:g}"
    split = f", {claim.split}" if claim.split else ""
    on = f" on {claim.dataset}{split}" if claim.dataset else ""
    why = f", not counted: {claim.not_counted}" if claim.not_counted else ""
    return f"{claim.metric or 'a result'}{value}{on} ({claim.backing}, {claim.where}{why})"


def _gate(about: About) -> Iterator[tuple[str, str]]:
    verdict = about.verdict
    yield "gate", f"now: {about.outlook}"
    scores = (
        f"{TITLES.get(score.metric, score.metric)} {_span(score.low, score.high)}" for score in verdict.scores
    )
    yield "scores", f"net {down(verdict.net_score)} at least; {', '.join(scores)}"
    for warning in verdict.warnings:
        yield "note", warning


def _span(low: float, high: float) -> str:
    return down(low) if low == high else f"{down(low)}..{down(high)}"
