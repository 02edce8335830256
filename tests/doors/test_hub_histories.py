"""Long histories, and the commands of ``hf`` for whole repositories."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.uploading import Client, Registry, registry_at
from weighbridge.domain.access import LOCAL
from weighbridge.domain.hosted import SmallFile
from weighbridge.domain.ref import RepoId


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry_at(tmp_path_factory.mktemp("registry") / "home", WEIGHBRIDGE_SERVE="all") as running:
        yield running


@pytest.fixture
def ann(registry: Registry, tmp_path: Path) -> Client:
    return Client(registry=registry, home=tmp_path / "ann")


def test_a_long_history_comes_in_pages(registry: Registry, ann: Client) -> None:
    repo = RepoId.parse("ann/long")
    registry.bridge.repos.create(LOCAL, repo)
    for number in range(120):
        file = SmallFile(path="a.txt", content=b"%d" % number)
        registry.bridge.repos.commit(LOCAL, repo, "main", [file], title=f"number {number}")
    got = ann.python("""
commits = api.list_repo_commits("ann/long")
result = [[c.title for c in commits], len({c.commit_id for c in commits}), commits[0].created_at.year > 2000]
short = api.list_repo_commits("ann/long", revision=commits[100].commit_id[:9])
result.append([c.commit_id for c in short] == [c.commit_id for c in commits[100:]])
api.super_squash_history("ann/long")
result.append(len(api.list_repo_commits("ann/long")))
result.append(len(api.list_repo_commits("ann/long", revision=commits[0].commit_id)))
""")
    assert got[0] == [f"number {number}" for number in reversed(range(120))] + ["initial commit"]
    assert got[1:] == [121, True, True, 1, 121]
    counted = registry.call("ann", "GET", "/api/models/ann/long/commits/main?limit=1")
    assert (counted.headers["x-total-count"], len(counted.json)) == ("1", 1)


def test_titles_are_told_as_pages_show_them(registry: Registry, ann: Client) -> None:
    got = ann.python("""
api.create_repo("shown")
api.upload_file(path_or_fileobj=b"x", path_in_repo="a.txt", repo_id="ann/shown",
    commit_message="<b>bold</b> & more", commit_description="<script>alert(1)</script>")
newest = api.list_repo_commits("ann/shown", formatted=True)[0]
result = [newest.title, newest.message, newest.formatted_title, newest.formatted_message]
plain = api.list_repo_commits("ann/shown")[0]
result.append([plain.formatted_title, plain.authors])
""")
    assert got[:2] == ["<b>bold</b> & more", "<script>alert(1)</script>"]
    assert "&lt;b&gt;bold" in got[2]
    assert "<script>" not in got[3]
    assert got[4] == [None, ["ann"]]


def test_the_commands_of_hf_for_repositories(ann: Client) -> None:
    ann.python("""
api.create_repo("tool")
api.upload_file(path_or_fileobj=b"x", path_in_repo="a.txt", repo_id="ann/tool")
""")
    for command in (
        ("repos", "duplicate", "ann/tool", "ann/twin"),
        ("repos", "duplicate", "ann/tool", "ann/twin", "--exist-ok"),
        ("repos", "move", "ann/twin", "ann/moved"),
        ("repos", "settings", "ann/moved", "--private"),
        ("repos", "delete-files", "ann/twin", "a.txt"),
        ("repos", "tag", "create", "ann/moved", "v1", "-m", "First"),
        ("download", "ann/tool", "a.txt"),
        ("download", "ann/twin"),
        ("repos", "delete", "ann/twin", "--yes"),
    ):
        ran = ann.hf(*command)
        assert ran.returncode == 0, (command, ran.stdout, ran.stderr)
    gone = ann.hf("repos", "duplicate", "ann/moved", "ann/none")
    assert gone.returncode != 0
    assert "Traceback" not in gone.stderr
