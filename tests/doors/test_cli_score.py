"""``weighbridge score``: its exit code, what it takes for a path, and the shape of its answer.

python -m tests.doors.test_cli_score --write          write tests/golden/cli/score-shape.json again
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from tests.hub_server import HubRepo, serve_hub
from tests.metrics.models import MODELS
from tests.warm import run_warm
from weighbridge.domain.case import Case
from weighbridge.domain.json_values import Json
from weighbridge.domain.policy import Policy
from weighbridge.domain.scan import ScanReport

SHAPE = Path(__file__).resolve().parents[1] / "golden" / "cli" / "score-shape.json"


def score(*words: str, place: Path, endpoint: str = "http://127.0.0.1:9") -> subprocess.CompletedProcess[str]:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(place / "user"),
        "WEIGHBRIDGE_HOME": str(place / "home"),
        "HF_ENDPOINT": endpoint,
        "NO_PROXY": "127.0.0.1",
    }
    ran = run_warm(["score", *words], env=environ, cwd=place)
    assert "Traceback" not in ran.stderr
    return ran


def case_of(name: str, place: Path) -> str:
    report = ScanReport(rules="7", files=())
    case = Case(evidence=MODELS[name](), scan=report, policy=Policy(), as_of=date(2026, 11, 20))
    file = place / f"{name}.json"
    file.write_text(json.dumps(case.to_json()))
    return str(file)


def shape(value: Json, depth: int = 0) -> Json:
    """The keys, and what kind of value stands under each; of a list the first element."""
    if isinstance(value, dict) and depth < 4:
        return {key: shape(held, depth + 1) for key, held in sorted(value.items())}
    if isinstance(value, list) and depth < 4:
        return [shape(held, depth + 1) for held in value[:1]]
    return "null" if value is None else "number" if isinstance(value, (int, float)) else type(value).__name__


@pytest.mark.parametrize(("name", "code"), [("bert", 0), ("junk", 3), ("real_minilm", 3)])
def test_the_exit_code_says_whether_it_would_be_let_in(name: str, code: int, tmp_path: Path) -> None:
    file = case_of(name, tmp_path)
    drawn, told = (
        score("--evidence", file, place=tmp_path),
        score("--evidence", file, "--json", place=tmp_path),
    )
    assert (drawn.returncode, told.returncode) == (code, code)
    answer = json.loads(told.stdout)
    assert answer["outcome"] == ("accepted" if code == 0 else "refused")
    assert answer["sentence"] in drawn.stdout
    assert all(failure["signals"] for failure in answer["failures"])
    assert bool(answer["failures"]) is (code == 3)


def test_the_answer_in_json_has_its_shape(tmp_path: Path) -> None:
    # renew with: python -m tests.doors.test_cli_score --write
    told = score("--evidence", case_of("junk", tmp_path), "--json", place=tmp_path)
    assert shape(json.loads(told.stdout)) == json.loads(SHAPE.read_text())


def test_a_folder_that_only_a_hub_could_complete_is_indeterminate(tmp_path: Path) -> None:
    folder = tmp_path / "bert"
    folder.mkdir()
    for path, text in MODELS["bert"]().texts.items():
        (folder / path).write_text(text.content)
    for target in ("bert", "./bert", str(folder)):
        ran = score(target, "--json", place=tmp_path)
        assert (ran.returncode, json.loads(ran.stdout)["outcome"]) in [(3, "indeterminate"), (3, "refused")]


def test_a_name_without_a_slash_is_a_repository_unless_it_is_a_path(tmp_path: Path) -> None:
    card = {"README.md": b"---\nlicense: mit\n---\n# GPT\n", "config.json": b"{}"}
    with serve_hub({"gpt2": HubRepo(card)}) as server:
        asked = score("gpt2", "--json", place=tmp_path, endpoint=server.url)
        assert json.loads(asked.stdout)["repo"] == "gpt2"
        assert server.asked("/api/models/gpt2*")
        none = score("gpt3", place=tmp_path, endpoint=server.url)
        assert (none.returncode, "./gpt3 is always a path" in none.stderr) == (4, True)
        (tmp_path / "gpt2").mkdir()
        (tmp_path / "gpt2" / "README.md").write_text("# Mine\n")
        mine = score("gpt2", "--json", place=tmp_path, endpoint=server.url)
        assert json.loads(mine.stdout)["repo"].endswith("/gpt2")
        beside = score("./gpt3", place=tmp_path, endpoint=server.url)
        assert (beside.returncode, "there is no folder" in beside.stderr) == (4, True)


if __name__ == "__main__" and "--write" in sys.argv:
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        answer = score("--evidence", case_of("junk", place), "--json", place=place).stdout
        SHAPE.write_text(json.dumps(shape(json.loads(answer)), indent=1) + "\n")
