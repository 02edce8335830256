"""huggingface_hub: organizations, likes, access requests, copies, squashed histories, deletions for good."""

from __future__ import annotations

import sys
import urllib.request
from pathlib import Path

from cases import ENDPOINT, GIVEN, bytes_of, case, fails, failure, run, same
from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download
from typed import has, hf

ann, bob, rita = HfApi(), HfApi(token=GIVEN.get("bob")), HfApi(token=GIVEN.get("rita"))
NAME, SHARED, GATED = "ann/lived", "acme/shared", "ann/by-request"
LARGE = bytes_of(61, 120_000)


def text(path: str, name: str = NAME, api: HfApi = ann, **more: str) -> bytes:
    return Path(api.hf_hub_download(name, path, **more)).read_bytes()


def put(path: str, content: bytes, name: str = NAME, api: HfApi = ann, **more: str) -> str:
    return api.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id=name, **more).oid


def ask(user: str, method: str, path: str) -> int:
    """What the client has no call for: its page on the Hub sends this."""
    request = urllib.request.Request(
        ENDPOINT + path, method=method, data=b"", headers={"Authorization": f"Bearer {GIVEN[user]}"}
    )
    with urllib.request.urlopen(request, timeout=600) as answer:
        return int(answer.status)


@case("organizations")
def whoami_names_them() -> None:
    found = {each["name"]: each["roleInOrg"] for each in ann.whoami()["orgs"]}
    same((found, rita.whoami()["orgs"]), ({"acme": "admin"}, []))


@case("organizations")
def a_member_makes_a_repository_there() -> None:
    same(bob.create_repo(SHARED, private=True).repo_id, SHARED)
    put("a.txt", b"by bob", SHARED, bob)
    same((text("a.txt", SHARED), ann.model_info(SHARED).author), (b"by bob", "acme"))


@case("organizations")
def members_write_together() -> None:
    put("b.txt", b"by ann", SHARED)
    same([c.authors for c in bob.list_repo_commits(SHARED)][:2], [["ann"], ["bob"]])


@case("organizations")
def others_see_nothing_of_it() -> None:
    fails("RepositoryNotFoundError", "404", rita.model_info, SHARED)
    same(failure(rita.create_repo, "acme/hers")[0], "HfHubHTTPError")


@case("organizations")
def hf_repos_ls_of_one() -> None:
    same([each.id for each in ann.list_user_repos(namespace="acme")], [SHARED])


@case("organizations")
def its_overview_and_members() -> None:
    same(ann.get_organization_overview("acme").name, "acme")
    same(sorted(each.username for each in ann.list_organization_members("acme")), ["ann", "bob"])
    fails("HfHubHTTPError", "404", ann.get_organization_overview, "none")


@case("organizations")
def the_overview_of_a_user() -> None:
    found = ann.get_user_overview("bob")
    same((found.username, [each.name for each in found.orgs]), ("bob", ["acme"]))
    fails("HfHubHTTPError", "404", ann.get_user_overview, "nobody-here")


@case("likes")
def liked_and_listed() -> None:
    ann.create_repo(NAME)
    for user in ("bob", "rita"):
        same(ask(user, "POST", f"/api/models/{NAME}/like"), 200)
    same(
        (sorted(each.username for each in ann.list_repo_likers(NAME)), ann.model_info(NAME).likes),
        (["bob", "rita"], 2),
    )
    same((bob.list_liked_repos().models, rita.list_liked_repos("bob").total), ([NAME], 1))


@case("likes")
def unlike() -> None:
    bob.unlike(NAME)
    same(
        ([each.username for each in ann.list_repo_likers(NAME)], bob.list_liked_repos().models),
        (["rita"], []),
    )


@case("likes")
def lists_by_likes() -> None:
    found = [m.id for m in ann.list_models(author="ann", sort="likes", limit=1)]
    same(found, [NAME])


@case("gated access")
def a_request_waits() -> None:
    ann.create_repo(GATED)
    put("s.txt", b"seen", GATED)
    ann.update_repo_settings(GATED, gated="manual")
    ask("rita", "POST", f"/{GATED}/ask-access")
    same([each.username for each in ann.list_pending_access_requests(GATED)], ["rita"])
    fails("GatedRepoError", "403", rita.hf_hub_download, GATED, "s.txt")


@case("gated access")
def a_request_is_accepted() -> None:
    ann.accept_access_request(GATED, "rita")
    same((text("s.txt", GATED, rita), list(ann.list_pending_access_requests(GATED))), (b"seen", []))


@case("gated access")
def a_request_is_cancelled_and_rejected() -> None:
    ann.cancel_access_request(GATED, "rita")
    same([each.username for each in ann.list_pending_access_requests(GATED)], ["rita"])
    fails("GatedRepoError", "403", rita.auth_check, GATED)
    ann.reject_access_request(GATED, "rita", rejection_reason="not now")
    same([each.username for each in ann.list_rejected_access_requests(GATED)], ["rita"])


