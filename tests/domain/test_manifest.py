"""Manifests: digests, agreement by content, selection and differences."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.values import CONTENTS, MANIFESTS, PATHS, entry_of
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import (
    Digest,
    FileEntry,
    Manifest,
    digests_of,
    git_sha1,
    lfs_pointer,
    sha256,
)
from weighbridge.domain.ref import RepoId

REPO = RepoId.parse("org/name")
COMMIT = "0" * 40


def manifest(*paths: str) -> Manifest:
    return Manifest(repo=REPO, commit=COMMIT, files=tuple(entry_of(path, path.encode()) for path in paths))


@given(CONTENTS)
def test_both_digests_are_those_of_the_content(content: bytes) -> None:
    git, sha = digests_of(content)
    assert sha.value == hashlib.sha256(content).hexdigest()
    assert git.value == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def test_the_git_digest_is_gits_own(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"weighbridge\n")
    said = subprocess.run(
        ["git", "hash-object", tmp_path / "file"], capture_output=True, text=True, check=True
    )
    assert digests_of(b"weighbridge\n")[0].value == said.stdout.strip()


def test_the_pointer_is_the_one_of_the_lfs_specification() -> None:
    assert lfs_pointer("a" * 64, 12345).decode().splitlines() == [
        "version https://git-lfs.github.com/spec/v1",
        f"oid sha256:{'a' * 64}",
        "size 12345",
    ]


@pytest.mark.parametrize(
    "spelled",
    ["", "sha256", "sha256:", "sha256:" + "A" * 64, "sha256:" + "a" * 63, "md5:" + "a" * 32, "a" * 64],
)
def test_what_is_no_digest_is_refused(spelled: str) -> None:
    with pytest.raises(Invalid):
        Digest.parse(spelled)


@given(CONTENTS)
def test_a_digest_is_read_back_as_it_was(content: bytes) -> None:
    for digest in digests_of(content):
        assert Digest.parse(str(digest)) == digest


@given(PATHS, CONTENTS, CONTENTS)
def test_entries_agree_exactly_when_their_contents_do(path: str, one: bytes, other: bytes) -> None:
    whole, other_whole = entry_of(path, one), entry_of("elsewhere", other)
    assert whole.agrees_with(other_whole) == other_whole.agrees_with(whole) == (one == other)


@given(PATHS, CONTENTS)
def test_entries_that_share_no_algorithm_do_not_agree(path: str, content: bytes) -> None:
    git, sha = digests_of(content)
    size = len(content)
    by_git = FileEntry(path=path, size_bytes=size, digests=(git,))
    by_sha = FileEntry(path=path, size_bytes=size, digests=(sha,))
    assert not by_git.agrees_with(by_sha)
    assert by_git.with_digests([sha]).agrees_with(by_sha)


def test_one_wrong_digest_of_two_is_disagreement() -> None:
    entry = entry_of("a", b"a")
    other = FileEntry(path="a", size_bytes=1, digests=(sha256("0" * 64), git_sha1(entry.git_sha1 or "")))
    assert not entry.agrees_with(other)


@given(MANIFESTS)
def test_a_manifest_is_read_back_as_it_was(manifest: Manifest) -> None:
    assert Manifest.from_json(manifest.to_json()) == manifest


@given(MANIFESTS)
def test_files_are_sorted_and_all_selected_by_no_pattern(manifest: Manifest) -> None:
    paths = [entry.path for entry in manifest.files]
    assert paths == sorted(paths)
    assert manifest.select(()) == manifest == manifest.select(["*"])


@given(MANIFESTS, MANIFESTS)
def test_a_difference_leads_from_one_to_the_other(mine: Manifest, theirs: Manifest) -> None:
    diff = mine.diff(theirs)
    files = dict(mine.by_path)
    for entry in diff.removed:
        del files[entry.path]
    for old, new in diff.changed:
        assert files[new.path] == old
        files[new.path] = new
    files |= {entry.path: entry for entry in diff.added}
    assert files.keys() == theirs.by_path.keys()
    assert all(files[path].agrees_with(entry) for path, entry in theirs.by_path.items())


@given(MANIFESTS)
def test_a_manifest_does_not_differ_from_itself(manifest: Manifest) -> None:
    assert not manifest.diff(manifest)


@pytest.mark.parametrize(
    ("patterns", "wanted"),
    [
        (["config.json"], ["config.json"]),
        (["*.json"], ["config.json", "onnx/config.json"]),
        (["onnx/"], ["onnx/config.json", "onnx/model.onnx"]),
        (["*", "!onnx/"], ["config.json", "model.bin"]),
        (["!*.bin", "!*.onnx"], ["config.json", "onnx/config.json"]),
        (["model.*", "onnx/*.json"], ["model.bin", "onnx/config.json"]),
    ],
)
def test_patterns_select_as_the_documents_say(patterns: list[str], wanted: list[str]) -> None:
    whole = manifest("config.json", "model.bin", "onnx/config.json", "onnx/model.onnx")
    assert [entry.path for entry in whole.select(patterns).files] == wanted


def test_a_pattern_that_matches_nothing_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(Invalid, match=r"matches no file") as caught:
        manifest("model.safetensors", "config.json").select(["config.json", "model.safetensor"])
    assert "model.safetensors" in caught.value.hint


def test_patterns_that_leave_nothing_are_an_error() -> None:
    with pytest.raises(Invalid, match="leave no file"):
        manifest("a.bin").select(["!*.bin"])


@pytest.mark.parametrize("paths", [("a", "A"), ("a", "a/b"), ("é", "e\u0301"), ("x", "x")])
def test_names_that_cannot_both_exist_everywhere_are_refused(paths: tuple[str, str]) -> None:
    with pytest.raises(Invalid):
        manifest(*paths)


@given(MANIFESTS)
def test_known_content_is_recognised_by_its_git_id(whole: Manifest) -> None:
    listed = Manifest(
        repo=whole.repo,
        commit=whole.commit,
        files=tuple(
            FileEntry(
                path=e.path, size_bytes=e.size_bytes, digests=(git_sha1(e.git_sha1),), storage=e.storage
            )
            if e.git_sha1
            else e
            for e in whole.files
        ),
    )
    assert listed.enriched(whole.files) == whole
    assert listed.enriched([]) == listed


@given(st.integers().filter(lambda size: not 0 <= size <= 1 << 50))
def test_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(Invalid):
        FileEntry(path="a", size_bytes=size, digests=digests_of(b""))
