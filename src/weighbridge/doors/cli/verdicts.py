"""A verdict on a terminal: what failed, weakest first, why, where it was seen, and what would raise it.

Colours only on a terminal, and not where NO_COLOR asks for none; lines are as wide as the terminal.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from weighbridge.domain.explained import failed_scores, is_waivable, lost, weakest_first
from weighbridge.domain.ref import RepoKind
from weighbridge.domain.verdict import TITLES, down
from weighbridge.doors.cli.render import printable

if TYPE_CHECKING:
    from weighbridge.domain.scan import FileScan
    from weighbridge.domain.score import Cap, Proof, Score, Signal
    from weighbridge.domain.verdict import Verdict

NARROWEST, WIDEST = 40, 120
PROOFS_SHOWN = 2


class Shown(NamedTuple):
    """One line, and how it is shown on a terminal (a style of rich; empty for plain)."""

    text: str
    style: str = ""


def width() -> int:
    """How many columns there are: those of the terminal, or COLUMNS, else 100."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((100, 24)).columns))


def show_lines(lines: Iterable[Shown]) -> None:
    """Print to stdout, in colours where it is a terminal."""
    if not sys.stdout.isatty():
        for line in lines:
            print(line.text)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text(line.text, style=line.style))


def verdict_lines(verdict: Verdict, width: int, *, everything: bool = False) -> Iterator[Shown]:
    """What failed and why, what keeps files out, then one line for each metric that passed.

    ``everything`` gives reasons for those that passed too.
    """
    failing = {failure.metric for failure in verdict.failures}
    for failure, score in failed_scores(verdict):
        title, style = TITLES[failure.metric], "bold red" if failure.is_certain else "bold yellow"
        yield Shown("")
        yield Shown(f"{title}  {_span(score)} < {down(failure.threshold)}   [{failure.metric}]", style)
        yield from _reasons(score, width)
    for title, style, told in (
        ("Licences that the policy does not allow", "bold red", verdict.forbidden),
        ("Licences that could not be read: try again later", "bold yellow", verdict.doubtful),
    ):
        if told:
            yield Shown("")
            yield Shown(title, style)
        for fault in told:
            yield from _wrapped("  ", fault, width)
    if verdict.unsafe:
        yield Shown("")
        yield Shown("Files that keep it out", "bold red")
        for file in verdict.unsafe:
            yield from _file_lines(file, is_waivable(verdict, file), width)
    if everything:
        for score in verdict.all_scores:
            if score.metric not in failing:
                yield Shown("")
                yield Shown(
                    f"{TITLES.get(score.metric, score.metric)}  {_span(score)}   [{score.metric}]", "bold"
                )
                yield from _reasons(score, width)
    yield from _summary(verdict)
    if not everything:
        yield from _way_out(verdict, width)


def _reasons(score: Score, width: int) -> Iterator[Shown]:
    total = sum(signal.weight for signal in score.signals if signal.status != "n/a") or 1.0
    for cap in score.caps:
        yield from _cap_lines(cap, width)
    for signal in weakest_first(score.signals):
        yield from _signal_lines(signal, signal.weight / total, width)


def _signal_lines(signal: Signal, share: float, width: int) -> Iterator[Shown]:
    if signal.status == "n/a":
        yield from _wrapped(f"  {signal.id:<27}n/a  ", signal.reason, width, "dim")
        return
    value = down(signal.least) if signal.value is not None else f"{down(signal.least)}..{down(signal.most)}"
    style = "green" if not lost(signal) else ""
    yield from _wrapped(f"  {signal.id:<27}{value} x {share:>3.0%}  ", signal.reason, width, style)
    yield from _proof_lines(signal.proofs, width)
    if signal.how_to_improve:
        yield from _wrapped("      to raise it: ", signal.how_to_improve, width, "cyan")


def _cap_lines(cap: Cap, width: int) -> Iterator[Shown]:
    may = "" if cap.is_certain else "perhaps "
    yield from _wrapped(f"  {may}at most {down(cap.limit)}: ", cap.reason, width, "yellow")
    yield from _proof_lines(cap.proofs, width)
    if cap.how_to_improve:
        yield from _wrapped("      to lift it: ", cap.how_to_improve, width, "cyan")


