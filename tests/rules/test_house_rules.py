"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cyclopts import App

from weighbridge.doors.cli.app import COMMANDS, app
from weighbridge.settings import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "weighbridge"
MODULES = sorted(SOURCE.rglob("*.py"))
LONGEST_MODULE = 400
LONGEST_FUNCTION = 60


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_there_is_source_to_look_at() -> None:
    assert len(MODULES) > 40


def test_only_settings_reads_the_environment() -> None:
    readers = [
        _name(path)
        for path in MODULES
        if re.search(r"\bos\.(environ|getenv|environb)\b|from os import .*environ", path.read_text())
    ]
    assert readers == ["src/weighbridge/settings.py"]


def test_modules_are_short() -> None:
    # A table of constant data is no code to be read.
    long = {
        _name(p): n
        for p in MODULES
        if not p.stem.endswith(("_table", "allow_list"))
        and p.stem != "tables"
        and (n := len(p.read_text().splitlines())) > LONGEST_MODULE
    }
    assert long == {}


def test_functions_are_short() -> None:
    long = {
        f"{_name(path)}:{function.name}": length
        for path in MODULES
        for function in _functions(path)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    }
    assert long == {}


def test_names_that_say_nothing_are_not_used() -> None:
    empty = re.compile(r"(Manager|Service|Handler|Helper|Processor|Utils|Artifact|Asset|Resource|Release)$")
    named = [
        f"{_name(path)}:{node.name}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and empty.search(node.name)
    ]
    assert named == ["src/weighbridge/model_manager/__init__.py:ModelManager"]  # a public name that was given


def test_nothing_below_the_doors_prints_or_exits() -> None:
    loud = [
        _name(path)
        for path in MODULES
        if "doors" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.exit")
    ]
    assert [name for name in loud if not name.endswith("_worker.py")] == []


def test_flows_catch_no_bare_exception() -> None:
    broad = [
        _name(path)
        for path in (SOURCE / "flows").rglob("*.py")
        if re.search(r"except Exception\b|except:", path.read_text())
    ]
    assert broad == []


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_setting_is_read(variable: str) -> None:
    text = (SOURCE / "settings.py").read_text().split("def load_settings", 1)[1]
    network = ("HTTPS_PROXY", "SSL_CERT_FILE")  # read by the adapter from Settings.environ
    assert variable in network or variable.removesuffix("_FILE") in text


@pytest.mark.parametrize("command", [name for _, name, _, _ in COMMANDS])
def test_every_command_is_in_the_documents(command: str) -> None:
    documents = "\n".join(path.read_text() for path in (ROOT / "docs").rglob("*.md"))
    assert f"weighbridge {command}" in documents


def _plain_commands(app: App) -> Iterator[tuple[str, Callable[..., object]]]:
    for name in app:
        if not name.startswith("-"):
            below = app[name]
            if below.default_command is not None:
                yield " ".join(below.name), below.default_command
            yield from _plain_commands(below)


def test_every_command_can_answer_in_json() -> None:
    commands = list(_plain_commands(app))
    assert len(commands) > len(COMMANDS)
    silent = [name for name, command in commands if "json" not in inspect.signature(command).parameters]
    assert silent == []


def test_nothing_points_outside_the_project() -> None:
    outside = re.compile("|".join(rf"{re.escape(str(place))}/\w" for place in (ROOT, Path.home())))
    texts = [
        path
        for pattern in ("*.md", "*.py", "*.toml", "*.yaml", "*.json", "*.txt")
        for path in ROOT.rglob(pattern)
        if not {".venv", ".git"} & set(path.relative_to(ROOT).parts)
    ]
    assert len(texts) > 60
    pointing = [
        _name(p) for p in texts if p != Path(__file__) and outside.search(p.read_text(errors="replace"))
    ]
    assert pointing == []
