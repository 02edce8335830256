"""huggingface_hub: what other users, and nobody, may do; the errors that they see."""

from __future__ import annotations

import sys

from cases import GIVEN, KEPT, case, fails, run, same
from huggingface_hub import HfApi

NAME, HIDDEN, GATED = "ann/shown", "ann/hidden", "ann/gated"
ann = HfApi()
bob, rita = HfApi(token=GIVEN["bob"]), HfApi(token=GIVEN["rita"])
nobody = HfApi(token=False)
FILE = {"path_or_fileobj": b"x", "path_in_repo": "x.txt"}


@case("create")
def the_repositories_to_see() -> None:
    for name, private in ((NAME, False), (HIDDEN, True), (GATED, False)):
        ann.create_repo(name, private=private)
        KEPT.head = ann.upload_file(path_or_fileobj=b"seen", path_in_repo="s.txt", repo_id=name).oid
    ann.update_repo_settings(GATED, gated="manual")


@case("who may")
def another_user_reads_what_is_public() -> None:
    same([api.file_exists(NAME, "s.txt") for api in (bob, rita, nobody)], [True, True, True])


@case("who may")
def another_user_downloads_what_is_public() -> None:
    for api in (bob, rita, nobody):
        with open(api.hf_hub_download(NAME, "s.txt"), "rb") as file:
            same(file.read(), b"seen")


@case("who may")
def a_private_repository_is_missing_for_another_user() -> None:
    fails("RepositoryNotFoundError", "404", bob.model_info, HIDDEN)


@case("who may")
def a_private_repository_is_missing_for_nobody() -> None:
    fails("RepositoryNotFoundError", "404", nobody.model_info, HIDDEN)


@case("who may")
def a_file_of_a_private_repository() -> None:
    fails("RepositoryNotFoundError", "404", bob.hf_hub_download, HIDDEN, "s.txt")


@case("who may")
def a_private_repository_is_not_listed() -> None:
    lists = [[m.id for m in api.list_models(author="ann")] for api in (ann, bob, nobody)]
    same([HIDDEN in found for found in lists], [True, False, False])


@case("who may")
def its_owner_sees_a_private_repository() -> None:
    same((ann.model_info(HIDDEN).private, ann.file_exists(HIDDEN, "s.txt")), (True, True))


@case("who may")
def auth_check_of_a_private_repository() -> None:
    fails("RepositoryNotFoundError", "404", bob.auth_check, HIDDEN)


@case("who may")
def a_gated_repository_is_shown_and_not_given() -> None:
    same(bob.model_info(GATED).gated, "manual")
    fails("GatedRepoError", "403", bob.hf_hub_download, GATED, "s.txt")


@case("who may")
def auth_check_of_a_gated_repository() -> None:
    fails("GatedRepoError", "403", bob.auth_check, GATED)


@case("who may")
def its_owner_reads_a_gated_repository() -> None:
    with open(ann.hf_hub_download(GATED, "s.txt"), "rb") as file:
        same(file.read(), b"seen")


@case("who may")
def another_user_does_not_upload() -> None:
    fails("HfHubHTTPError", "403", bob.upload_file, repo_id=NAME, **FILE)


@case("who may")
def another_user_does_not_delete() -> None:
    fails("HfHubHTTPError", "403", bob.delete_repo, NAME)


@case("who may")
def another_user_does_not_make_branches_and_tags() -> None:
    fails("HfHubHTTPError", "403", bob.create_branch, NAME, branch="b")
    fails("HfHubHTTPError", "403", bob.create_tag, NAME, tag="t")


@case("who may")
def another_user_does_not_change_settings() -> None:
    fails("HfHubHTTPError", "403", bob.update_repo_settings, NAME, private=True)


@case("who may")
def another_user_does_not_upload_to_what_is_hidden() -> None:
    fails("RepositoryNotFoundError", "404", bob.upload_file, repo_id=HIDDEN, **FILE)


@case("who may")
def a_reader_does_not_create() -> None:
    fails("HfHubHTTPError", "403", rita.create_repo, "rita/mine")


@case("who may")
def nobody_does_not_create() -> None:
    fails("HfHubHTTPError", "401", nobody.create_repo, "ann/x")


@case("who may")
def nobody_does_not_upload() -> None:
    fails("HfHubHTTPError", "401", nobody.upload_file, repo_id=NAME, **FILE)


@case("who may")
def a_bad_token_is_told_as_one() -> None:
    fails("HfHubHTTPError", "Invalid credentials", HfApi(token="hf_wrong").model_info, NAME)


@case("who may")
def each_has_a_namespace() -> None:
    same(bob.create_repo("shown").repo_id, "bob/shown")


@case("gated access")
def a_request_is_granted() -> None:
    ann.grant_access(GATED, "bob")
    with open(bob.hf_hub_download(GATED, "s.txt"), "rb") as file:
        same(file.read(), b"seen")


@case("gated access")
def who_was_let_in_is_listed() -> None:
    same([each.username for each in ann.list_accepted_access_requests(GATED)], ["bob"])
    same(list(ann.list_pending_access_requests(GATED)), [])


@case("gated access")
def who_was_let_in_can_be_shut_out() -> None:
    ann.reject_access_request(GATED, "bob", rejection_reason=None)
    fails("GatedRepoError", "403", bob.auth_check, GATED)


@case("gated access")
def another_user_does_not_let_in() -> None:
    fails("HfHubHTTPError", "403", bob.grant_access, GATED, "bob")


@case("errors")
def what_a_registry_has_no_use_for() -> None:
    fails("HfHubHTTPError", "404", ann.list_webhooks)


if __name__ == "__main__":
    sys.exit(run())
