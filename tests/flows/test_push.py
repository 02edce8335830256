"""A push on a real catalogue and a real store: git's own ids, whole or not at all."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.real_git import GIT, git
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.access import AuditLine
from weighbridge.domain.git_objects import tree_ids
from weighbridge.domain.hosted import (
    Change,
    DeleteFile,
    Gate,
    LargeFile,
    Repository,
    Revision,
    SmallFile,
    history,
    make_revision,
)
from weighbridge.domain.manifest import lfs_pointer
from weighbridge.domain.ref import RepoId
from weighbridge.flows.push import Push, PushTools, push

REPO = RepoId.parse("ann/tiny")
T0 = datetime(2026, 11, 21, 3, 0, 0, 123456, tzinfo=UTC)
WEIGHTS = b"\0weights" * 500


def begun(catalog: Catalog) -> Repository:
    """A repository with an empty first commit."""
    repository = Repository(key="k1", id=REPO, private=False, gate=Gate.OPEN, created_at=T0, created_by="ann")
    first = make_revision(REPO, (), parents=(), author="ann", title="initial commit", description="", at=T0)
    line = AuditLine(at=T0, by="ann", verb="repo.create", target="ann/tiny")
    catalog.create_repository(repository, "main", first, line)
    return repository


class Pushing:
    def __init__(self, catalog: Catalog, home: Path) -> None:
        self.catalog, self.blobs = catalog, FolderBlobs(home)
        self.repository = begun(catalog)

    def push(self, *changes: Change, title: str = "change", description: str = "") -> Revision:
        wish = Push(
            repository=self.repository,
            branch="main",
            changes=changes,
            author="ann",
            at=T0,
            title=title,
            description=description,
        )
        return push(PushTools(branches=self.catalog, blobs=self.blobs, sent=lambda _: True), wish)


@pytest.fixture
def pushing(tmp_path: Path) -> Iterator[Pushing]:
    with closing(Catalog.open("sqlite://")) as catalog:
        yield Pushing(catalog, tmp_path / "home")


@pytest.mark.skipif(not GIT, reason="git is not installed")
def test_real_git_gives_the_same_ids(pushing: Pushing, tmp_path: Path) -> None:
    sha256 = pushing.blobs.add(WEIGHTS)
    made = [
        pushing.push(
            SmallFile(path="README.md", content="Grüße\n".encode()),
            SmallFile(path="a/b/deep.txt", content=b""),
            SmallFile(path="a-b", content=b"sorts before a/"),
            LargeFile(path="a/w.bin", sha256=sha256, size_bytes=len(WEIGHTS)),
            title="Größe",
            description="Two\n\nparagraphs",
        ),
        pushing.push(DeleteFile(path="a/b/deep.txt"), SmallFile(path="README.md", content=b"new\n")),
    ]
    git(tmp_path, "init", "-q", "work")
    work, parent = tmp_path / "work", git_commit(tmp_path / "work", "", "initial commit")
    for revision, message in zip(made, ("Größe\n\nTwo\n\nparagraphs", "change"), strict=True):
        git(work, "read-tree", "--empty")
        for entry in revision.manifest.files:
            content = pushing.blobs.path(entry.sha256 or "").read_bytes()
            kept = lfs_pointer(sha256, len(WEIGHTS)) if entry.path == "a/w.bin" else content
            id = git(work, "hash-object", "-w", "--stdin", stdin=kept).decode().strip()
            git(work, "update-index", "--add", "--cacheinfo", f"100644,{id},{entry.path}")
        assert git(work, "write-tree").decode().strip() == revision.tree
        assert revision.commit.parents == (parent,)
        parent = git_commit(work, parent, message)
        assert revision.commit.id == parent
        folders = git(work, "ls-tree", "-r", "-d", "-z", revision.tree).decode().split("\0")[:-1]
        named = {line.partition("\t")[2]: line.split()[2] for line in folders}
        assert {"": revision.tree, **named} == tree_ids(revision.manifest)


def git_commit(work: Path, parent: str, message: str) -> str:
    """The commit of the index as it is, by real git, at T0."""
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (
            ("NAME", "ann"),
            ("EMAIL", "ann@users.invalid"),
            ("DATE", f"{int(T0.timestamp())} +0000"),
        )
    }
    parents = ["-p", parent] if parent else []
    tree = git(work, "write-tree").decode().strip()
    said = git(work, "commit-tree", tree, *parents, stdin=f"{message}\n".encode(), **who)
    return said.decode().strip()


def test_a_commit_and_its_audit_line_come_together(pushing: Pushing) -> None:
    first = pushing.push(SmallFile(path="a", content=b"1"))
    second = pushing.push(SmallFile(path="a", content=b"2"))
    assert [(line.verb, line.target) for line in pushing.catalog.audit_lines()] == [
        ("repo.commit", f"ann/tiny@{second.commit.id}"),
        ("repo.commit", f"ann/tiny@{first.commit.id}"),
        ("repo.create", "ann/tiny"),
    ]
    assert pushing.catalog.revision(pushing.repository, second.commit.id) == second
    assert second.commit.parents == (first.commit.id,)


def test_the_same_change_twice_in_a_second_is_two_commits(pushing: Pushing) -> None:
    made = [pushing.push(SmallFile(path="a", content=b"1")).commit.id for _ in range(3)]
    assert len(set(made)) == 3
    refs = pushing.catalog.hosted_refs("k1")
    line = list(history(pushing.catalog.commits_of("k1"), refs.branches["main"]))
    assert [commit.id for commit in line][:3] == made[::-1]


PUSHER = """
import sys
from contextlib import closing
from pathlib import Path
from tests.flows.test_push import Pushing
from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.hosted import SmallFile

