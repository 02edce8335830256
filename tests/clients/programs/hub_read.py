"""huggingface_hub: everything that only reads, over repositories that the first cases make."""

from __future__ import annotations

import json
import struct
import sys
from hashlib import sha1, sha256
from pathlib import Path

from cases import GIVEN, KEPT, bytes_of, case, fails, files_of, run, same
from huggingface_hub import (
    CommitOperationAdd,
    HfApi,
    RepoFile,
    RepoFolder,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    snapshot_download,
    try_to_load_from_cache,
)

api, NAME = HfApi(), "ann/read"
LARGE = bytes_of(7, 900_000)


def tensors() -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(24)


FILES = {
    "README.md": b"---\nlicense: apache-2.0\nlanguage: en\npipeline_tag: text-classification\n---\n# R\n",
    "config.json": b'{"model_type": "bert"}',
    "model.safetensors": tensors(),
    "empty.txt": b"",
    "sub/deep/w.bin": LARGE,
    "sub/a b.txt": b"blank",
}


def blob_id(content: bytes) -> str:
    return sha1(b"blob %d\0" % len(content) + content).hexdigest()


@case("sign in")
def whoami() -> None:
    me = api.whoami()
    same((me["name"], me["type"], me["auth"]["accessToken"]["role"]), ("ann", "user", "write"))


@case("sign in")
def whoami_of_a_reader() -> None:
    me = api.whoami(token=GIVEN["rita"])
    same((me["name"], me["auth"]["accessToken"]["role"]), ("rita", "read"))


@case("sign in")
def whoami_with_a_bad_token() -> None:
    fails("HfHubHTTPError", "Invalid user token", api.whoami, token="hf_unknown")


@case("create")
def the_repositories_to_read() -> None:
    api.create_repo(NAME)
    KEPT.begun = api.model_info(NAME).sha
    adds = [CommitOperationAdd(path, content) for path, content in FILES.items()]
    KEPT.head = api.create_commit(NAME, commit_message="All", operations=adds).oid
    api.create_tag(NAME, tag="v1.0")
    api.create_branch(NAME, branch="dev/x")
    api.create_repo("ann/read", repo_type="dataset")
    add = [
        CommitOperationAdd("a.csv", b"a\n1\n"),
        CommitOperationAdd("README.md", b"---\nlicense: mit\n---\n"),
    ]
    api.create_commit("ann/read", repo_type="dataset", commit_message="All", operations=add)
    same(api.model_info(NAME).sha, KEPT.head)


@case("info")
def model_info() -> None:
    info = api.model_info(NAME)
    same((info.id, info.author, info.sha, info.private, info.gated), (NAME, "ann", KEPT.head, False, False))
    same(sorted(s.rfilename for s in info.siblings), sorted([".gitattributes", *FILES]))


@case("info")
def model_info_with_files() -> None:
    found = {s.rfilename: s for s in api.model_info(NAME, files_metadata=True).siblings}
    same({path: found[path].size for path in FILES}, {path: len(content) for path, content in FILES.items()})
    same(found["sub/deep/w.bin"].lfs.sha256, sha256(LARGE).hexdigest())
    same(found["config.json"].blob_id, blob_id(FILES["config.json"]))


@case("info")
def model_info_says_what_the_card_says() -> None:
    info = api.model_info(NAME)
    same((info.card_data.license, info.pipeline_tag), ("apache-2.0", "text-classification"))
    assert "license:apache-2.0" in info.tags, info.tags


@case("info")
def model_info_expanded() -> None:
    info = api.model_info(NAME, expand=["sha", "cardData"])
    same((info.sha, info.card_data.license, info.siblings), (KEPT.head, "apache-2.0", None))


@case("info")
def model_info_with_the_security_state() -> None:
    same(api.model_info(NAME, securityStatus=True).id, NAME)


@case("info")
def model_info_of_a_tag_a_branch_and_a_commit() -> None:
    same(
        [api.model_info(NAME, revision=r).sha for r in ("v1.0", "dev/x", KEPT.head, "main")], [KEPT.head] * 4
    )


@case("info")
def model_info_of_a_short_commit() -> None:
    same(api.model_info(NAME, revision=KEPT.head[:9]).sha, KEPT.head)


@case("info")
def model_info_of_a_whole_ref() -> None:
    same(api.model_info(NAME, revision="refs/heads/dev/x").sha, KEPT.head)


@case("info")
def model_info_of_a_name_in_other_letters() -> None:
    same(api.model_info("Ann/READ").id, NAME)


@case("info")
def model_info_that_is_missing() -> None:
    fails("RepositoryNotFoundError", "404", api.model_info, "ann/none")


@case("info")
def model_info_of_a_revision_that_is_missing() -> None:
    fails("RevisionNotFoundError", "404", api.model_info, NAME, revision="none")


