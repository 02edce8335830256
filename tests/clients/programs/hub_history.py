"""huggingface_hub: refs, histories, long listings, and what stays in the client's cache."""

from __future__ import annotations

import json
import struct
import sys
from hashlib import sha256
from pathlib import Path
from typing import get_args

from cases import GIVEN, KEPT, bytes_of, case, fails, failure, files_of, run, same
from huggingface_hub import (
    CommitOperationAdd,
    HfApi,
    ModelCard,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    resolve_revision,
    scan_cache_dir,
    snapshot_download,
    try_to_load_from_cache,
)
from huggingface_hub.hf_api import (
    ExpandDatasetProperty_T,
    ExpandModelProperty_T,
    ExpandSpaceProperty_T,
)

api, NAME, LONG = HfApi(), "ann/history", "ann/long"
LARGE = bytes_of(41, 150_000)


def text(path: str, revision: str | None = None) -> bytes:
    return Path(hf_hub_download(NAME, path, revision=revision)).read_bytes()


def put(path: str, content: bytes, **more: str) -> str:
    return api.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id=NAME, **more).oid


@case("history")
def a_history_to_look_at() -> None:
    api.create_repo(NAME)
    KEPT.commits = [api.model_info(NAME).sha]
    for number in range(3):
        KEPT.commits.insert(0, put("a.txt", b"%d" % number, commit_message=f"Number {number}"))
    same([c.commit_id for c in api.list_repo_commits(NAME)], KEPT.commits)


@case("history")
def each_commit_keeps_its_content() -> None:
    same([text("a.txt", commit) for commit in KEPT.commits[:3]], [b"2", b"1", b"0"])


@case("history")
def the_history_of_a_commit_and_of_a_branch() -> None:
    same([c.commit_id for c in api.list_repo_commits(NAME, revision=KEPT.commits[1])], KEPT.commits[1:])
    api.create_branch(NAME, branch="side", revision=KEPT.commits[2])
    added = put("side.txt", b"side", revision="side")
    same([c.commit_id for c in api.list_repo_commits(NAME, revision="side")], [added, *KEPT.commits[2:]])
    same([c.commit_id for c in api.list_repo_commits(NAME)], KEPT.commits)


@case("history")
def the_history_of_what_is_missing() -> None:
    fails("RevisionNotFoundError", "404", api.list_repo_commits, NAME, revision="none")
    fails("RepositoryNotFoundError", "404", api.list_repo_commits, "ann/none")


@case("history")
def a_history_of_more_than_one_page() -> None:
    api.create_repo(LONG)
    for number in range(54):
        add = [CommitOperationAdd("n.txt", b"%d" % number)]
        api.create_commit(LONG, commit_message=f"{number}", operations=add)
    found = [c.title for c in api.list_repo_commits(LONG)]
    same((len(found), found[:-1]), (55, [str(number) for number in reversed(range(54))]))


@case("history")
def a_file_names_the_commit_that_changed_it() -> None:
    put("later.txt", b"later", commit_message="Later")
    found = {e.path: e.last_commit.title for e in api.list_repo_tree(NAME, expand=True)}
    same((found["a.txt"], found["later.txt"]), ("Number 2", "Later"))


@case("branches and tags")
def tags_at_every_kind_of_revision() -> None:
    at = {"of-main": None, "of-branch": "side", "of-commit": KEPT.commits[2], "of-tag": "of-main"}
    for tag, revision in at.items():
        api.create_tag(NAME, tag=tag, revision=revision, tag_message="words")
    found = {t.name: t.target_commit for t in api.list_repo_refs(NAME).tags}
    main, side = (api.model_info(NAME, revision=r).sha for r in ("main", "side"))
    same(found, {"of-main": main, "of-branch": side, "of-commit": KEPT.commits[2], "of-tag": main})


@case("branches and tags")
def a_tag_does_not_move_with_its_branch() -> None:
    put("a.txt", b"3")
    same((text("a.txt", "of-main"), text("a.txt")), (b"2", b"3"))


