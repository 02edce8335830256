"""Models laid out in a Hugging Face cache, and contents adopted from one, by the real client."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import LocalEntryNotFoundError
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from tests.doors.test_cli_models import Desk
from tests.hub_server import HubRepo, serve_hub

WEIGHTS = bytes(range(256)) * 300
FILES = {
    "config.json": b"{}",
    "model.safetensors": WEIGHTS,
    "sub/deep/notes.txt": b"notes",
    "empty.txt": b"",
}
LIST = """\
layout: hf-cache
models:
  - id: a
    repo_id: org/a
  - id: b
    repo_id: org/b
    revision: v1
    files: ["*.json"]
"""


class CacheDesk(Desk):
    """A desk whose user has a Hugging Face cache."""

    @property
    def cache(self) -> Path:
        return self.place / "user" / ".cache" / "huggingface" / "hub"

    @property
    def repo(self) -> Path:
        return self.cache / "models--org--a"

    @property
    def head(self) -> str:
        return self.server.repos["org/a"].head

    def shown(self, revision: str | None = None, repo: str = "org/a") -> dict[str, bytes]:
        """What the real client finds without a network."""
        folder = Path(snapshot_download(repo, revision=revision, cache_dir=self.cache, local_files_only=True))
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    def downloaded(self, revision: str | None = None, **more: str) -> Path:
        """What the real client downloads."""
        return Path(
            snapshot_download(
                "org/a", revision=revision, cache_dir=self.cache, endpoint=self.server.url, **more
            )
        )

    def require_sound(self) -> None:
        """The client sees no damage: every link leads to a content, every ref to a snapshot."""
        found = scan_cache_dir(self.cache)
        assert found.warnings == []
        assert not list(self.cache.rglob(".weighbridge*"))

    def fetches(self) -> list[str]:
        return [asked.path for asked in self.server.asked("*/resolve/*") if asked.method == "GET"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[CacheDesk]:
    with serve_hub({"org/a": FILES, "org/b": FILES}) as server:
        server.repos["org/b"].tags["v1"] = server.repos["org/b"].head
        desk = CacheDesk(tmp_path, server)
        desk.list.write_text(LIST)
        yield desk


def test_the_real_client_finds_the_models_offline(desk: CacheDesk) -> None:
    done = desk.json("sync")["models"]
    assert [line["fetched_bytes"] for line in done] == [len(WEIGHTS), 0]
    assert done[0]["folder"] == str(desk.repo / "snapshots" / desk.head)
    assert desk.shown("main") == desk.shown(desk.head) == desk.shown() == FILES
    assert desk.shown("v1", "org/b") == {"config.json": b"{}"}
    path = hf_hub_download("org/a", "sub/deep/notes.txt", cache_dir=desk.cache, local_files_only=True)
    assert Path(path).read_bytes() == b"notes"
    with pytest.raises(LocalEntryNotFoundError):
        desk.shown("other")
    desk.require_sound()
    assert desk.states() == {"a": "held", "b": "held"}
    desk.run("verify")


def test_the_contents_are_named_as_the_client_names_them(desk: CacheDesk) -> None:
    """So that the client downloads nothing again, and a cache of its own looks the same."""
    desk.run("sync", "a")
    ours = sorted(p.relative_to(desk.repo).as_posix() for p in desk.repo.rglob("*"))
    links = {p.name: os.readlink(p) for p in desk.repo.rglob("*") if p.is_symlink()}
    desk.server.requests.clear()
    assert {p.name: p.read_bytes() for p in desk.downloaded().rglob("*.safetensors")} == {
        "model.safetensors": WEIGHTS
    }
    assert desk.fetches() == []
    shutil.rmtree(desk.cache)
    desk.downloaded()
    theirs = sorted(p.relative_to(desk.repo).as_posix() for p in desk.repo.rglob("*") if p.suffix != ".json")
    assert [p for p in ours if not p.endswith(".json")] == [p for p in theirs if not p.startswith("trees")]
    assert links == {p.name: os.readlink(p) for p in desk.repo.rglob("*") if p.is_symlink()}


def test_with_everything_held_nothing_is_asked_or_written(desk: CacheDesk) -> None:
    desk.run("sync")
    desk.server.requests.clear()
    before = {p: p.lstat().st_mtime_ns for p in desk.place.rglob("*")}
    for command in (["sync"], ["sync", "--frozen", "--offline"], ["list"], ["verify"]):
        desk.run(*command)
    assert desk.server.requests == []
    assert {p: p.lstat().st_mtime_ns for p in desk.place.rglob("*")} == before


def test_a_cache_that_the_list_names_and_one_that_the_environment_names(desk: CacheDesk) -> None:
    desk.list.write_text(LIST.replace("layout:", "cache_dir: kept\nlayout:"))
    desk.run("sync")
    assert (desk.place / "kept" / "models--org--a").is_dir()
    assert not desk.cache.exists()
    desk.list.write_text(LIST)
    desk.run("sync", HF_HUB_CACHE=str(desk.place / "other"))
    assert (desk.place / "other" / "models--org--a" / "refs" / "main").read_text() == desk.head


def test_the_flag_takes_the_place_of_what_the_list_says(desk: CacheDesk) -> None:
    desk.list.write_text(LIST.replace("layout: hf-cache\n", ""))
    desk.run("sync")
    assert (desk.place / "models" / "a" / "config.json").exists()
    assert not desk.cache.exists()
    done = desk.json("sync", "--layout", "hf-cache", "--offline")["models"]
    assert [line["fetched_bytes"] for line in done] == [0, 0]
    assert desk.shown() == FILES
    assert [line["state"] for line in desk.json("list", "--layout", "hf-cache")["models"]] == ["held", "held"]
    desk.run("clean", "--layout", "hf-cache")
    assert not any(desk.cache.glob("models--*"))
    assert desk.states() == {"a": "held", "b": "held"}


def test_a_cache_that_the_client_filled_is_taken_over_without_a_download(desk: CacheDesk) -> None:
    desk.downloaded()
    desk.server.requests.clear()
    before = {p: (p.lstat().st_mtime_ns, p.lstat().st_ino) for p in desk.repo.rglob("*") if not p.is_dir()}
    (line,) = desk.json("sync", "a")["models"]
    assert (line["found"], line["fetched_bytes"]) == ("held", 0)
    assert desk.fetches() == []
    after = {p: (p.lstat().st_mtime_ns, p.lstat().st_ino) for p in desk.repo.rglob("*") if not p.is_dir()}
    assert after == before
    desk.run("clean", "a")
    assert desk.shown() == FILES, "what we did not put there was removed"
    desk.require_sound()


def test_a_half_filled_cache_is_filled_up(desk: CacheDesk) -> None:
    hf_hub_download("org/a", "model.safetensors", cache_dir=desk.cache, endpoint=desk.server.url)
    theirs = desk.repo / "snapshots" / desk.head / "model.safetensors"
    inode = theirs.stat().st_ino
    desk.server.requests.clear()
    desk.run("sync", "a")
    assert [path for path in desk.fetches() if path.endswith("safetensors")] == []
    assert desk.shown() == FILES
    assert theirs.stat().st_ino == inode
    desk.run("clean", "a")
    assert desk.shown() == {"model.safetensors": WEIGHTS}
    desk.require_sound()


def _rewrite(path: Path) -> None:
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(b"XXXX")


def _truncate(path: Path) -> None:
    path.chmod(0o644)
    os.truncate(path, 7)


@pytest.mark.parametrize("damage", [_rewrite, _truncate, Path.unlink])
@pytest.mark.parametrize("by", ["us", "the client"])
def test_a_damaged_content_is_noticed_named_and_healed(desk: CacheDesk, damage: object, by: str) -> None:
    if by == "us":
        desk.run("sync", "a")
    else:
        desk.run("lock")
        desk.downloaded()
    assert callable(damage)
    damage((desk.repo / "snapshots" / desk.head / "model.safetensors").resolve())
    assert "model.safetensors" in desk.run("verify", "a", code=4 if damage is Path.unlink else 7).stderr
    desk.run("sync", "a")
    assert desk.shown() == FILES
    assert desk.states()["a"] == "held"
    desk.run("verify", "a")
    desk.require_sound()


def test_a_branch_that_led_elsewhere_leads_to_the_lock_and_that_is_said(desk: CacheDesk) -> None:
    desk.run("lock")
    old = desk.head
    new = desk.server.repos["org/a"].commit({**FILES, "config.json": b'{"new": 1}'})
    desk.downloaded()
    assert desk.shown()["config.json"] == b'{"new": 1}'
    done = desk.run("sync", "a")
    assert f"led to {new[:12]} before" in done.stderr
    assert desk.shown() == desk.shown(old) == FILES
    assert desk.shown(new)["config.json"] == b'{"new": 1}'
    desk.require_sound()
    desk.downloaded()
    assert desk.states()["a"] == "stale"
    assert desk.json("sync", "a")["models"][0]["moved_from"] == new
    assert desk.json("sync", "a")["models"][0]["moved_from"] is None


def test_an_upgrade_stands_beside_what_was_there(desk: CacheDesk) -> None:
    desk.run("sync", "a")
    old, first = desk.head, desk.shown()
    desk.server.repos["org/a"].commit({**FILES, "config.json": b'{"new": 1}'})
    desk.run("lock", "--upgrade", "a")
    assert desk.states()["a"] == "missing"
    desk.run("sync", "a")
    assert desk.shown(old) == first
    assert desk.shown()["config.json"] == b'{"new": 1}'
    desk.require_sound()


def test_clean_leaves_a_sound_cache_and_nothing_of_ours(desk: CacheDesk) -> None:
    desk.run("sync")
    would = desk.json("clean", "--dry-run")
    held = sum(p.stat().st_size for p in desk.cache.rglob("blobs/*"))
    assert sum(line["removed_bytes"] for line in would["models"]) == held
    assert desk.shown() == FILES
    assert desk.json("clean")["models"] == would["models"]
    assert not any(desk.cache.glob("models--*"))
    assert desk.states() == {"a": "missing", "b": "missing"}
    desk.require_sound()


def test_clean_keeps_what_another_lock_shows_in_the_same_cache(desk: CacheDesk) -> None:
    other = desk.place / "other" / "models.yaml"
    other.parent.mkdir()
    other.write_text("layout: hf-cache\nmodels:\n  - {id: x, repo_id: org/a, files: [config.json]}\n")
    desk.run("sync", "a")
    desk.run("sync", "--config", str(other))
    done = desk.json("clean", "a")
    assert done["models"][0]["kept_for"] == str(other.with_suffix(".lock"))
    assert desk.shown() == {"config.json": b"{}"}
    desk.require_sound()
    listed = json.loads(desk.run("list", "--config", str(other), "--json").stdout)["models"]
    assert [line["state"] for line in listed] == ["held"]
    desk.run("clean", "--config", str(other))
    assert not any(desk.cache.glob("models--*"))


def test_two_models_of_one_list_share_a_snapshot(desk: CacheDesk) -> None:
    desk.list.write_text(
        "layout: hf-cache\nmodels:\n  - {id: c, repo_id: org/a, files: [config.json]}\n"
        "  - {id: w, repo_id: org/a, files: ['*.safetensors', empty.txt]}\n"
    )
    desk.run("sync")
    assert desk.states() == {"c": "held", "w": "held"}
    desk.run("clean", "w")
    assert desk.shown() == {"config.json": b"{}"}
    assert desk.states()["c"] == "held"
    desk.run("clean")
    assert not any(desk.cache.glob("models--*"))


def test_what_stands_in_the_way_is_not_removed(desk: CacheDesk) -> None:
    mine = desk.repo / "snapshots" / "x" / ".." / desk.head / "sub"
    (desk.repo / "snapshots" / "x").mkdir(parents=True)
    mine.parent.mkdir()
    mine.write_text("mine")
    assert "sub" in desk.run("sync", "a", code=5).stderr
    assert mine.read_text() == "mine"


def test_what_is_in_a_shared_cache_is_not_to_be_edited(desk: CacheDesk) -> None:
    assert "--layout dir --copy" in desk.run("sync", "--copy", code=2).stderr


@pytest.mark.parametrize("layout", ["dir", "hf-cache"])
def test_contents_of_the_clients_cache_are_adopted_after_they_were_checked(
    desk: CacheDesk, layout: str
) -> None:
    desk.downloaded()
    desk.list.write_text("cache_dir: kept\n" + LIST.replace("hf-cache", layout))
    desk.server.requests.clear()
    (line,) = desk.json("sync", "a")["models"]
    assert (line["adopted_bytes"], line["fetched_bytes"]) == (len(WEIGHTS), 0)
    assert desk.fetches() == []
    for theirs in desk.repo.glob("blobs/*"):
        assert theirs.stat().st_nlink == 1, "an inode that its owner may write into became ours"
    desk.run("verify", "a")


def test_a_damaged_content_of_the_clients_cache_is_fetched(desk: CacheDesk) -> None:
    desk.downloaded()
    for name in ("model.safetensors", "config.json"):
        _rewrite((desk.repo / "snapshots" / desk.head / name).resolve())
    desk.list.write_text(LIST.replace("hf-cache", "dir"))
    desk.server.requests.clear()
    (line,) = desk.json("sync", "a")["models"]
    assert (line["adopted_bytes"], line["fetched_bytes"]) == (0, len(WEIGHTS))
    assert sorted(path.rpartition("/")[2] for path in desk.fetches()) == ["config.json", "model.safetensors"]
    desk.run("verify", "a")


def test_contents_of_another_repository_are_adopted(desk: CacheDesk) -> None:
    desk.downloaded()
    desk.list.write_text("models:\n  - {id: b, repo_id: org/b}\n")
    desk.server.requests.clear()
    (line,) = desk.json("sync")["models"]
    assert line["adopted_bytes"] == len(WEIGHTS)
    assert desk.fetches() == []


def test_adoption_needs_no_network(desk: CacheDesk) -> None:
    desk.downloaded()
    desk.list.write_text(LIST.replace("hf-cache", "dir"))
    desk.run("lock")
    shutil.rmtree(desk.place / "home" / "blobs-v1")
    (line,) = desk.json("sync", "a", "--offline")["models"]
    assert line["adopted_bytes"] == sum(map(len, FILES.values()))


def test_adoption_can_be_switched_off(desk: CacheDesk) -> None:
    desk.downloaded()
    desk.list.write_text(LIST.replace("hf-cache", "dir"))
    desk.environ["WEIGHBRIDGE_ADOPT"] = "0"
    (line,) = desk.json("sync", "a")["models"]
    assert (line["adopted_bytes"], line["fetched_bytes"]) == (0, len(WEIGHTS))


def test_a_data_set_lies_where_the_client_looks_for_it(desk: CacheDesk) -> None:
    desk.server.repos["org/a"].kind = "dataset"
    desk.list.write_text("layout: hf-cache\nmodels:\n  - {id: a, repo_id: org/a, kind: dataset}\n")
    desk.run("sync")
    found = try_to_load_from_cache("org/a", "config.json", cache_dir=desk.cache, repo_type="dataset")
    assert isinstance(found, str)
    assert Path(found).read_bytes() == b"{}"


READ = """
import sys
from transformers import AutoConfig, AutoTokenizer
for revision in sys.argv[1:]:
    print(AutoConfig.from_pretrained("org/t", revision=revision).hidden_size)
    print(AutoTokenizer.from_pretrained("org/t", revision=revision)("b a")["input_ids"])
"""


def test_transformers_finds_a_model_at_its_commit_and_at_its_branch(desk: CacheDesk) -> None:
    tokenizer = Tokenizer(WordLevel({"a": 0, "b": 1, "[UNK]": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    files = {
        "config.json": b'{"model_type": "bert", "hidden_size": 32}',
        "tokenizer.json": tokenizer.to_str().encode(),
        "tokenizer_config.json": b'{"tokenizer_class": "PreTrainedTokenizerFast"}',
    }
    desk.server.repos["org/t"] = HubRepo(files)
    desk.list.write_text("layout: hf-cache\nmodels:\n  - {id: t, repo_id: org/t}\n")
    desk.run("sync")
    desk.server.requests.clear()
    offline = {**desk.environ, "HF_HUB_OFFLINE": "1"}
    head = desk.server.repos["org/t"].head
    done = subprocess.run(
        [sys.executable, "-c", READ, head, "main"], env=offline, capture_output=True, text=True, timeout=600
    )
    assert done.stdout.splitlines() == ["32", "[1, 0]"] * 2, done.stderr
    assert desk.server.requests == []
