"""What an `hf upload` of 1 GiB costs the server: by Xet, and beside it by plain LFS.

    python benchmarks/upload.py [--mib 1024] [--quick]

Each kind of upload gets a registry of its own. Counted are the CPU seconds of the server's process
from before the client starts until it has ended, the client's wall time, the server's largest
resident memory so far, and the bytes that were sent. Then 1 % of the file is changed in one place
and it is uploaded again. At the end the file is downloaded and compared.

The bars: at most 4 CPU seconds for 1 GiB by Xet, under 3 % of the bytes for the changed file, and
under 300 MB of memory.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "a password for benchmarks"
REPO = "admin/model"


@dataclass(frozen=True)
class Server:
    """A running registry."""

    url: str
    pid: int
    home: Path
    token: str

    def cpu_s(self) -> float:
        """User and system time so far (proc(5), fields 14 and 15)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mib(self) -> float:
        """The largest resident memory so far."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def kept(self, *folders: str) -> int:
        """Bytes below folders of the home."""
        found = (file for folder in folders for file in (self.home / folder).rglob("*"))
        return sum(file.stat().st_size for file in found if file.is_file() and file.suffix != ".table")


@contextmanager
def registry(home: Path, **more: str) -> Iterator[Server]:
    """A registry over a new home; ``more`` are settings."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "WEIGHBRIDGE_"))}
    environ |= {"WEIGHBRIDGE_HOME": str(home), "WEIGHBRIDGE_UPSTREAM": "http://127.0.0.1:9"}
    environ |= {"WEIGHBRIDGE_ADMIN_PASSWORD": PASSWORD, **more}
    command = [sys.executable, "-m", "weighbridge", "serve", "--port", "0", "--json"]
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            url = json.loads(process.stdout.readline())["url"]
            body = json.dumps({"username": "admin", "password": PASSWORD}).encode()
            login = urllib.request.Request(f"{url}/authenticate", body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(login) as answer:
                token = json.loads(answer.read())["token"]
            yield Server(url, process.pid, home, token)
        finally:
            process.terminate()


def client(server: Server, work: Path, *arguments: str, xet: bool) -> None:
    """The client's own command, which must succeed."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "WEIGHBRIDGE_"))}
    environ |= {"HF_ENDPOINT": server.url, "HF_TOKEN": server.token, "HF_HOME": str(work / f"hf-{xet}")}
    environ |= {} if xet else {"HF_HUB_DISABLE_XET": "1"}
    command = [str(Path(sys.executable).with_name("hf")), *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"hf {arguments[0]} failed:\n{done.stdout}{done.stderr}")


def upload(server: Server, work: Path, file: Path, what: str, *, xet: bool) -> None:
    """One upload, and a line that says what it cost."""
    folders = ("xorbs-v2",) if xet else ("blobs-v1",)
    sent, cpu, began = server.kept(*folders), server.cpu_s(), time.perf_counter()
    client(server, work, "upload", REPO, str(file), "model.bin", xet=xet)
    wall, cpu, sent = time.perf_counter() - began, server.cpu_s() - cpu, server.kept(*folders) - sent
    share = 100 * sent / file.stat().st_size
    name = f"{'Xet' if xet else 'LFS'}, {what}"
    print(f"{name:24}{cpu:10.2f}{wall:10.2f}{server.peak_mib():12.0f}{sent / 1e6:12.1f}{share:9.2f} %")


def change(file: Path) -> None:
    """Overwrite one hundredth, in the middle."""
    size = file.stat().st_size
    with file.open("r+b") as opened:
        opened.seek(size // 2)
        opened.write(os.urandom(size // 100))


def make(file: Path, mib: int) -> None:
    """Random bytes: weights do not compress either."""
    with file.open("wb") as opened:
        for _ in range(mib):
            opened.write(os.urandom(1 << 20))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    mib = 64 if asked.quick else asked.mib
    print(f"hf upload of one file of {mib} MiB, and again with 1 % changed in one place")
    print(f"{'':24}{'server':>10}{'client':>10}{'server':>12}{'sent':>12}{'sent':>11}")
    print(f"{'':24}{'CPU s':>10}{'wall s':>10}{'peak MiB':>12}{'MB':>12}{'of file':>11}")
    for xet in (True, False):
        with tempfile.TemporaryDirectory() as scratch:
            work = Path(scratch)
            file = work / "model.bin"
            make(file, mib)
            with registry(work / "home") as server:
                upload(server, work, file, "new", xet=xet)
                change(file)
                upload(server, work, file, "1 % changed", xet=xet)
                client(server, work, "download", REPO, "--local-dir", str(work / "got"), xet=xet)
                if not filecmp.cmp(file, work / "got" / "model.bin", shallow=False):
                    raise SystemExit("what was downloaded is something else")
                print(f"{'':24}after its download the server's peak is {server.peak_mib():.0f} MiB")


if __name__ == "__main__":
    main()