home = Path(sys.argv[1])
with closing(Catalog.open(f"sqlite:///{home / 'catalog.sqlite3'}")) as catalog:
    pushing = Pushing(catalog, home)
    print("ready", flush=True)
    for number in range(100_000):
        content = f"{number}".encode() * 100
        files = [SmallFile(path=f"{part}.txt", content=content + part.encode()) for part in "abc"]
        print(pushing.push(*files).commit.id, flush=True)
"""


@pytest.mark.parametrize("point", range(10))
def test_a_kill_leaves_whole_commits_only(tmp_path: Path, point: int) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", PUSHER, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    try:
        told = [child.stdout.readline().decode().strip() for _ in range(2 + point)][1:]
        time.sleep(point * 0.0007)  # somewhere inside of the next commit
    finally:
        child.send_signal(signal.SIGKILL)
    told += child.stdout.read().decode().split()
    child.wait()
    child.stdout.close()
    told = [id for id in told if len(id) == 40]
    with closing(Catalog.open(f"sqlite:///{tmp_path / 'catalog.sqlite3'}")) as catalog:
        repository = catalog.hosted(REPO)
        assert repository is not None
        commits = catalog.commits_of(repository.key)
        line = list(history(commits, catalog.hosted_refs(repository.key).branches["main"]))
        assert len(line) == len(commits)
        assert [c.id for c in reversed(line)][1 : 1 + len(told)] == told
        assert len(commits) - 1 - len(told) in (0, 1)  # a commit may be made and not told of yet
        lines = catalog.audit_lines(limit=1000)
        assert [entry.verb for entry in lines].count("repo.commit") == len(commits) - 1
        blobs = FolderBlobs(tmp_path)
        for commit in line[:-1]:
            revision = catalog.revision(repository, commit.id)
            assert revision is not None
            assert tree_ids(revision.manifest)[""] == revision.tree
            assert len({blobs.path(e.sha256 or "").read_bytes()[:-1] for e in revision.manifest.files}) == 1
            for entry in revision.manifest.files:
                content = blobs.path(entry.sha256 or "").read_bytes()
                assert hashlib.sha256(content).hexdigest() == entry.sha256
