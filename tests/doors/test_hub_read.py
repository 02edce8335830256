"""What pushed repositories look like to those who read them, by the real client and on the wire."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.uploading import Client, Registry, registry_at
from weighbridge.bridge.repos import State
from weighbridge.domain.access import Permission, Principal
from weighbridge.domain.hosted import Change, DeleteFile, SmallFile
from weighbridge.domain.ref import RepoId, RepoKind

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


def judged(registry: Registry, repo: RepoId) -> State:
    """How main stands once it is judged; a judgement that never comes ends the test by its limit."""
    while (standing := registry.bridge.repos.standing(ANN, repo)).state is State.WAITING:
        time.sleep(0.05)
    return standing.state


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


# --- what the scanners found ------------------------------------------------------------------


class Runs:
    """What runs a command when it is unpickled; it never is."""

    def __reduce__(self) -> object:
        import os

        return os.system, ("echo",)


def test_what_the_scanners_found_is_told_file_by_file(registry: Registry, client: Client) -> None:
    repo = RepoId.parse("ann/mixed", RepoKind.DATASET)
    registry.bridge.repos.create(ANN, repo)
    changes = [small("a.txt"), small("evil.pkl", pickle.dumps(Runs())), small("odd.h5", b"\x89HDF\r\n\x1a\n")]
    registry.bridge.repos.commit(ANN, repo, "main", changes, title="A mixed bag")
    assert judged(registry, repo) is State.REFUSED
    got = client.python("""
listed = api.list_repo_tree("ann/mixed", repo_type="dataset", expand=True)
result = {"files": {each.path: each.security for each in listed}}
""")
    files = got["files"]
    assert (files["a.txt"]["status"], files["a.txt"]["safe"]) == ("safe", True)
    assert (files["evil.pkl"]["status"], files["evil.pkl"]["safe"]) == ("unsafe", False)
    scan = files["evil.pkl"]["pickle_import_scan"]
    assert scan["highestSafetyLevel"] == "dangerous"
    assert [each["name"] for each in scan["imports"]] == ["system"]
    assert files["odd.h5"]["status"] == "unscanned"
    told = registry.call("rita", "GET", "/api/datasets/ann/mixed?securityStatus=true").json
    assert told["securityRepoStatus"]["scansDone"] is True
    assert told["securityRepoStatus"]["filesWithIssues"] == [
        {"path": "evil.pkl", "level": "unsafe"},
        {"path": "odd.h5", "level": "unscanned"},
    ]


def test_what_is_not_scanned_is_queued_and_never_safe(registry: Registry, client: Client) -> None:
    registry.bridge.repos.create(ANN, RepoId.parse("ann/waiting"))  # nothing to weigh yet
    got = client.python("""
named = api.get_paths_info("ann/waiting", [".gitattributes"], expand=True)
status = api.model_info("ann/waiting", securityStatus=True).security_repo_status
result = [named[0].security, status]
""")
    assert (got[0]["status"], got[0]["safe"]) == ("queued", False)
    assert got[1] == {"scansDone": False, "filesWithIssues": []}
