"""huggingface_hub: discussions and pull requests."""

from __future__ import annotations

import sys
from pathlib import Path

from cases import ENDPOINT, GIVEN, KEPT, MODE, bytes_of, case, fails, failure, run, same
from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download

api, bob = HfApi(), HfApi(token=GIVEN["bob"])
NAME = f"ann/talked-{MODE}"
LARGE = bytes_of(13, 300_000)


def text(path: str, revision: str | None = None) -> bytes:
    return Path(hf_hub_download(NAME, path, revision=revision)).read_bytes()


@case("create")
def the_repository_to_talk_about() -> None:
    api.create_repo(NAME)
    KEPT.head = api.upload_file(path_or_fileobj=b"one", path_in_repo="a.txt", repo_id=NAME).oid


@case("discussions")
def create_discussion() -> None:
    made = api.create_discussion(NAME, title="A question", description="Why?")
    same((made.num, made.title, made.status, made.is_pull_request), (1, "A question", "open", False))
    same(made.url, f"{ENDPOINT}/{NAME}/discussions/1")


@case("discussions")
def comment_by_another_user() -> None:
    event = bob.comment_discussion(NAME, 1, "Because.")
    same((event.content, event.author), ("Because.", "bob"))


@case("discussions")
def get_discussion_details() -> None:
    found = api.get_discussion_details(NAME, 1)
    same([e.content for e in found.events if e.type == "comment"], ["Why?", "Because."])


@case("discussions")
def edit_a_comment() -> None:
    first = api.get_discussion_details(NAME, 1).events[0]
    same(api.edit_discussion_comment(NAME, 1, first.id, "Why not?").content, "Why not?")


@case("discussions")
def rename_discussion() -> None:
    same(api.rename_discussion(NAME, 1, "An answer").new_title, "An answer")


@case("discussions")
def close_discussion() -> None:
    same(api.change_discussion_status(NAME, 1, "closed").new_status, "closed")
    same(api.get_discussion_details(NAME, 1).status, "closed")


@case("discussions")
def a_discussion_that_is_missing() -> None:
    fails("HfHubHTTPError", "404", api.get_discussion_details, NAME, 99)


@case("pull requests")
def create_pull_request() -> None:
    made = api.create_pull_request(NAME, title="A change")
    same((made.num, made.status, made.is_pull_request), (2, "draft", True))


@case("pull requests")
def commit_to_a_pull_request() -> None:
    api.upload_file(path_or_fileobj=LARGE, path_in_repo="b.bin", repo_id=NAME, revision="refs/pr/2")
    same((text("b.bin", "refs/pr/2"), "b.bin" in api.list_repo_files(NAME)), (LARGE, False))


@case("pull requests")
def its_ref_is_listed() -> None:
    found = api.list_repo_refs(NAME, include_pull_requests=True).pull_requests
    same([each.ref for each in found], ["refs/pr/2"])


@case("pull requests")
def merge_pull_request() -> None:
    api.change_discussion_status(NAME, 2, "open")
    api.merge_pull_request(NAME, 2)
    same((text("b.bin"), api.get_discussion_details(NAME, 2).status), (LARGE, "merged"))


@case("pull requests")
def another_user_proposes_a_commit() -> None:
    add = [CommitOperationAdd("c.txt", b"from bob"), CommitOperationAdd("c.bin", LARGE[::-1])]
    done = bob.create_commit(NAME, commit_message="From bob", operations=add, create_pr=True)
    same((done.pr_num, done.pr_revision, done.pr_url), (3, "refs/pr/3", f"{ENDPOINT}/{NAME}/discussions/3"))
    same((text("c.bin", "refs/pr/3"), "c.txt" in api.list_repo_files(NAME)), (LARGE[::-1], False))


@case("pull requests")
def another_user_does_not_merge() -> None:
    fails("HfHubHTTPError", "403", bob.merge_pull_request, NAME, 3)


@case("pull requests")
def its_details_show_the_commit() -> None:
    found = api.get_discussion_details(NAME, 3)
    same([e.summary for e in found.events if e.type == "commit"], ["From bob"])
    same((found.target_branch, found.conflicting_files), ("refs/heads/main", []))


@case("pull requests")
def a_folder_as_a_pull_request() -> None:
    Path("up").mkdir()
    Path("up/d.txt").write_bytes(b"d")
    done = api.upload_folder(repo_id=NAME, folder_path="up", create_pr=True)
    same((done.pr_num, text("d.txt", done.pr_revision)), (4, b"d"))


@case("pull requests")
def a_conflict_is_named_and_not_merged() -> None:
    add = [CommitOperationAdd("a.txt", b"two")]
    done = api.create_commit(NAME, commit_message="Two", operations=add, create_pr=True)
    api.upload_file(path_or_fileobj=b"three", path_in_repo="a.txt", repo_id=NAME)
    same(api.get_discussion_details(NAME, done.pr_num).conflicting_files, ["a.txt"])
    kind, _ = failure(api.merge_pull_request, NAME, done.pr_num)
    same((kind, text("a.txt")), ("HfHubHTTPError", b"three"))


@case("discussions")
def get_repo_discussions() -> None:
    found = [(d.num, d.is_pull_request) for d in api.get_repo_discussions(NAME)]
    same(found, [(5, True), (4, True), (3, True), (2, True), (1, False)])


@case("discussions")
def get_repo_discussions_of_a_kind() -> None:
    found = api.get_repo_discussions(NAME, discussion_type="pull_request", author="bob")
    same([d.num for d in found], [3])


if __name__ == "__main__":
    sys.exit(run())