@case("branches and tags")
def a_tag_at_what_is_missing() -> None:
    fails("RevisionNotFoundError", "404", api.create_tag, NAME, tag="x", revision="none")
    fails("RepositoryNotFoundError", "404", api.create_tag, "ann/none", tag="x")


@case("branches and tags")
def names_that_git_does_not_take() -> None:
    for name in (
        "a..b",
        "a b",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "[a",
        "a.lock",
        "/a",
        "a/",
        "a//b",
        ".a",
        "@{x",
        "a.",
    ):
        for make in (api.create_tag, api.create_branch):
            key = "tag" if make == api.create_tag else "branch"
            kind, words = failure(make, NAME, **{key: name})
            assert kind in ("BadRequestError", "HfHubHTTPError", "RevisionNotFoundError"), (name, kind, words)
    same(sorted(b.name for b in api.list_repo_refs(NAME).branches), ["main", "side"])


@case("branches and tags")
def names_with_slashes_and_dots() -> None:
    for name in ("v1.0-rc.1", "release/2026.11", "x/y/z", "\u00fc-1"):
        api.create_tag(NAME, tag=name)
        same(text("a.txt", name), b"3")
        api.delete_tag(NAME, tag=name)


@case("branches and tags")
def a_branch_of_a_tag_and_a_branch_of_a_branch() -> None:
    api.create_branch(NAME, branch="from-tag", revision="of-commit")
    api.create_branch(NAME, branch="from-branch", revision="side")
    same((text("a.txt", "from-tag"), text("side.txt", "from-branch")), (b"0", b"side"))


@case("branches and tags")
def a_deleted_branch_is_gone_and_its_commits_stay() -> None:
    head = api.model_info(NAME, revision="from-branch").sha
    api.delete_branch(NAME, branch="from-branch")
    same(api.revision_exists(NAME, "from-branch"), False)
    same(text("side.txt", head), b"side")
    fails("RevisionNotFoundError", "404", api.delete_branch, NAME, branch="from-branch")


@case("branches and tags")
def refs_have_their_whole_names() -> None:
    refs = api.list_repo_refs(NAME)
    same({b.ref for b in refs.branches} >= {"refs/heads/main", "refs/heads/side"}, True)
    same(
        ({t.ref for t in refs.tags} >= {"refs/tags/of-main"}, refs.converts, refs.pull_requests),
        (True, [], None),
    )


@case("tree")
def a_tree_of_more_than_one_page() -> None:
    adds = [CommitOperationAdd(f"f/{number:04}.txt", b"%d" % number) for number in range(1100)]
    api.create_commit(LONG, commit_message="Many", operations=adds)
    found = [e.path for e in api.list_repo_tree(LONG, "f")]
    same((len(found), len({*found}), found == sorted(found)), (1100, 1100, True))


@case("tree")
def an_expanded_tree_of_more_than_one_page() -> None:
    found = list(api.list_repo_tree(LONG, "f", expand=True))
    same((len(found), {e.last_commit.title for e in found}), (1100, {"Many"}))


@case("tree")
def paths_info_of_many_and_of_folders() -> None:
    asked = [f"f/{number:04}.txt" for number in range(0, 1200, 2)]
    same(len(api.get_paths_info(LONG, asked)), 550)
    same([(e.path, type(e).__name__) for e in api.get_paths_info(LONG, "f")], [("f", "RepoFolder")])
    same(api.get_paths_info(LONG, []), [])


@case("tree")
def trees_of_a_commit_a_tag_and_what_is_missing() -> None:
    same([e.path for e in api.list_repo_tree(NAME, revision=KEPT.commits[-1])], [".gitattributes"])
    same("a.txt" in [e.path for e in api.list_repo_tree(NAME, revision="of-main")], True)
    fails("RevisionNotFoundError", "404", lambda: list(api.list_repo_tree(NAME, revision="none")))
    fails("RepositoryNotFoundError", "404", lambda: list(api.list_repo_tree("ann/none")))