@case("info")
def dataset_info() -> None:
    info = api.dataset_info("ann/read")
    same((info.id, info.card_data.license, len(info.siblings)), ("ann/read", "mit", 3))


@case("info")
def repo_exists() -> None:
    same([api.repo_exists(NAME), api.repo_exists("ann/none"), api.repo_exists("x/y")], [True, False, False])


@case("info")
def revision_exists() -> None:
    same([api.revision_exists(NAME, r) for r in ("v1.0", "none", KEPT.begun)], [True, False, True])


@case("info")
def file_exists() -> None:
    same([api.file_exists(NAME, p) for p in ("config.json", "no.json", "sub/a b.txt")], [True, False, True])


@case("info")
def auth_check() -> None:
    same(api.auth_check(NAME), None)


@case("info")
def auth_check_that_is_missing() -> None:
    fails("RepositoryNotFoundError", "404", api.auth_check, "ann/none")


@case("info")
def safetensors_metadata() -> None:
    found = api.get_safetensors_metadata(NAME)
    same(
        (found.sharded, found.parameter_count, found.weight_map),
        (False, {"F32": 6}, {"w": "model.safetensors"}),
    )


@case("list")
def list_models_of_an_author() -> None:
    assert NAME in [m.id for m in api.list_models(author="ann")]


@case("list")
def list_models_by_search() -> None:
    same([m.id for m in api.list_models(search="READ", author="ann")], [NAME])


@case("list")
def list_models_by_tags() -> None:
    same([m.id for m in api.list_models(filter=["license:apache-2.0", "en"], author="ann")], [NAME])


@case("list")
def list_models_by_pipeline() -> None:
    same([m.id for m in api.list_models(pipeline_tag="text-classification", author="ann")], [NAME])


@case("list")
def list_models_sorted_and_limited() -> None:
    found = list(api.list_models(sort="created_at", limit=1))
    same(len(found), 1)


@case("list")
def list_models_in_full() -> None:
    found = next(m for m in api.list_models(author="ann", full=True, cardData=True) if m.id == NAME)
    same(
        ("config.json" in [s.rfilename for s in found.siblings], found.card_data.license),
        (True, "apache-2.0"),
    )


@case("list")
def list_models_of_nobody() -> None:
    same(list(api.list_models(author="nobody")), [])


@case("list")
def list_datasets() -> None:
    assert "ann/read" in [d.id for d in api.list_datasets(author="ann")]


@case("list")
def list_spaces() -> None:
    same(list(api.list_spaces(author="rita")), [])


@case("tree")
def list_repo_files() -> None:
    same(sorted(api.list_repo_files(NAME)), sorted([".gitattributes", *FILES]))


@case("tree")
def list_repo_tree_of_one_level() -> None:
    found = list(api.list_repo_tree(NAME))
    same([e.path for e in found if isinstance(e, RepoFolder)], ["sub"])


@case("tree")
def list_repo_tree_of_everything() -> None:
    found = {e.path: e for e in api.list_repo_tree(NAME, recursive=True)}
    same(sorted(p for p, e in found.items() if isinstance(e, RepoFolder)), ["sub", "sub/deep"])
    large = found["sub/deep/w.bin"]
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n" % (
        sha256(LARGE).hexdigest().encode(), len(LARGE))  # fmt: skip
    same((large.blob_id, large.lfs.sha256), (blob_id(pointer), sha256(LARGE).hexdigest()))
    same(found["config.json"].blob_id, blob_id(FILES["config.json"]))


@case("tree")
def list_repo_tree_of_a_folder() -> None:
    same(sorted(e.path for e in api.list_repo_tree(NAME, "sub")), ["sub/a b.txt", "sub/deep"])


@case("tree")
def list_repo_tree_expanded() -> None:
    found = next(e for e in api.list_repo_tree(NAME, expand=True) if isinstance(e, RepoFile))
    assert found.last_commit is not None


@case("tree")
def list_repo_tree_of_a_folder_that_is_missing() -> None:
    fails("RemoteEntryNotFoundError", "404", lambda: list(api.list_repo_tree(NAME, "none")))


@case("tree")
def get_paths_info() -> None:
    found = {e.path: e for e in api.get_paths_info(NAME, ["sub", "config.json", "none.txt", "sub/a b.txt"])}
    same(sorted(found), ["config.json", "sub", "sub/a b.txt"])
    same(found["config.json"].size, len(FILES["config.json"]))


@case("tree")
def get_paths_info_expanded() -> None:
    assert api.get_paths_info(NAME, ["config.json"], expand=True)[0].last_commit is not None


