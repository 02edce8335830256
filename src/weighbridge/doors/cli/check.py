"""The command ``check``: the start-up checklist of an application, from its environment."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from weighbridge.bridge.reporting import reporter_for
from weighbridge.bridge.runtime import Started, start
from weighbridge.domain.loading import Prompt
from weighbridge.domain.start_report import Outcome, StartReport, Step
from weighbridge.doors.cli.render import AsJson, error_document, exit_code_of, printable, show_json, show_note
from weighbridge.errors import StartFailed

_MARKS = {Outcome.PASSED: "✓", Outcome.WARNED: "✓", Outcome.FAILED: "✗", Outcome.SKIPPED: "-"}


def check(
    *,
    load: Annotated[
        bool, Parameter(negative="", help="Load the model too, and let it make one token.")
    ] = False,
    json: AsJson = False,
) -> int:
    """Read the environment, fetch what it names, and check it; nothing is loaded unless you say so.

    The variables are those of an application that starts with weighbridge.runtime.
    """
    told = _silent if json else _show
    try:
        done = start(into_memory=load, told=told, reporter=reporter_for(silent=json))
    except StartFailed as error:
        if json:
            show_json({**error.report.to_json(), "error": error_document(error.cause)})
        elif error.hint:
            print(f"hint: {printable(error.hint)}", file=sys.stderr)
        return exit_code_of(error.cause)
    said = _one_token(done) if load else None
    if json:
        show_json({**done.report.to_json(), "folder": str(done.folder), "said": said})
        return 0
    _show_identity(done.report)
    print(f"folder    {done.folder}")
    if said is not None:
        print(f"said      {printable(repr(said))}")
    return 0


def _one_token(done: Started) -> str | None:
    speak = done.loaded.speak if done.loaded else None
    return speak(Prompt(text="Hello", max_tokens=1, temperature=0)) if speak else None


def _silent(step: Step) -> None:
    """The document at the end tells everything."""


def _show(step: Step) -> None:
    print(
        f"{_MARKS[step.outcome]} {step.name:<16} {step.seconds:7.2f} s  {printable(step.detail)}", flush=True
    )
    for warning in step.warnings:
        show_note(warning, about=step.name)


def _show_identity(report: StartReport) -> None:
    identity = report.identity
    if identity is None:
        return
    for name, origin in (("model", identity.model), ("base", identity.base)):
        if origin is not None:
            commit = f" commit {origin.commit}" if origin.commit else ""
            print(f"{name:<9} {origin.repo}@{origin.version}{commit}")
    print(f"licences  {', '.join(identity.licenses) or 'none stated'}")