def _proof_lines(proofs: Sequence[Proof], width: int) -> Iterator[Shown]:
    for proof in proofs[:PROOFS_SHOWN]:
        where = printable(" ".join(part for part in (proof.path, proof.locator) if part))
        words = f'"{" ".join(printable(proof.excerpt).split())}"' if proof.excerpt else ""
        line = f"      {proof.source}: {where}{': ' if words else ''}{words}"
        yield Shown(_cut(line, width), "dim")
    if len(proofs) > PROOFS_SHOWN:
        yield Shown(f"      and {len(proofs) - PROOFS_SHOWN} more places", "dim")


def _file_lines(file: FileScan, waivable: bool, width: int) -> Iterator[Shown]:
    way = "can be waived for this commit" if waivable else "cannot be waived"
    head = f"  {file.verdict.word:<7}"
    yield from _wrapped(head, f"{file.path} ({file.format}, {file.state.value}; {way})", width, "red")
    for finding in file.findings:
        where = f" at {finding.locator}" if finding.locator else ""
        what = f": {finding.subject}" if finding.subject and finding.subject not in finding.message else ""
        yield from _wrapped(f"      {finding.rule}{where}: ", f"{finding.message}{what}", width)


def _summary(verdict: Verdict) -> Iterator[Shown]:
    yield Shown("")
    missed = {failure.metric: failure for failure in verdict.failures}
    for score in verdict.scores:
        failure = missed.get(score.metric)
        mark = "" if failure is None else "fails" if failure.is_certain else "not certain"
        waived = any(waiver.metric == score.metric for waiver in verdict.waived)
        yield Shown(f"  {score.metric:<24}{_span(score)}  {'waived' if waived else mark}".rstrip())
    for name, found in verdict.reported.items():
        yield Shown(f"  {name:<24}{_span(found) if found else 'n/a'}  (reported)", "dim")
    yield Shown(f"  {'net score':<24}{down(verdict.net_score)}", "bold")
    for waiver in verdict.waived:
        yield Shown(printable(f"  waived {waiver.metric} by {waiver.author}: {waiver.reason}"))
    for warning in verdict.warnings:
        yield Shown(printable(f"  warning: {warning}"), "yellow")
    if verdict.not_judged:
        yield Shown(f"  not judged: {', '.join(verdict.not_judged)}")


def _way_out(verdict: Verdict, width: int) -> Iterator[Shown]:
    """What whoever runs the registry can do about a refusal."""
    early = not verdict.scan.rules  # then what is not certain yet may come out well once it is fetched
    certain = [failure for failure in verdict.failures if failure.is_certain]
    lacking = [
        *(failure.metric for failure in (early and certain) or verdict.failures),
        *["license"] * bool(verdict.forbidden or verdict.doubtful),
    ]
    if not lacking and not verdict.unsafe:
        return
    before = [waiver.metric for waiver in verdict.waived if waiver.metric != "safety"]
    metrics = " ".join(f"--waive {metric}" for metric in dict.fromkeys([*lacking, *before]))
    yield Shown("")
    if any(not is_waivable(verdict, file) for file in verdict.unsafe):
        yield from _wrapped("", "A blocked file cannot be waived: this commit stays out.", width, "bold")
        return
    waive = f"{metrics}{' --waive safety' if verdict.unsafe else ''}".strip()
    yield Shown("To let it in all the same, on record:", "bold")
    kind = "" if verdict.kind is RepoKind.MODEL else f" --kind {verdict.kind.value}"
    yield Shown(f"  weighbridge ingest {verdict.repo}@{verdict.commit}{kind} {waive} --reason '...'")


def _span(score: Score) -> str:
    return down(score.low) if score.is_exact else f"{down(score.low)}..{down(score.high)}"


def _wrapped(head: str, text: str, width: int, style: str = "") -> Iterator[Shown]:
    """The text behind its head, further lines indented by six."""
    lines = textwrap.wrap(
        head + " ".join(printable(text).split()),
        width,
        subsequent_indent=" " * 6,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
    for line in lines:
        yield Shown(line, style)


def _cut(line: str, width: int) -> str:
    """The line, or as many of its words as there is room for."""
    if len(line) <= width:
        return line
    kept = line[: width - 2]
    words, _, rest = kept.rpartition(" ")
    return f"{words if words.strip() and len(rest) < 20 else kept} …"
