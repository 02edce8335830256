"""The table of clients and operations in docs/compatibility.md, made from what the suite got.

python -m tests.clients.table            drive the installed clients, print and write their table
python -m tests.clients.table --all      those with environments of their own as well
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.clients.outcomes import Outcomes, drive
from tests.clients.own import OWN, missing
from tests.clients.suite import ORDINARY, Run, cases_of
from tests.rules.written import renewed

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "compatibility.md"
MARKS: Mapping[str, Sequence[Run]] = {"ordinary": ORDINARY, "own": OWN}


def table(runs: Sequence[Run], got: Outcomes) -> str:
    """Operations down, clients across; a cell says how many cases held, and of how many if not all."""
    columns = list(dict.fromkeys(sorted(run.column for run in runs)))
    operations: list[str] = []
    held: Counter[tuple[str, str]] = Counter()
    asked: Counter[tuple[str, str]] = Counter()
    for run in runs:
        for name, operation in cases_of(run.program).items():
            cell = operation, run.column
            operations.append(operation)
            asked[cell] += 1
            held[cell] += not got[run.name][name]
    lines = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for operation in sorted(set(operations)):
        cells = (_cell(held[operation, column], asked[operation, column]) for column in columns)
        lines.append(f"| {operation} | {' | '.join(cells)} |")
    sums = (
        _cell(*(sum(n for (_, c), n in each.items() if c == column) for each in (held, asked)))
        for column in columns
    )
    lines.append(f"| **cases** | {' | '.join(sums)} |")
    total = _cell(sum(held.values()), sum(asked.values()))
    return "\n".join(lines) + f"\n\n{total} cases.\n"


def _of(counts: Counter[tuple[str, str]], column: str) -> int:
    return sum(count for (_, each), count in counts.items() if each == column)


def _cell(held: int, asked: int) -> str:
    if not asked:
        return ""
    return str(held) if held == asked else f"{held} of {asked}"


def recorded(mark: str) -> str:
    """What stands in the document between the marks."""
    found = re.search(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", DOCUMENT.read_text(), re.DOTALL)
    assert found, f"there is no <!-- {mark} --> part"
    return found[1]


def main() -> None:
    """Drive, print, write."""
    chosen = list(MARKS) if "--all" in sys.argv else ["ordinary"]
    for mark in chosen:
        runs = MARKS[mark]
        if any(missing(run) for run in runs):
            raise SystemExit("; ".join(missing(run) for run in runs if missing(run)))
        with TemporaryDirectory() as place:
            got = drive(runs, Path(place))
        made = table(runs, got)
        print(made)
        for run in runs:
            for name, said in got[run.name].items():
                if said:
                    print(f"{run.name}: {name}: {said}", file=sys.stderr)
        DOCUMENT.write_text(renewed(DOCUMENT.read_text(), mark, made))


if __name__ == "__main__":
    main()
