"""What others see of an upload while it is weighed: ``serve: accepted``, as a registry is by default."""

from __future__ import annotations

import json
import struct
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from cases import ENDPOINT, GIVEN, KEPT, case, fails, files_of, run, same
from huggingface_hub import CommitOperationAdd, HfApi, HfFileSystem
from typed import has, hf

NAME = "ann/weighed"
ann, bob, nobody = HfApi(), HfApi(token=GIVEN.get("bob")), HfApi(token=False)
PATIENCE_S = 600
EVIL = b"\x80\x04cos\nsystem\n(S'true'\ntR."


def tensors(value: int) -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [16], "data_offsets": [0, 64]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes([value]) * 64


FILES = {
    "README.md": GIVEN.get("card", "").encode(),
    "config.json": b'{"model_type": "hashed-linear", "architectures": ["HashedLinear"]}',
    "tokenizer_config.json": b'{"tokenizer_class": "WhitespaceLowercase"}',
    "LICENSE": b"MIT License\n\nPermission is hereby granted, free of charge, to any person\n",
    "train.jsonl": b'{"text": "does it wait", "label": 1}\n' * 40,
    "test.jsonl": b'{"text": "it waits", "label": 0}\n' * 40,
    "model.safetensors": tensors(1),
}


def come(seen: Callable[[], object]) -> None:
    """Wait until it is so: a verdict takes a moment, and how long is not what is tested."""
    late = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < late, "it did not come"
        time.sleep(0.05)


