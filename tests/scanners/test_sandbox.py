"""The scanning process: it holds nothing, may do nothing, and never outlives who asked."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hostile.forge import system, weights_dict
from weighbridge.domain.scan import ScanState, Severity
from weighbridge.scanners.sandbox import Sandbox
from weighbridge.scanners.table import scanners
from weighbridge.scanners.tree import scan_file

_PARENT = """
import sys, threading
from pathlib import Path
from weighbridge.scanners.sandbox import Sandbox
sandbox = Sandbox()
sandbox.run("container", "small.pkl", Path(sys.argv[1]))
print(sandbox.pid, flush=True)
if sys.argv[2:]:
    sandbox.run("container", "large.pkl", Path(sys.argv[2]))
sys.stdin.read()
"""


def _is_gone(pid: int) -> bool:
    """Whether the process ended; a dead one that nobody collected counts (init may not, in a container)."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return not Path("/proc").exists() or not Path(f"/proc/{pid}").exists()
    return state == "Z"


@pytest.mark.parametrize("busy", [False, True])
def test_it_dies_with_a_parent_that_is_killed(busy: bool, tmp_path: Path) -> None:
    small, large = tmp_path / "small.pkl", tmp_path / "large.pkl"
    small.write_bytes(weights_dict())
    large.write_bytes(pickle.dumps([float(n) for n in range(1_000_000)]))
    command = [sys.executable, "-c", _PARENT, str(small), *([str(large)] if busy else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    while not _is_gone(child):
        time.sleep(0.01)


def test_it_is_reused_and_gone_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "a.pkl"
    file.write_bytes(weights_dict())
    with Sandbox() as sandbox:
        pids = set()
        for _ in range(3):
            assert sandbox.run("container", "a.pkl", file) == ()
            pids.add(sandbox.pid)
    assert len(pids) == 1
    assert _is_gone(pids.pop() or 0)
    assert sandbox.pid is None


def test_it_is_replaced_after_it_was_killed(tmp_path: Path) -> None:
    file = tmp_path / "a.pkl"
    file.write_bytes(system("/dev/null/x"))
    with Sandbox() as sandbox:
        first = sandbox.run("container", "a.pkl", file)
        assert sandbox.pid is not None
        os.kill(sandbox.pid, signal.SIGKILL)
        broken = scan_file("a.pkl", file, "0" * 64, scanners(sandbox))
        assert (broken.state, broken.verdict) == (ScanState.ERROR, Severity.REVIEW)
        assert {finding.rule for finding in broken.findings} == {"scan.crash"}
        assert sandbox.run("container", "a.pkl", file) == first


def test_a_late_answer_is_an_error_and_never_clean(tmp_path: Path) -> None:
    file = tmp_path / "a.pkl"
    file.write_bytes(pickle.dumps([float(n) for n in range(1_000_000)]))  # a second of work
    with Sandbox(seconds=0.001) as sandbox:
        late = scan_file("a.pkl", file, "0" * 64, scanners(sandbox))
        assert sandbox.pid is None
    assert (late.state, late.verdict) == (ScanState.ERROR, Severity.REVIEW)
    assert {finding.rule for finding in late.findings} == {"scan.timeout"}


def test_a_failing_task_is_a_finding(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        assert {f.rule for f in sandbox.run("no such task", "x", tmp_path / "x")} == {"scan.crash"}
        assert {f.rule for f in sandbox.run("container", "x", tmp_path / "x")} == {"scan.crash"}


def test_memory_is_bounded(tmp_path: Path) -> None:
    """Eight million empty sets take more than a gigabyte; the scan ends with a finding instead."""
    file = tmp_path / "a.pkl"
    file.write_bytes(b"\x80\x04(" + b"\x8f" * 8_000_000 + b"t.")
    scan = scan_file("a.pkl", file, "0" * 64)
    assert (scan.verdict, scan.state) == (Severity.REVIEW, ScanState.ERROR)
    assert {finding.rule for finding in scan.findings} == {"scan.limit"}


def test_opcodes_are_bounded(tmp_path: Path) -> None:
    file = tmp_path / "a.pkl"
    file.write_bytes(b"N0" * 6_000_000 + b"N.")
    scan = scan_file("a.pkl", file, "0" * 64)
    assert (scan.verdict, scan.state) == (Severity.REVIEW, ScanState.ERROR)
    (rule,) = {finding.rule for finding in scan.findings}
    assert rule in ("scan.limit", "scan.timeout")  # where the machine is slow its time is up first


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_gets_no_environment(tmp_path: Path) -> None:
    file = tmp_path / "a.pkl"
    file.write_bytes(weights_dict())
    with Sandbox() as sandbox:
        sandbox.run("container", "a.pkl", file)
        environment = Path(f"/proc/{sandbox.pid}/environ").read_bytes()
    assert b"=" not in environment.replace(b"LC_CTYPE=C.UTF-8", b"")


@pytest.mark.parametrize(
    "deed",
    [
        "import os; os.system('true')",
        "import subprocess; subprocess.Popen(['true'])",
        "import os; os.fork()",
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "open({target!r}, 'w')",
        "import pickle; pickle.loads(b'cos\\nsystem\\n.')",
        "import os; os.remove({victim!r})",
    ],
)
def test_a_deed_that_no_scan_does_ends_it(deed: str, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"")
    text = deed.format(target=str(tmp_path / "target"), victim=str(victim))
    code = f"from weighbridge.scanners import _worker; _worker._lock_down(); {text}; print('done')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert (done.returncode, done.stdout) == (86, b"")
    assert victim.exists()
    assert not (tmp_path / "target").exists()
