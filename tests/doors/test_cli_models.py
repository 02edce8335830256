"""The commands of a model list, as whole processes over a real Hub."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub_server import HubServer, serve_hub
from tests.warm import run_warm

GOLDEN = Path(__file__).parent.parent / "golden" / "cli"
WEIGHTS = bytes(range(256)) * 300
FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS, "README.md": b"---\nlicense: mit\n---\n"}
LIST = """\
models:
  - id: a
    repo_id: org/a
  - id: b
    repo_id: org/b
    files: ["*.json"]
"""


class Desk:
    """A project folder, a home, a Hub, and the command in them."""

    def __init__(self, place: Path, server: HubServer) -> None:
        self.place, self.server = place, server
        self.list, self.lock = place / "models.yaml", place / "models.lock"
        self.list.write_text(LIST)
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(place / "user"),
            "WEIGHBRIDGE_HOME": str(place / "home"),
            "HF_ENDPOINT": server.url,
            "NO_PROXY": "127.0.0.1",
        }

    def run(self, *arguments: str, code: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
        done = run_warm(arguments, env={**self.environ, **environ}, cwd=self.place)
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def states(self) -> dict[str, str]:
        return {line["id"]: line["state"] for line in self.json("list")["models"]}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with serve_hub({"org/a": FILES, "org/b": FILES}) as server:
        yield Desk(tmp_path, server)


def test_the_help_names_every_command_and_imports_none(desk: Desk) -> None:
    shown = desk.run("--help", COLUMNS="100").stdout
    assert shown == (GOLDEN / "help.txt").read_text(encoding="utf-8")
    heavy = "import sys; from weighbridge.doors.cli.app import main\ntry: main(['--help'])\nfinally:"
    heavy += " print([m for m in ('sqlalchemy','fastapi','granian','pydantic','ruamel') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == "[]"


def test_a_warm_sync_imports_neither_database_nor_http(desk: Desk) -> None:
    desk.run("sync")
    script = "import sys; from weighbridge.doors.cli.app import main\ntry: main(['sync', '--frozen'])\n"
    script += "finally: print(sorted({m.partition('.')[0] for m in sys.modules}))"
    said = subprocess.run(
        [sys.executable, "-c", script],
        cwd=desk.place,
        env=desk.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = said.stdout.splitlines()[-1]
    for heavy in ("'sqlalchemy'", "'fastapi'", "'pydantic'", "'http'", "'ssl'", "'ruamel'", "'rich'"):
        assert heavy not in loaded


def test_init_lock_sync_verify_list_clean(desk: Desk) -> None:
    desk.list.unlink()
    assert "next: weighbridge lock" in desk.run("init").stdout
    assert "exists and was not touched" in desk.run("init", code=2).stderr
    desk.list.write_text(LIST)
    assert desk.states() == {"a": "missing", "b": "missing"}
    changes = {line["id"]: line["change"] for line in desk.json("lock")["models"]}
    assert changes == {"a": "added", "b": "added"}
    assert not (desk.place / "models").exists()
    synced = desk.json("sync", "--frozen")["models"]
    assert [line["fetched_bytes"] for line in synced] == [len(WEIGHTS), 0]
    assert (desk.place / "models" / "a" / "model.safetensors").read_bytes() == WEIGHTS
    assert [p.name for p in (desk.place / "models" / "b").iterdir()] == ["config.json"]
    assert [line["errors"] for line in desk.json("verify")["models"]] == [[], []]
    listed = desk.json("list")["models"][0]
    commit = desk.server.repos["org/a"].head
    assert listed["commit"] == commit
    assert (listed["state"], listed["license"], listed["revision"]) == ("held", "mit", "main")
    assert commit[:12] in desk.run("list").stdout
    would = desk.json("clean", "--dry-run")["models"]
    assert [line["removed_bytes"] for line in would] == [sum(map(len, FILES.values())), 2]
    assert desk.states() == {"a": "held", "b": "held"}
    desk.run("clean", "a")
    assert desk.states() == {"a": "missing", "b": "held"}


def test_with_a_lock_and_everything_held_no_request_is_made(desk: Desk) -> None:
    desk.run("sync")
    desk.server.requests.clear()
    for command in (["sync"], ["sync", "--frozen"], ["lock"], ["verify"], ["list"], ["sync", "--offline"]):
        desk.run(*command)
    assert desk.server.requests == []


def test_frozen_refuses_a_lock_that_does_not_match_the_list(desk: Desk) -> None:
    assert "models.lock does not match the model list: a, b" in desk.run("sync", "--frozen", code=5).stderr
    desk.run("sync")
    before = desk.lock.read_bytes()
    desk.list.write_text(LIST.replace("org/b", "org/a"))
    assert "model list: b" in desk.run("sync", "--frozen", code=5).stderr
    desk.list.write_text("models:\n  - {id: a, repo_id: org/a}\n")
    assert desk.json("sync", "--frozen", code=5)["error"]["code"] == "lock-stale"
    assert desk.lock.read_bytes() == before
    desk.run("lock")
    desk.run("sync", "--frozen")


def test_a_lock_stays_byte_for_byte_until_it_is_told_to_move(desk: Desk) -> None:
    desk.run("lock")
    before = desk.lock.read_bytes()
    old = desk.server.repos["org/a"].head
    new = desk.server.repos["org/a"].commit({**FILES, "config.json": b'{"new": 1}'})
    desk.run("lock")
    assert desk.lock.read_bytes() == before
    moved = {line["id"]: line for line in desk.json("lock", "--check", code=5)["models"]}
    assert (moved["a"]["moved"], moved["a"]["commit"], moved["a"]["upstream"]) == (True, old, new)
    assert moved["b"]["moved"] is False
    assert desk.lock.read_bytes() == before
    desk.run("sync")
    changed = {line["id"]: line for line in desk.json("lock", "--upgrade", "a")["models"]}
    assert (changed["a"]["change"], changed["a"]["was"], changed["a"]["commit"]) == ("changed", old, new)
    assert changed["b"]["change"] == "kept"
    assert desk.states()["a"] == "stale"
    desk.run("sync", "a")
    assert (desk.place / "models" / "a" / "config.json").read_bytes() == b'{"new": 1}'
    desk.run("lock", "--check")


def test_one_failure_does_not_stop_the_others_and_the_worst_code_wins(desk: Desk) -> None:
    desk.list.write_text(
        LIST + "  - {id: gone, repo_id: org/gone}\n  - {id: l, repo_id: org/b, license: x}\n"
    )
    done = desk.run("sync", code=3)
    assert "error: gone: repository 'org/gone' not found" in done.stderr
    assert "error: l: 'org/b' has licence mit, but x is asked for" in done.stderr
    assert desk.states() == {"a": "held", "b": "held", "gone": "missing", "l": "missing"}
    assert sorted(json.loads(desk.lock.read_text())["models"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ({"status": 429, "headers": {"Retry-After": "9999"}}, 6, "limits our requests"),
        ({"flip": 3}, 7, "should be sha256:"),
        ({"status": 404, "headers": {"X-Error-Code": "EntryNotFound"}}, 4, "no file"),
        ({"status": 403, "headers": {"X-Error-Code": "GatedRepo"}}, 8, "gated"),
    ],
)
def test_each_kind_of_failure_has_its_exit_code(
    desk: Desk, fault: dict[str, Any], code: int, said: str
) -> None:
    desk.run("lock")
    desk.server.fault("*/resolve/*/model.safetensors", **fault)
    done = desk.run("sync", "a", code=code)
    assert done.stderr.count("error: a: ") == 1
    assert said in done.stderr.lower()
    assert not (desk.place / "models" / "a").exists()
    desk.server.forget()
    desk.run("sync")
    assert desk.states() == {"a": "held", "b": "held"}


def test_verify_names_every_wrong_file_at_once(desk: Desk) -> None:
    desk.run("sync")
    for name in ("model.safetensors", "config.json"):
        path = desk.place / "models" / "a" / name
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(bytes(len(content)))
    (desk.place / "models" / "b" / "config.json").unlink()
    (desk.place / "models" / "b" / "added.py").write_text("import os")
    assert desk.states() == {"a": "tampered", "b": "partial"}
    done = desk.run("verify", code=7)
    for name in ("a/config.json", "a/model.safetensors", "b/config.json"):
        assert f"'{name}'" in done.stderr
    assert "note: b: " in done.stderr
    assert "added.py" in done.stderr
    codes = [error["code"] for line in desk.json("verify", code=7)["models"] for error in line["errors"]]
    assert codes == ["digest-mismatch", "digest-mismatch", "not-found"]
    desk.run("verify", "a", "--level", "size")
    desk.run("verify", "b", "--level", "none", code=4)
    desk.run("sync", "a")
    desk.run("verify", "a")
    assert "hint: run 'weighbridge sync', which puts the right one in its place" in done.stderr


def test_a_bad_list_is_told_with_every_place(desk: Desk) -> None:
    desk.list.write_text(
        "cache_dir: x\nverify_level: size\nmodels:\n"
        "  - {id: ../../etc, repo_id: org/a}\n"
        "  - {id: n, repo_id: org/a, revision: 012}\n"
        "  - {id: n, repo_id: org/a}\n"
        "  - {id: o, repo_id: org/a, local_dir: n/x, license: no}\n"
        "  - {id: p, files: config.json}\n"
    )
    done = desk.run("sync", code=2)
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert (
        lines[0]
        == "error: models.yaml:2:1: unknown key 'verify_level' in the model list; did you mean 'verify'?"
    )
    assert lines[1].startswith("models.yaml:4:10: model id '../../etc' may hold only")
    assert lines[2].endswith("5:39: 'revision' is a number to YAML, which may change it; quote it: '012'")
    assert lines[3] == "models.yaml:6:10: another model has the id 'n' already"
    assert lines[4] == "models.yaml:7:40: folder 'n/x' clashes with another model's folder 'n'"
    assert lines[5] == "models.yaml:8:5: a model needs 'repo_id'"
    assert lines[6] == "models.yaml:8:20: 'files' must be a list of texts"
    assert desk.json("list", code=2)["error"]["code"] == "bad-config"


@pytest.mark.parametrize(
    "content", ["models: [\n", "- a\n", "models: 3\n", "", "\x00", "a: *x\n", "models: []\nmodels: []\n"]
)
def test_what_is_no_list_is_told_with_a_place(desk: Desk, content: str) -> None:
    desk.list.write_text(content)
    assert "models.yaml:" in desk.run("list", code=2).stderr


def test_the_default_list_and_lock_follow_ci_minimal_models(desk: Desk) -> None:
    (desk.place / "models.minimal.yaml").write_text("models:\n  - {id: small, repo_id: org/b}\n")
    done = desk.run("sync", "--json", CI_MINIMAL_MODELS="true")
    assert [line["id"] for line in json.loads(done.stdout)["models"]] == ["small"]
    assert (desk.place / "models.minimal.lock").exists()
    assert not desk.lock.exists()


def test_the_cache_folder_is_relative_to_the_list_and_not_to_the_caller(desk: Desk) -> None:
    config = desk.place / "config" / "models.yaml"
    config.parent.mkdir()
    config.write_text("cache_dir: ../kept\n" + LIST)
    desk.run("sync", "--config", "config/models.yaml")
    assert (desk.place / "kept" / "a" / "config.json").exists()
    assert (desk.place / "config" / "models.lock").exists()


def test_clean_keeps_what_another_lock_names(desk: Desk) -> None:
    other = desk.place / "other" / "models.yaml"
    other.parent.mkdir()
    other.write_text("models:\n  - {id: again, repo_id: org/b, files: [config.json, README.md]}\n")
    desk.run("sync")
    desk.run("sync", "--config", str(other))
    blobs = desk.place / "home" / "blobs-v1"
    before = {path.name for path in blobs.rglob("*") if path.is_file()}
    desk.run("clean")
    after = {path.name for path in blobs.rglob("*") if path.is_file()}
    kept = {
        f["sha256"] for f in json.loads(other.with_suffix(".lock").read_text())["models"]["again"]["files"]
    }
    assert after == kept
    assert before > after
    desk.run("verify", "--config", str(other))


def test_clean_does_not_touch_files_that_somebody_else_put_there(desk: Desk) -> None:
    desk.run("sync")
    mine = desk.place / "models" / "a" / "mine.txt"
    mine.write_text("mine")
    assert "mine.txt" in desk.run("clean", code=5).stderr
    assert mine.read_text() == "mine"
    assert desk.states() == {"a": "held", "b": "missing"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["frob"], 2, "there is no command 'frob'"),
        (["verif"], 2, "did you mean 'verify'?"),
        (["--frob"], 2, "there is no command '--frob'"),
        (["sync", "--frob"], 2, "see 'weighbridge sync --help'"),
        (["sync", "c"], 4, "models.yaml has no model 'c'"),
        (["lock", "--upgrade", "bb"], 4, "did you mean 'b'?"),
        (["verify", "--level", "md5"], 2, "--level"),
        (["list", "--config", "none.yaml"], 4, "there is no model list 'none.yaml'"),
    ],
)
def test_wrong_questions_end_with_an_error_and_a_hint(
    desk: Desk, arguments: list[str], code: int, said: str
) -> None:
    done = desk.run(*arguments, code=code)
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert "hint: " in done.stderr
    assert said in done.stderr


def test_the_token_is_in_no_output(desk: Desk) -> None:
    desk.server.repos["org/a"].private = True
    secret = "hf_" + "s3cr3t" * 5
    done = desk.run("sync", code=4, HF_TOKEN=secret)
    told = done.stdout + done.stderr + desk.lock.read_text()
    kept = b"".join(path.read_bytes() for path in (desk.place / "home").rglob("*") if path.is_file())
    assert secret not in told
    assert secret.encode() not in kept


def test_ctrl_c_ends_clean_and_the_next_run_goes_on(desk: Desk) -> None:
    desk.run("lock")
    fault = desk.server.fault("*/resolve/*/model.safetensors", hold_after=1000)
    running = subprocess.Popen(
        [sys.executable, "-m", "weighbridge", "sync"],
        cwd=desk.place,
        env=desk.environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not desk.server.asked("*/resolve/*/model.safetensors"):
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=600)
    fault.release()
    assert running.returncode == 130
    assert "interrupted" in told
    assert "Traceback" not in told
    assert not (desk.place / "models" / "a").exists()
    desk.server.forget()
    desk.run("sync")
    assert desk.states() == {"a": "held", "b": "held"}


def test_two_syncs_at_once_both_end_right(desk: Desk) -> None:
    desk.run("lock")
    command = [sys.executable, "-m", "weighbridge", "sync", "--json"]
    running = [
        subprocess.Popen(command, cwd=desk.place, env=desk.environ, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in running:
        told, _ = process.communicate(timeout=600)
        assert process.returncode == 0
        assert [line.get("error") for line in json.loads(told)["models"]] == [None, None]
    assert desk.states() == {"a": "held", "b": "held"}
    assert (desk.place / "models" / "a" / "model.safetensors").read_bytes() == WEIGHTS
