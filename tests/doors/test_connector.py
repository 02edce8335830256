"""The connector: every documented name, argument, default, result and error, against a Hub over HTTP."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.doors.connecting import CANARY, FILES, LLAMA, a_hub, answers, away, body_of, knows_everybody, run
from tests.hub_server import HubRepo, HubServer
from weighbridge import connector as door
from weighbridge.connector import (
    BadCredentials,
    CannotConnect,
    ConnectorError,
    HuggingFaceConnector,
    ModelCache,
    ModelMetadata,
    NoSuchModel,
    NotConnected,
    PlatformConnector,
)
from weighbridge.connector.working import AT_ONCE
from weighbridge.errors import (
    Gated,
    HubDown,
    NoAnswer,
    NotAuthenticated,
    NotPermitted,
    RateLimited,
    WeighbridgeError,
)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with a_hub(tmp_path, monkeypatch) as server:
        yield server


def test_every_public_name_is_there() -> None:
    assert all(hasattr(door, name) for name in door.__all__)
    assert issubclass(HuggingFaceConnector, PlatformConnector)
    flags = ("training", "inference", "registry", "tracking")
    assert [getattr(HuggingFaceConnector, f"supports_{flag}") for flag in flags] == [
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("token", ["hf_abc", "x", CANARY, "  padded-by-a-copy  "])
def test_a_token_of_any_shape_connects(hub: HubServer, token: str) -> None:
    async def both() -> tuple[bool, bool, bool]:
        connector = HuggingFaceConnector(tries=1)
        connected = await connector.connect({"token": token})
        verified = await connector.verify_connection()
        await connector.disconnect()
        return connected, verified, await connector.verify_connection()

    assert asyncio.run(both()) == (True, True, False)
    assert hub.requests[0].headers["authorization"] == f"Bearer {token.strip()}"


@pytest.mark.parametrize("credentials", [{}, {"token": ""}, {"token": None}, {"token": 7}, {"user": "x"}])
def test_without_a_token_there_is_no_connection(hub: HubServer, credentials: Any) -> None:
    with pytest.raises(ValueError, match="required") as caught:
        asyncio.run(HuggingFaceConnector().connect(credentials))
    assert isinstance(caught.value, BadCredentials)
    assert not hub.requests


@pytest.mark.parametrize("token", ["a b", "a\r\nX-Evil: 1", "\x00", "ü", "x" * 10_000, "   "])
def test_a_token_that_cannot_stand_in_a_header_is_refused_and_not_shown(hub: HubServer, token: str) -> None:
    with pytest.raises(ValueError, match="Invalid HuggingFace token format") as caught:
        asyncio.run(HuggingFaceConnector().connect({"token": token}))
    assert token.strip() == "" or token not in str(caught.value)
    assert not hub.requests


@pytest.mark.parametrize(
    ("status", "cause"), [(401, NotAuthenticated), (403, NotPermitted), (429, RateLimited), (500, HubDown)]
)
def test_a_connection_that_fails_says_why(hub: HubServer, status: int, cause: type[WeighbridgeError]) -> None:
    hub.forget()
    hub.fault("/api/whoami-v2", status=status)
    with pytest.raises(ConnectionError, match="Failed to connect to HuggingFace") as caught:
        asyncio.run(HuggingFaceConnector(tries=1).connect({"token": "wrong"}))
    assert isinstance(caught.value, CannotConnect)
    assert type(caught.value.__cause__) is cause


@pytest.mark.parametrize("body", [b"{}", b"[]", b"<html>", b'{"name": null}'])
def test_what_is_no_hub_is_no_connection(hub: HubServer, body: bytes) -> None:
    hub.forget()
    hub.fault("/api/whoami-v2", body=body)
    with pytest.raises(ConnectionError):
        asyncio.run(HuggingFaceConnector(tries=1).connect({"token": "x"}))


def test_public_reading_needs_no_token_and_shows_none(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN", CANARY)

    async def read() -> ModelMetadata | None:
        connector = HuggingFaceConnector(tries=1)
        assert await connector.connect_public()
        assert await connector.verify_connection()
        await connector.download_model("org/llama", tmp_path / "cache")
        return await connector.get_model_metadata("org/llama")

    assert asyncio.run(read()) is not None
    assert not any("authorization" in asked.headers for asked in hub.requests)


def test_without_a_connection_what_needs_one_says_so(hub: HubServer, tmp_path: Path) -> None:
    async def all_of_it() -> None:
        connector = HuggingFaceConnector(tries=1)
        asked = (
            connector.search_models("x"),
            connector.download_model("org/llama", tmp_path),
            connector.get_model_metadata("org/llama"),
            connector.check_license("org/llama"),
            connector.check_compatibility("org/llama"),
        )
        for each in asked:
            with pytest.raises(RuntimeError, match=r"^Not connected to HuggingFace$") as caught:
                await each
            assert isinstance(caught.value, NotConnected)

    asyncio.run(all_of_it())
    assert not hub.requests


def test_what_is_remembered_is_told_without_a_connection(hub: HubServer) -> None:
    run(lambda connector: connector.get_model_metadata("org/llama"))
    hub.requests.clear()
    found = asyncio.run(HuggingFaceConnector().get_model_metadata("org/llama"))
    assert found is not None
    assert (found.model_id, found.is_stale) == ("org/llama", False)
    assert not hub.requests


def test_metadata_has_licence_and_size_from_where_the_hub_has_them(hub: HubServer) -> None:
    found = run(lambda connector: connector.get_model_metadata("org/llama"))
    assert found is not None
    assert (found.author, found.downloads, found.likes) == ("org", 100, 7)
    assert (found.license, found.model_size, found.library_name) == ("apache-2.0", 123_456, "transformers")
    assert (found.created_at, found.last_modified) == (LLAMA["createdAt"], LLAMA["lastModified"])
    assert {sibling["rfilename"] for sibling in found.siblings} == set(FILES)
    assert found.card_data == {"license": "apache-2.0"}
    assert found.age < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("said", "size"),
    [
        ({"safetensors": {"total": 7_000_000, "parameters": {"F16": 7_000_000}}}, 14_000_000),
        ({"safetensors": {"total": 7_000_000}}, None),
        ({"safetensors": None}, None),
        (body_of({"model.safetensors": 10, "model-2.bin": 5, "README.md": 99}), 15),
        (body_of({"model.safetensors": 10}, usedStorage=40), 40),
    ],
)
def test_a_size_is_in_bytes_and_never_a_count_of_parameters(hub: HubServer, said: Any, size: Any) -> None:
    answers(hub, "/api/models/org/llama", said)
    found = run(lambda connector: connector.get_model_metadata("org/llama"))
    assert found is not None
    assert found.model_size == size


@pytest.mark.parametrize(
    ("said", "licence"),
    [
        ({"cardData": {"license": "MIT"}}, "mit"),
        ({"tags": ["license:cc-by-4.0"]}, "cc-by-4.0"),
        ({"cardData": {"license": None}, "tags": None}, None),
        ({"license": "not-where-the-hub-has-it"}, None),
    ],
)
def test_a_licence_is_the_cards_else_the_tags(hub: HubServer, said: Any, licence: str | None) -> None:
    answers(hub, "/api/models/org/llama", said)
    assert run(lambda connector: connector.check_license("org/llama")) == licence


def test_what_is_fresh_is_not_asked_again_unless_one_wants_to(hub: HubServer) -> None:
    async def thrice(connector: HuggingFaceConnector) -> list[int]:
        counts = []
        for use_cache in (True, True, False):
            await connector.get_model_metadata("org/llama", use_cache=use_cache)
            counts.append(len(hub.asked("/api/models/org/llama")))
        return counts

    assert run(thrice) == [1, 1, 2]


@pytest.mark.parametrize(
    "name", ["org/none", "org/none/more", "../../etc", "", "a b", "\ud800", "https://x/y"]
)
def test_a_model_that_is_not_there_is_none(hub: HubServer, name: str) -> None:
    async def ask(connector: HuggingFaceConnector) -> tuple[object, ...]:
        return (
            await connector.get_model_metadata(name),
            await connector.check_license(name),
            await connector.check_compatibility(name),
        )

    assert run(ask) == (None, None, False)


@pytest.mark.parametrize(
    ("status", "cause"), [(401, NotAuthenticated), (403, NotPermitted), (429, RateLimited), (502, HubDown)]
)
def test_a_no_is_never_none_in_silence(hub: HubServer, status: int, cause: type[WeighbridgeError]) -> None:
    hub.fault("/api/models*", status=status)
    with pytest.raises(RuntimeError) as caught:
        run(lambda connector: connector.get_model_metadata("org/llama"))
    assert isinstance(caught.value, ConnectorError)
    assert (type(caught.value.__cause__), caught.value.code) == (cause, cause.code)
    if cause is not HubDown and cause is not RateLimited:
        with pytest.raises(ConnectorError):
            run(lambda connector: connector.search_models("x"))


def test_out_of_reach_and_not_remembered_is_none_with_a_warning(
    hub: HubServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask(connector: HuggingFaceConnector) -> tuple[object, ...]:
        away(hub)
        found = await connector.get_model_metadata("org/llama")
        why = await connector.compatibility("org/llama")
        return found, why.is_compatible, "cannot be reached" in why.reason

    with caplog.at_level(logging.WARNING):
        assert run(ask) == (None, False, True)
    assert any("cannot be reached" in record.message for record in caplog.records)


def test_out_of_reach_an_expired_entry_is_served_as_stale_with_its_age_and_kept(hub: HubServer) -> None:
    async def ask(connector: HuggingFaceConnector) -> None:
        known = await connector.get_model_metadata("org/llama")
        assert known is not None
        known.cached_at = datetime.now(UTC) - timedelta(days=3)
        connector._cache.clear()
        connector._cache.set(known)
        away(hub)
        assert connector._cache.get("org/llama") is None
        for _ in range(2):
            found = await connector.get_model_metadata("org/llama")
            assert found is not None
            assert found.is_stale
            assert found.age >= timedelta(days=3)
            assert found.siblings == known.siblings
        hub.forget()
        fresh = await connector.get_model_metadata("org/llama")
        assert fresh is not None
        assert (fresh.is_stale, fresh.age < timedelta(days=1)) == (False, True)

    run(ask)


def test_whoever_begins_out_of_reach_has_what_was_learned_before(hub: HubServer, tmp_path: Path) -> None:
    async def before(connector: HuggingFaceConnector) -> None:
        await connector.get_model_metadata("org/llama")
        await connector.download_model("org/llama", tmp_path / "cache")

    run(before)
    away(hub)

    async def ask() -> None:
        connector = HuggingFaceConnector(tries=1)
        with pytest.raises(ConnectionError) as caught:
            await connector.connect({"token": "x"})
        assert isinstance(caught.value.__cause__, NoAnswer)
        assert await connector.check_license("org/llama") == "apache-2.0"
        assert [found.model_id for found in await connector.search_models("llama")] == ["org/llama"]
        folder = await connector.download_model("org/llama", tmp_path / "cache")
        assert (folder / "config.json").read_bytes() == b"{}"
        with pytest.raises(RuntimeError):
            await connector.download_model("org/other", tmp_path / "cache")

    asyncio.run(ask())


def test_offline_by_the_environment_nothing_is_asked(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConnectionError, match="HF_HUB_OFFLINE"):
        asyncio.run(HuggingFaceConnector().connect({"token": "x"}))
    assert not hub.requests


def many(count: int) -> dict[str, HubRepo]:
    repos = {f"org/m{number}": HubRepo(FILES) for number in range(count)}
    for number, repo in enumerate(repos.values()):
        repo.info = {"downloads": number}
    return repos


def test_a_search_follows_the_pages_up_to_its_limit(hub: HubServer) -> None:
    hub.repos.update(many(30))
    hub.page_size = 7
    found = run(lambda connector: connector.search_models("m", sort="downloads"))
    assert len(found) == 20
    assert len({each.model_id for each in found}) == 20
    assert [each.downloads for each in found[1:]] == sorted(
        (each.downloads for each in found[1:]), reverse=True
    )
    assert len(hub.asked("/api/models")) == 3


@pytest.mark.parametrize(
    ("sort", "spelled"),
    [
        ("downloads", "downloads"),
        ("likes", "likes"),
        ("trending", "trendingScore"),
        ("updated", "lastModified"),
    ],
)
def test_every_sort_and_every_tag_reaches_the_hub(hub: HubServer, sort: str, spelled: str) -> None:
    run(lambda connector: connector.search_models("a b", ["text-generation", "pytorch"], sort, 5))
    (asked,) = hub.asked("/api/models")
    for part in (f"sort={spelled}", "search=a+b", "filter=text-generation&filter=pytorch", "limit=5"):
        assert part in asked.target


@pytest.mark.parametrize(
    "wrong",
    [
        {"sort": "newest"},
        {"limit": 0},
        {"limit": -1},
        {"limit": True},
        {"limit": "5"},
        {"filter_tags": "x"},
        {"filter_tags": [1]},
        {"query": 7},
        {"query": "\ud800"},
        {"query": "x" * 10_000},
    ],
)
def test_a_search_that_means_nothing_is_a_value_error(hub: HubServer, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        run(lambda connector: connector.search_models(**{"query": "x", **wrong}))
    assert not hub.asked("/api/models")


def test_a_search_takes_nothing_away_from_what_is_known_at_length(hub: HubServer) -> None:
    async def ask(connector: HuggingFaceConnector) -> tuple[object, ...]:
        whole = await connector.get_model_metadata("org/llama")
        answers(hub, "/api/models", [{"id": "org/llama", "downloads": 101}])
        (listed,) = await connector.search_models("llama")
        connector._cache.set(listed)
        after = await connector.get_model_metadata("org/llama")
        assert whole is not None
        assert after is not None
        assert after.siblings == whole.siblings != []
        return after.license, after.model_size, after.downloads, len(hub.asked("/api/models/org/llama"))

    assert run(ask) == ("apache-2.0", 123_456, 101, 1)


def test_out_of_reach_a_search_is_answered_from_what_was_learned(hub: HubServer) -> None:
    async def ask(connector: HuggingFaceConnector) -> None:
        await connector.search_models()
        old = await connector.get_model_metadata("org/llama")
        assert old is not None
        old.cached_at = datetime.now(UTC) - timedelta(days=2)
        connector._cache.remove("org/llama")
        connector._cache.set(old)
        away(hub)
        found = await connector.search_models("llama", ["pytorch"])
        assert [(each.model_id, each.is_stale) for each in found] == [("org/llama", True)]
        assert len(await connector.search_models(limit=2)) == 2

    run(ask)


@pytest.mark.parametrize(
    ("files", "required", "compatible", "why"),
    [
        (["adapter_config.json", "adapter_model.safetensors"], "peft", True, "peft"),
        (["adapter_config.json", "adapter_model.safetensors"], None, True, "peft"),
        (["m.Q4_K_M.gguf"], None, True, "gguf"),
        (["onnx/model.onnx"], None, True, "onnx"),
        (["config.json", "model-00001-of-00002.safetensors"], "transformers", False, "00002-of-00002"),
        (["README.md"], None, False, "no file with weights"),
    ],
)
def test_compatibility_comes_with_a_reason(
    hub: HubServer, files: list[str], required: str | None, compatible: bool, why: str
) -> None:
    answers(hub, "/api/models/org/llama", body_of(dict.fromkeys(files, 1)))

    async def ask(connector: HuggingFaceConnector) -> tuple[bool, str]:
        verdict = await connector.check_compatibility("org/llama", required_library=required)
        return verdict, (await connector.compatibility("org/llama", required)).reason

    verdict, reason = run(ask)
    assert verdict is compatible
    assert why in reason


def test_a_download_is_checked_and_lies_where_other_programs_look(hub: HubServer, tmp_path: Path) -> None:
    default = tmp_path / "user" / ".cache" / "huggingface" / "hub"
    for place, expected in (
        (tmp_path / "mine", tmp_path / "mine"),
        (None, default),
        (Path("~/.cache/huggingface"), default),
    ):
        folder = run(lambda connector, place=place: connector.download_model("org/llama", place))
        assert isinstance(folder, Path)
        assert folder.is_relative_to(expected / "models--org--llama" / "snapshots")
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    hub.repos["org/llama"].commit({**FILES, "model.safetensors": bytes(50_000)})
    hub.fault("*/resolve/*", flip=100)
    with pytest.raises(RuntimeError, match="should be sha256"):
        run(lambda connector: connector.download_model("org/llama", tmp_path / "mine"))


def test_a_download_follows_its_branch_and_does_not_fetch_twice(hub: HubServer, tmp_path: Path) -> None:
    async def ask(connector: HuggingFaceConnector) -> None:
        first = await connector.download_model("org/llama", tmp_path)
        fetched = len(hub.asked("*/resolve/*"))
        assert await connector.download_model("org/llama", tmp_path) == first
        assert len(hub.asked("*/resolve/*")) == fetched
        commit = hub.repos["org/llama"].commit({**FILES, "new.txt": b"new"})
        moved = await connector.download_model("org/llama", tmp_path)
        assert (moved.name, (moved / "new.txt").read_bytes()) == (commit, b"new")
        assert await connector.download_model("org/llama", tmp_path, revision=first.name) == first

    run(ask)


def test_what_one_hub_gave_is_not_taken_for_another_hubs(hub: HubServer, tmp_path: Path) -> None:
    run(lambda connector: connector.download_model("org/llama", tmp_path))
    run(lambda connector: connector.get_model_metadata("org/llama"))

    async def ask() -> None:
        connector = HuggingFaceConnector(endpoint="http://127.0.0.1:9", tries=1)
        with pytest.raises(ConnectionError):
            await connector.connect({"token": "x"})
        with pytest.raises(RuntimeError):
            await connector.download_model("org/llama", tmp_path)
        assert await connector.get_model_metadata("org/llama") is None

    asyncio.run(ask())


def test_a_download_that_cannot_be(hub: HubServer, tmp_path: Path) -> None:
    async def ask(connector: HuggingFaceConnector) -> None:
        for name in ("org/none", "../../etc", ""):
            with pytest.raises(FileNotFoundError) as missing:
                await connector.download_model(name, tmp_path)
            assert isinstance(missing.value, NoSuchModel)
        with pytest.raises(FileNotFoundError):
            await connector.download_model("org/llama", tmp_path, revision="v9")
        hub.repos["org/llama"].gated = True
        with pytest.raises(RuntimeError) as gated:
            await connector.download_model("org/llama", tmp_path)
        assert isinstance(gated.value.__cause__, Gated)

    run(ask)


def test_whoever_is_cancelled_stops_the_download_and_does_not_wait(hub: HubServer, tmp_path: Path) -> None:
    hub.repos["org/llama"].commit({**FILES, "large.safetensors": bytes(range(256)) * 40_000})
    held = hub.fault("*/resolve/*/large.safetensors", hold_after=1 << 20)

    async def ask(connector: HuggingFaceConnector) -> None:
        task = asyncio.create_task(connector.download_model("org/llama", tmp_path / "cache"))
        while not hub.asked("*/resolve/*/large.safetensors"):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await connector.check_license("org/llama") == "apache-2.0"

    run(ask)
    held.release()
    for thread in threading.enumerate():
        if thread.name.startswith("connector"):
            thread.join(600)
    assert not list((tmp_path / "cache").glob("models--*/snapshots/*"))
    hub.forget()
    knows_everybody(hub)
    folder = run(lambda connector: connector.download_model("org/llama", tmp_path / "cache"))
    assert (folder / "large.safetensors").stat().st_size == 256 * 40_000


def test_many_tasks_at_once_and_a_second_event_loop(hub: HubServer) -> None:
    hub.repos.update(many(12))
    connector = HuggingFaceConnector(tries=1)

    async def ask() -> list[ModelMetadata | None]:
        await connector.connect({"token": CANARY})
        names = [f"org/m{number}" for number in range(12)] * 3
        return await asyncio.gather(*(connector.get_model_metadata(name) for name in names))

    for _ in range(2):
        found = asyncio.run(ask())
        assert [each and each.model_id for each in found] == [f"org/m{n}" for n in range(12)] * 3
    asyncio.run(connector.disconnect())


def test_what_a_registry_does_not_do_says_so() -> None:
    connector = HuggingFaceConnector()

    async def ask() -> None:
        for work in (
            connector.submit_job({}),
            connector.get_job_status("1"),
            connector.cancel_job("1"),
            connector.fetch_artifact("1"),
            connector.list_resources(),
            connector.get_pricing("1"),
            connector.provision_compute("1"),
            connector.deploy_endpoint("org/llama"),
            connector.track_experiment("x"),
        ):
            with pytest.raises(NotImplementedError, match="HuggingFace Hub does not support"):
                await work
        with pytest.raises(NotImplementedError):
            connector.stream_logs("1")

    asyncio.run(ask())


def test_a_memory_that_cannot_be_used_stops_nobody(hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    found = run(
        lambda connector: connector.get_model_metadata("org/llama"), cache_dir=tmp_path / "file" / "x"
    )
    assert found is not None
    with pytest.raises(RuntimeError):
        ModelCache(tmp_path / "file" / "x").get("org/llama")


@pytest.mark.parametrize(
    "ask",
    [
        lambda connector: connector.connect(None),
        lambda connector: connector.connect("hf_token"),
        lambda connector: connector.search_models(filter_tags=5),
        lambda connector: connector.get_model_metadata(None),
        lambda connector: connector.check_license(5),
        lambda connector: connector.check_compatibility("org/llama", 5),
        lambda connector: connector.download_model(None),
        lambda connector: connector.download_model("org/llama", 5),
        lambda connector: connector.download_model("org/llama", "a\0b"),
        lambda connector: connector.download_model("org/llama", revision=None),
        lambda connector: connector.upload_artifact(None, {}),
        lambda connector: connector.upload_artifact(".", None),
    ],
)
def test_an_argument_of_another_type_is_a_value_error_that_says_so(
    hub: HubServer, ask: Callable[[HuggingFaceConnector], Awaitable[object]]
) -> None:
    with pytest.raises(ValueError) as caught:
        run(ask)
    assert isinstance(caught.value, WeighbridgeError)


def test_tags_that_come_one_by_one_are_all_asked_for(hub: HubServer) -> None:
    async def ask(connector: HuggingFaceConnector) -> object:
        return await connector.search_models(filter_tags=(tag for tag in ("en", "peft")))  # type: ignore[arg-type]

    run(ask)
    assert "filter=en&filter=peft" in hub.asked("/api/models")[-1].target


def test_downloads_that_take_long_keep_no_question_waiting(hub: HubServer, tmp_path: Path) -> None:
    held = hub.fault("*/resolve/*", hold_after=0)

    async def ask(connector: HuggingFaceConnector) -> ModelMetadata | None:
        folders = [
            asyncio.create_task(connector.download_model("org/llama", tmp_path / f"cache-{number}"))
            for number in range(AT_ONCE)
        ]
        while not hub.asked("*/resolve/*"):
            await asyncio.sleep(0.01)
        try:
            return await asyncio.wait_for(connector.get_model_metadata("org/other"), 120)
        finally:
            held.release()
            await asyncio.gather(*folders)

    found = run(ask, read_s=100_000)
    assert found is not None
    assert found.model_id == "org/other"


def test_questions_that_were_given_up_keep_no_other_waiting(hub: HubServer) -> None:
    hub.repos.update(many(AT_ONCE * 2))

    async def ask(connector: HuggingFaceConnector) -> ModelMetadata | None:
        await connector.get_model_metadata("org/llama")
        held = hub.fault("/api/models/org/m*", hold_after=0)
        try:
            for turn in range(2):
                names = [f"org/m{number}" for number in range(turn * AT_ONCE, (turn + 1) * AT_ONCE)]
                tasks = [asyncio.create_task(connector.get_model_metadata(name)) for name in names]
                while len(hub.asked("/api/models/org/m*")) < (turn + 1) * AT_ONCE:
                    await asyncio.sleep(0.01)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            return await asyncio.wait_for(connector.get_model_metadata("org/llama"), 120)
        finally:
            held.release()

    found = run(ask, read_s=100_000)
    assert found is not None
    assert found.model_id == "org/llama"
