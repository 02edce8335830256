"""The ``hf discussions`` command: discussions and pull requests from a terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cases import GIVEN, KEPT, case, run, same
from huggingface_hub import HfApi
from typed import has, hf

api, NAME = HfApi(), "ann/discussed"
BOB = {"HF_TOKEN": GIVEN.get("bob", "")}


@case("discussions")
def discussions_create() -> None:
    api.create_repo(NAME)
    hf("discussions", "create", NAME, "--title", "A question", "--body", "Which **words**?", **BOB)
    found = api.get_discussion_details(NAME, 1)
    same((found.title, found.author, found.events[0].content), ("A question", "bob", "Which **words**?"))


@case("discussions")
def discussions_list() -> None:
    found = json.loads(hf("discussions", "list", NAME, "--format", "json"))
    same([(each["num"], each["title"]) for each in found], [(1, "A question")])


@case("discussions")
def discussions_info() -> None:
    found = json.loads(hf("discussions", "info", NAME, "1", "--format", "json"))
    same((found["status"], found["title"]), ("open", "A question"))


@case("discussions")
def discussions_comment_from_a_file() -> None:
    Path("said.md").write_text("These words.")
    hf("discussions", "comment", NAME, "1", "--body-file", "said.md")
    KEPT.comment = api.get_discussion_details(NAME, 1).events[-1]
    same((KEPT.comment.content, KEPT.comment.author), ("These words.", "ann"))


@case("discussions")
def discussions_edit() -> None:
    hf("discussions", "edit", NAME, "1", KEPT.comment.id, "--body", "Those words.")
    edited = api.get_discussion_details(NAME, 1).events[-1]
    same((edited.content, edited.edited), ("Those words.", True))


@case("discussions")
def discussions_rename() -> None:
    hf("discussions", "rename", NAME, "1", "Another question")
    same(api.get_discussion_details(NAME, 1).title, "Another question")


@case("discussions")
def discussions_close_and_reopen() -> None:
    hf("discussions", "close", NAME, "1", "--comment", "Answered", "--yes")
    same(api.get_discussion_details(NAME, 1).status, "closed")
    same(json.loads(hf("discussions", "list", NAME, "--status", "open", "--format", "json")), [])
    same(len(json.loads(hf("discussions", "list", NAME, "--status", "closed", "--format", "json"))), 1)
    hf("discussions", "reopen", NAME, "1", "--yes")
    same(api.get_discussion_details(NAME, 1).status, "open")


@case("discussions")
def a_stranger_does_not_close() -> None:
    has(hf("discussions", "close", NAME, "1", "--yes", code=1, HF_TOKEN=GIVEN["rita"]), "403")


@case("pull requests")
def upload_create_pr() -> None:
    Path("words.txt").write_text("one\ntwo\n")
    hf("upload", NAME, "words.txt", "--create-pr", **BOB)
    same("words.txt" in api.list_repo_files(NAME), False)
    same(Path(api.hf_hub_download(NAME, "words.txt", revision="refs/pr/2")).read_bytes(), b"one\ntwo\n")


@case("pull requests")
def discussions_diff() -> None:
    has(hf("discussions", "diff", NAME, "2"), "words.txt", "+one", "+two")


@case("pull requests")
def discussions_list_of_pull_requests() -> None:
    found = json.loads(hf("discussions", "list", NAME, "--kind", "pull_request", "--format", "json"))
    same([each["num"] for each in found], [2])


@case("pull requests")
def discussions_merge() -> None:
    has(hf("discussions", "merge", NAME, "2", "--yes", code=1, **BOB), "403")
    hf("discussions", "merge", NAME, "2", "--comment", "Thanks", "--yes")
    same(
        ("words.txt" in api.list_repo_files(NAME), api.get_discussion_details(NAME, 2).status),
        (True, "merged"),
    )


@case("pull requests")
def discussions_create_of_a_pull_request() -> None:
    hf("discussions", "create", NAME, "--title", "Later", "--pull-request")
    found = api.get_discussion_details(NAME, 3)
    same((found.is_pull_request, found.status), (True, "draft"))


@case("pull requests")
def delete_files_as_a_pull_request() -> None:
    hf("repos", "delete-files", NAME, "words.txt", "--create-pr", **BOB)
    same("words.txt" in api.list_repo_files(NAME), True)
    same("words.txt" in api.list_repo_files(NAME, revision="refs/pr/4"), False)


@case("pull requests")
def download_of_a_pull_request() -> None:
    hf("download", NAME, "words.txt", "--revision", "refs/pr/3", "--local-dir", "pr")
    same(Path("pr/words.txt").read_bytes(), b"one\ntwo\n")


if __name__ == "__main__":
    sys.exit(run())
