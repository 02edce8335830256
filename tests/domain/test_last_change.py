"""Which commit last changed a file, held against the plain way of telling it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha1

from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.git_objects import tree_ids
from weighbridge.domain.last_change import Step, last_changes
from weighbridge.domain.manifest import FileEntry, Manifest, Storage, digests_of
from weighbridge.domain.ref import RepoId
from weighbridge.domain.repo import Commit

REPO = RepoId.parse("acme/tiny")
Files = Mapping[str, bytes]
PATHS = ("a.txt", "one/b.txt", "one/c.txt", "one/two/d.txt", "three/e.txt")
TREES = st.dictionaries(st.sampled_from(PATHS), st.sampled_from((b"1", b"2", b"3")))


def step(files: Files, age: int, storage: Storage = Storage.REGULAR) -> Step:
    id = sha1(b"%d" % age, usedforsecurity=False).hexdigest()
    entries = tuple(
        FileEntry(path=path, size_bytes=len(content), digests=digests_of(content), storage=storage)
        for path, content in files.items()
    )
    commit = Commit(id=id, title=str(age), authors=("ann",), created_at="2026-01-01T00:00:00.000Z")
    return Step(commit=commit, manifest=Manifest(repo=REPO, commit=id, files=entries))


def told(trees: Sequence[Files]) -> Mapping[str, str]:
    """The titles (0 is the newest commit) by path."""
    found = last_changes(step(files, age) for age, files in enumerate(trees))
    return {path: commit.title for path, commit in found.items()}


def test_each_file_names_its_own_commit_and_a_folder_whatever_happened_below_it() -> None:
    trees = [
        {"a.txt": b"2", "one/b.txt": b"1"},
        {"a.txt": b"1", "one/b.txt": b"1"},
        {"a.txt": b"1", "one/b.txt": b"1", "one/two/d.txt": b"1"},
        {"a.txt": b"1", "one/b.txt": b"1"},
        {},
    ]
    assert told(trees) == {"": "0", "a.txt": "0", "one/b.txt": "3", "one": "1"}


def test_what_was_kept_in_another_way_is_another_file() -> None:
    found = last_changes([step({"a.bin": b"1"}, 0, Storage.LFS), step({"a.bin": b"1"}, 1)])
    assert found["a.bin"].title == "0"


def ids_of(files: Files) -> Mapping[str, str]:
    """What git calls every file and folder."""
    manifest = step(files, 0).manifest
    return {**tree_ids(manifest), **{entry.path: entry.git_sha1 or "" for entry in manifest.files}}


@given(st.lists(TREES, min_size=1, max_size=6))
def test_it_is_where_git_first_has_another_id(trees: list[Files]) -> None:
    ids = [ids_of(files) for files in trees]
    wanted = {}
    for path, id in ids[0].items():
        same = 0
        while same + 1 < len(ids) and ids[same + 1].get(path) == id:
            same += 1
        wanted[path] = str(same)
    assert told(trees) == wanted


@given(st.lists(TREES, min_size=2, max_size=6), st.integers(1, 5))
def test_what_was_told_of_an_older_commit_saves_the_rest(trees: list[Files], cut: int) -> None:
    cut = min(cut, len(trees) - 1)
    steps = [step(files, age) for age, files in enumerate(trees)]
    before = last_changes(steps[cut:])

    def line() -> Iterator[Step]:
        yield from steps[:cut]
        yield Step(commit=steps[cut].commit, manifest=steps[cut].manifest, told=before)
        raise AssertionError("nothing older is read")

    assert last_changes(line()) == last_changes(steps)
