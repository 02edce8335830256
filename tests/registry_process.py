"""``weighbridge serve`` and ``weighbridge worker`` as processes, and a client of their REST door."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

from tests.torture.killing import COMMAND, Process
from tests.warm import Warm

PASSWORD = "a password for tests"


class RegistryProcess:
    """A server or worker of one home; ``url`` is empty for a worker.

    A ``cold`` one is no fork: it is started with its environment, as the loader of programs reads it.
    """

    def __init__(self, verb: str, env: Mapping[str, str], log: Path, *, cold: bool = False) -> None:
        port = ["--port", "0"] if verb == "serve" else []
        with log.open("ab") as errors:
            words, given = [verb, *port, "--json"], {"WEIGHBRIDGE_ADMIN_PASSWORD": PASSWORD, **env}
            self.process: Process
            if cold:
                self.process = subprocess.Popen(
                    [*COMMAND, *words], env=given, stdin=DEVNULL, stdout=PIPE, stderr=errors
                )
            else:
                self.process = Warm(words, env=given, stdout=PIPE, stderr=errors)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, log.read_text()[-3000:]
        self.said: dict[str, Any] = json.loads(line)
        self.url: str = self.said.get("url", "")
        self._token = ""

    def kill(self) -> None:
        """SIGKILL, now."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM, and wait."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=600)

    def call(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, JSON and headers of an answer; the caller is admin."""
        if not self._token:
            login = {"username": "admin", "password": PASSWORD}
            self._token = self._ask("POST", "/authenticate", login, {})[1]["token"]
        return self._ask(method, path, body, {"Authorization": f"Bearer {self._token}", **headers})

    def ingest(self, model: str, **more: object) -> tuple[int, Any, Mapping[str, str]]:
        """Ask for an ingestion."""
        return self.call("POST", "/package/ingest-huggingface", {"model_id": model, **more})

    def job(self, id: str) -> dict[str, Any]:
        """A job."""
        found: dict[str, Any] = self.call("GET", f"/job/{id}")[1]
        return found

    def over(self, id: str, patience_s: float = 600.0) -> dict[str, Any]:
        """A job when it is over."""
        wait_for(
            lambda: self.job(id)["state"] not in ("queued", "running"), patience_s, lambda: str(self.job(id))
        )
        return self.job(id)

    def _ask(
        self, method: str, path: str, body: object, headers: Mapping[str, str]
    ) -> tuple[int, Any, Mapping[str, str]]:
        content = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url}{path}", content, method=method)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                return answer.status, _read(answer.read()), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _read(error.read()), dict(error.headers)


@contextmanager
def running(verb: str, env: Mapping[str, str], log: Path, *, cold: bool = False) -> Iterator[RegistryProcess]:
    """A process that ends with the block, whatever happened to it."""
    made = RegistryProcess(verb, env, log, cold=cold)
    try:
        yield made
    finally:
        made.stop()


def wait_for(come: Callable[[], bool], patience_s: float = 600.0, told: Callable[[], str] = str) -> None:
    """Until it has come."""
    limit = time.monotonic() + patience_s
    while not come():
        assert time.monotonic() < limit, told()
        time.sleep(0.05)


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")
