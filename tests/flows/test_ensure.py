"""Ensure over a real Hub and a real store: what is fetched, what is not, and what is repaired.

State is asserted: what lies on disk afterwards, and what the Hub was asked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub_server import HubServer, serve_hub
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.hub_http import HttpHub, Patience
from weighbridge.adapters.hub_offline import OfflineHub
from weighbridge.adapters.layout_dir import DirLayout
from weighbridge.adapters.manifests import ManifestShelf
from weighbridge.adapters.progress import SilentReporter
from weighbridge.domain.lock import Spec
from weighbridge.domain.manifest import Manifest, git_sha1, sha256
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.errors import (
    BadInput,
    Conflict,
    DigestMismatch,
    HubDown,
    LicenseMismatch,
    NoSuchRepo,
    StoreDown,
    WeighbridgeError,
)
from weighbridge.flows.ensure import Ensured, as_found, ensure, pin, resolve_manifest
from weighbridge.flows.fetching import fetch, missing
from weighbridge.ports import Hub

WEIGHTS = bytes(range(256)) * 200
FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS, "sub/notes.txt": b"notes", "empty": b""}
REF = ModelRef(repo=RepoId.parse("org/model"))


class World:
    """A Hub, a home and a cache folder, and the flow's functions bound to them."""

    def __init__(self, server: HubServer, place: Path) -> None:
        self.server, self.place = server, place
        self.home, self.cache = place / "home", place / "models"
        self.hub: Hub = HttpHub(server.url, patience=Patience(tries=2, base_s=0.01))
        self.blobs = FolderBlobs(self.home)
        self.shelf = ManifestShelf(self.home)
        self.reporter = SilentReporter()

    @property
    def layout(self) -> DirLayout:
        """A new one each time, as another process would have."""
        return DirLayout(self.cache, self.blobs.path)

    def pinned(self, *patterns: str, license: str | None = None) -> Manifest:
        spec = Spec(id="m", ref=REF, files=patterns, license=license)
        info, manifest = resolve_manifest(REF, self.hub, self.shelf, self.blobs)
        entry = pin(spec, info, manifest, self.hub, self.blobs, self.reporter, 4)
        known = entry.manifest.by_path
        files = tuple(known.get(file.path, file) for file in manifest.files)
        self.shelf.put(Manifest(repo=manifest.repo, commit=manifest.commit, files=files))
        return entry.manifest

    def ensure(self, manifest: Manifest, hub: Hub | None = None) -> Ensured:
        return ensure("m", manifest, self.layout, hub or self.hub, self.blobs, self.reporter, 4)

    def laid_out(self) -> dict[str, bytes]:
        base = self.cache / "m"
        return {str(p.relative_to(base)): p.read_bytes() for p in base.rglob("*") if p.is_file()}

    def downloads(self) -> list[str]:
        return sorted(asked.path.rpartition("/")[2] for asked in self.server.asked("*/resolve/*"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with serve_hub({"org/model": FILES}) as server:
        yield World(server, tmp_path)


def test_a_pin_fetches_the_small_files_and_knows_every_sha256(world: World) -> None:
    manifest = world.pinned()
    assert manifest.is_complete
    assert world.downloads() == ["config.json", "notes.txt"]
    assert [entry.path for entry in missing(manifest, world.blobs)] == ["model.safetensors"]


def test_the_folder_shows_just_the_manifest(world: World) -> None:
    done = world.ensure(world.pinned("config.json", "sub/"))
    assert done.path == world.cache / "m"
    assert world.laid_out() == {"config.json": b"{}", "sub/notes.txt": b"notes"}


def test_with_everything_held_the_hub_is_not_asked(world: World) -> None:
    manifest = world.pinned()
    assert world.ensure(manifest).fetched_bytes == len(WEIGHTS)
    world.server.requests.clear()
    assert world.ensure(manifest, OfflineHub()).state == "held"
    assert as_found("m", manifest, world.layout) is not None
    assert world.server.requests == []
    assert world.laid_out() == FILES


def test_a_removed_folder_comes_back_from_the_store_alone(world: World) -> None:
    manifest = world.pinned()
    world.ensure(manifest)
    (world.cache / "m").rename(world.place / "gone")
    assert world.ensure(manifest, OfflineHub()).fetched_bytes == 0
    assert world.laid_out() == FILES


def test_a_folder_that_another_process_laid_out_meanwhile_stays_where_it_is(world: World) -> None:
    manifest, late = world.pinned(), world.layout
    assert late.state("m", manifest) == "missing"
    world.ensure(manifest)
    before = (world.cache / "m").stat().st_ino
    late.lay_out("m", manifest, lambda _: None)
    assert (world.cache / "m").stat().st_ino == before
    assert world.layout.state("m", manifest) == "held"


def _truncate(path: Path) -> None:
    path.chmod(0o644)
    os.truncate(path, 7)


def _rewrite(path: Path) -> None:
    """Other bytes of the same size through the same inode: a hard link damages the store with it."""
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(b"XXXX")


def _replace(path: Path) -> None:
    path.unlink()
    path.write_bytes(bytes(len(WEIGHTS)))


def _remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("damage", "state"),
    [(_truncate, "tampered"), (_rewrite, "tampered"), (_replace, "tampered"), (_remove, "partial")],
)
def test_damage_is_noticed_and_healed(world: World, damage: object, state: str) -> None:
    manifest = world.pinned()
    world.ensure(manifest)
    assert callable(damage)
    damage(world.cache / "m" / "model.safetensors")
    assert world.layout.state("m", manifest) == state
    assert world.ensure(manifest).state == state
    assert world.laid_out() == FILES
    assert world.layout.state("m", manifest) == "held"
    held = manifest.by_path["model.safetensors"].sha256 or ""
    assert world.blobs.path(held).read_bytes() == WEIGHTS


def test_a_blob_that_was_damaged_through_another_folder_is_not_laid_out(world: World) -> None:
    manifest = world.pinned()
    world.ensure(manifest)
    _rewrite(world.cache / "m" / "model.safetensors")
    other = DirLayout(world.place / "other", world.blobs.path)
    ensure("n", manifest, other, world.hub, world.blobs, world.reporter, 4)
    assert (world.place / "other" / "n" / "model.safetensors").read_bytes() == WEIGHTS


def test_a_folder_that_was_copied_here_is_hashed_and_taken_over(world: World) -> None:
    import shutil

    manifest = world.pinned()
    world.ensure(manifest)
    shutil.copytree(world.cache, world.place / "image" / "models")
    fresh = DirLayout(world.place / "image" / "models", FolderBlobs(world.place / "bare").path)
    assert fresh.state("m", manifest) == "tampered"
    found = as_found("m", manifest, fresh)
    assert found is not None
    assert fresh.state("m", manifest) == "held"


def test_a_touched_file_with_right_bytes_is_not_fetched_again(world: World) -> None:
    manifest = world.pinned()
    world.ensure(manifest)
    os.utime(world.cache / "m" / "model.safetensors", ns=(1, 1))
    assert world.layout.state("m", manifest) == "tampered"
    assert world.ensure(manifest, OfflineHub()).state == "held"


def test_a_changed_revision_replaces_the_folder_and_fetches_only_what_changed(world: World) -> None:
    world.ensure(world.pinned())
    changed = {**FILES, "config.json": b'{"a": 1}', "new.txt": b"new"}
    del changed["sub/notes.txt"]
    world.server.repos["org/model"].commit(changed)
    world.server.requests.clear()
    manifest = world.pinned()
    assert world.layout.state("m", manifest) == "stale"
    world.ensure(manifest)
    assert world.laid_out() == changed
    assert world.downloads() == ["config.json", "new.txt"]


def test_an_earlier_hub_cannot_decide_what_another_hubs_small_file_is(world: World) -> None:
    """A listing that joins a git id with a foreign sha256 is not believed, even if that blob is held."""
    evil = world.blobs.add(b"evil!")
    listed = world.hub.manifest(REF.repo, world.server.repos["org/model"].head)
    notes = listed.by_path["sub/notes.txt"]
    lie = type(notes)(path="x", size_bytes=5, digests=(git_sha1(notes.git_sha1 or ""), sha256(evil)))
    world.shelf.put(Manifest(repo=REF.repo, commit="f" * 40, files=(lie,)))
    world.ensure(world.pinned())
    assert world.laid_out() == FILES


def test_files_that_somebody_put_there_are_not_lost(world: World) -> None:
    world.ensure(world.pinned())
    mine = world.cache / "m" / "checkpoint" / "mine.bin"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    world.server.repos["org/model"].commit({"config.json": b"new"})
    manifest = world.pinned()
    with pytest.raises(Conflict, match=r"checkpoint/mine\.bin"):
        world.ensure(manifest)
    assert mine.read_bytes() == b"mine"
    assert (world.cache / "m" / "config.json").read_bytes() == b"{}"
    mine.unlink()
    world.ensure(manifest)
    assert world.laid_out() == {"config.json": b"new"}


def test_a_folder_of_somebody_else_is_not_replaced(world: World) -> None:
    (world.cache / "m").mkdir(parents=True)
    (world.cache / "m" / "thesis.tex").write_text("years of work")
    with pytest.raises(Conflict, match=r"thesis\.tex"):
        world.ensure(world.pinned())
    assert (world.cache / "m" / "thesis.tex").read_text() == "years of work"


def test_a_symbolic_link_is_not_replaced(world: World) -> None:
    (world.place / "elsewhere").mkdir()
    world.cache.mkdir()
    (world.cache / "m").symlink_to(world.place / "elsewhere")
    with pytest.raises(Conflict, match="symbolic link"):
        world.ensure(world.pinned())


@pytest.mark.parametrize("killed_after", ["old folder moved away", "new folder in place", "index only"])
def test_a_kill_in_the_middle_of_the_swap_is_repaired(world: World, killed_after: str) -> None:
    """The states that a SIGKILL between the renames and the index leaves behind, made by hand."""
    world.ensure(world.pinned())
    world.server.repos["org/model"].commit({"config.json": b"new", "model.safetensors": WEIGHTS})
    manifest = world.pinned()
    index = world.cache / ".weighbridge" / "index.json"
    before = index.read_bytes()
    if killed_after == "old folder moved away":
        (world.cache / ".weighbridge" / "tmp").mkdir(exist_ok=True)
        (world.cache / "m").rename(world.cache / ".weighbridge" / "tmp" / "leaving")
    else:
        fetch(manifest, world.hub, world.blobs, world.reporter, 2)
        world.layout.lay_out("m", manifest, lambda entry: None)
        if killed_after == "new folder in place":
            index.write_bytes(before)
        else:
            index.unlink()
    world.ensure(manifest)
    assert world.laid_out() == {"config.json": b"new", "model.safetensors": WEIGHTS}
    world.layout.sweep()
    assert [p.name for p in (world.cache / ".weighbridge").iterdir()] == ["index.json"]


def test_a_lying_hub_leaves_nothing_visible(world: World) -> None:
    manifest = world.pinned()
    world.server.fault("*/resolve/*/model.safetensors", flip=100)
    with pytest.raises(DigestMismatch, match=r"model\.safetensors"):
        world.ensure(manifest)
    assert not (world.cache / "m").exists()
    world.server.forget()
    world.ensure(manifest)
    assert world.laid_out() == FILES


def test_after_an_outage_only_what_is_missing_is_fetched(world: World) -> None:
    manifest = world.pinned()
    world.server.fault("*/resolve/*", status=500)
    with pytest.raises(HubDown):
        world.ensure(manifest)
    world.server.forget()
    world.server.requests.clear()
    world.ensure(manifest)
    assert world.downloads() == ["model.safetensors"]


def test_a_licence_that_is_not_wished_for_is_refused(world: World) -> None:
    with pytest.raises(LicenseMismatch, match="mit"):
        world.pinned(license="apache-2.0")
    assert world.pinned(license="MIT").is_complete


def test_a_pattern_that_matches_nothing_is_an_error_and_not_an_empty_folder(world: World) -> None:
    with pytest.raises(BadInput, match=r"\*\.gguf") as caught:
        world.pinned("*.gguf")
    assert "model.safetensors" in caught.value.hint


def test_a_missing_repository_is_not_an_outage(world: World) -> None:
    with pytest.raises(NoSuchRepo):
        resolve_manifest(ModelRef(repo=RepoId.parse("org/nope")), world.hub, world.shelf)


def test_offline_says_so(world: World) -> None:
    with pytest.raises(HubDown, match="offline"):
        world.ensure(world.pinned(), OfflineHub())


def test_a_store_that_cannot_be_written_is_told(world: World) -> None:
    manifest = world.pinned()
    world.cache.write_text("a file where the folder should be")
    with pytest.raises(StoreDown, match="models"):
        world.ensure(manifest)


def test_every_fault_is_found_at_its_level(world: World) -> None:
    manifest = world.pinned()
    world.ensure(manifest)
    _rewrite(world.cache / "m" / "model.safetensors")
    (world.cache / "m" / "config.json").unlink()
    (world.cache / "m" / "config.json").write_bytes(b"longer")
    (world.cache / "m" / "empty").unlink()

    def codes(level: str) -> list[str]:
        faults: tuple[WeighbridgeError, ...] = world.layout.faults("m", manifest, level)
        return [fault.code for fault in faults]

    assert codes("none") == ["not-found"]
    assert codes("size") == ["size-mismatch", "not-found"]
    assert codes("sha256") == ["size-mismatch", "not-found", "digest-mismatch"]


def test_an_index_that_cannot_be_read_costs_a_hash_and_nothing_else(world: World) -> None:
    manifest = world.pinned()
    world.ensure(manifest)
    (world.cache / ".weighbridge" / "index.json").write_text('{"index_format": 1, "models": {"m": 3')
    assert world.layout.state("m", manifest) == "stale"
    assert world.ensure(manifest, OfflineHub()).state == "held"
    assert world.laid_out() == FILES


def test_a_damaged_shelf_is_an_empty_one(world: World) -> None:
    manifest = world.pinned()
    path = next((world.home / "manifests-v1").rglob("*.json"))
    assert world.shelf.get(REF.repo, manifest.commit) == manifest
    path.write_text("{")
    assert world.shelf.get(REF.repo, manifest.commit) is None
    assert world.shelf.of(REF.repo) == ()
