"""``weighbridge repo`` against our own Hub, over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from tests.clients.live import clean_environment
from tests.doors.cli_in_process import Shell
from tests.doors.uploading import Registry, registry_at

As = Callable[[str], Shell]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry_at(tmp_path_factory.mktemp("registry") / "home", WEIGHBRIDGE_SERVE="all") as running:
        yield running


@pytest.fixture
def at(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> As:
    def shell(user: str) -> Shell:
        token = {"HF_TOKEN": registry.tokens[user]} if user else {}
        home = {"HOME": str(tmp_path), "WEIGHBRIDGE_HOME": str(tmp_path / "home")}
        return Shell({**home, "HF_ENDPOINT": registry.url, **token}, monkeypatch, capsys)

    return shell


def _api(registry: Registry, user: str = "ann") -> HfApi:
    return HfApi(endpoint=registry.url, token=registry.tokens[user])


def test_a_repository_is_made_changed_moved_and_deleted(at: As, registry: Registry) -> None:
    ann, api = at("ann"), _api(registry)
    out, err = ann.run("repo", "create", "ann/words", "--private")
    assert (out, err) == ("", f"made {registry.url}/ann/words\n")
    assert api.model_info("ann/words").private is True
    assert not HfApi(endpoint=registry.url, token=False).repo_exists("ann/words")

    ann.run("repo", "settings", "ann/words", "--public", "--gated", "manual")
    shown = api.model_info("ann/words")
    assert (shown.private, shown.gated) == (False, "manual")
    assert ann.json("repo", "settings", "ann/words", "--gated", "no") == {
        "repo": "ann/words", "kind": "model", "changed": "settings", "private": None, "gated": "no"
    }  # fmt: skip
    assert api.model_info("ann/words").gated is False

    assert "ann/words is ann/phrases now" in ann.run("repo", "move", "ann/words", "ann/phrases")[1]
    assert api.model_info("ann/phrases").id == "ann/phrases"
    ann.run("repo", "delete", "ann/phrases", "--yes")
    assert not api.repo_exists("ann/phrases")


def test_a_data_set_is_another_kind(at: As, registry: Registry) -> None:
    ann = at("ann")
    made = ann.json("repo", "create", "ann/sentences", "--kind", "dataset")
    assert made["url"] == f"{registry.url}/datasets/ann/sentences"
    assert _api(registry).dataset_info("ann/sentences").private is False
    listed = ann.json("repo", "list", "--kind", "dataset")
    assert (listed["owner"], [one["repo"] for one in listed["repositories"]]) == ("ann", ["ann/sentences"])
    ann.run("repo", "delete", "ann/sentences", code=2)
    ann.run("repo", "delete", "ann/sentences", "--yes", code=4)
    ann.run("repo", "delete", "ann/sentences", "--kind", "dataset", "--yes")


def test_what_one_has_is_listed_and_what_others_may_not_see_is_not(at: As) -> None:
    ann = at("ann")
    ann.run("repo", "create", "ann/open")
    ann.run("repo", "create", "ann/hidden", "--private")
    out, _ = ann.run("repo", "list")
    head, *lines = [line.split()[:3] for line in out.splitlines()]
    assert head == ["REPOSITORY", "SEEN", "GATED"]
    assert sorted(lines) == [["ann/hidden", "private", "-"], ["ann/open", "public", "-"]]
    seen = at("bob").json("repo", "list", "ann")["repositories"]
    assert [one["repo"] for one in seen] == ["ann/open"]
    assert at("").json("repo", "list", "ann")["repositories"] == seen
    assert len(ann.json("repo", "list", "--limit", "1")["repositories"]) == 1
    assert "--limit shows more" in ann.run("repo", "list", "--limit", "1")[1]
    assert "no models of 'nobody'" in ann.run("repo", "list", "nobody")[1]


def test_a_name_alone_is_made_in_ones_own_namespace_and_told_whole(at: As, registry: Registry) -> None:
    made = at("ann").json("repo", "create", "alone")
    assert (made["repo"], made["url"]) == ("ann/alone", f"{registry.url}/ann/alone")
    at("ann").run("repo", "delete", made["repo"], "--yes")


def test_tags_and_branches_come_and_go(at: As, registry: Registry) -> None:
    ann, api = at("ann"), _api(registry)
    ann.run("repo", "create", "ann/named")
    done = api.upload_file(path_or_fileobj=b"one", path_in_repo="a.txt", repo_id="ann/named")
    assert "ann/named has the tag v1.0 at main" in ann.run("repo", "tag", "add", "ann/named", "v1.0")[1]
    ann.run("repo", "branch", "add", "ann/named", "work", "--revision", "v1.0")
    tags = ann.json("repo", "tag", "list", "ann/named")
    assert tags == {"repo": "ann/named", "kind": "model", "tags": [{"name": "v1.0", "commit": done.oid}]}
    out, _ = ann.run("repo", "branch", "list", "ann/named")
    assert [line.split()[0] for line in out.splitlines()] == ["NAME", "main", "work"]
    assert (
        "has a branch or tag 'v1.0' already" in ann.run("repo", "tag", "add", "ann/named", "v1.0", code=5)[1]
    )
    assert "already" in ann.run("repo", "branch", "add", "ann/named", "work", code=5)[1]
    assert (
        "no revision 'v9'" in ann.run("repo", "tag", "add", "ann/named", "v2", "--revision", "v9", code=4)[1]
    )
    ann.run("repo", "tag", "remove", "ann/named", "v1.0")
    ann.run("repo", "branch", "remove", "ann/named", "work")
    ann.run("repo", "tag", "remove", "ann/named", "v1.0", code=4)
    ann.run("repo", "branch", "remove", "ann/named", "work", code=4)
    refs = api.list_repo_refs("ann/named")
    assert ([ref.name for ref in refs.branches], refs.tags) == (["main"], [])


def test_who_may_not_is_told_what_to_do(at: As) -> None:
    at("ann").run("repo", "create", "ann/mine")
    err = at("rita").run("repo", "create", "rita/own", code=8)[1]
    assert "does not permit" in err
    assert "weighbridge whoami" in err
    assert at("ann").json("repo", "create", "ann/mine", code=5)["error"]["code"] == "repo-exists"
    for user in ("bob", "rita"):
        at(user).run("repo", "delete", "ann/mine", "--yes", code=8)
        at(user).run("repo", "settings", "ann/mine", "--private", code=8)
        at(user).run("repo", "tag", "add", "ann/mine", "v1", code=8)
    nobody = at("")
    assert "hint: run 'weighbridge login', or" in nobody.run("repo", "create", "ann/other", code=8)[1]
    assert "weighbridge login" in nobody.run("repo", "list", code=8)[1]


def test_another_hub_is_named_by_its_address(at: As, registry: Registry) -> None:
    ann = at("ann")
    ann.env["HF_ENDPOINT"] = "http://127.0.0.1:9"
    refused = ann.run("repo", "create", "ann/x", "--endpoint", registry.url, code=8)[1]
    assert "wants to know who asks" in refused
    assert "cannot be reached" in ann.run("repo", "create", "ann/x", code=6)[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "a/b/c"], "more than one '/'"),
        (["create", "../x"], "repository id"),
        (["create", "ann/s", "--kind", "space"], "--sdk"),
        (["create", "ann/s", "--sdk", "static"], "--sdk"),
        (["move", "words", "ann/words"], "namespace"),
        (["delete", "words", "--yes"], "namespace"),
        (["settings", "words", "--public"], "namespace"),
        (["tag", "add", "words", "v1"], "namespace"),
        (["branch", "remove", "words", "work"], "namespace"),
        (["list", "ann", "--limit", "0"], "--limit"),
        (["settings", "ann/words"], "nothing is to be changed"),
        (["settings", "ann/words", "--gated", "perhaps"], "--gated"),
        (["delete", "ann/words"], "no terminal"),
        (["tag", "add", "ann/words", "a b"], "git allows"),
        (["branch", "add", "ann/words", "x", "--revision", "../y"], "revision"),
        (["create", "ann/x", "--endpoint", "hub"], "address of a Hub"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_the_hub_is_asked(
    at: As, arguments: list[str], said: str
) -> None:
    out, err = at("ann").run("repo", *arguments, code=2)
    assert out == ""
    assert said in err


@pytest.mark.parametrize(("typed", "code"), [("ann/asked", 0), ("yes", 2)])
def test_to_delete_its_name_is_asked_for(registry: Registry, tmp_path: Path, typed: str, code: int) -> None:
    api = _api(registry)
    api.create_repo("ann/asked", exist_ok=True)
    ours, theirs = os.openpty()
    try:
        os.write(ours, f"{typed}\n".encode())
        done = subprocess.run(
            [sys.executable, "-m", "weighbridge", "repo", "delete", "ann/asked"],
            env={**clean_environment(), "HOME": str(tmp_path), "HF_ENDPOINT": registry.url,
                 "HF_TOKEN": registry.tokens["ann"]},
            stdin=theirs, capture_output=True, text=True,
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == code, done.stderr
    assert f"ann/asked at {registry.url} will be gone" in done.stderr
    assert api.repo_exists("ann/asked") is (code != 0)
