"""Our ids are git's: the expected values are what git itself prints for the same content."""

from __future__ import annotations

import pytest

from weighbridge.domain.git_objects import blob_id, commit_id, tree_ids
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import FileEntry, Manifest, Storage, digests_of, git_sha1, sha256
from weighbridge.domain.ref import RepoId

REPO = RepoId.parse("acme/tiny")


def entry(path: str, content: bytes, storage: Storage = Storage.REGULAR) -> FileEntry:
    return FileEntry(path=path, size_bytes=len(content), digests=digests_of(content), storage=storage)


def manifest(*entries: FileEntry) -> Manifest:
    return Manifest(repo=REPO, commit="0" * 40, files=entries)


def test_the_empty_tree() -> None:
    assert tree_ids(manifest()) == {"": "4b825dc642cb6eb9a060e54bf8d69288fbee4904"}


def test_folders_sort_as_if_they_ended_in_a_slash() -> None:
    # git write-tree after: echo a > a.txt; mkdir a; echo b > a/b; echo c > a0
    ids = tree_ids(manifest(entry("a.txt", b"a\n"), entry("a/b", b"b\n"), entry("a0", b"c\n")))
    assert ids == {
        "a": "6be660545b31f61a82a87d2b1915f0b88bb9f16f",
        "": "5787fc69e1ccc92716314ec69c0d30b4cd068ab1",
    }


def test_a_large_file_stands_as_its_pointer() -> None:
    large = entry("w.bin", b"weights", Storage.LFS)
    assert blob_id(large) != large.git_sha1
    assert tree_ids(manifest(large)) != tree_ids(manifest(entry("w.bin", b"weights")))


def test_a_commit() -> None:
    tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    first = commit_id(tree, author="Ann <ann@example.org>", epoch_s=1_700_000_000, message="First")
    assert first == "cdd09adfb4fa826cf96a9b512a440b3cf085ccf6"
    second = commit_id(
        tree, author="Ann <ann@example.org>", epoch_s=1_700_000_001, message="Second", parents=[first]
    )
    assert second == "ade9c61180bf038428cbcdf0e613cce88152f9ce"


def test_what_git_needs_must_be_known() -> None:
    with pytest.raises(Invalid, match="git blob id"):
        blob_id(FileEntry(path="a", size_bytes=1, digests=(sha256("0" * 64),)))
    with pytest.raises(Invalid, match="sha256"):
        blob_id(FileEntry(path="a", size_bytes=1, digests=(git_sha1("0" * 40),), storage=Storage.LFS))
