"""``python -m weighbridge.model_manager`` as whole processes: every flag, and true exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.documents.blocks import environment
from tests.hub_server import HubServer, serve_hub

WEIGHTS = bytes(range(256)) * 300
FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS}
LIST = "cache_dir: kept\nmodels:\n  - {id: a, repo_id: org/a}\n  - {id: b, repo_id: org/b}\n"
MINIMAL = "cache_dir: kept\nmodels:\n  - {id: small, repo_id: org/b, files: [config.json]}\n"


class Desk:
    """A folder with the default lists, a home, a Hub, and the command in them."""

    def __init__(self, place: Path, hub: HubServer) -> None:
        self.place, self.hub = place, hub
        self.folder = place / "config" / "model_manager"
        self.folder.mkdir(parents=True)
        (self.folder / "models.yaml").write_text(LIST)
        (self.folder / "models.minimal.yaml").write_text(MINIMAL)
        self.kept = self.folder / "kept"

    def run(self, *arguments: str, code: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
        env = environment(self.place, HF_ENDPOINT=self.hub.url, PATH=os.environ["PATH"], **environ)
        command = [sys.executable, "-m", "weighbridge.model_manager", *arguments]
        done = subprocess.run(command, cwd=self.place, env=env, capture_output=True, text=True, timeout=600)
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def folders(self) -> set[str]:
        return {path.name for path in self.kept.iterdir() if path.name != ".weighbridge"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with serve_hub({"org/a": FILES, "org/b": FILES}) as hub:
        yield Desk(tmp_path, hub)


def test_the_default_list_is_made_ready(desk: Desk) -> None:
    said = desk.run().stdout
    assert [line.split()[:2] for line in said.splitlines()[1:]] == [["a", "fetched"], ["b", "from"]]
    assert desk.folders() == {"a", "b"}
    assert (desk.kept / "a" / "model.safetensors").read_bytes() == WEIGHTS
    desk.hub.forget()
    assert [line.split()[1] for line in desk.run().stdout.splitlines()[1:]] == ["held", "held"]
    assert desk.hub.requests == []


@pytest.mark.parametrize("value", ["true", "1", "yes", "TRUE"])
def test_ci_takes_the_minimal_list(desk: Desk, value: str) -> None:
    desk.run(CI_MINIMAL_MODELS=value)
    assert desk.folders() == {"small"}


@pytest.mark.parametrize("value", ["", "0", "false", "no"])
def test_other_values_of_ci_minimal_models_do_not(desk: Desk, value: str) -> None:
    assert desk.run("--list", CI_MINIMAL_MODELS=value).stdout.splitlines()[1].startswith("a ")


def test_one_model_or_another_list(desk: Desk) -> None:
    desk.run("--model", "b")
    assert desk.folders() == {"b"}
    desk.run("--config", "config/model_manager/models.minimal.yaml")
    assert desk.folders() == {"b", "small"}
    assert "did you mean 'a'" in desk.run("--model", "aa", code=4).stderr


def test_list_tells_states_and_fetches_nothing(desk: Desk) -> None:
    assert desk.run("--list").stdout.count("missing") == 2
    desk.run("--model", "a")
    desk.hub.forget()
    shown = {line.split()[0]: line.split()[1] for line in desk.run("--list").stdout.splitlines()[1:]}
    assert shown == {"a": "held", "b": "missing"}
    assert len(desk.run("--list", "--model", "a").stdout.splitlines()) == 2
    assert desk.hub.requests == []


def test_verify_only_tells_by_its_code_and_downloads_nothing(desk: Desk) -> None:
    desk.run("--verify-only", code=5)
    desk.run()
    desk.hub.forget()
    desk.run("--verify-only")
    (desk.kept / "a" / "config.json").unlink()
    assert "a/config.json' is missing" in desk.run("--verify-only", code=4).stderr
    (desk.kept / "b" / "model.safetensors").unlink()
    (desk.kept / "b" / "model.safetensors").write_bytes(bytes(len(WEIGHTS)))
    assert "b/model.safetensors" in desk.run("--verify-only", code=7).stderr
    desk.run("--verify-only", "--model", "a", code=4)
    assert desk.hub.requests == []
    desk.run()
    desk.run("--verify-only")


def test_clean_takes_away_all_or_one(desk: Desk) -> None:
    desk.run()
    desk.run("--clean-model", "a")
    assert desk.folders() == {"b"}
    desk.run("--clean-model", "c", code=4)
    desk.run("--config", "config/model_manager/models.yaml", "--clean")
    assert desk.folders() == set()


def test_an_id_that_leaves_the_cache_folder_cleans_nothing(desk: Desk) -> None:
    victim = desk.place / "config" / "victim"
    victim.mkdir()
    (victim / "file").write_text("mine")
    (desk.folder / "models.yaml").write_text(LIST + "  - {id: ../../victim, repo_id: org/a}\n")
    for arguments in (["--clean"], ["--clean-model", "../../victim"], []):
        assert "models.yaml:5:10: model id" in desk.run(*arguments, code=2).stderr
    assert (victim / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 429, "headers": {"Retry-After": "9999"}}, 6),
        ({"flip": 0}, 7),
        ({"status": 404, "headers": {"X-Error-Code": "EntryNotFound"}}, 4),
        ({"status": 403, "headers": {"X-Error-Code": "GatedRepo"}}, 8),
    ],
)
def test_each_cause_has_its_exit_code_and_the_others_go_on(
    desk: Desk, fault: dict[str, Any], code: int
) -> None:
    desk.hub.repos["org/b"].commit({"config.json": b"{}"})
    desk.hub.fault("/org/a/resolve/*", **fault)
    done = desk.run(code=code)
    assert done.stderr.count("error: a: ") == 1
    assert desk.folders() == {"b"}


@pytest.mark.parametrize(
    "arguments", [["--frob"], ["--clean", "--list"], ["--clean-model"], ["--conf", "x"], ["extra"]]
)
def test_wrong_usage_is_code_2(desk: Desk, arguments: list[str]) -> None:
    assert "usage: python -m weighbridge.model_manager" in desk.run(*arguments, code=2).stderr


def test_a_list_that_is_not_there_or_bad_is_told(desk: Desk) -> None:
    assert "there is no model list 'none.yaml'" in desk.run("--config", "none.yaml", code=4).stderr
    (desk.folder / "models.yaml").write_text("verify: md5\nmodel: []\n")
    told = desk.run(code=2).stderr
    assert "config/model_manager/models.yaml:1:9: " in told
    assert "config/model_manager/models.yaml:2:1: unknown key 'model'" in told


def test_help_names_every_flag(desk: Desk) -> None:
    shown = desk.run("--help").stdout
    flags = "--config --model --list --verify-only --clean --clean-model --json --verbose -v --help"
    assert all(flag in shown for flag in flags.split())


def test_verbose_says_more_and_never_the_token(desk: Desk) -> None:
    desk.hub.token = "hf_" + "s3cr3t" * 5
    desk.hub.repos["org/a"].private = True
    done = desk.run("-v", HF_TOKEN=desk.hub.token, HF_HUB_ENABLE_HF_TRANSFER="1")
    assert "debug: token for the Hub: given" in done.stderr
    assert "debug: a: was missing" in done.stderr
    assert desk.hub.token not in done.stdout + done.stderr
    assert "debug:" not in desk.run().stderr


def test_a_hub_that_answers_429_twice_is_waited_for_and_verbose_says_so(desk: Desk) -> None:
    desk.hub.token = "hf_" + "s3cr3t" * 5
    desk.hub.fault("/org/a/resolve/*", status=429, headers={"Retry-After": "1"}, times=2)
    done = desk.run("-v", "--model", "a", HF_TOKEN=desk.hub.token)
    assert done.stderr.count("limits our requests; asking again for 'org/a'") == 2
    assert desk.hub.token not in done.stdout + done.stderr
    assert desk.folders() == {"a"}


def test_a_long_pause_is_told_without_being_asked(desk: Desk) -> None:
    desk.hub.fault("/org/a/resolve/*", status=429, headers={"Retry-After": "5"}, times=1)
    assert "asking again for 'org/a'" in desk.run("--model", "a").stderr
    assert desk.folders() == {"a"}


def test_a_pipe_gets_plain_lines(desk: Desk) -> None:
    told = desk.run().stderr
    assert "fetching org/a: 76.8 kB\n" in told
    assert "\x1b" not in told


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_terminal_gets_a_bar(desk: Desk) -> None:
    import pty

    desk.hub.fault("/org/a/resolve/*/model.safetensors", bytes_per_s=100_000)
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "weighbridge.model_manager", "--model", "a"],
        cwd=desk.place,
        env=environment(desk.place, HF_ENDPOINT=desk.hub.url, TERM="xterm", COLUMNS="100"),
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # Linux says so when the other end is closed
        while chunk := os.read(ours, 4096):
            shown += chunk
    os.close(ours)
    assert running.communicate(timeout=600)[0].startswith(b"MODEL")
    assert running.returncode == 0
    assert "\u2501" in shown.decode()
    assert b"org/a" in shown
    assert b"fetching" not in shown


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to be sent")
def test_ctrl_c_ends_at_once_though_the_hub_hangs_and_the_next_run_goes_on(desk: Desk) -> None:
    fault = desk.hub.fault("/org/a/resolve/*/model.safetensors", hold_after=1000)
    running = subprocess.Popen(
        [sys.executable, "-m", "weighbridge.model_manager", "--model", "a"],
        cwd=desk.place,
        env=environment(desk.place, HF_ENDPOINT=desk.hub.url),
        stderr=subprocess.PIPE,
        text=True,
    )
    while not desk.hub.asked("/org/a/resolve/*/model.safetensors"):
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    told = running.communicate(timeout=600)[1]
    fault.release()
    assert running.returncode == 130
    assert "fetched so far is kept" in told
    assert "Traceback" not in told
    assert not (desk.kept / "a").exists()
    desk.hub.forget()
    desk.run()
    assert desk.folders() == {"a", "b"}


def test_a_reader_that_goes_away_is_no_error(desk: Desk) -> None:
    command = f"{sys.executable} -m weighbridge.model_manager --list | head -0; echo ${{PIPESTATUS[0]}}"
    env = environment(desk.place, HF_ENDPOINT=desk.hub.url)
    done = subprocess.run(
        ["bash", "-c", command], cwd=desk.place, env=env, capture_output=True, text=True, timeout=600
    )
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_three_commands_at_once_all_end_right(desk: Desk) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "weighbridge.model_manager"],
            cwd=desk.place,
            env=environment(desk.place, HF_ENDPOINT=desk.hub.url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in running:
        told = process.communicate(timeout=600)
        assert process.returncode == 0, told
    desk.run("--verify-only")
    assert len(desk.hub.asked("/org/*/resolve/*/model.safetensors")) == 1  # both models have the same weights


def test_json_is_one_document_on_stdout_whatever_is_asked(desk: Desk) -> None:
    desk.hub.fault("/org/b/*", status=403, headers={"X-Error-Code": "GatedRepo"})
    desk.hub.fault("/api/models/org/b/*", status=403, headers={"X-Error-Code": "GatedRepo"})
    ready, failed = json.loads(desk.run("--json", code=8).stdout)["models"]
    assert (ready["id"], ready["folder"]) == ("a", str(desk.kept / "a"))
    assert ready["fetched_bytes"] > len(WEIGHTS) - 1
    assert (failed["error"]["code"], failed["error"]["cause"]) == ("download-failed", "gated")
    states = json.loads(desk.run("--json", "--list").stdout)["models"]
    assert [line["state"] for line in states] == ["held", "missing"]
    assert json.loads(desk.run("--json", "--verify-only", "--model", "a").stdout)["models"][0]["errors"] == []
    assert json.loads(desk.run("--json", "--clean").stdout)["models"][0]["id"] == "a"
    wrong = json.loads(desk.run("--json", "--config", "none.yaml", code=4).stdout)
    assert wrong["error"]["code"] == "configuration"
