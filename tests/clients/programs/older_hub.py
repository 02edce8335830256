"""huggingface_hub of earlier years, in an environment of its own: reading, listing, uploading."""

from __future__ import annotations

import sys
from pathlib import Path

import huggingface_hub
from cases import ENDPOINT, GIVEN, KEPT, MODE, bytes_of, case, fails, files_of, run, same
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    HfFileSystem,
    hf_hub_download,
    snapshot_download,
)

api = HfApi()
MAJOR = huggingface_hub.__version__.partition(".")[0]
NAME = f"ann/older-{MAJOR}-{MODE}"
LARGE = bytes_of(11, 1_300_000)
FILES = {
    "config.json": b"{}",
    "w.bin": LARGE,
    "sub/a b.txt": b"blank",
    "README.md": b"---\nlicense: mit\n---\n# O\n",
}


@case("sign in")
def whoami() -> None:
    same(api.whoami()["name"], "ann")


@case("create")
def create_repo() -> None:
    same(str(api.create_repo(NAME)), f"{ENDPOINT}/{NAME}")


@case("create")
def create_repo_exist_ok() -> None:
    same(api.create_repo(NAME, exist_ok=True).repo_id, NAME)


@case("upload a folder")
def upload_folder() -> None:
    for path, content in FILES.items():
        (Path("up") / path).parent.mkdir(parents=True, exist_ok=True)
        (Path("up") / path).write_bytes(content)
    KEPT.head = api.upload_folder(repo_id=NAME, folder_path="up").oid
    same(api.model_info(NAME).sha, KEPT.head)


@case("download")
def snapshot() -> None:
    back = files_of(snapshot_download(NAME))
    assert back.pop(".gitattributes")
    same(back, FILES)


@case("upload a file")
def upload_file() -> None:
    api.upload_file(path_or_fileobj=LARGE[::-1], path_in_repo="back.bin", repo_id=NAME)
    same(Path(hf_hub_download(NAME, "back.bin")).read_bytes(), LARGE[::-1])


@case("commit")
def create_commit() -> None:
    changes = [CommitOperationAdd("n.txt", b"n"), CommitOperationDelete("back.bin")]
    api.create_commit(NAME, commit_message="C", operations=changes, parent_commit=api.model_info(NAME).sha)
    found = api.list_repo_files(NAME)
    same(("n.txt" in found, "back.bin" in found), (True, False))


@case("commit")
def a_stale_parent() -> None:
    add = [CommitOperationAdd("late.txt", b"x")]
    fails("HfHubHTTPError", "412", api.create_commit, NAME, commit_message="L", operations=add,
          parent_commit=KEPT.head)  # fmt: skip


@case("download")
def hf_hub_download_of_a_commit() -> None:
    same(Path(hf_hub_download(NAME, "w.bin", revision=KEPT.head)).read_bytes(), LARGE)


@case("tree")
def list_repo_tree() -> None:
    found = {e.path: e for e in api.list_repo_tree(NAME, recursive=True)}
    same((found["w.bin"].size, found["w.bin"].lfs is not None), (len(LARGE), True))


@case("tree")
def get_paths_info() -> None:
    same([e.path for e in api.get_paths_info(NAME, ["config.json", "none"])], ["config.json"])


@case("list")
def list_models() -> None:
    same([m.id for m in api.list_models(search=f"older-{MAJOR}-{MODE}", author="ann")], [NAME])


@case("history")
def list_repo_commits() -> None:
    same(len(api.list_repo_commits(NAME)), 4)


@case("branches and tags")
def branches_and_tags() -> None:
    api.create_branch(NAME, branch="dev/x")
    api.create_tag(NAME, tag="v1")
    refs = api.list_repo_refs(NAME)
    same((sorted(b.name for b in refs.branches), [t.name for t in refs.tags]), (["dev/x", "main"], ["v1"]))


@case("ranges")
def file_system() -> None:
    with HfFileSystem().open(f"{NAME}/w.bin", block_size=4096) as file:
        file.seek(1_000_000)
        same(file.read(500), LARGE[1_000_000:1_000_500])


@case("errors")
def what_is_missing() -> None:
    fails("RepositoryNotFoundError", "404", api.model_info, "ann/none")
    fails("RevisionNotFoundError", "404", api.model_info, NAME, revision="none")


@case("errors")
def a_file_that_is_missing() -> None:
    try:
        hf_hub_download(NAME, "none.json")
    except Exception as error:
        assert "EntryNotFoundError" in [c.__name__ for c in type(error).__mro__], type(error)
    else:
        raise AssertionError("no error")


@case("upload a folder")
def upload_large_folder() -> None:
    for number in range(6):
        (Path("large") / f"{number}").mkdir(parents=True, exist_ok=True)
        (Path("large") / f"{number}" / "part.bin").write_bytes(bytes_of(number, 200_000))
    api.upload_large_folder(
        repo_id=NAME, folder_path="large", repo_type="model", num_workers=2, print_report=False
    )
    same(Path(hf_hub_download(NAME, "5/part.bin")).read_bytes(), bytes_of(5, 200_000))
    same(len([path for path in api.list_repo_files(NAME) if path.endswith("part.bin")]), 6)


@case("pull requests")
def a_pull_request_and_its_merge() -> None:
    add = [CommitOperationAdd("pr.txt", b"p")]
    done = api.create_commit(NAME, commit_message="P", operations=add, create_pr=True)
    same((done.pr_num, "pr.txt" in api.list_repo_files(NAME)), (1, False))
    api.merge_pull_request(NAME, 1)
    same(Path(hf_hub_download(NAME, "pr.txt")).read_bytes(), b"p")


@case("download")
def into_a_folder_by_pattern() -> None:
    snapshot_download(NAME, local_dir="some", allow_patterns=["*.txt"])
    same(set(files_of("some")), {"n.txt", "pr.txt", "sub/a b.txt"})


@case("upload a file")
def the_file_system_writes() -> None:
    with HfFileSystem().open(f"{NAME}/written.txt", "w") as file:
        file.write("by the file system")
    same(Path(hf_hub_download(NAME, "written.txt")).read_bytes(), b"by the file system")


@case("branches and tags")
def super_squash_history() -> None:
    api.super_squash_history(NAME)
    same((len(api.list_repo_commits(NAME)), api.file_exists(NAME, "w.bin")), (1, True))


@case("who may")
def another_user_does_not_upload() -> None:
    fails("HfHubHTTPError", "403", HfApi(token=GIVEN["bob"]).upload_file, path_or_fileobj=b"x",
          path_in_repo="x", repo_id=NAME)  # fmt: skip


@case("settings")
def make_private() -> None:
    api.update_repo_settings(NAME, private=True)
    same(api.model_info(NAME).private, True)


@case("delete a repository")
def delete_repo() -> None:
    api.delete_repo(NAME)
    same(api.repo_exists(NAME), False)


if __name__ == "__main__":
    sys.exit(run())
