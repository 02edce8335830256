"""The fenced blocks of a document, and running them as a reader would.

    page = Page.read(DOCUMENTS / "model-manager.md")
    table = page.substitutions()                         # the table below a heading "Substitutions"
    for block in page.blocks("bash", "python"):
        block.replaced(table).run(cwd=folder, env=environment(HF_ENDPOINT=hub.url))

A block's language may be followed by words, as in ```` ```bash no-run ````: such a block is
``block.words == ("no-run",)`` and the test that follows the page decides what that means.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from weighbridge.settings import child_environment

DOCUMENTS = Path(__file__).resolve().parents[2] / "docs"
LONGEST_S = 1200.0
_FENCE = re.compile(r"(?P<indent> *)(?P<fence>```+|~~~+)\s*(?P<info>[^`]*)")
_CODE = re.compile(r"`([^`]+)`")
_SHELLS = ("bash", "sh", "shell", "console")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language and further words, its text, the heading above it, its line from 1."""

    language: str
    words: tuple[str, ...]
    text: str
    heading: str
    line: int

    @property
    def id(self) -> str:
        """A name for a parametrised test."""
        return f"{self.line}-{self.language}"

    def replaced(self, table: Mapping[str, str]) -> Block:
        """This block after a table of substitutions; the longest is tried first, each place once."""
        if not table:
            return self
        spelled = sorted(table, key=len, reverse=True)
        pattern = re.compile("|".join(map(re.escape, spelled)))
        return replace(self, text=pattern.sub(lambda found: table[found[0]], self.text))

    def commands(self) -> list[str]:
        """The commands of a shell block, one each: no remarks, no prompts, no output of a console.

        In a ``console`` block only lines with a prompt are commands.
        """
        joined = re.sub(r"[ \t]*\\\n\s*", " ", self.text)
        found = []
        for line in joined.splitlines():
            bare = line.strip()
            if self.language == "console" and not bare.startswith("$ "):
                continue
            words = shlex.split(bare.removeprefix("$ "), comments=True)
            if words:
                found.append(_without_remark(bare.removeprefix("$ ")))
        return found

    def run(
        self,
        *,
        cwd: Path,
        env: Mapping[str, str],
        code: int | None = 0,
        python: Path | str = sys.executable,
        timeout_s: float = LONGEST_S,
    ) -> subprocess.CompletedProcess[str]:
        """Run the whole block, a shell one with bash and a Python one with ``python``.

        ``python`` in a shell block is the same interpreter. The exit code must be ``code``; None
        takes any.
        """
        if self.language in _SHELLS:
            script = "\n".join(self.commands()) if self.language == "console" else self.text
            arguments = ["bash", "-euo", "pipefail", "-c", script]
        elif self.language in ("python", "py"):
            arguments = [str(python), "-c", self.text]
        else:
            raise AssertionError(
                f"a block in {self.language or 'no language'} cannot be run (line {self.line})"
            )
        path = f"{Path(python).parent}{os.pathsep}{env.get('PATH', os.defpath)}"
        done = subprocess.run(
            arguments,
            cwd=cwd,
            env={**env, "PATH": path},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        told = f"line {self.line}:\n{self.text}\n-> {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert code is None or done.returncode == code, told
        return done

    def one(self, command: str) -> Block:
        """A block of just one command, for whoever looks at each answer by itself."""
        return replace(self, text=f"{command}\n", language="bash")


@dataclass(frozen=True)
class Page:
    """A markdown document."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> Page:
        """The document in a file."""
        return cls(path=path, text=path.read_text(encoding="utf-8"))

    def blocks(self, *languages: str) -> list[Block]:
        """Every fenced block, or those in one of ``languages``."""
        return [block for block in self._all() if not languages or block.language in languages]

    def substitutions(self, heading: str = "Substitutions") -> dict[str, str]:
        """The table below a heading: its first two cells, each a piece of `code`, by the first.

        ``(nothing)`` in the second cell takes the piece out.
        """
        table: dict[str, str] = {}
        below = False
        for line in self.text.splitlines():
            if line.startswith("#"):
                below = line.lstrip("# ").strip() == heading
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not (below and line.startswith("|") and len(cells) >= 2):
                continue
            old, new = _CODE.fullmatch(cells[0]), _CODE.fullmatch(cells[1])
            if old and (new or cells[1] == "(nothing)"):
                table[old[1]] = new[1] if new else ""
        assert table, f"{self.path.name} has no table of substitutions below '{heading}'"
        return table

    def _all(self) -> Iterator[Block]:
        heading, opened, body, began = "", None, [], 0
        for number, line in enumerate(self.text.splitlines(), start=1):
            found = _FENCE.fullmatch(line)
            if opened is None and found:
                opened, body, began = found, [], number
            elif opened is None:
                heading = line.lstrip("# ").strip() if line.startswith("#") else heading
            elif line.strip() == opened["fence"]:
                language, *words = opened["info"].split() or [""]
                indent = len(opened["indent"])
                text = "".join(f"{row[indent:] if row[:indent].isspace() else row}\n" for row in body)
                yield Block(language, tuple(words), text, heading, began)
                opened = None
            else:
                body.append(line)
        assert opened is None, f"{self.path.name}:{began}: the block does not end"


def environment(place: Path, **changes: str) -> dict[str, str]:
    """The environment of a reader whose home is ``place``: nothing of ours, loopback without a proxy."""
    return child_environment(
        {"HOME": str(place / "user"), "WEIGHBRIDGE_HOME": str(place / "home"), "PYTHONUTF8": "1", **changes}
    )


def _without_remark(command: str) -> str:
    """The command without ``# ...`` at its end, if that is a remark and not part of a word."""
    return re.sub(r"\s+#\s[^'\"]*$", "", command)
