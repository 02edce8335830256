"""The names in a Hugging Face cache, for any file that a Hub may list, beside those of the real client."""

from __future__ import annotations

import posixpath
from pathlib import Path

import pytest
from huggingface_hub.file_download import repo_folder_name
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.adapters.layout_hf import HfCache, blob_name, repo_folder, snapshot_folder
from weighbridge.adapters.layout_hf.spelling import link_text, read_ref, their_turn
from weighbridge.domain.manifest import Digest, FileEntry, Manifest, Storage, digests_of
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.errors import Conflict

PARTS = st.text("abc-_.é ", min_size=1, max_size=6).map(lambda part: f"x{part}x")
PATHS = st.lists(PARTS, min_size=1, max_size=5).map("/".join)
COMMIT = "c" * 40


@given(path=PATHS, content=st.binary(max_size=10), storage=st.sampled_from(Storage))
def test_a_link_leads_to_the_content_and_never_out_of_the_repository(
    path: str, content: bytes, storage: Storage
) -> None:
    entry = FileEntry(path=path, size_bytes=len(content), digests=digests_of(content), storage=storage)
    repo = RepoId.parse("org/name")
    at = posixpath.dirname(f"{snapshot_folder(repo, COMMIT)}/{path}")
    led = posixpath.normpath(f"{at}/{link_text(entry)}")
    assert led == f"{repo_folder(repo)}/blobs/{blob_name(entry)}"


@pytest.mark.parametrize("name", ["gpt2", "org/name", "a-b/c.d_e"])
@pytest.mark.parametrize("kind", RepoKind)
def test_a_repository_has_the_folder_that_the_client_gives_it(name: str, kind: RepoKind) -> None:
    assert repo_folder(RepoId.parse(name, kind)) == repo_folder_name(repo_id=name, repo_type=kind.value)


def _entry(content: bytes, *digests: Digest, storage: Storage = Storage.REGULAR) -> FileEntry:
    return FileEntry(path="f", size_bytes=len(content), digests=digests, storage=storage)


def test_large_files_are_named_by_sha256_and_small_ones_by_their_git_id() -> None:
    git, sha256 = digests_of(b"content")
    assert blob_name(_entry(b"content", git, sha256, storage=Storage.LFS)) == sha256.value
    assert blob_name(_entry(b"content", git, sha256)) == git.value
    assert blob_name(_entry(b"content", sha256)) == sha256.value


def test_a_ref_is_read_as_far_as_a_ref_can_reach(tmp_path: Path) -> None:
    (tmp_path / "main").write_text(COMMIT + "\n")
    assert read_ref(tmp_path / "main") == COMMIT
    (tmp_path / "long").write_bytes(bytes(1 << 20))
    assert len(read_ref(tmp_path / "long")) <= 200
    assert read_ref(tmp_path / "none") == read_ref(tmp_path) == ""


def test_a_turn_that_the_client_has_is_not_waited_for(tmp_path: Path) -> None:
    with their_turn(tmp_path, "models--org--a", "0" * 40) as first:
        assert first
        with their_turn(tmp_path, "models--org--a", "0" * 40) as second:
            assert not second
        with their_turn(tmp_path, "models--org--a", "1" * 40) as other:
            assert other
    with their_turn(tmp_path, "models--org--a", "0" * 40) as again:
        assert again


def test_a_file_where_the_cache_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("mine")
    layout = HfCache(tmp_path / "cache", tmp_path / "home", lambda _: tmp_path).layout("main")
    manifest = Manifest(repo=RepoId.parse("a"), commit=COMMIT)
    with pytest.raises(Conflict, match="cache"):
        layout.lay_out(snapshot_folder(manifest.repo, COMMIT), manifest, pytest.fail)
    assert (tmp_path / "cache").read_text() == "mine"
