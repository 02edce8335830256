"""What the tests of the connector share: a Hub that knows tokens, and a connector that does not wait."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.hub_server import HubRepo, HubServer, serve_hub
from weighbridge.connector import HuggingFaceConnector

T = TypeVar("T")
CANARY = "any-shape_CANARY.of~a+token"
WEIGHTS = bytes(range(256)) * 300
FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS}
LLAMA = {
    "downloads": 100,
    "likes": 7,
    "tags": ["text-generation", "pytorch", "license:mit"],
    "pipeline_tag": "text-generation",
    "library_name": "transformers",
    "cardData": {"license": "apache-2.0"},
    "usedStorage": 123_456,
    "createdAt": "2026-01-01T00:00:00.000Z",
    "lastModified": "2026-02-01T00:00:00.000Z",
}


@contextmanager
def a_hub(place: Path, environ: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub with three models, named by the environment of somebody whose home is ``place``."""
    for name in [name for name in os.environ if name.startswith(("HF_", "HUGGING", "WEIGHBRIDGE_"))]:
        environ.delenv(name)
    repos = {"org/llama": FILES, "org/other": FILES, "org/third": FILES}
    with serve_hub({name: HubRepo(files) for name, files in repos.items()}) as server:
        server.repos["org/llama"].info = dict(LLAMA)
        environ.setenv("HF_ENDPOINT", server.url)
        environ.setenv("NO_PROXY", "127.0.0.1")
        environ.setenv("HOME", str(place / "user"))
        environ.setenv("WEIGHBRIDGE_HOME", str(place / "home"))
        knows_everybody(server)
        yield server


def knows_everybody(hub: HubServer) -> None:
    """Whatever token is shown is ann's."""
    hub.fault("/api/whoami-v2", body=b'{"name": "ann"}')


def answers(hub: HubServer, at: str, said: object) -> None:
    """From now on this is the answer."""
    hub.fault(at, body=json.dumps(said).encode())


def away(hub: HubServer) -> None:
    """From now on nobody answers."""
    hub.forget()
    hub.fault("*", raw=b"")


def run(work: Callable[[HuggingFaceConnector], Awaitable[T]], **more: Any) -> T:
    """What ``work`` gives with a connected connector that asks once."""

    async def whole() -> T:
        connector = HuggingFaceConnector(**{"tries": 1, **more})
        await connector.connect({"token": CANARY})
        try:
            return await work(connector)
        finally:
            await connector.disconnect()

    return asyncio.run(whole())


def said_of(error: BaseException) -> str:
    """Everything that an error and its causes say, in words and in their insides."""
    told, at = [], error
    while at is not None:
        told += [str(at), repr(at), repr(getattr(at, "__dict__", {})), repr(at.args)]
        at = at.__cause__ or at.__context__  # type: ignore[assignment]
    return "\n".join(told)


def body_of(files: Mapping[str, int], **more: Any) -> dict[str, Any]:
    """A Hub's answer for a model with these files."""
    return {"id": "x/y", "siblings": [{"rfilename": p, "size": n} for p, n in files.items()], **more}
