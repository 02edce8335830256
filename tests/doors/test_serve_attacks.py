"""``weighbridge serve`` as a real process: bad settings, and being stopped while it works."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests.bridge.test_packages_attacks import wait_for
from tests.doors.asgi_server import call
from tests.hub_server import serve_hub
from tests.made_models import train
from tests.torture.killing import COMMAND, environment, run
from weighbridge.doors.demo.models import MADE

PASSWORD = "correct horse"


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_in_the_middle_of_an_ingestion_stops(tmp_path: Path, stop: signal.Signals) -> None:
    with serve_hub(train(tmp_path).repos()) as hub:
        hub.fault("*/resolve/*/model.safetensors", hold_after=1000)
        env = environment(
            tmp_path / "home", WEIGHBRIDGE_UPSTREAM=hub.url, WEIGHBRIDGE_ADMIN_PASSWORD=PASSWORD
        )
        with subprocess.Popen(
            [*COMMAND, "serve", "--port", "0", "--json"],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        ) as server:  # fmt: skip
            try:
                assert server.stdout is not None
                url = json.loads(server.stdout.readline())["url"]
                login = {"username": "admin", "password": PASSWORD}
                token = call(url, "POST", "/authenticate", login).json["token"]
                ask = threading.Thread(
                    target=lambda: call(
                        url, "POST", "/package/ingest-huggingface", {"model_id": MADE},
                        {"Authorization": f"Bearer {token}"},
                    )
                )  # fmt: skip
                ask.start()
                wait_for(lambda: bool(hub.asked("*/resolve/*/model.safetensors")))
                server.send_signal(stop)
                assert server.wait(timeout=600) == 0
                ask.join(600)
            finally:
                server.kill()
        hub.forget()
        again = run(["ingest", MADE], env, tmp_path)
        assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("settings", "arguments", "code", "said"),
    [
        ({"WEIGHBRIDGE_UPSTREAM": "http://127.0.0.1:99999"}, ["--port", "0"], 2, "address"),
        ({"WEIGHBRIDGE_UPSTREAM": "http://[::1]:8123"}, ["--host", "::", "--port", "8123"], 2, "itself"),
        ({"WEIGHBRIDGE_UPSTREAM": "http://LOCALHOST:8123/"}, ["--port", "8123"], 2, "itself"),
        ({"WEIGHBRIDGE_HOME": "/dev/null/x"}, ["--port", "0"], 6, "/dev/null/x"),
        ({}, ["--port", "99999"], 2, "65535"),
        ({"WEIGHBRIDGE_CONNECTIONS": "\u00b2"}, ["--port", "0"], 2, "WEIGHBRIDGE_CONNECTIONS"),
        ({"WEIGHBRIDGE_ADMIN_PASSWORD": "short"}, ["--port", "0"], 2, "password"),
        ({"WEIGHBRIDGE_ANONYMOUS": "admin"}, ["--port", "0"], 2, "WEIGHBRIDGE_ANONYMOUS"),
    ],
)
def test_a_setting_that_cannot_be_is_told_in_a_line(
    tmp_path: Path, settings: dict[str, str], arguments: list[str], code: int, said: str
) -> None:
    ran = run(["serve", *arguments], {**environment(tmp_path / "home"), **settings}, tmp_path)
    assert ran.returncode == code, ran.stderr
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["token", "create", "--user", "\udcff"],
        ["ingest", "org/name", "--description", "\udcff"],
        ["ingest", "org/name", "--waive", "license", "--reason", "\udcff"],
    ],
)
def test_an_argument_that_is_not_unicode_is_refused(tmp_path: Path, arguments: list[str]) -> None:
    ran = run(arguments, environment(tmp_path / "home", WEIGHBRIDGE_UPSTREAM="http://127.0.0.1:9"), tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert "Traceback" not in ran.stderr
