"""The life of a lock, as whole processes: what changed is readable, what cannot be loaded is not pinned."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.test_cli_models import FILES, Desk
from tests.hub_server import HubRepo, serve_hub

SHARDS = {f"model-0000{n}-of-00002.safetensors": bytes([n]) * 2000 for n in (1, 2)}
INDEX = json.dumps({"weight_map": {f"t{n}": name for n, name in enumerate(SHARDS)}}).encode()
SHARDED = {"config.json": b"{}", "model.safetensors.index.json": INDEX, **SHARDS}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with serve_hub({"org/a": FILES, "org/b": FILES, "org/sharded": SHARDED}) as server:
        yield Desk(tmp_path, server)


def list_of(desk: Desk, *models: str) -> None:
    desk.list.write_text("models:\n" + "".join(f"  - {{{model}}}\n" for model in models))


def test_an_upgrade_reads_like_a_diff(desk: Desk) -> None:
    desk.run("lock")
    old = desk.server.repos["org/a"].head
    new = desk.server.repos["org/a"].commit(
        {"config.json": b'{"v": 2}', "model.safetensors": FILES["model.safetensors"], "new.txt": b"n" * 1500}
    )
    desk.server.repos["org/a"].info["tags"] = ["license:apache-2.0"]
    shown = desk.run("lock", "--upgrade", "a").stdout.splitlines()
    assert [line.split()[:2] for line in shown[1:3]] == [["a", "changed"], ["b", "kept"]]
    assert shown[3:] == [
        "",
        f"a: {old[:12]} -> {new[:12]} (main)",
        "  licence: mit -> apache-2.0",
        "  - README.md  21 B",
        "  + new.txt  1.5 kB",
        "  ~ config.json  2 B -> 8 B",
        "  in all: 76.8 kB -> 78.3 kB",
    ]


def test_the_diff_in_json_has_every_file_and_size(desk: Desk) -> None:
    desk.run("lock")
    desk.server.repos["org/b"].commit({"config.json": b"{}", "other.json": b"[1]"})
    lines = {line["id"]: line for line in desk.json("lock", "--upgrade", "b")["models"]}
    assert "diff" not in lines["a"]
    assert lines["b"]["diff"] == {
        "repo": {"was": "org/b", "now": "org/b"},
        "revision": {"was": "main", "now": "main"},
        "license": {"was": "mit", "now": "mit"},
        "size_bytes": {"was": 2, "now": 5},
        "removed": [],
        "added": [{"path": "other.json", "size": 3}],
        "changed": [],
    }


def test_a_check_reads_like_the_upgrade_that_it_would_be_and_writes_nothing(desk: Desk) -> None:
    desk.run("lock")
    before = {path: path.read_bytes() for path in desk.place.rglob("*") if path.is_file()}
    desk.run("lock", "--check")
    desk.server.repos["org/a"].commit({**FILES, "config.json": b"[1]", "more.txt": b"more"})
    desk.server.repos["org/b"].commit({"model.safetensors": b"x"})
    done = desk.run("lock", "--check", code=5)
    shown = done.stdout.splitlines()[5:]
    assert shown == ["  + more.txt  4 B", "  ~ config.json  2 B -> 3 B"]
    assert "error: b: file pattern '*.json' matches no file" in done.stderr
    lines = {line["id"]: line for line in desk.json("lock", "--check", code=5)["models"]}
    assert lines["a"]["diff"]["added"] == [{"path": "more.txt", "size": 4}]
    assert (lines["b"]["moved"], lines["b"]["error"]["code"]) == (True, "bad-input")
    assert {path: path.read_bytes() for path in desk.place.rglob("*") if path.is_file()} == before
    desk.run("lock", "--upgrade", "a")


def test_a_changed_list_tells_what_is_asked_for_now(desk: Desk) -> None:
    desk.run("lock")
    list_of(desk, "id: a, repo_id: org/b, files: [config.json]")
    shown = desk.run("lock").stdout
    assert "  repository: org/a -> org/b\n" in shown
    assert "  files: all -> config.json\n" in shown
    assert "  - model.safetensors  76.8 kB\n" in shown
    assert "b      removed" in shown


def test_a_pin_that_cannot_be_upgraded_stays_and_is_told(desk: Desk) -> None:
    desk.run("lock")
    before = desk.lock.read_bytes()
    pinned = desk.server.repos["org/a"].head
    desk.server.repos["org/a"].commit({**FILES, "config.json": b"[]"})
    desk.server.fault("/api/models/org/a/*", status=429, headers={"Retry-After": "9999"})
    done = desk.run("lock", "--upgrade", "a", "--upgrade", "b", code=6)
    assert f"a      kept, not upgraded  {pinned[:12]}" in done.stdout
    assert "error: a: " in done.stderr
    (line, _) = desk.json("lock", "--upgrade", "a", code=6)["models"]
    assert (line["change"], line["commit"], line["error"]["code"]) == ("kept", pinned, "rate-limited")
    assert desk.lock.read_bytes() == before
    desk.run("sync")


def test_a_repository_without_all_its_shards_is_not_pinned(desk: Desk) -> None:
    second = list(SHARDS)[1]
    desk.server.repos["org/sharded"].commit({p: c for p, c in SHARDED.items() if p != second})
    list_of(desk, "id: s, repo_id: org/sharded", "id: b, repo_id: org/b")
    told = desk.run("lock", code=4).stderr
    assert f"model 's' is incomplete: org/sharded@{desk.server.repos['org/sharded'].head[:12]} " in told
    assert f"does not have {second} (asked for by " in told
    assert sorted(json.loads(desk.lock.read_text())["models"]) == ["b"]
    assert not (desk.place / "models" / "s").exists()
    desk.server.repos["org/sharded"].commit(SHARDED)
    desk.run("sync")
    assert desk.states() == {"s": "held", "b": "held"}


@pytest.mark.parametrize("lfs_from", [10, 1_000_000], ids=["index is a large file", "index is a small file"])
def test_files_that_leave_out_a_shard_are_refused_with_its_name(desk: Desk, lfs_from: int) -> None:
    desk.server.repos["org/sharded"] = HubRepo(SHARDED, lfs_from=lfs_from)
    first, second = SHARDS
    list_of(desk, f"id: s, repo_id: org/sharded, files: ['*.json', {first}]")
    told = desk.run("sync", code=2).stderr
    assert "model 's' is incomplete: its 'files' leave out" in told
    assert second in told
    list_of(desk, "id: s, repo_id: org/sharded, files: ['*.safetensors']")
    assert "leave out model.safetensors.index.json" in desk.run("sync", code=2).stderr
    list_of(desk, "id: s, repo_id: org/sharded, files: ['*.json']")
    desk.run("sync")
    list_of(desk, "id: s, repo_id: org/sharded, files: ['*.json', '*.safetensors']")
    desk.run("sync")
    assert desk.states() == {"s": "held"}


def test_an_index_that_is_not_json_does_not_stop_anybody(desk: Desk) -> None:
    desk.server.repos["org/b"].commit(
        {"model.safetensors.index.json": b"[" * 10_000, "model.safetensors": b"x"}
    )
    list_of(desk, "id: b, repo_id: org/b")
    desk.run("sync")


def test_an_adapter_without_its_config_is_not_pinned(desk: Desk) -> None:
    adapter = {"adapter_config.json": b"{}", "adapter_model.safetensors": b"x"}
    desk.server.repos["org/lora"] = HubRepo(adapter)
    list_of(desk, "id: l, repo_id: org/lora, files: [adapter_model.safetensors]")
    assert "leave out adapter_config.json" in desk.run("lock", code=2).stderr
    list_of(desk, "id: l, repo_id: org/lora")
    desk.run("lock")
    desk.server.repos["org/lora"].commit({"adapter_config.json": b"{}"})
    told = desk.run("lock", "--upgrade", "l", code=4)
    assert "does not have adapter_model.safetensors" in told.stderr
    assert "kept, not upgraded" in told.stdout


def test_weights_without_the_tokenizer_that_is_there_are_locked_with_a_word(desk: Desk) -> None:
    desk.server.repos["org/b"].commit({**FILES, "tokenizer.json": b"{}"})
    list_of(desk, "id: b, repo_id: org/b, files: [config.json, model.safetensors]")
    assert "note: b: 'files' takes weights and no tokenizer" in desk.run("lock").stderr
    desk.server.forget()
    assert "note:" not in desk.run("lock").stderr
    assert desk.server.requests == []


@pytest.mark.parametrize("layout", ["dir", "hf-cache"])
def test_bytes_that_rot_under_the_same_times_are_found_named_and_healed(desk: Desk, layout: str) -> None:
    env = {"HF_HOME": str(desk.place / "hf")}
    desk.run("sync", "--layout", layout, **env)
    shown = json.loads(desk.run("list", "--layout", layout, "--json", **env).stdout)["models"][0]
    file = (Path(shown["folder"]) / "model.safetensors").resolve()
    before = file.stat()
    file.chmod(0o644)
    with file.open("r+b") as held:
        held.seek(5)
        held.write(b"!")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    desk.run("verify", "--layout", layout, "--level", "size", **env)
    found = desk.run("verify", "--layout", layout, code=7, **env)
    assert "model.safetensors' should be sha256:" in found.stderr
    desk.run("sync", "--layout", layout, **env)
    assert (Path(shown["folder"]) / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    desk.run("verify", "--layout", layout, **env)


def test_list_tells_size_commit_licence_and_every_state(desk: Desk) -> None:
    ids = ("held", "partial", "missing", "stale", "tampered")
    list_of(desk, *(f"id: {id}, repo_id: org/b" for id in ids))
    desk.run("sync", "held", "partial", "stale", "tampered")
    desk.run("lock")
    models = desk.place / "models"
    (models / "partial" / "config.json").unlink()
    (models / "tampered" / "config.json").unlink()
    (models / "tampered" / "config.json").write_bytes(b"[]")
    new = desk.server.repos["org/b"].commit({"config.json": b"[1]"})
    desk.run("lock", "--upgrade", "stale")
    listed = {line["id"]: line for line in desk.json("list")["models"]}
    assert {id: line["state"] for id, line in listed.items()} == {id: id for id in ids}
    assert (listed["stale"]["commit"], listed["stale"]["size_bytes"]) == (new, 3)
    assert {line["license"] for line in listed.values()} == {"mit"}
    shown = desk.run("list", "held", "stale").stdout.splitlines()
    assert shown[0].split() == ["MODEL", "STATE", "REPOSITORY", "REVISION", "COMMIT", "SIZE", "LICENCE"]
    assert [line.split()[0] for line in shown[1:]] == ["held", "stale"]
    assert shown[2].split()[4:] == [new[:12], "3", "B", "mit"]
    desk.run("list", "other", code=4)
