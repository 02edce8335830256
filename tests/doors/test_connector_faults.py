"""A Hub that lies, stalls, limits or says nonsense in any field, and a token that stays secret."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.documents.blocks import environment
from tests.doors.connecting import CANARY, a_hub, answers, away, knows_everybody, run, said_of
from tests.hub_server import HubServer
from weighbridge.connector import HuggingFaceConnector, ModelMetadata
from weighbridge.errors import NoAnswer, WeighbridgeError

DOCUMENTED = (RuntimeError, ValueError, ConnectionError, FileNotFoundError)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    *("id", "modelId", "author", "downloads", "likes", "tags", "pipeline_tag", "library_name", "cardData"),
    *(
        "usedStorage",
        "safetensors",
        "gguf",
        "siblings",
        "createdAt",
        "lastModified",
        "gated",
        "private",
        "sha",
    ),
)
SIBLING = st.fixed_dictionaries({}, optional={"rfilename": ODD, "size": ODD, "lfs": ODD})
ANSWER = st.fixed_dictionaries(
    {}, optional={name: ODD for name in FIELDS if name != "siblings"} | {"siblings": ODD | st.lists(SIBLING)}
)
FEW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with a_hub(tmp_path, monkeypatch) as server:
        yield server


async def everything(connector: HuggingFaceConnector) -> list[object]:
    """What each reading call gives, or the error that it raises."""
    found: list[object] = []
    for asked in (
        connector.get_model_metadata("org/llama", use_cache=False),
        connector.check_license("org/llama"),
        connector.check_compatibility("org/llama", "transformers"),
        connector.search_models("llama", ["pytorch"], "likes", 3),
    ):
        try:
            found.append(await asked)
        except DOCUMENTED as error:
            found.append(error)
    for metadata in connector._cache.get_all_cached():
        json.dumps(metadata.to_dict(), allow_nan=False)
    return found


@FEW
@given(ANSWER)
def test_any_field_may_hold_anything(hub: HubServer, said: dict[str, Any]) -> None:
    hub.forget()
    knows_everybody(hub)
    answers(hub, "/api/models/org/llama", said)
    answers(hub, "/api/models", [said, None, said])
    metadata, _, _, listed = run(everything)
    assert isinstance(metadata, ModelMetadata)
    assert metadata.model_id == "org/llama"
    assert isinstance(metadata.model_size, int | None)
    assert isinstance(listed, list)


@FEW
@given(st.binary(max_size=40) | ODD.map(lambda value: json.dumps(value).encode()))
def test_any_answer_may_be_anything(hub: HubServer, body: bytes) -> None:
    hub.forget()
    knows_everybody(hub)
    hub.fault("/api/models*", body=body)
    run(everything)


@pytest.mark.parametrize(
    "fault",
    [
        {"cut_after": 10},
        {"raw": b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n[{"},
        {"raw": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"},
        {"raw": b"\x00" * 100},
        {"raw": b"HTTP/1.1 200 " + b"x" * 100_000},
        {"redirect": "http://127.0.0.1:1/"},
        {"redirect": "file:///etc/passwd"},
        {"status": 429, "headers": {"Retry-After": "86400"}},
        {"status": 503},
        {"status": 418},
        {"headers": {"Content-Encoding": "gzip"}},
        {"headers": {"Link": '</api/models?cursor=1>; rel="next"'}, "body": b'[{"id": "org/llama"}]'},
    ],
)
def test_a_hub_that_breaks_off_or_leads_astray_gives_a_documented_error(
    hub: HubServer, fault: dict[str, Any]
) -> None:
    hub.fault("/api/models*", **fault)
    found = run(everything, pauses_s=0)
    assert any(isinstance(each, WeighbridgeError) for each in found) or found[0] is None
    assert all(isinstance(each, WeighbridgeError) for each in found if isinstance(each, Exception))


def test_a_hub_that_stalls_is_waited_for_no_longer_than_was_said(hub: HubServer) -> None:
    hub.forget()
    held = hub.fault("*", hold_after=0)

    async def ask() -> None:
        connector = HuggingFaceConnector(tries=1, read_s=0.2)
        with pytest.raises(ConnectionError) as caught:
            await connector.connect({"token": "x"})
        assert isinstance(caught.value.__cause__, NoAnswer)
        assert await connector.get_model_metadata("org/llama") is None
        assert await connector.search_models("llama") == []

    try:
        asyncio.run(ask())
    finally:
        held.release()


def test_a_program_that_gave_up_waiting_ends_though_the_hub_still_holds_on(
    hub: HubServer, tmp_path: Path
) -> None:
    program = """
import asyncio
from weighbridge.connector import HuggingFaceConnector
async def main():
    connector = HuggingFaceConnector(tries=1, read_s=100_000)
    await connector.connect({"token": "x"})
    print("asking", flush=True)
    await asyncio.wait_for(connector.get_model_metadata("org/llama"), 0.2)
asyncio.run(main())
"""
    held = hub.fault("/api/models*", hold_after=0)
    env = environment(tmp_path, HF_ENDPOINT=hub.url)
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=600, check=False
        )
    finally:
        held.release()
    assert done.stdout == "asking\n"
    assert "TimeoutError" in done.stderr


def test_a_hub_that_limits_us_for_a_moment_is_asked_again(hub: HubServer) -> None:
    hub.fault("/api/models/org/llama", times=2, status=429, headers={"Retry-After": "0"})
    assert run(lambda connector: connector.check_license("org/llama"), tries=3) == "apache-2.0"
    assert len(hub.asked("/api/models/org/llama")) == 3


def test_a_hub_that_answers_for_another_model_teaches_nothing_about_that(hub: HubServer) -> None:
    answers(hub, "/api/models/org/llama", {"id": "org/other", "cardData": {"license": "mit"}})

    async def ask(connector: HuggingFaceConnector) -> list[str]:
        await connector.get_model_metadata("org/llama")
        return [each.model_id for each in connector._cache.get_all_cached()]

    assert run(ask) == ["org/llama"]


def test_a_token_is_in_no_log_no_error_no_repr_and_no_file(
    hub: HubServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    async def ask(connector: HuggingFaceConnector) -> None:
        told.append(repr(connector) + str(connector))
        await everything(connector)
        await connector.download_model("org/llama", tmp_path / "cache")
        echo = {"error": f"Bearer {CANARY} is not welcome"}
        for status in (400, 401, 403, 404, 418, 429, 500):
            hub.forget()
            hub.fault("*", status=status, body=json.dumps(echo).encode(), headers={"X-Error-Message": CANARY})
            told.extend(said_of(each) for each in await everything(connector) if isinstance(each, Exception))
            for doomed in (
                connector.download_model("org/other", tmp_path),
                connector.connect({"token": CANARY}),
            ):
                with pytest.raises(DOCUMENTED) as caught:
                    await doomed
                told.append(said_of(caught.value))
            knows_everybody(hub)
        away(hub)
        await connector.verify_connection()
        told.append(repr(connector.__dict__))

    with caplog.at_level(logging.DEBUG):
        run(ask)
    told += [record.getMessage() + str(record.__dict__) for record in caplog.records]
    assert len(told) > 20
    assert not [each for each in told if CANARY in each]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]
    assert not any(CANARY in asked.target for asked in hub.requests)
    assert asyncio.run(HuggingFaceConnector().disconnect())