@case("history")
def list_repo_refs() -> None:
    refs = api.list_repo_refs(NAME)
    same({b.name: b.target_commit for b in refs.branches}, {"main": KEPT.head, "dev/x": KEPT.head})
    same([(t.name, t.ref, t.target_commit) for t in refs.tags], [("v1.0", "refs/tags/v1.0", KEPT.head)])


@case("history")
def list_repo_refs_with_pull_requests() -> None:
    same(api.list_repo_refs(NAME, include_pull_requests=True).pull_requests, [])


@case("history")
def list_repo_commits() -> None:
    found = api.list_repo_commits(NAME)
    same([c.commit_id for c in found], [KEPT.head, KEPT.begun])
    same((found[0].title, found[0].authors), ("All", ["ann"]))


@case("history")
def list_repo_commits_formatted() -> None:
    assert api.list_repo_commits(NAME, formatted=True)[0].formatted_title == "All"


@case("download")
def hf_hub_download_of_each_file() -> None:
    same({path: Path(hf_hub_download(NAME, path)).read_bytes() for path in FILES}, FILES)


@case("download")
def hf_hub_download_by_every_revision() -> None:
    wanted = FILES["config.json"]
    for revision in ("v1.0", "dev/x", "refs/heads/dev/x", KEPT.head, KEPT.head[:8], "main"):
        same(Path(hf_hub_download(NAME, "config.json", revision=revision)).read_bytes(), wanted)


@case("download")
def hf_hub_download_of_a_subfolder() -> None:
    same(Path(hf_hub_download(NAME, "w.bin", subfolder="sub/deep")).read_bytes(), LARGE)


@case("download")
def hf_hub_download_again_forced() -> None:
    same(Path(hf_hub_download(NAME, "sub/deep/w.bin", force_download=True)).read_bytes(), LARGE)


@case("download")
def hf_hub_download_into_a_folder() -> None:
    got = Path(hf_hub_download(NAME, "sub/deep/w.bin", local_dir="here"))
    same(
        (got.read_bytes(), got), (LARGE, Path("here/sub/deep/w.bin").resolve() if got.is_absolute() else got)
    )


@case("download")
def hf_hub_download_from_the_cache_only() -> None:
    same(Path(hf_hub_download(NAME, "config.json", local_files_only=True)).read_bytes(), FILES["config.json"])


@case("download")
def hf_hub_download_of_a_file_that_is_missing() -> None:
    fails("RemoteEntryNotFoundError", "404", hf_hub_download, NAME, "none.json")


@case("download")
def a_missing_file_is_remembered() -> None:
    assert type(try_to_load_from_cache(NAME, "none.json")).__name__ == "object"


@case("download")
def hf_hub_download_of_a_revision_that_is_missing() -> None:
    fails("RevisionNotFoundError", "404", hf_hub_download, NAME, "config.json", revision="none")


@case("download")
def hf_hub_download_of_a_repository_that_is_missing() -> None:
    fails("RepositoryNotFoundError", "404", hf_hub_download, "ann/none", "config.json")


@case("download")
def hf_hub_download_of_a_data_set() -> None:
    same(Path(hf_hub_download("ann/read", "a.csv", repo_type="dataset")).read_bytes(), b"a\n1\n")


@case("download")
def metadata_of_a_file() -> None:
    found = get_hf_file_metadata(hf_hub_url(NAME, "sub/deep/w.bin"))
    same((found.commit_hash, found.etag, found.size), (KEPT.head, sha256(LARGE).hexdigest(), len(LARGE)))
    assert found.xet_file_data is None


@case("download")
def snapshot_download_of_everything() -> None:
    root = Path(snapshot_download(NAME))
    back = files_of(root)
    assert back.pop(".gitattributes")
    same((root.name, back), (KEPT.head, FILES))


@case("download")
def snapshot_download_with_patterns() -> None:
    root = snapshot_download(
        NAME, allow_patterns=["*.json", "sub/*"], ignore_patterns="*.bin", local_dir="some"
    )
    same(sorted(files_of(root)), ["config.json", "sub/a b.txt"])


@case("download")
def snapshot_download_of_a_tag() -> None:
    same(Path(snapshot_download(NAME, revision="v1.0")).name, KEPT.head)


@case("download")
def snapshot_download_of_a_data_set() -> None:
    same(files_of(snapshot_download("ann/read", repo_type="dataset"))["a.csv"], b"a\n1\n")


@case("download")
def snapshot_download_dry() -> None:
    found = snapshot_download(NAME, dry_run=True, force_download=True)
    same({f.filename: f.file_size for f in found}["sub/deep/w.bin"], len(LARGE))


@case("download")
def snapshot_download_of_what_is_missing() -> None:
    fails("RepositoryNotFoundError", "404", snapshot_download, "ann/none")


if __name__ == "__main__":
    sys.exit(run())
