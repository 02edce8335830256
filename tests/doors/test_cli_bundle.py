"""A model list over an air gap: exported here, imported there, as whole processes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.test_cli_models import FILES, LIST, WEIGHTS, Desk
from tests.hub_server import HubServer, serve_hub


@pytest.fixture
def server() -> Iterator[HubServer]:
    with serve_hub({"org/a": FILES, "org/b": FILES}) as server:
        yield server


def desk_at(place: Path, server: HubServer) -> Desk:
    place.mkdir()
    return Desk(place, server)


@pytest.fixture
def here(tmp_path: Path, server: HubServer) -> Desk:
    """Where there is a network: the list is locked and synced."""
    desk = desk_at(tmp_path / "here", server)
    desk.run("sync")
    return desk


@pytest.fixture
def there(tmp_path: Path, server: HubServer, here: Desk) -> Desk:
    """Behind the gap: another home, the same list, and no Hub."""
    desk = desk_at(tmp_path / "there", server)
    desk.environ |= {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1"}
    return desk


@pytest.fixture
def bundle(here: Desk, tmp_path: Path) -> Path:
    here.run("bundle", "export", str(tmp_path / "models.bundle"))
    return tmp_path / "models.bundle"


def blobs(desk: Desk) -> list[str]:
    return sorted(path.name for path in (desk.place / "home" / "blobs-v1").rglob("*") if path.is_file())


def test_what_was_exported_here_is_synced_there_without_a_hub(
    here: Desk, there: Desk, tmp_path: Path
) -> None:
    bundle = tmp_path / "models.bundle"
    told = here.json("bundle", "export", str(bundle))
    assert told["sha256"] == hashlib.sha256(bundle.read_bytes()).hexdigest()
    assert told["size_bytes"] == bundle.stat().st_size
    assert told["holds"] == ["a", "b"]
    there.run("sync", "--frozen", code=5)
    done = there.json("bundle", "import", str(bundle), "--sha256", told["sha256"])
    assert [(line["id"], line["change"]) for line in done["models"]] == [("a", "added"), ("b", "added")]
    assert there.lock.read_bytes() == here.lock.read_bytes()
    assert not (there.place / "models").exists(), "nothing is laid out before sync"
    synced = there.json("sync", "--frozen", "--offline")["models"]
    assert [line["fetched_bytes"] for line in synced] == [0, 0]
    assert (there.place / "models" / "a" / "model.safetensors").read_bytes() == WEIGHTS
    assert there.states() == {"a": "held", "b": "held"}
    there.run("verify", "--level", "sha256")


def test_equal_files_are_carried_once_and_importing_again_changes_nothing(there: Desk, bundle: Path) -> None:
    there.run("bundle", "import", str(bundle))
    held, lock = blobs(there), there.lock.read_bytes()
    assert len(held) == len(set(FILES.values()))
    assert bundle.stat().st_size < 2 * len(WEIGHTS)
    again = there.json("bundle", "import", str(bundle))
    assert [line["change"] for line in again["models"]] == ["kept", "kept"]
    assert (blobs(there), there.lock.read_bytes()) == (held, lock)


def test_a_newer_bundle_moves_the_lock_and_says_so(here: Desk, there: Desk, bundle: Path) -> None:
    there.run("bundle", "import", str(bundle))
    old = here.server.repos["org/a"].head
    new = here.server.repos["org/a"].commit({**FILES, "config.json": b'{"new": 1}'})
    here.run("lock", "--upgrade", "a")
    here.run("sync")
    here.run("bundle", "export", str(bundle))
    shown = there.run("bundle", "import", str(bundle)).stdout
    assert f"a      changed  {new[:12]}  {old[:12]}" in shown
    there.run("sync", "--frozen", "--offline")
    assert (there.place / "models" / "a" / "config.json").read_bytes() == b'{"new": 1}'


def test_only_what_the_list_asks_for_is_pinned(there: Desk, bundle: Path) -> None:
    there.list.write_text("models:\n  - id: b\n    repo_id: org/b\n    files: ['*.json']\n")
    done = there.json("bundle", "import", str(bundle))
    assert [line["id"] for line in done["models"]] == ["b"]
    assert done["unasked"] == ["a"]
    there.run("sync", "--frozen", "--offline")
    there.list.write_text(LIST.replace("    files: [", "    revision: v2\n    files: ["))
    told = there.run("bundle", "import", str(bundle), code=5)
    assert "made for another entry than org/b@v2" in told.stderr
    there.lock.unlink()
    there.list.write_text("models:\n  - {id: c, repo_id: org/c}\n")
    assert "asks for nothing" in there.run("bundle", "import", str(bundle), code=5).stderr
    assert not there.lock.exists()


def test_a_damaged_bundle_changes_no_lock_and_names_the_file(there: Desk, bundle: Path) -> None:
    whole = bundle.read_bytes()
    at = whole.index(WEIGHTS[:512]) + 40_000
    bundle.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    told = there.run("bundle", "import", str(bundle), code=7).stderr
    assert "model.safetensors should be sha256:" in told
    assert not there.lock.exists()
    assert hashlib.sha256(WEIGHTS).hexdigest() not in blobs(there)
    document = there.json("bundle", "import", str(bundle), code=7)
    assert document["error"]["code"] == "bad-bundle"
    bundle.write_bytes(whole)
    wrong = there.run("bundle", "import", str(bundle), "--sha256", "0" * 64, code=7).stderr
    assert "the whole file should be sha256:0000" in wrong
    assert not there.lock.exists()
    assert "'abc'" in there.run("bundle", "import", str(bundle), "--sha256", "abc", code=2).stderr
    there.run("bundle", "import", str(bundle))
    there.run("sync", "--frozen", "--offline")


def test_what_is_not_held_or_not_locked_is_not_exported(here: Desk, tmp_path: Path) -> None:
    target = tmp_path / "x.bundle"
    weights = hashlib.sha256(WEIGHTS).hexdigest()
    (here.place / "home" / "blobs-v1" / "sha256" / weights[:2] / weights).unlink()
    here.run("bundle", "export", str(target))  # the folders still have it
    target.unlink()
    (here.place / "models" / "a" / "model.safetensors").unlink()
    assert "'model.safetensors' is not held" in here.run("bundle", "export", str(target), code=4).stderr
    here.list.write_text(LIST + "  - {id: c, repo_id: org/c}\n")
    assert "does not match the model list: c" in here.run("bundle", "export", str(target), code=5).stderr
    assert not target.exists()


def test_damage_in_the_store_is_found_by_the_export(here: Desk, tmp_path: Path) -> None:
    weights = hashlib.sha256(WEIGHTS).hexdigest()
    held = here.place / "home" / "blobs-v1" / "sha256" / weights[:2] / weights
    held.chmod(0o644)
    with held.open("r+b") as file:
        file.write(b"other")
    told = here.run("bundle", "export", str(tmp_path / "x.bundle"), code=7).stderr
    assert "a: model.safetensors is held with other bytes" in told
    assert list(tmp_path.glob("*.bundle")) == []
    assert list(tmp_path.glob(".*")) == []


def test_a_git_id_that_is_not_the_files_is_a_lie(here: Desk, there: Desk, tmp_path: Path) -> None:
    locked = json.loads(here.lock.read_text())
    entry = next(e for e in locked["models"]["b"]["files"] if e["path"] == "config.json")
    here.lock.write_text(here.lock.read_text().replace(entry["git_sha1"], "1" * 40))
    here.run("bundle", "export", str(tmp_path / "x.bundle"))
    told = there.run("bundle", "import", str(tmp_path / "x.bundle"), code=7).stderr
    assert "config.json should be git-sha1:1111" in told
    assert not there.lock.exists()


def test_what_lies_in_the_hugging_face_cache_alone_is_exported_from_there(
    here: Desk, there: Desk, tmp_path: Path
) -> None:
    here.environ["HF_HOME"] = str(here.place / "hf")
    here.list.write_text(f"layout: hf-cache\n{LIST}")
    here.run("sync")
    for blob in (here.place / "home" / "blobs-v1").glob("sha256/*/*"):
        blob.unlink()
    here.run("clean", "--layout", "dir")
    here.run("bundle", "export", str(tmp_path / "x.bundle"))
    there.run("bundle", "import", str(tmp_path / "x.bundle"))
    there.run("sync", "--frozen", "--offline")
    assert (there.place / "models" / "a" / "model.safetensors").read_bytes() == WEIGHTS