@case("tree")
def a_folder_with_a_blank_and_signs() -> None:
    put("s \u00fc#%&+/x?.txt", b"signs")
    same([e.path for e in api.list_repo_tree(NAME, "s \u00fc#%&+")], ["s \u00fc#%&+/x?.txt"])
    same([e.path for e in api.get_paths_info(NAME, "s \u00fc#%&+/x?.txt")], ["s \u00fc#%&+/x?.txt"])
    same((text("s \u00fc#%&+/x?.txt"), api.file_exists(NAME, "s \u00fc#%&+/x?.txt")), (b"signs", True))


@case("info")
def resolve_a_revision() -> None:
    found = resolve_revision(NAME, revision="side")
    same((found.resolved, text("side.txt", found)), (api.model_info(NAME, revision="side").sha, b"side"))
    fails("RevisionNotFoundError", "404", resolve_revision, NAME, revision="none")


@case("info")
def every_property_of_a_model() -> None:
    for name in get_args(ExpandModelProperty_T):
        same(api.model_info(NAME, expand=[name]).id, NAME)
    same(api.model_info(NAME, expand=list(get_args(ExpandModelProperty_T))).id, NAME)


@case("info")
def every_property_of_a_data_set_and_a_space() -> None:
    api.create_repo(NAME, repo_type="dataset")
    api.create_repo(NAME, repo_type="space", space_sdk="gradio")
    same(api.dataset_info(NAME, expand=list(get_args(ExpandDatasetProperty_T))).id, NAME)
    same(api.space_info(NAME, expand=list(get_args(ExpandSpaceProperty_T))).id, NAME)


@case("info")
def a_property_that_there_is_not() -> None:
    fails("BadRequestError", "expand", api.model_info, NAME, expand=["nonsense"])


@case("info")
def expanded_lists() -> None:
    found = {
        m.id: m for m in api.list_models(author="ann", expand=["sha", "siblings", "createdAt", "private"])
    }
    same((found[NAME].sha, found[NAME].private), (api.model_info(NAME).sha, False))
    assert "a.txt" in [s.rfilename for s in found[NAME].siblings]
    assert found[NAME].created_at is not None


@case("info")
def repo_info_of_each_kind() -> None:
    kinds = {
        kind: type(api.repo_info(NAME, repo_type=kind)).__name__ for kind in ("model", "dataset", "space")
    }
    same(kinds, {"model": "ModelInfo", "dataset": "DatasetInfo", "space": "SpaceInfo"})


@case("info")
def times_have_a_zone_and_an_order() -> None:
    info = api.model_info(NAME)
    same((info.created_at <= info.last_modified, info.created_at.tzinfo is not None), (True, True))
    dates = [c.created_at for c in api.list_repo_commits(NAME)]
    same((dates == sorted(dates, reverse=True), dates[0].tzinfo is not None), (True, True))


@case("info")
def weights_in_shards_are_counted() -> None:
    def shard(names: list[str]) -> bytes:
        at = range(0, 24 * len(names), 24)
        header = json.dumps({n: {"dtype": "F16", "shape": [3, 4], "data_offsets": [a, a + 24]}
                             for n, a in zip(names, at, strict=True)}).encode()  # fmt: skip
        return struct.pack("<Q", len(header)) + header + bytes(24 * len(names))

    index = {"metadata": {"total_size": 72}, "weight_map": {"a": "m-1.safetensors", "b": "m-1.safetensors",
                                                            "c": "m-2.safetensors"}}  # fmt: skip
    adds = {"model.safetensors.index.json": json.dumps(index).encode(), "m-1.safetensors": shard(["a", "b"]),
            "m-2.safetensors": shard(["c"])}  # fmt: skip
    api.create_repo("ann/sharded")
    operations = [CommitOperationAdd(path, content) for path, content in adds.items()]
    api.create_commit("ann/sharded", commit_message="S", operations=operations)
    found = api.get_safetensors_metadata("ann/sharded")
    same(
        (found.sharded, found.parameter_count, found.weight_map["c"]), (True, {"F16": 36}, "m-2.safetensors")
    )


@case("info")
def weights_that_are_none() -> None:
    fails("NotASafetensorsRepoError", "safetensors", api.get_safetensors_metadata, NAME)


