"""``weighbridge info``: what a model is, before anything large of it is fetched."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from weighbridge.domain.access import LOCAL
from weighbridge.domain.ref import ModelRef
from weighbridge.domain.terms import USES, spelled
from weighbridge.domain.weights import deployable
from weighbridge.doors.cli.render import AsJson, printable, show_json, size
from weighbridge.doors.cli.verdicts import width
from weighbridge.settings import load_settings

if TYPE_CHECKING:
    from weighbridge.domain.about import About


def info(repo: str, *, require: str = "", json: AsJson = False) -> None:
    """Licence (with base models and data sets), size, formats and safety of a model of the upstream.

    Parameters
    ----------
    repo
        org/name or org/name@revision.
    require
        Fail (exit code 3) unless its licences allow this: 'commercial', 'unconditional' (commercial
        without conditions), or an SPDX expression as 'Apache-2.0 OR MIT'.
    """
    from weighbridge.bridge import open_bridge

    bridge = open_bridge(load_settings())
    try:
        about = bridge.papers.about(LOCAL, ModelRef.parse(repo), require)
    finally:
        bridge.close()
    if json:
        show_json(about.to_json())
    else:
        _show(about)


def _show(about: About) -> None:
    evidence, terms = about.evidence, about.terms
    print(printable(f"{evidence.repo.full_name} (commit {evidence.manifest.commit[:12]})"))
    told = about.to_json()
    for key in ("task", "library"):
        _row(key, str(told[key] or "not stated"))
    licences = [
        f"{spelled(one.licence)} ({one.whose.value}{'' if one.whose == 'model' else f' {one.repo}'})"
        for one in terms.holdings
    ]
    _row("licence", "; ".join(licences) or "none is stated")
    _row("allows", ", ".join(f"{use.replace('_', ' ')} {terms.use(use)}" for use in USES))
    for one in terms.obligations:
        _row("asks", f"{one.text} ({one.licence})")
    for remark in terms.remarks:
        _row("note", f"{remark.message} [{remark.rule}]")
    best = deployable(evidence.files)
    counted = f", {about.parameters:,} parameters" if about.parameters else ""
    to_load = f"{size(best.size_bytes)} to load ({best.format}{counted}); " if best.format else ""
    _row("size", f"{to_load}{size(evidence.manifest.total_bytes)} in all, {len(evidence.files)} files")
    formats = ", ".join(f"{name} {size(count)}" for name, count in about.formats.items())
    _row("formats", formats or "no weights")
    _row("safety", _safety(about))


def _safety(about: About) -> str:
    issues = about.upstream_issues
    if issues is None:
        upstream = "the Hub says nothing of it"
    elif issues:
        upstream = f"the Hub's scanners complain of {', '.join(issues[:5])}"
    else:
        upstream = "the Hub's scanners found nothing, which proves nothing"
    here = "; ".join(
        f"{p.version} is {p.state.value} (commit {p.manifest.commit[:12]})" for p in about.packages
    )
    return f"{upstream}; here: {here or 'not admitted'}"


def _row(name: str, text: str) -> None:
    wrapped = textwrap.wrap(
        " ".join(printable(text).split()), width() - 12, break_long_words=False, break_on_hyphens=False
    )
    for number, line in enumerate(wrapped or [""]):
        print(f"  {name if number == 0 else '':<9} {line}".rstrip())
