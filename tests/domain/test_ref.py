"""Repository ids and revisions: the Hub's rules, and always a safe path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.values import REPOS, REVISIONS
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.paths import path_faults
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind, is_commit


@given(REPOS)
def test_a_repository_id_is_read_back_as_it_was(repo: RepoId) -> None:
    assert RepoId.parse(repo.full_name, repo.kind) == repo


@given(REPOS)
def test_a_name_with_its_kind_is_read_back(repo: RepoId) -> None:
    if repo.kind is not RepoKind.MODEL or repo.namespace not in ("datasets", "spaces"):
        assert RepoId.read(repo.spelled) == repo


@given(st.text(max_size=40))
def test_whatever_parses_is_a_safe_path(text: str) -> None:
    try:
        repo = RepoId.parse(text)
    except Invalid:
        return
    assert repo.full_name == text
    assert path_faults(text) == ()


@pytest.mark.parametrize(
    "name", ["gpt2", "google/flan-t5-small", "a/b.c_d-e", "0/0", "org/" + "x" * 96, "_a/_b"]
)
def test_names_of_the_hub_are_taken(name: str) -> None:
    assert RepoId.parse(name).full_name == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "a/",
        "/a",
        "a/b/c",
        "..",
        "a/..",
        "-a/b",
        "a/b-",
        "a/b.",
        "a--b/c",
        "a..b/c",
        "a/b.git",
        "a b/c",
        "a/b\n",
        "org/" + "x" * 97,
        "a\\b",
        "https://huggingface.co/a/b",
        "é/b",
        "a/b.GIT",
    ],
)
def test_what_the_hub_refuses_is_refused(name: str) -> None:
    with pytest.raises(Invalid):
        RepoId.parse(name)


@given(REPOS, REVISIONS)
def test_a_ref_is_read_back_as_it_was(repo: RepoId, revision: str) -> None:
    ref = ModelRef(repo=repo, revision=revision)
    assert ModelRef.parse(str(ref), repo.kind) == ref
    assert ref.is_pinned == is_commit(revision)


def test_without_a_revision_it_is_main() -> None:
    assert ModelRef.parse("org/name").revision == "main"


@pytest.mark.parametrize(
    "revision",
    [
        "",
        " ",
        "a b",
        "../x",
        "a..b",
        "a//b",
        "/a",
        "a/",
        ".a",
        "-a",
        "a.lock",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "a[",
        "a\\b",
        "a@{1}",
        "a\x00",
        "a\n",
        "x" * 256,
        "a.",
    ],
)
def test_a_revision_that_git_refuses_is_refused(revision: str) -> None:
    with pytest.raises(Invalid):
        ModelRef(repo=RepoId.parse("org/name"), revision=revision)


@pytest.mark.parametrize(("revision", "pinned"), [("a" * 40, True), ("a" * 39, False), ("A" * 40, False)])
def test_only_a_whole_commit_id_is_a_pin(revision: str, pinned: bool) -> None:
    assert ModelRef(repo=RepoId.parse("org/name"), revision=revision).is_pinned is pinned