@case("list")
def pages_of_a_list() -> None:
    for number in range(12):
        api.create_repo(f"ann/page-{number:02}")
    found = [m.id for m in api.list_models(author="ann", search="page-")]
    same((len(found), len({*found})), (12, 12))
    same(len(list(api.list_models(author="ann", search="page-", limit=5))), 5)


@case("list")
def lists_in_every_order() -> None:
    for sort in ("last_modified", "created_at", "downloads", "likes", "trending_score"):
        same(len(list(api.list_models(author="ann", search="page-", sort=sort))), 12)
    dates = [m.created_at for m in api.list_models(author="ann", sort="created_at")]
    same(dates, sorted(dates, reverse=True))


@case("list")
def what_it_stores_for_me() -> None:
    found = {each.id: each for each in api.list_user_repos()}
    same((found[NAME].visibility, found[NAME].storage >= 0), ("public", True))


@case("download")
def a_file_that_did_not_change_is_not_fetched_again() -> None:
    put("same.bin", LARGE)
    first = Path(hf_hub_download(NAME, "same.bin")).resolve()
    put("other.txt", b"o")
    again = Path(hf_hub_download(NAME, "same.bin"))
    same((again.resolve(), again.parent != first.parent), (first, True))
    same(first.name, sha256(LARGE).hexdigest())


@case("download")
def a_local_folder_is_brought_up_to_date() -> None:
    root = Path(snapshot_download(NAME, local_dir="local"))
    before = (root / "same.bin").stat().st_mtime_ns
    put("other.txt", b"changed")
    snapshot_download(NAME, local_dir="local")
    same(((root / "other.txt").read_bytes(), (root / "same.bin").stat().st_mtime_ns), (b"changed", before))


@case("download")
def a_file_that_lies_there_already_is_not_fetched() -> None:
    Path("lies").mkdir()
    Path("lies/same.bin").write_bytes(LARGE)
    before = Path("lies/same.bin").stat().st_ino
    hf_hub_download(NAME, "same.bin", local_dir="lies")
    same((Path("lies/same.bin").read_bytes() == LARGE, Path("lies/same.bin").stat().st_ino), (True, before))


@case("download")
def what_the_card_says() -> None:
    put("README.md", b"---\nlicense: mit\ntags: [x]\n---\n# H\n")
    same((ModelCard.load(NAME).data.license, ModelCard.load(NAME).data.tags), ("mit", ["x"]))


@case("download")
def metadata_of_small_and_large_files() -> None:
    small, large = (get_hf_file_metadata(hf_hub_url(NAME, path)) for path in ("a.txt", "same.bin"))
    same((small.size, len(small.etag), large.size, large.etag), (1, 40, 150_000, sha256(LARGE).hexdigest()))
    same({small.commit_hash, large.commit_hash}, {api.model_info(NAME).sha})


@case("download")
def with_a_token_and_without() -> None:
    for token in (False, GIVEN["rita"], True):
        same(Path(hf_hub_download(NAME, "a.txt", token=token, force_download=True)).read_bytes(), b"3")


@case("cache")
def the_cache_is_laid_as_on_the_hub() -> None:
    (repo,) = [each for each in scan_cache_dir().repos if each.repo_id == NAME]
    same((repo.repo_type, "main" in repo.refs), ("model", True))
    assert "same.bin" in {f.file_name for revision in repo.revisions for f in revision.files}


@case("cache")
def a_revision_is_deleted_from_the_cache() -> None:
    scan_cache_dir().delete_revisions(KEPT.commits[0]).execute()
    same(try_to_load_from_cache(NAME, "a.txt", revision=KEPT.commits[0]), None)


@case("cache")
def checksums_are_verified() -> None:
    snapshot_download(NAME)
    found = api.verify_repo_checksums(NAME)
    same((found.mismatches, found.missing_paths, found.checked_count > 3), ([], [], True))


@case("cache")
def of_a_snapshot_and_without_the_network() -> None:
    root = snapshot_download(NAME)
    same(snapshot_download(NAME, local_files_only=True), root)
    same(files_of(root)["a.txt"], b"3")


if __name__ == "__main__":
    sys.exit(run())
