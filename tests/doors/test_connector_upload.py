"""``upload_artifact``: what an application says of an adapter is published, and only what is safe to be."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from tests.doors.connecting import CANARY, said_of
from tests.doors.trained_folders import BASES, LEFT, lora, write
from tests.doors.written_folder import Written, written_folder
from weighbridge.connector import (
    BadRequest,
    ConnectorError,
    HuggingFaceConnector,
    NoSuchFolder,
    NotConnected,
)
from weighbridge.connector.uploading import request_of
from weighbridge.errors import HubDown, NotAuthenticated, UnsafeFiles, WeighbridgeError

SAID: dict[str, Any] = {
    "repo_id": "ann/my-adapter",
    "base_model": "acme/base",
    "dataset": "alpaca",
    "description": "Fine-tuned on Alpaca dataset",
    "training_config": {"rank": 16, "alpha": 32, "learning_rate": 2e-4, "out": Path("x")},
    "metrics": {"loss": 0.5, "accuracy": 0.85},
}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    for name in [name for name in os.environ if name.startswith(("HF_", "HUGGING", "WEIGHBRIDGE_"))]:
        monkeypatch.delenv(name)
    for name, files in BASES.items():
        write(tmp_path / "hub" / name, files)
    with written_folder(tmp_path / "hub") as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        monkeypatch.setenv("HOME", str(tmp_path / "user"))
        monkeypatch.setenv("WEIGHBRIDGE_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield served


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    lora(tmp_path / "adapter")
    return tmp_path / "adapter"


async def connected() -> HuggingFaceConnector:
    connector = HuggingFaceConnector(tries=1)
    await connector.connect({"token": CANARY})
    return connector


def upload(path: Path, metadata: dict[str, Any]) -> str:
    async def whole() -> str:
        return await (await connected()).upload_artifact(path=str(path), metadata=metadata)

    return asyncio.run(whole())


def test_an_adapter_is_published_with_a_card_and_is_a_model_of_the_hub(hub: Written, adapter: Path) -> None:
    before = {path.relative_to(adapter): path.stat().st_mtime_ns for path in adapter.rglob("*")}

    async def whole() -> str:
        connector = await connected()
        url = await connector.upload_artifact(str(adapter), SAID)
        assert await connector.check_license("ann/my-adapter") == "apache-2.0"
        assert await connector.check_compatibility("ann/my-adapter", "peft")
        folder = await connector.download_model("ann/my-adapter")
        assert (folder / "adapter_config.json").is_file()
        return url

    assert asyncio.run(whole()) == f"{hub.url}/ann/my-adapter"
    files = hub.files("ann/my-adapter")
    assert set(files) & set(LEFT) == set()
    card = ModelCard(files["README.md"].decode())
    assert (card.data.base_model, card.data.license) == ("acme/base", "apache-2.0")
    for said in ("Fine-tuned on Alpaca dataset", "alpaca", '"learning_rate": 0.0002', "0.85"):
        assert said in card.text
    assert {path.relative_to(adapter): path.stat().st_mtime_ns for path in adapter.rglob("*")} == before


def test_what_is_asked_wrongly_is_the_documented_error(hub: Written, adapter: Path, tmp_path: Path) -> None:
    async def whole() -> None:
        with pytest.raises(RuntimeError, match="Not connected") as unconnected:
            await HuggingFaceConnector().upload_artifact(str(adapter), SAID)
        assert isinstance(unconnected.value, NotConnected)
        connector = await connected()
        with pytest.raises(FileNotFoundError) as missing:
            await connector.upload_artifact(str(tmp_path / "none"), SAID)
        assert isinstance(missing.value, NoSuchFolder)
        for metadata in ({}, {"repo_id": ""}, {"repo_id": None}):
            with pytest.raises(ValueError, match="repo_id is required in metadata"):
                await connector.upload_artifact(str(adapter), metadata)
        public = HuggingFaceConnector(tries=1)
        await public.connect_public()
        with pytest.raises(RuntimeError) as anonymous:
            await public.upload_artifact(str(adapter), SAID)
        assert isinstance(anonymous.value.__cause__, NotAuthenticated)

    asyncio.run(whole())


@pytest.mark.parametrize(
    "wrong",
    [
        {"repo_id": "../../etc"},
        {"repo_id": 7},
        {"base_model": 7},
        {"dataset": [1]},
        {"description": b"x"},
        {"training_config": "x"},
        {"metrics": [1]},
        {"metrics": {"x": object, (1, 2): 3}},
        {"private": "yes"},
        {"revision": "a b"},
        {"description": "x" * 100_000},
    ],
)
def test_metadata_of_another_type_is_a_value_error(adapter: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as caught:
        request_of(adapter, {**SAID, **wrong})
    assert isinstance(caught.value, BadRequest)


def test_metadata_that_nobody_knows_are_told_to_the_log(
    adapter: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        request_of(adapter, {**SAID, "epochs": 3})
    assert "epochs" in caplog.text


def test_what_cannot_be_published_is_a_runtime_error_with_its_cause(
    hub: Written,
    adapter: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []

    def refused(folder: Path, cause: type[WeighbridgeError]) -> None:
        with pytest.raises(RuntimeError) as caught:
            upload(folder, SAID)
        assert isinstance(caught.value, ConnectorError)
        assert isinstance(caught.value.__cause__, cause)
        told.append(said_of(caught.value))

    with caplog.at_level(logging.DEBUG):
        (tmp_path / "empty").mkdir()
        refused(tmp_path / "empty", WeighbridgeError)
        evil = write(tmp_path / "evil", {"pytorch_model.bin": b"cos\nsystem\n(S'true'\ntR."})
        refused(evil, UnsafeFiles)

        async def gone() -> None:
            connector = HuggingFaceConnector(tries=1)
            with pytest.raises(ConnectionError):
                await connector.connect({"token": CANARY})
            with pytest.raises(RuntimeError) as caught:
                await connector.upload_artifact(str(adapter), SAID)
            assert isinstance(caught.value.__cause__, HubDown)
            told.append(said_of(caught.value))

        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        asyncio.run(gone())
    told += [record.getMessage() for record in caplog.records]
    assert not [each for each in told if CANARY in each]
    assert not (tmp_path / "hub" / "ann").exists()