@case("gated access")
def hf_download_tells_a_gate() -> None:
    fresh = {"HF_TOKEN": GIVEN["rita"], "HF_HOME": str(Path("fresh").resolve())}
    has(hf("download", GATED, "s.txt", code=1, **fresh), "requires approval")


@case("copy")
def duplicate_a_repository() -> None:
    put("w.bin", LARGE)
    put("n.txt", b"n")
    made = bob.duplicate_repo(NAME, "bob/lived-copy")
    same(str(made), f"{ENDPOINT}/bob/lived-copy")
    same((text("w.bin", "bob/lived-copy", bob), text("n.txt", "bob/lived-copy", bob)), (LARGE, b"n"))


@case("copy")
def a_copy_goes_its_own_way() -> None:
    put("n.txt", b"changed", "bob/lived-copy", bob)
    same((text("n.txt"), text("n.txt", "bob/lived-copy")), (b"n", b"changed"))


@case("copy")
def hf_repos_duplicate() -> None:
    hf("repos", "duplicate", NAME, "ann/lived-typed", "--private")
    same((ann.model_info("ann/lived-typed").private, text("w.bin", "ann/lived-typed")), (True, LARGE))
    has(hf("repos", "duplicate", NAME, "ann/lived-typed", code=1), "409")


@case("copy")
def what_is_hidden_is_not_duplicated() -> None:
    fails("RepositoryNotFoundError", "404", rita.duplicate_repo, SHARED, "rita/stolen")


@case("history")
def super_squash_history() -> None:
    before = ann.list_repo_files(NAME)
    ann.super_squash_history(NAME, commit_message="One")
    same([c.title for c in ann.list_repo_commits(NAME)], ["One"])
    same((ann.list_repo_files(NAME), text("w.bin")), (before, LARGE))


@case("history")
def super_squash_of_a_branch() -> None:
    ann.create_branch(NAME, branch="dev")
    put("d.txt", b"d", revision="dev")
    ann.super_squash_history(NAME, branch="dev")
    same(len(ann.list_repo_commits(NAME, revision="dev")), 1)
    same((text("d.txt", revision="dev"), "d.txt" in ann.list_repo_files(NAME)), (b"d", False))
    fails("RevisionNotFoundError", "404", ann.super_squash_history, NAME, branch="none")


@case("history")
def another_user_does_not_squash() -> None:
    same(failure(bob.super_squash_history, NAME)[0], "HfHubHTTPError")


@case("large files for good")
def list_lfs_files() -> None:
    found = {each.filename: each for each in ann.list_lfs_files(NAME)}
    same((found["w.bin"].size, found["w.bin"].ref is not None), (len(LARGE), True))


@case("large files for good")
def permanently_delete_lfs_files() -> None:
    ann.permanently_delete_lfs_files(NAME, list(ann.list_lfs_files(NAME)))
    same(("w.bin" in ann.list_repo_files(NAME), list(ann.list_lfs_files(NAME))), (False, []))
    same(text("n.txt", force_download=True), b"n")


@case("settings")
def a_move_into_an_organization() -> None:
    ann.move_repo(NAME, "acme/lived")
    same((bob.model_info(NAME).id, text("n.txt")), ("acme/lived", b"n"))
    put("late.txt", b"to the former name")
    same(text("late.txt", "acme/lived", bob), b"to the former name")


@case("settings")
def a_former_name_is_not_given_to_another() -> None:
    fails("HfHubHTTPError", "409", ann.create_repo, NAME)
    same(ann.create_repo(NAME, exist_ok=True).repo_id, "acme/lived")


@case("errors")
def products_of_the_hub_are_refused_with_a_sentence() -> None:
    calls = (
        lambda: list(ann.list_jobs()),
        lambda: ann.create_collection(title="Mine"),
        lambda: ann.get_space_runtime("ann/none"),
        lambda: list(ann.list_inference_endpoints()),
        lambda: ann.create_bucket("ann/bucket"),
    )
    for number, call in enumerate(calls):
        kind, words = failure(call)
        assert kind in ("HfHubHTTPError", "RepositoryNotFoundError", "ConnectError"), (number, kind, words)


@case("upload a file")
def contents_of_one_are_not_another_s() -> None:
    """The same large content, sent by two who do not know of each other."""
    ann.create_repo("ann/twin", private=True)
    bob.create_repo("bob/twin", private=True)
    for api, name in ((ann, "ann/twin"), (bob, "bob/twin")):
        api.create_commit(name, commit_message="T", operations=[CommitOperationAdd("t.bin", LARGE[::-1])])
    ann.delete_repo("ann/twin")
    same(Path(hf_hub_download("bob/twin", "t.bin", token=GIVEN["bob"])).read_bytes(), LARGE[::-1])


if __name__ == "__main__":
    sys.exit(run())
