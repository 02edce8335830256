"""``weighbridge check`` as a whole process: what it prints, its exit codes, and what it keeps to itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.registry_process import wait_for
from tests.runtime.starting import AS_GGUF, AS_LORA, CANARY, GGUF, Yard
from tests.tiny_gguf import tiny_gguf
from weighbridge.domain.start_report import STEPS


def check(at: Yard, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "weighbridge", "check", *arguments], env=at.environ(**{**AS_GGUF, **changes}),
        cwd=at.place, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert CANARY not in done.stdout + done.stderr
    return done


def test_each_step_has_its_line(at: Yard) -> None:
    done = check(at)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split("  ")[0].strip() for line in lines[:7]] == [
        *(f"✓ {name}" for name in STEPS[:-1]), "- load",
    ]  # fmt: skip
    head = at.hub.repos["acme/tiny"].head
    assert f"acme/tiny@main commit {head}" in done.stdout
    assert f"folder    {at.cache / 'acme/tiny/main'}" in lines
    assert "can move" in done.stderr


def test_the_json_is_the_report(at: Yard) -> None:
    said = json.loads(check(at, "--json").stdout)
    assert [step["step"] for step in said["steps"]] == list(STEPS)
    assert said["passed"] is True
    assert said["identity"]["model"]["commit"] == at.hub.repos["acme/tiny"].head
    assert said["folder"] == str(at.cache / "acme/tiny/main")


@pytest.mark.parametrize(
    ("changes", "code", "step"),
    [
        ({"MODEL_TYPE": "?"}, 2, "read environment"),
        ({"MODEL_ID": "acme/none"}, 4, "resolve"),
        ({"HF_HUB_OFFLINE": "1"}, 6, "resolve"),
        ({"MODEL_SHA256": "0" * 64}, 7, "verify"),
        ({"ALLOWED_LICENSES": "gpl-3.0"}, 3, "licence"),
    ],
)
def test_the_exit_code_tells_the_cause(at: Yard, changes: dict[str, str], code: int, step: str) -> None:
    done = check(at, "--json", **changes)
    assert done.returncode == code
    said = json.loads(done.stdout)
    assert (said["passed"], said["steps"][-1]["step"], said["steps"][-1]["outcome"]) == (
        False,
        step,
        "failed",
    )
    plain = check(at, **changes)
    assert plain.returncode == code
    assert f"✗ {step}" in plain.stdout
    if said["error"]["hint"]:
        assert f"hint: {said['error']['hint']}" in plain.stderr


def test_what_is_blocked_is_code_three(at: Yard) -> None:
    bad = tiny_gguf(1, tokenizer__chat_template="{{ ''.__class__ }}")
    at.hub.repos["acme/tiny"].commit({**GGUF, "tiny.Q4.gguf": bad})
    done = check(at)
    assert (done.returncode, "✗ scan" in done.stdout) == (3, True)


def test_an_adapter_shows_its_base(at: Yard) -> None:
    done = check(at, **AS_LORA)
    assert done.returncode == 0, done.stderr
    assert f"base      acme/base@main commit {at.hub.repos['acme/base'].head}" in done.stdout


def test_the_token_is_on_no_command_line_while_it_runs(at: Yard) -> None:
    held = at.hub.fault("*/resolve/*/tiny.Q4.gguf", hold_after=100_000)
    with _running(at) as process:
        wait_for(lambda: bool(at.hub.asked("*/tiny.Q4.gguf")))
        lines = list(_command_lines())
        assert any(b"weighbridge" in line for line in lines)
        assert [line for line in lines if CANARY.encode() in line] == []
        held.release()
        out, err = process.communicate(timeout=600)
    assert process.returncode == 0
    assert CANARY.encode() not in out + err
    texts = [path for path in at.place.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert texts == []


def test_after_a_kill_it_goes_on(at: Yard) -> None:
    held = at.hub.fault("*/resolve/*/tiny.Q4.gguf", hold_after=100_000)
    with _running(at) as process:
        wait_for(lambda: bool(at.hub.asked("*/tiny.Q4.gguf")))
        process.kill()
    held.release()
    at.hub.forget()
    assert not list(at.cache.glob("acme/tiny/main/*"))
    assert check(at).returncode == 0


def test_two_at_once_both_start(at: Yard) -> None:
    with _running(at) as one, _running(at, MODEL_FILE="tiny.F32.gguf") as other, _running(at) as third:
        said = [process.communicate(timeout=600) for process in (one, other, third)]
    assert [one.returncode, other.returncode, third.returncode] == [0, 0, 0], said


def test_an_image_that_cannot_be_written_starts(at: Yard) -> None:
    """The layer of an image: the same bytes with other inodes and times, mounted read-only."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount")
    assert check(at, ALLOWED_LICENSES="mit,apache-2.0").returncode == 0
    layer = at.place / "layer"
    shutil.copytree(at.cache, layer)
    for file in layer.rglob("*"):
        os.utime(file, (1, 1))
    bind = (
        f"mount --bind {layer} {layer} && mount -o remount,bind,ro {layer} && ! touch {layer}/x 2>/dev/null"
    )
    again = at.environ(
        **AS_GGUF, CACHE_DIR=str(layer), HF_HUB_OFFLINE="1", ALLOWED_LICENSES="mit,apache-2.0", HF_TOKEN=""
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{bind} && exec {sys.executable} -m weighbridge check"], env=again,
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "held, nothing fetched" in done.stdout


def _running(at: Yard, **changes: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "weighbridge", "check"], env=at.environ(**{**AS_GGUF, **changes}),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=at.place,
    )  # fmt: skip


def _command_lines() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended
            yield path.read_bytes()
