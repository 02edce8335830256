"""``weighbridge search`` and ``catalog``: with a Hub, without it, and beside a registry."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from tests.adapters.test_catalog import line, package
from tests.doors.cli_in_process import Shell
from tests.hub_server import HubRepo, HubServer, serve_hub
from weighbridge.adapters.catalog import Catalog

LIST = "/api/models"


def repo(downloads: int, **info: object) -> HubRepo:
    made = HubRepo({"a.txt": b"a"})
    made.info = {
        "downloads": downloads,
        "likes": 3,
        "tags": ["en", "license:mit"],
        "pipeline_tag": "fill-mask",
        "lastModified": f"2026-01-{downloads:02}T00:00:00.000Z",
        **info,
    }
    return made


@pytest.fixture
def hub() -> Iterator[HubServer]:
    repos = {
        "acme/bert-base": repo(9),
        "acme/bert-tiny": repo(5, tags=["de", "license:mit"]),
        "acme/gpt": repo(7),
    }
    with serve_hub(repos) as server:
        yield server


@pytest.fixture
def shell(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    env = {"HOME": str(tmp_path), "WEIGHBRIDGE_HOME": str(tmp_path / "home"), "HF_ENDPOINT": hub.url}
    return Shell(env, monkeypatch, capsys)


def rows(shown: str) -> list[list[str]]:
    return [row.split() for row in shown.splitlines()[1:]]


def test_the_hub_answers_and_what_it_said_is_remembered(shell: Shell, hub: HubServer) -> None:
    out, err = shell.run("search", "bert")
    assert [row[0] for row in rows(out)] == ["acme/bert-base", "acme/bert-tiny"]
    header = "MODEL DOWNLOADS LIKES TASK LICENCE SIZE SOURCE AGE HELD"
    assert " ".join(out.splitlines()[0].split()) == header
    assert rows(out)[0][1:] == ["9", "3", "fill-mask", "mit", "-", "hub", "now", "-"]
    assert err == ""
    hub.requests.clear()
    out, err = shell.run("search", "bert", "--offline")
    assert [(row[0], row[6]) for row in rows(out)] == [
        ("acme/bert-base", "index"),
        ("acme/bert-tiny", "index"),
    ]
    assert "the Hub was not asked" in err
    assert hub.requests == []


def test_filters_go_to_the_hub_and_to_the_index(shell: Shell, hub: HubServer) -> None:
    wanted = ("search", "--filter", "de", "--licence", "mit", "--pipeline", "fill-mask", "--author", "acme")
    (found,) = shell.json(*wanted)["models"]
    assert (found["name"], found["source"], found["downloads"]) == ("acme/bert-tiny", "hub", 5)
    target = hub.asked(LIST)[0].target
    for sent in ("filter=de", "filter=license%3Amit", "pipeline_tag=fill-mask", "author=acme"):
        assert sent in target
    shell.run("search")
    (found,) = shell.json(*wanted, "--offline")["models"]
    assert (found["name"], found["source"]) == ("acme/bert-tiny", "index")


@pytest.mark.parametrize(
    "fault", [{"raw": b""}, {"status": 503}, {"status": 429, "headers": {"Retry-After": "7200"}}]
)
def test_without_an_answer_what_is_remembered_is_shown_with_its_age(
    shell: Shell, hub: HubServer, fault: dict[str, object]
) -> None:
    shell.run("search", "gpt")
    hub.fault(LIST, **fault)
    shown = shell.json("search", "gpt")
    assert [(each["name"], each["source"]) for each in shown["models"]] == [("acme/gpt", "index")]
    assert shown["models"][0]["age_seconds"] >= 0
    assert "this is what is remembered and held here" in shown["remarks"][0]


def test_an_answer_that_is_none_and_a_refused_token_are_errors(shell: Shell, hub: HubServer) -> None:
    hub.fault(LIST, body=b"<html>", times=1)
    shell.run("search", "gpt", code=7)
    hub.fault(LIST, status=403)
    shell.run("search", "gpt", code=8)


def test_packages_that_are_held_here_are_marked_and_come_first_offline(
    shell: Shell, hub: HubServer, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    catalog = Catalog.open(home / "catalog.sqlite3")
    for number, name in enumerate(("acme/gpt", "acme/gpt", "mine/gpt-own", "mine/gpt-bad")):
        catalog.add(replace(package(f"p{number}", name, f"1.{number}.0", number), licence="mit"), [], line())
    catalog.withdraw("p3", "it was wrong", line())
    catalog.close()
    (online,) = shell.json("search", "gpt")["models"]
    assert (online["source"], online["held"]["name"]) == ("hub", "acme/gpt")
    shell.run("search", "bert")
    offline = shell.json("search", "gpt", "--offline")["models"]
    assert [(each["name"], each["source"]) for each in offline] == [
        ("mine/gpt-own", "registry"),
        ("acme/gpt", "registry"),
    ]
    assert (offline[1]["downloads"], offline[0]["held"]["version"]) == (7, "1.2.0")
    tagged = shell.json("search", "--filter", "en", "--offline")["models"]
    assert [(each["name"], each["source"], each["held"] is None) for each in tagged] == [
        ("acme/bert-base", "index", True),
        ("acme/gpt", "index", False),
    ]
    out, _ = shell.run("search", "gpt", "--offline", "--author", "mine")
    assert [row[0] for row in rows(out)] == ["mine/gpt-own"]


def test_what_is_held_of_an_author_is_found_behind_many_packages_of_others(
    shell: Shell, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    catalog = Catalog.open(home / "catalog.sqlite3")
    catalog.add(package("own", "mine/first", "1.0.0", 0), [], line())
    for number in range(1, 6):
        catalog.add(package(f"p{number}", "acme/gpt", f"1.{number}.0", number), [], line())
    catalog.close()
    for author in ("mine", "MINE"):
        found = shell.json("search", "--author", author, "--limit", "2", "--offline")["models"]
        assert [each["name"] for each in found] == ["mine/first"]
    both = shell.json("search", "--limit", "2", "--offline")["models"]
    assert [(each["name"], each["held"]["version"]) for each in both] == [
        ("acme/gpt", "1.5.0"),
        ("mine/first", "1.0.0"),
    ]
    assert shell.json("search", "--author", "no such author", "--offline")["models"] == []


def test_models_that_are_held_take_no_places_of_others(shell: Shell, tmp_path: Path) -> None:
    shell.run("search")
    catalog = Catalog.open(tmp_path / "home" / "catalog.sqlite3")
    catalog.add(package("p", "acme/bert-base", "1.0.0", 0), [], line())
    catalog.close()
    found = shell.json("search", "--limit", "3", "--offline")["models"]
    assert [(each["name"], each["source"]) for each in found] == [
        ("acme/bert-base", "registry"),
        ("acme/gpt", "index"),
        ("acme/bert-tiny", "index"),
    ]


def test_who_knows_nothing_yet_is_told_how_to_learn(shell: Shell) -> None:
    out, err = shell.run("search", "bert", "--offline")
    assert rows(out) == []
    assert "'weighbridge catalog sync' learns the Hub's list" in err


def test_a_search_makes_no_registry(shell: Shell, tmp_path: Path) -> None:
    shell.run("search", "bert")
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == ["models-index"]


def test_an_index_that_cannot_be_used_costs_only_the_memory(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "models-index").write_text("no folder")
    shown = shell.json("search", "gpt")
    assert [each["name"] for each in shown["models"]] == ["acme/gpt"]
    assert "is not remembered" in shown["remarks"][0]
    shell.run("search", "gpt", "--offline", code=6)


def test_no_token_is_kept_in_the_index_or_shown(shell: Shell, hub: HubServer, tmp_path: Path) -> None:
    shell.env["HF_TOKEN"] = "hf_canary_of_a_token"
    out, err = shell.run("search", "bert", "--json")
    assert hub.asked(LIST)[0].headers["authorization"] == "Bearer hf_canary_of_a_token"
    kept = b"".join(path.read_bytes() for path in (tmp_path / "home" / "models-index").iterdir())
    assert "canary" not in out + err
    assert b"canary" not in kept


@pytest.mark.parametrize("limit", ["0", "-1", "1001"])
def test_a_limit_that_cannot_be_is_a_usage_error(shell: Shell, limit: str) -> None:
    _, err = shell.run("search", "x", "--limit", limit, code=2)
    assert "between 1 and 1000" in err


def test_the_list_is_learned_and_counted_and_forgotten(shell: Shell, hub: HubServer) -> None:
    hub.page_size = 2
    learned = shell.json("catalog", "sync")
    assert learned == {"entries": 3, "pages": 2, "resumed": False, "complete": True, "known": 3}
    status = shell.json("catalog", "status")
    assert status["entries"] == 3
    assert datetime.fromisoformat(status["oldest"]) <= datetime.fromisoformat(status["newest"])
    out, _ = shell.run("catalog", "status")
    assert out.startswith("3 models, ")
    hub.requests.clear()
    out, _ = shell.run("search", "--sort", "updated", "--offline")
    assert [row[0] for row in rows(out)] == ["acme/bert-base", "acme/gpt", "acme/bert-tiny"]
    assert hub.requests == []
    out, _ = shell.run("catalog", "sync", "--again")
    assert out == "3 models in 2 pages; 3 are known\n"
    assert shell.run("catalog", "clear")[0] == ""
    assert shell.json("catalog", "clear") == {"cleared": True}
    assert shell.json("catalog", "status")["entries"] == 0
    shell.run("catalog", "sync", "--limit", "0", code=2)
    shell.env["HF_HUB_OFFLINE"] = "1"
    shell.run("catalog", "sync", code=6)


def test_a_sync_that_was_killed_goes_on(shell: Shell, hub: HubServer) -> None:
    hub.page_size = 1
    held = hub.fault(LIST, hold_after=10)
    hub._faults.clear()
    shell.json("catalog", "sync", "--limit", "1")
    hub._faults.append(held)
    env = {**{k: v for k, v in os.environ.items() if not k.startswith(("WEIGHBRIDGE_", "HF_"))}, **shell.env}
    hub.requests.clear()
    syncing = subprocess.Popen([sys.executable, "-m", "weighbridge", "catalog", "sync"], env=env)
    while not hub.asked(LIST):
        assert syncing.poll() is None
        time.sleep(0.01)
    syncing.kill()
    syncing.wait()
    hub.forget()
    out, _ = shell.run("catalog", "sync")
    assert out == "went on with the last sync: 2 models in 2 pages; 3 are known\n"
