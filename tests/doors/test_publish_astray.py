"""Hubs that lose answers, lie, send elsewhere or are busy, while something is published to them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.doors.asgi_server import serving
from tests.doors.test_publish import MINE, settings_of
from tests.doors.trained_folders import ADAPTER, WEIGHTS, write
from tests.doors.written_folder import Written
from weighbridge.adapters.progress import SilentReporter
from weighbridge.bridge.folder import open_written_folder
from weighbridge.bridge.publishing import publish
from weighbridge.domain.publish_request import Published, PublishRequest
from weighbridge.doors.hub import hub_app
from weighbridge.errors import Conflict, DigestMismatch, Unreachable, WeighbridgeError
from weighbridge.settings import load_settings

App = Callable[..., Awaitable[None]]


@dataclass
class Astray:
    """A Hub whose answers to some requests are others than those of the application behind it.

    ``turn`` is asked for each request; where it gives a status, that is the answer. ``after`` says that
    the application does its work first, as where an answer is lost on its way.
    """

    app: App
    turn: Callable[[str, str], int | None] = lambda method, path: None
    after: bool = False
    body: bytes = b"{}"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    seen: list[tuple[str, str, str]] = field(default_factory=list)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        tokens = [value.decode() for name, value in scope["headers"] if name.lower() == b"authorization"]
        self.seen.append((scope["method"], scope["path"], "".join(tokens)))
        status = await asyncio.to_thread(
            self.turn, scope["method"], scope["path"]
        )  # it may ask the Hub itself
        if status is None or self.after:
            await self.app(scope, receive, _swallow if status is not None else send)
        if status is None:
            return
        said = [(b"content-type", b"application/json"), *self.headers]
        await send({"type": "http.response.start", "status": status, "headers": said})
        await send({"type": "http.response.body", "body": self.body})


async def _swallow(message: dict[str, Any]) -> None:
    """Nobody hears it."""


@contextmanager
def astray(folder: Path) -> Iterator[tuple[Written, Astray]]:
    """A folder that is served and written, by a Hub that can be led astray."""
    folder.mkdir()
    bridge = open_written_folder(folder, load_settings({}))
    app = Astray(app=hub_app(bridge.hub, bridge.repos, bridge.xet))
    try:
        with serving(app) as url:
            yield Written(url=url, folder=folder), app
    finally:
        bridge.close()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[Written, Astray]]:
    with astray(tmp_path / "hub") as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = json.dumps(ADAPTER).encode()
    return write(tmp_path / "mine", {"adapter_config.json": config, "adapter_model.safetensors": WEIGHTS})


def sent(folder: Path, hub: Written, **more: Any) -> Published:
    return publish(PublishRequest(folder=folder, repo=MINE, **more), settings_of(hub, folder.parent))


def once(status: int, *words: str) -> Callable[[str, str], int | None]:
    """That status for the first request whose method and path hold all the words."""
    left = [status]
    return lambda method, path: left.pop() if left and all(w in f"{method} {path}" for w in words) else None


def always(status: int, *words: str) -> Callable[[str, str], int | None]:
    """That status for every such request."""
    return lambda method, path: status if all(word in f"{method} {path}" for word in words) else None


@pytest.mark.parametrize(
    ("is_new", "more"), [(True, {}), (False, {"tag": "v1"}), (False, {"revision": "next"})]
)
def test_a_commit_whose_answer_was_lost_is_found_there(
    is_new: bool, more: dict[str, str], hub: tuple[Written, Astray], folder: Path
) -> None:
    served, app = hub
    if not is_new:
        sent(folder, served)
        write(folder, {"generation_config.json": b"{}"})
    app.turn, app.after = once(504, "POST", "/commit/"), True
    done = sent(folder, served, **more)
    assert done.changed
    app.turn = always(500, "POST", "/commit/")
    again = sent(folder, served, **more)
    assert (again.commit, again.changed) == (done.commit, False)
    held = served.files("ann/mine", more.get("revision", "main"))
    assert held.keys() >= {file.path for file in done.files}
    if "tag" in more:
        assert served.files("ann/mine", "v1") == held


def test_a_commit_that_is_refused_is_not_taken_for_one_that_arrived(
    hub: tuple[Written, Astray], folder: Path
) -> None:
    served, app = hub
    first = sent(folder, served)
    write(folder, {"generation_config.json": b"{}"})
    for status in (409, 412):
        app.turn = always(status, "POST", "/commit/")
        with pytest.raises(Conflict) as caught:
            sent(folder, served)
        assert "run the same command again" in caught.value.hint
    assert served.sha("ann/mine") == first.commit


def test_a_new_repository_that_somebody_else_fills_in_between_is_theirs(
    hub: tuple[Written, Astray], folder: Path
) -> None:
    served, app = hub
    moments = ["made", "filled"]

    def fills(method: str, path: str) -> None:
        if moments == ["made", "filled"] and (method, path) == ("POST", "/api/repos/create"):
            moments.pop(0)
        elif moments == ["filled"] and method == "GET" and path.startswith("/api/models/ann/mine"):
            moments.pop(0)
            served.commit("ann/mine", {"notes.txt": "theirs"})

    app.turn = fills
    with pytest.raises(Conflict, match="in between"):
        sent(folder, served)
    assert moments == []
    assert served.files("ann/mine").keys() - {".gitattributes"} == {"notes.txt"}


def test_a_hub_that_is_busy_for_a_moment_is_asked_again(hub: tuple[Written, Astray], folder: Path) -> None:
    served, app = hub
    for status, words in ((429, ("POST", "/preupload/")), (503, ("POST", "/commit/"))):
        app.turn = once(status, *words)
        write(folder, {"generation_config.json": str(status).encode()})
        try:
            assert sent(folder, served).changed
        except Unreachable:
            assert sent(folder, served).changed  # the client gives up at once for some requests
        assert served.files("ann/mine")["generation_config.json"] == str(status).encode()


def test_a_hub_that_takes_files_and_drops_them_is_found_out(
    hub: tuple[Written, Astray], folder: Path
) -> None:
    served, app = hub
    sent(folder, served)
    write(folder, {"generation_config.json": b"{}"})
    app.turn = always(200, "POST", "/commit/")
    app.body = json.dumps(
        {
            "success": True,
            "commitOid": served.sha("ann/mine"),
            "commitUrl": f"{served.url}/ann/mine/commit/{'0' * 40}",
        }
    ).encode()
    with pytest.raises(DigestMismatch, match=r"checksums\.txt|generation_config\.json"):
        sent(folder, served)


def test_an_answer_that_is_none_is_an_error_of_ours(hub: tuple[Written, Astray], folder: Path) -> None:
    served, app = hub
    app.turn = always(200, "POST", "/commit/")
    for app.body in (b"", b"[]", b'{"commitOid": 7, "commitUrl": []}', b"<html>"):
        with pytest.raises(WeighbridgeError):
            sent(folder, served)


def test_a_token_does_not_follow_a_hub_to_another_host(
    hub: tuple[Written, Astray], folder: Path, tmp_path: Path
) -> None:
    served, app = hub
    sent(folder, served)
    write(folder, {"generation_config.json": b"{}"})
    with astray(tmp_path / "other") as (other, elsewhere):
        elsewhere.turn = always(403, "")
        for words in (("POST", "/commit/"), ("GET", "/api/models/")):
            app.turn = always(307, *words)
            app.headers = [(b"location", f"{other.url}/api/models/ann/mine/x".encode())]
            with pytest.raises(WeighbridgeError):
                sent(folder, served)
        assert [token for _, _, token in elsewhere.seen if token] == []


class Together(SilentReporter):
    """Two who publish, and who meet before either sends."""

    def __init__(self, meeting: threading.Barrier) -> None:
        self._meeting = meeting

    def begin(self, title: str, total_bytes: int) -> None:
        """Wait for the other one."""
        if title.startswith("ann/mine"):
            self._meeting.wait()


@pytest.mark.parametrize("is_new", [True, False])
def test_of_two_at_once_one_is_there_whole_and_the_other_is_told(
    is_new: bool, hub: tuple[Written, Astray], folder: Path, tmp_path: Path
) -> None:
    served, _ = hub
    if not is_new:
        sent(folder, served)
    meeting, told = threading.Barrier(2), dict[str, Published | WeighbridgeError]()

    def one(name: str) -> None:
        mine = write(tmp_path / name, {"config.json": b"{}", f"{name}/config.json": b"{}"})
        request = PublishRequest(folder=mine, repo=MINE, replace_card=True)
        try:
            told[name] = publish(request, settings_of(served, tmp_path / name), Together(meeting))
        except WeighbridgeError as error:
            told[name] = error
            meeting.abort()  # who fails before they meet does not let the other one wait

    both = [threading.Thread(target=one, args=(name,)) for name in ("left", "right")]
    for each in both:
        each.start()
    for each in both:
        each.join()
    won = [name for name, what in told.items() if isinstance(what, Published)]
    assert len(won) == 1, told
    lost = told[({"left", "right"} - set(won)).pop()]
    assert isinstance(lost, Conflict)
    assert "run the same command again" in lost.hint
    assert [path for path in served.files("ann/mine") if path.count("/")] == [f"{won[0]}/config.json"]
