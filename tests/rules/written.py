"""The parts of the documents that are made from the code: checked by ``make check``.

    python -m tests.rules.written            say what is out of date, exit code 1
    python -m tests.rules.written --write    write it again

README.md carries the text of ``weighbridge --help``, docs/map.md the first sentence of every
module, docs/settings.md every environment variable, docs/gate.md a refusal
as it is drawn.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from weighbridge.settings import VARIABLES

ROOT = Path(__file__).resolve().parents[2]


def help_text() -> str:
    """What ``weighbridge --help`` prints into a pipe 100 columns wide."""
    ran = subprocess.run(
        [sys.executable, "-m", "weighbridge", "--help"],
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return "```text\n" + "\n".join(line.rstrip() for line in ran.stdout.strip("\n").split("\n")) + "\n```\n"


def map_of_files() -> str:
    """One line per module: its path and the first sentence of its docstring."""
    lines = []
    for folder in ("src/weighbridge", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
            sentence = " ".join(docstring.partition("\n\n")[0].split())
            lines.append(f"| `{path.relative_to(ROOT).as_posix()}` | {sentence.replace('|', '/')} |")
    return "| file | what |\n|---|---|\n" + "\n".join(lines) + "\n"


def settings_table() -> str:
    """Every variable that is read, and what it does."""
    rows = [f"| `{name}` | {meaning} |" for name, meaning in VARIABLES.items()]
    return "| variable | meaning |\n|---|---|\n" + "\n".join(rows) + "\n"


def refusal_text() -> str:
    """A refusal as a terminal shows it, in 100 columns."""
    kept = ROOT / "tests" / "golden" / "cli" / "verdict-gguf-100.txt"
    return f"```text\n{kept.read_text().strip()}\n```\n"


WRITTEN: dict[tuple[str, str], Callable[[], str]] = {
    ("README.md", "help"): help_text,
    ("docs/map.md", "map"): map_of_files,
    ("docs/settings.md", "settings"): settings_table,
    ("docs/gate.md", "refusal"): refusal_text,
}
"""(document, mark) to the text between ``<!-- mark -->`` and ``<!-- /mark -->``."""


def renewed(document: str, mark: str, made: str) -> str:
    """The document with its part renewed."""
    pattern = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.DOTALL)
    text, count = pattern.subn(lambda found: found[1] + made + found[2], document)
    if count != 1:
        raise SystemExit(f"there is no single <!-- {mark} --> part")
    return text


def main() -> None:
    """Check, or write with ``--write``."""
    stale = []
    for (name, mark), make in WRITTEN.items():
        path = ROOT / name
        old = path.read_text()
        new = renewed(old, mark, make())
        if new != old and "--write" in sys.argv:
            path.write_text(new)
        elif new != old:
            stale.append(name)
    if stale:
        raise SystemExit(f"out of date: {', '.join(stale)}; run 'make documents' and look at the diff")


if __name__ == "__main__":
    main()
