"""What pushed repositories look like to those who read them, by the real client and on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.uploading import Client, Registry, registry_at
from weighbridge.domain.access import Permission, Principal
from weighbridge.domain.hosted import Change, DeleteFile, SmallFile
from weighbridge.domain.ref import RepoId

ANN = Principal(
    name="ann", permissions=frozenset({Permission.SEARCH, Permission.DOWNLOAD, Permission.UPLOAD})
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    home = tmp_path_factory.mktemp("registry") / "home"
    with registry_at(home, WEIGHBRIDGE_SERVE="all") as running:
        yield running


@pytest.fixture
def client(registry: Registry, tmp_path: Path) -> Client:
    return Client(registry=registry, home=tmp_path / "rita", user="rita")


def push(registry: Registry, name: str, title: str, *changes: Change) -> str:
    return registry.bridge.repos.commit(ANN, RepoId.parse(name), "main", changes, title=title).id


def small(path: str, content: bytes = b"words\n") -> SmallFile:
    return SmallFile(path=path, content=content)


# --- the last commit of each file -------------------------------------------------------------


@pytest.fixture(scope="module")
def grown(registry: Registry) -> str:
    """A repository with a history."""
    registry.bridge.repos.create(ANN, RepoId.parse("ann/grown"))
    push(registry, "ann/grown", "one", small("a.txt"), small("sub/b.txt"), small("sub/deep/c.txt"))
    push(registry, "ann/grown", "two", small("a.txt", b"other words\n"), small("sub/gone.txt"))
    push(registry, "ann/grown", "three", DeleteFile(path="sub/gone.txt"))
    return "ann/grown"


def test_each_file_and_folder_names_the_commit_that_changed_it(client: Client, grown: str) -> None:
    got = client.python(f"""
listed = list(api.list_repo_tree("{grown}", recursive=True, expand=True))
result = {{each.path: each.last_commit.title for each in listed}}
named = api.get_paths_info("{grown}", ["a.txt", "sub", "nope"], expand=True)
assert {{each.path: each.last_commit.title for each in named}} == {{"a.txt": "two", "sub": "three"}}
commits = {{each.title: each.commit_id for each in api.list_repo_commits("{grown}")}}
assert all(each.last_commit.oid == commits[each.last_commit.title] for each in listed)
older = api.list_repo_tree("{grown}", recursive=True, expand=True, revision=commits["two"])
assert {{each.path: each.last_commit.title for each in older}}["sub"] == "two"
""")
    assert got == {
        ".gitattributes": "initial commit",
        "a.txt": "two",
        "sub": "three",
        "sub/b.txt": "one",
        "sub/deep": "one",
        "sub/deep/c.txt": "one",
    }


def test_a_new_commit_is_named_at_once(registry: Registry) -> None:
    registry.bridge.repos.create(ANN, RepoId.parse("ann/moving"))
    address = "/api/models/ann/moving/tree/main?expand=true"
    for number in range(3):
        commit = push(registry, "ann/moving", f"change {number}", small(f"{number}.txt"))
        listed = {each["path"]: each["lastCommit"] for each in registry.call("rita", "GET", address).json}
        assert listed[f"{number}.txt"]["id"] == commit
        assert listed["0.txt"]["title"] == "change 0"