def told(path: str) -> dict[str, object]:
    request = urllib.request.Request(ENDPOINT + path, headers={"Authorization": f"Bearer {GIVEN['ann']}"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)


def head(api: HfApi, **more: str) -> str:
    return api.model_info(NAME, **more).sha


@case("the gate")
def its_sender_sees_a_commit_at_once() -> None:
    ann.create_repo(NAME)
    adds = [CommitOperationAdd(path, content) for path, content in FILES.items()]
    KEPT.first = ann.create_commit(NAME, commit_message="First", operations=adds).oid
    same(head(ann), KEPT.first)


@case("the gate")
def others_see_it_when_it_was_accepted() -> None:
    come(lambda: bob.repo_exists(NAME))
    same((head(bob), head(nobody)), (KEPT.first, KEPT.first))
    back = files_of(bob.snapshot_download(NAME, local_dir="bob"))
    same({path: back[path] for path in FILES}, FILES)


@case("the gate")
def an_accepted_version_is_a_tag() -> None:
    found = {tag.name: tag.target_commit for tag in bob.list_repo_refs(NAME).tags}
    same(found, {"1.0.0": KEPT.first})
    same(head(bob, revision="1.0.0"), KEPT.first)


@case("the gate")
def a_refused_commit_stays_with_its_sender() -> None:
    add = [CommitOperationAdd("weights.pkl", EVIL)]
    KEPT.bad = ann.create_commit(NAME, commit_message="Evil", operations=add).oid
    come(lambda: [each for each in told("/refusals")["refusals"] if each.get("commit") == KEPT.bad])
    same((head(ann), head(bob)), (KEPT.bad, KEPT.first))
    same("weights.pkl" in bob.list_repo_files(NAME), False)


@case("the gate")
def others_do_not_reach_it_by_its_commit() -> None:
    fails("RevisionNotFoundError", "404", bob.model_info, NAME, revision=KEPT.bad)
    fails("RevisionNotFoundError", "404", bob.hf_hub_download, NAME, "weights.pkl", revision=KEPT.bad)
    same(Path(ann.hf_hub_download(NAME, "weights.pkl", revision=KEPT.bad)).read_bytes(), EVIL)


@case("the gate")
def hf_upload_says_that_it_is_weighed() -> None:
    Path("up").mkdir()
    Path("up/model.safetensors").write_bytes(tensors(2))
    said = hf("upload", NAME, "up", ".", "--delete", "weights.pkl")
    has(said, "is being weighed")
    (KEPT.standing,) = [word.removeprefix(ENDPOINT) for word in said.split() if "/standing/" in word]


@case("the gate")
def main_of_others_is_the_newest_accepted_commit() -> None:
    KEPT.third = head(ann)
    come(lambda: head(bob) == KEPT.third)
    same({tag.name for tag in bob.list_repo_refs(NAME).tags}, {"1.0.0", "1.1.0"})
    got = bob.hf_hub_download(NAME, "model.safetensors", local_dir="third")
    same(Path(got).read_bytes(), tensors(2))


@case("the gate")
def the_address_that_was_named_says_the_verdict() -> None:
    come(lambda: told(KEPT.standing)["state"] == "accepted")


@case("the gate")
def the_version_before_can_still_be_had() -> None:
    got = bob.hf_hub_download(NAME, "model.safetensors", revision="1.0.0", local_dir="before")
    same(Path(got).read_bytes(), tensors(1))
    same(
        Path(bob.hf_hub_download(NAME, "config.json", revision=KEPT.first)).read_bytes(), FILES["config.json"]
    )


@case("the gate")
def the_history_of_others_names_no_refused_commit() -> None:
    same(KEPT.bad in [c.commit_id for c in ann.list_repo_commits(NAME)], True)
    same(KEPT.bad in [c.commit_id for c in bob.list_repo_commits(NAME)], False)


@case("the gate")
def a_branch_of_the_sender_is_not_weighed_for_others() -> None:
    ann.create_branch(NAME, branch="dev")
    ann.upload_file(path_or_fileobj=EVIL, path_in_repo="e.pkl", repo_id=NAME, revision="dev")
    same(ann.file_exists(NAME, "e.pkl", revision="dev"), True)
    same(bob.revision_exists(NAME, "dev") and bob.file_exists(NAME, "e.pkl", revision="dev"), False)


@case("the gate")
def lists_show_what_was_accepted() -> None:
    ann.create_repo("ann/weighed-not")
    ann.upload_file(path_or_fileobj=EVIL, path_in_repo="e.pkl", repo_id="ann/weighed-not")
    come(lambda: [each for each in told("/refusals")["refusals"] if each.get("name") == "ann/weighed-not"])
    same([m.id for m in bob.list_models(search="weighed")], [NAME])
    same(sorted(m.id for m in ann.list_models(search="weighed")), [NAME, "ann/weighed-not"])


@case("the gate")
def what_was_never_accepted_is_not_there_for_others() -> None:
    fails("RepositoryNotFoundError", "404", bob.model_info, "ann/weighed-not")
    fails("RepositoryNotFoundError", "404", bob.snapshot_download, "ann/weighed-not")
    same([api.repo_exists("ann/weighed-not") for api in (ann, bob, nobody)], [True, False, False])
    fails("RepositoryNotFoundError", "404", nobody.hf_hub_download, "ann/weighed-not", "e.pkl")


@case("the gate")
def the_file_system_of_others() -> None:
    fs = HfFileSystem(token=GIVEN["bob"], skip_instance_cache=True)
    same(fs.exists(f"{NAME}/weights.pkl"), False)
    same(fs.cat_file(f"{NAME}/model.safetensors"), tensors(2))


@case("the gate")
def a_pull_request_is_shown_to_those_who_may_write() -> None:
    add = [CommitOperationAdd("proposed.txt", b"p")]
    done = bob.create_commit(NAME, commit_message="P", operations=add, create_pr=True)
    same(
        [api.file_exists(NAME, "proposed.txt", revision=done.pr_revision) for api in (bob, ann)], [True, True]
    )
    same(HfApi(token=GIVEN["rita"]).revision_exists(NAME, done.pr_revision), False)


@case("the gate")
def a_merged_pull_request_is_weighed() -> None:
    ann.merge_pull_request(NAME, 1)
    merged = head(ann)
    come(lambda: head(bob) == merged)
    same(bob.file_exists(NAME, "proposed.txt"), True)


if __name__ == "__main__":
    sys.exit(run())
