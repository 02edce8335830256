"""What the tests of the HTTP adapter share: a client that does not wait, and plain reading."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.hub_server import HubServer
from weighbridge.adapters.hub_http import HttpHub, Patience
from weighbridge.domain.manifest import FileEntry
from weighbridge.domain.ref import RepoId
from weighbridge.ports import ByteStream, Source

REPO = RepoId.parse("org/model")


def quick(hub: HubServer, pauses: list[float] | None = None, **more: Any) -> HttpHub:
    """A client of ``hub`` that notes its pauses instead of making them."""
    note: Callable[[float], None] = (pauses if pauses is not None else []).append
    more.setdefault("patience", Patience(sleep=note, jitter=lambda: 0.0))
    return HttpHub(hub.url, **more)


def head(hub: HubServer) -> str:
    return hub.repos["org/model"].head


def entry_of(client: HttpHub, hub: HubServer, path: str) -> FileEntry:
    return client.manifest(REPO, head(hub)).by_path[path]


def source_of(client: HttpHub, hub: HubServer, entry: FileEntry) -> Source:
    return partial(client.open, REPO, head(hub), entry)


def drain(stream: ByteStream, piece: int = 50_000) -> bytes:
    """Everything that a stream gives."""
    whole, buffer = bytearray(), memoryview(bytearray(piece))
    while count := stream.readinto(buffer):
        whole += buffer[:count]
    return bytes(whole)


def fetched(
    client: HttpHub, hub: HubServer, entry: FileEntry, start: int = 0, stop: int | None = None
) -> bytes:
    with client.open(REPO, head(hub), entry, start, stop) as stream:
        return drain(stream)
