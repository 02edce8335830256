"""What every command shares: the exit codes, how errors read, JSON and tables.

Data goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, TypeAlias

from cyclopts import Parameter

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json
from weighbridge.errors import (
    BadInput,
    Conflict,
    Denied,
    IntegrityError,
    LicenseMismatch,
    LicenseNotAllowed,
    NotFound,
    Rejected,
    Unreachable,
    Unsafe,
    UnsafeFiles,
    WeighbridgeError,
)

if TYPE_CHECKING:
    from cyclopts import CycloptsError

EXIT_CODES: tuple[tuple[type[Exception], int], ...] = (
    (BadInput, 2),
    (Invalid, 2),
    (Rejected, 3),
    (LicenseMismatch, 3),
    (LicenseNotAllowed, 3),
    (Unsafe, 3),
    (UnsafeFiles, 3),
    (NotFound, 4),
    (Conflict, 5),
    (Unreachable, 6),
    (IntegrityError, 7),
    (Denied, 8),
)
"""Which error ends a command with which code; anything else is 1."""
WORST_FIRST = (1, 7, 3, 8, 5, 4, 2, 6, 0)
"""Of several codes: somebody lies, before we refuse, before what the caller or a retry can mend."""

AsJson: TypeAlias = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON document.")]
"""The option that every command has."""


def exit_code_of(error: Exception) -> int:
    """The exit code that an error means."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)


def worst_code_of(errors: Iterable[Exception]) -> int:
    """The exit code of a batch: its worst, 0 where nothing failed."""
    return min(map(exit_code_of, errors), key=WORST_FIRST.index, default=0)


def error_document(error: Exception) -> dict[str, Json]:
    """An error as JSON: ``{"code", "message", "hint"}``; code is the stable name of its class."""
    code = error.code if isinstance(error, WeighbridgeError) else "bad-input"
    return {"code": code, "message": str(error), "hint": getattr(error, "hint", "")}


def show_error(error: Exception, *, about: str = "", as_json: bool = False) -> None:
    """``error:`` and ``hint:`` on stderr; with ``--json`` also a document on stdout."""
    print(f"error: {about}{': ' if about else ''}{printable(str(error))}", file=sys.stderr)
    if hint := getattr(error, "hint", ""):
        print(f"hint: {printable(hint)}", file=sys.stderr)
    if as_json:
        show_json({"error": error_document(error)})


def show_note(message: str, *, about: str = "") -> None:
    """Something worth knowing that is no error, on stderr."""
    print(f"note: {about}{': ' if about else ''}{printable(message)}", file=sys.stderr)


def show_usage_error(error: CycloptsError) -> None:
    """A wrong option or argument, and where the help is."""
    chain = " ".join(["weighbridge", *(error.command_chain or ())])
    print(f"error: {printable(str(error))}", file=sys.stderr)
    print(f"hint: see '{chain} --help'", file=sys.stderr)


def show_unknown_command(error: CycloptsError, tokens: Sequence[str], known: Sequence[str]) -> None:
    """A misspelt command and the nearest one; cyclopts would import every command to say so."""
    from difflib import get_close_matches

    if error.command_chain:
        show_usage_error(error)
        return
    word = next((token for token in tokens if not token.startswith("-")), tokens[0])
    near = get_close_matches(word, known, n=1)
    print(f"error: there is no command '{printable(word)}'", file=sys.stderr)
    print(f"hint: {f'did you mean {near[0]!r}?' if near else 'see weighbridge --help'}", file=sys.stderr)


def show_json(document: Json) -> None:
    """One JSON document on stdout; in ASCII where that cannot hold a character, as half of one in a name."""
    spelled = json.dumps(document, indent=2, ensure_ascii=False, default=_plain)
    try:
        spelled.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        spelled = json.dumps(document, indent=2, default=_plain)
    print(spelled)


def show_done(document: Json, line: str, *, as_json: bool) -> None:
    """What was changed: a line on stderr, or with ``--json`` the document alone."""
    if as_json:
        show_json(document)
    else:
        print(printable(line), file=sys.stderr)


def _plain(value: object) -> object:
    """Mappings and sequences that are not dict and list."""
    return dict(value) if hasattr(value, "keys") else list(value)  # type: ignore[call-overload]


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A plain table on stdout: no boxes and no colours, so that it can be cut and searched."""
    shown = [[printable(cell) for cell in row] for row in rows]
    table = [list(columns), *shown]
    widths = [max(len(row[i]) for row in table) for i in range(len(columns))]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


def printable(text: str) -> str:
    """``text`` without what would steer a terminal; newlines and tabs stay."""
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text)


def size(count: int) -> str:
    """A number of bytes for people, in powers of 1000 as the Hub shows them."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
