"""What is particular to a folder: which folders are repositories, commits, sidecars, bad trees."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.hub_process import TINY, write_repo
from weighbridge.adapters.hub_dir import FolderHub
from weighbridge.domain.manifest import Storage
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.errors import BadListing, NoSuchFile, NoSuchRepo, NoSuchRevision

REPO = RepoId.parse("acme/Tiny")
MAIN = ModelRef(repo=REPO)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "models"
    write_repo(made, "acme/Tiny", TINY)
    return made


def aged(root: Path) -> None:
    """Let every file look as if it had been written long ago, so that its digest is kept."""
    for file in root.rglob("*"):
        os.utime(file, (1_700_000_000, 1_700_000_000))


def names(hub: FolderHub, kind: RepoKind = RepoKind.MODEL) -> list[str]:
    return [info.repo.full_name for info in hub.repos(kind)]


def test_the_same_content_is_the_same_commit_everywhere(folder: Path, tmp_path: Path) -> None:
    write_repo(tmp_path / "other", "acme/Tiny", TINY, {"likes": 7, "history": [{"title": "x"}]})
    here, there = (FolderHub(f).info(MAIN).commit for f in (folder, tmp_path / "other"))
    assert here == there == "efb8bda9d1058604ee74a60fad8b41e98c2ea004"


def test_a_changed_file_is_a_new_commit_and_the_old_one_is_gone(folder: Path) -> None:
    hub = FolderHub(folder)
    before = hub.info(MAIN)
    manifest = hub.manifest(REPO, before.commit)
    aged(folder)
    assert hub.info(MAIN).commit == before.commit
    (folder / "acme/Tiny/config.json").write_bytes(b'{"architectures": ["TinyModel"], "model_type": "BERT"}')
    with pytest.raises(NoSuchRevision, match="has no revision") as told:
        hub.locate(REPO, before.commit, manifest.by_path["config.json"])
    assert "config.json" in told.value.hint
    after = hub.info(MAIN)
    assert after.commit != before.commit
    with pytest.raises(NoSuchRevision):
        hub.manifest(REPO, before.commit)


def test_a_file_rewritten_in_the_same_instant_is_noticed(folder: Path) -> None:
    hub, file = FolderHub(folder), folder / "acme/Tiny/config.json"
    before, status = hub.info(MAIN).commit, file.stat()
    file.write_bytes(TINY["config.json"].replace(b"bert", b"BERT"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert hub.info(MAIN).commit != before


def test_digests_are_kept_beside_the_repositories(folder: Path) -> None:
    aged(folder)
    commit = FolderHub(folder).info(MAIN).commit
    index = folder / ".weighbridge-hub/index.json"
    file = folder / "acme/Tiny/model.safetensors"
    status = file.stat()
    file.write_bytes(b"x" * status.st_size)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert FolderHub(folder).info(MAIN).commit == commit, "the index is believed, so nothing was hashed"
    index.write_text("{ broken")
    assert FolderHub(folder).info(MAIN).commit != commit
    assert names(FolderHub(folder)) == ["acme/Tiny"], "the index is no repository"


def test_a_folder_that_cannot_be_written_is_served(folder: Path) -> None:
    (folder / ".weighbridge-hub").write_text("in the way")
    assert FolderHub(folder).info(MAIN).raw["id"] == "acme/Tiny"


def test_which_folders_are_repositories(folder: Path) -> None:
    write_repo(folder, "gpt2", {"config.json": b"{}"})
    write_repo(folder, "acme/only-folders", {"data/a.txt": b"a"})
    write_repo(folder, "acme/not a name", {"config.json": b"{}"})
    write_repo(folder, ".hidden/model", {"config.json": b"{}"})
    write_repo(folder, "datasets/acme/words", {"a.csv": b"a"})
    write_repo(folder, "spaces/acme/app", {"app.py": b"1"})
    (folder / "acme/.DS_Store").write_bytes(b"x")
    (folder / "acme/Tiny.hub.json").write_text("{}")
    hub = FolderHub(folder)
    assert names(hub) == ["gpt2", "acme/Tiny", "acme/only-folders"]
    assert names(hub, RepoKind.DATASET) == ["acme/words"]
    assert names(hub, RepoKind.SPACE) == ["acme/app"]
    assert hub.info(ModelRef.parse("gpt2")).raw["id"] == "gpt2"
    for missing in ("acme", "datasets/acme", "datasets/words", "acme/not"):
        with pytest.raises(NoSuchRepo):
            hub.info(ModelRef.parse(missing))


def test_a_repository_that_appears_and_goes(folder: Path) -> None:
    hub = FolderHub(folder)
    commit = hub.info(MAIN).commit
    write_repo(folder, "acme/late", {"config.json": b"{}"})
    assert hub.info(ModelRef.parse("acme/late")).commit
    shutil.rmtree(folder / "acme/Tiny")
    for revision in ("main", commit):
        with pytest.raises(NoSuchRepo):
            hub.info(ModelRef(repo=REPO, revision=revision))


def test_what_git_and_the_client_left_is_not_a_part_of_it(folder: Path) -> None:
    commit = FolderHub(folder).info(MAIN).commit
    left = {".git/HEAD": b"ref: x", ".cache/huggingface/download/config.json.metadata": b"x"}
    write_repo(folder, "acme/Tiny", left)
    assert FolderHub(folder).info(MAIN).commit == commit


def test_links_inside_are_followed(folder: Path, tmp_path: Path) -> None:
    elsewhere = write_repo(tmp_path / "real", "model", TINY)
    (folder / "acme/linked").symlink_to(elsewhere)
    (elsewhere / "config.json").rename(elsewhere / "blob")
    (elsewhere / "config.json").symlink_to("blob")
    hub = FolderHub(folder)
    info = hub.info(ModelRef.parse("acme/linked"))
    entry = hub.manifest(info.repo, info.commit).by_path["config.json"]
    assert hub.locate(info.repo, info.commit, entry).read_bytes() == TINY["config.json"]


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../outside.txt", "nowhere", "/etc"])
def test_a_link_that_leads_out_is_an_error_that_names_it(folder: Path, target: str) -> None:
    (folder.parent / "outside.txt").write_text("secret")
    (folder / "acme/Tiny/leak.txt").symlink_to(target)
    with pytest.raises(BadListing, match=r"leak\.txt"):
        FolderHub(folder).info(MAIN)


@pytest.mark.parametrize("name", ["a\nb.txt", "right\u202eto-left.txt", "ends ", "x\\y"])
def test_a_name_that_no_listing_may_hold(folder: Path, name: str) -> None:
    (folder / "acme/Tiny" / name).write_text("x")
    with pytest.raises(BadListing, match="acme/Tiny"):
        FolderHub(folder).info(MAIN)


def test_names_that_differ_only_in_case(folder: Path) -> None:
    (folder / "acme/Tiny/CONFIG.json").write_text("{}")
    with pytest.raises(BadListing, match="CONFIG"):
        FolderHub(folder).info(MAIN)


def test_a_pipe_is_no_file(folder: Path) -> None:
    os.mkfifo(folder / "acme/Tiny/pipe")
    with pytest.raises(BadListing, match="pipe"):
        FolderHub(folder).info(MAIN)


def test_one_bad_repository_does_not_hide_the_others(folder: Path) -> None:
    write_repo(folder, "acme/broken", {"config.json": b"{}"}).joinpath("leak").symlink_to("/etc/passwd")
    write_repo(folder, "acme/sidecar", {"config.json": b"{}"})
    (folder / "acme/sidecar.hub.json").write_text("[1]")
    hub = FolderHub(folder)
    assert names(hub) == ["acme/Tiny"]
    with pytest.raises(BadListing, match=r"sidecar\.hub\.json"):
        hub.info(ModelRef.parse("acme/sidecar"))


def test_the_sidecar_says_what_files_cannot(folder: Path) -> None:
    sidecar = {
        "downloads": 12,
        "createdAt": "2020-01-01T00:00:00.000Z",
        "tags": ["region:eu"],
        "sha": "0" * 40,
        "evalResults": [{"x": 1}],
        "refs": {"branches": ["dev"], "tags": ["v1"]},
        "history": [
            {"title": "New", "authors": ["ann"], "date": "2026-01-02T00:00:00.000Z"},
            {"title": "Old", "id": "1" * 40, "date": "2026-01-01T00:00:00.000Z"},
        ],
    }
    write_repo(folder, "acme/Tiny", {}, sidecar)
    hub = FolderHub(folder)
    info = hub.info(MAIN)
    assert (info.downloads, info.raw["createdAt"]) == (12, "2020-01-01T00:00:00.000Z")
    assert info.last_modified == "2026-01-02T00:00:00.000Z"
    assert "region:eu" in info.tags
    assert "license:apache-2.0" in info.tags
    assert info.raw["evalResults"] == [{"x": 1}]
    assert info.raw["sha"] == info.commit != "0" * 40
    assert hub.refs(REPO).commit_of("dev") == hub.refs(REPO).commit_of("v1") == info.commit
    assert [(c.id, c.title) for c in hub.commits(REPO, "main")] == [(info.commit, "New"), ("1" * 40, "Old")]
    write_repo(folder, "acme/Tiny", {}, {"downloads": 13})
    assert hub.info(MAIN).downloads == 13


def test_gitattributes_decide_what_is_large(folder: Path) -> None:
    rules = b"*.json filter=lfs diff=lfs merge=lfs -text\nsub*/** filter=lfs -text\n# *.md filter=lfs\n"
    write_repo(folder, "acme/Tiny", {".gitattributes": rules})
    hub = FolderHub(folder)
    files = hub.manifest(REPO, hub.info(MAIN).commit).files
    assert {f.path for f in files if f.storage is Storage.LFS} == {
        "config.json",
        "sub dir/other.json",
        "sub dir/deep/\u00fc 1.txt",
    }


def test_a_large_file_is_large_whatever_its_name(folder: Path) -> None:
    file = folder / "acme/Tiny/words.txt"
    with file.open("wb") as out:
        out.truncate(10_000_001)
    hub = FolderHub(folder)
    entry = hub.manifest(REPO, hub.info(MAIN).commit).by_path["words.txt"]
    assert (entry.storage, entry.size_bytes) == (Storage.LFS, 10_000_001)


def test_broken_cards_and_headers_are_not_fatal(folder: Path) -> None:
    broken = {
        "README.md": b"---\nlicense: [mit\n---\n# x",
        "config.json": b"[1]",
        "model.safetensors": b"\xff" * 64,
        "second.safetensors": (3).to_bytes(8, "little") + b"[1]",
    }
    write_repo(folder, "acme/Tiny", broken)
    raw = FolderHub(folder).info(MAIN).raw
    assert not {"cardData", "config", "safetensors"} & set(raw)


def test_a_file_that_goes_between_two_calls(folder: Path) -> None:
    hub = FolderHub(folder)
    commit = hub.info(MAIN).commit
    entry = hub.manifest(REPO, commit).by_path["config.json"]
    (folder / "acme/Tiny/config.json").unlink()
    with pytest.raises((NoSuchFile, NoSuchRevision)):
        hub.open(REPO, commit, entry)
