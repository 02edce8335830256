"""huggingface_hub: everything that changes a repository. Run with Xet and without."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from cases import ENDPOINT, KEPT, MODE, bytes_of, case, fails, files_of, run, same
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    DatasetCard,
    HfApi,
    ModelCard,
    constants,
    get_token,
    hf_hub_download,
    metadata_update,
    snapshot_download,
)

api = HfApi()
NAME = f"ann/written-{MODE}"
LARGE = bytes_of(1, 1_500_001)
FOLDER = {
    "README.md": b"---\nlicense: mit\n---\n# Words\n",
    "config.json": b"{}",
    "empty.txt": b"",
    "weights.bin": LARGE,
    "sub dir/\u00fc 1.txt": "gr\u00fc\u00dfe\n".encode(),
    "sub dir/deep/more.safetensors": bytes_of(2, 120_000),
}
ATTRIBUTES = ".gitattributes"


def text(path: str, revision: str | None = None, name: str = NAME) -> bytes:
    return Path(hf_hub_download(name, path, revision=revision)).read_bytes()


def names(revision: str | None = None, name: str = NAME, **more: str) -> list[str]:
    return sorted(api.list_repo_files(name, revision=revision, **more))


def written(at: str, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        place = Path(at) / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return Path(at)


@case("sign in")
def xet_is_used_as_this_run_says() -> None:
    same(constants.HF_HUB_DISABLE_XET, MODE == "lfs")
    assert get_token()


@case("create")
def create_repo_with_a_bare_name() -> None:
    url = api.create_repo(NAME.partition("/")[2])
    same((str(url), url.repo_id, url.repo_type), (f"{ENDPOINT}/{NAME}", NAME, "model"))


@case("create")
def create_repo_that_exists() -> None:
    fails("HfHubHTTPError", "409", api.create_repo, NAME)


@case("create")
def create_repo_exist_ok() -> None:
    same(str(api.create_repo(NAME, exist_ok=True)), f"{ENDPOINT}/{NAME}")


@case("create")
def create_repo_of_somebody_else() -> None:
    fails("HfHubHTTPError", "403", api.create_repo, "bob/hers")


@case("create")
def a_new_repository_has_main() -> None:
    same(names(), [ATTRIBUTES])


@case("create")
def create_a_data_set() -> None:
    url = api.create_repo(f"{NAME}-d", repo_type="dataset")
    same((str(url), url.repo_type), (f"{ENDPOINT}/datasets/{NAME}-d", "dataset"))


@case("create")
def create_a_space() -> None:
    url = api.create_repo(f"{NAME}-s", repo_type="space", space_sdk="static")
    same((url.repo_id, url.repo_type), (f"{NAME}-s", "space"))


@case("create")
def create_a_private_repository() -> None:
    api.create_repo(f"{NAME}-p", private=True)
    same(api.model_info(f"{NAME}-p").private, True)


@case("upload a file")
def upload_bytes() -> None:
    done = api.upload_file(path_or_fileobj=b"one\n", path_in_repo="a.txt", repo_id=NAME)
    assert re.fullmatch(r"[0-9a-f]{40}", done.oid), done.oid
    same((done.commit_url, api.model_info(NAME).sha), (f"{ENDPOINT}/{NAME}/commit/{done.oid}", done.oid))
    same(text("a.txt"), b"one\n")


@case("upload a file")
def upload_a_path_of_large_content() -> None:
    Path("w.bin").write_bytes(LARGE)
    api.upload_file(path_or_fileobj="w.bin", path_in_repo="w.bin", repo_id=NAME)
    same(text("w.bin"), LARGE)


@case("upload a file")
def upload_an_open_file() -> None:
    api.upload_file(path_or_fileobj=io.BytesIO(LARGE[:40_000]), path_in_repo="open.bin", repo_id=NAME)
    same(text("open.bin"), LARGE[:40_000])


@case("upload a file")
def upload_large_bytes() -> None:
    api.upload_file(path_or_fileobj=LARGE[::-1], path_in_repo="back.bin", repo_id=NAME)
    same(text("back.bin"), LARGE[::-1])


@case("upload a file")
def upload_an_empty_file() -> None:
    api.upload_file(path_or_fileobj=b"", path_in_repo="empty.bin", repo_id=NAME)
    same(text("empty.bin"), b"")


@case("upload a file")
def upload_text_of_more_than_ten_megabytes() -> None:
    content = b"0123456789abcde\n" * 660_000
    api.upload_file(path_or_fileobj=content, path_in_repo="long.txt", repo_id=NAME)
    info = api.get_paths_info(NAME, "long.txt")[0]
    assert info.lfs is not None
    same((info.size, text("long.txt") == content), (len(content), True))


@case("upload a file")
def upload_the_same_again_makes_no_commit() -> None:
    head = api.model_info(NAME).sha
    done = api.upload_file(path_or_fileobj=b"one\n", path_in_repo="a.txt", repo_id=NAME)
    same((done.oid, api.model_info(NAME).sha), (head, head))


@case("upload a file")
def a_name_with_special_characters() -> None:
    path = "f o/\u00e4#%&+?=@.txt"
    api.upload_file(path_or_fileobj=b"special", path_in_repo=path, repo_id=NAME)
    same((text(path), path in names()), (b"special", True))


@case("upload a file")
def run_as_a_future() -> None:
    future = api.upload_file(
        path_or_fileobj=b"f", path_in_repo="future.txt", repo_id=NAME, run_as_future=True
    )
    same((future.result(600).oid, text("future.txt")), (api.model_info(NAME).sha, b"f"))


@case("upload a file")
def into_a_data_set() -> None:
    api.upload_file(path_or_fileobj=LARGE, path_in_repo="d.bin", repo_id=f"{NAME}-d", repo_type="dataset")
    same(Path(hf_hub_download(f"{NAME}-d", "d.bin", repo_type="dataset")).read_bytes(), LARGE)


@case("upload a file")
def into_a_space() -> None:
    api.upload_file(path_or_fileobj=b"<p>", path_in_repo="x.html", repo_id=f"{NAME}-s", repo_type="space")
    same(Path(hf_hub_download(f"{NAME}-s", "x.html", repo_type="space")).read_bytes(), b"<p>")


@case("upload a file")
def into_a_private_repository() -> None:
    api.upload_file(path_or_fileobj=LARGE[:70_000], path_in_repo="p.bin", repo_id=f"{NAME}-p")
    same(text("p.bin", name=f"{NAME}-p"), LARGE[:70_000])


@case("upload a file")
def into_a_repository_that_is_missing() -> None:
    send = {"path_or_fileobj": b"x", "path_in_repo": "x", "repo_id": "ann/none"}
    fails("RepositoryNotFoundError", "404", api.upload_file, **send)


@case("upload a file")
def to_a_branch_that_is_missing() -> None:
    send = {"path_or_fileobj": b"x", "path_in_repo": "x", "repo_id": NAME, "revision": "none"}
    fails("RevisionNotFoundError", "404", api.upload_file, **send)


@case("upload a file")
def a_path_with_a_backslash() -> None:
    send = {"path_or_fileobj": b"x", "path_in_repo": "a\\..\\b.txt", "repo_id": NAME}
    fails("BadRequestError", "backslash", api.upload_file, **send)


@case("upload a file")
def a_program_is_refused_with_a_sentence() -> None:
    send = {"path_or_fileobj": b"MZ", "path_in_repo": "setup.exe", "repo_id": NAME}
    fails("BadRequestError", "takes none", api.upload_file, **send)


@case("upload a folder")
def upload_folder() -> None:
    api.create_repo(f"{NAME}-f")
    at = written("folder", FOLDER)
    KEPT.commit = api.upload_folder(repo_id=f"{NAME}-f", folder_path=at).oid
    back = files_of(snapshot_download(f"{NAME}-f"))
    assert back.pop(ATTRIBUTES)
    same(back, FOLDER)


@case("upload a folder")
def upload_folder_unchanged() -> None:
    same(api.upload_folder(repo_id=f"{NAME}-f", folder_path="folder").oid, KEPT.commit)


@case("upload a folder")
def upload_folder_with_one_change() -> None:
    Path("folder/weights.bin").write_bytes(LARGE[:700_000] + b"changed" + LARGE[700_000:])
    api.upload_folder(repo_id=f"{NAME}-f", folder_path="folder")
    same(text("weights.bin", name=f"{NAME}-f"), LARGE[:700_000] + b"changed" + LARGE[700_000:])


@case("upload a folder")
def upload_folder_with_patterns() -> None:
    api.create_repo(f"{NAME}-q")
    api.upload_folder(
        repo_id=f"{NAME}-q", folder_path="folder", path_in_repo="in", allow_patterns=["*.json", "*.bin"],
        ignore_patterns="weights*",
    )  # fmt: skip
    same(names(name=f"{NAME}-q"), [ATTRIBUTES, "in/config.json"])


@case("upload a folder")
def upload_folder_with_delete_patterns() -> None:
    at = written("other", {"new.json": b"[]"})
    api.upload_folder(repo_id=f"{NAME}-q", folder_path=at, path_in_repo="in", delete_patterns="*.json")
    same(names(name=f"{NAME}-q"), [ATTRIBUTES, "in/new.json"])


@case("upload a folder")
def upload_folder_of_300_files() -> None:
    many = {f"m/{number:03}.txt": b"%d" % number for number in range(300)}
    api.upload_folder(repo_id=f"{NAME}-q", folder_path=written("many", many))
    same(len(names(name=f"{NAME}-q")), 302)


@case("upload a folder")
def a_gitignore_of_the_repository_counts() -> None:
    api.upload_file(path_or_fileobj=b"*.log\n", path_in_repo=".gitignore", repo_id=f"{NAME}-q")
    api.upload_folder(repo_id=f"{NAME}-q", folder_path=written("logs", {"x.log": b"l", "x.md": b"m"}))
    found = names(name=f"{NAME}-q")
    same(("x.log" in found, "x.md" in found), (False, True))


@case("upload a folder")
def gitattributes_decide_what_is_large() -> None:
    api.upload_file(
        path_or_fileobj=b"*.tok filter=lfs diff=lfs merge=lfs -text\n", path_in_repo=ATTRIBUTES,
        repo_id=f"{NAME}-q",
    )  # fmt: skip
    api.upload_file(path_or_fileobj=b"small text", path_in_repo="a.tok", repo_id=f"{NAME}-q")
    info = api.get_paths_info(f"{NAME}-q", "a.tok")[0]
    assert info.lfs is not None
    same(text("a.tok", name=f"{NAME}-q"), b"small text")


@case("commit")
def create_commit_with_every_kind_of_addition() -> None:
    done = api.create_commit(
        NAME, commit_message="First", commit_description="because", operations=[
            CommitOperationAdd("keep.txt", b"keep"), CommitOperationAdd("old.txt", b"old"),
            CommitOperationAdd("dir/a.txt", b"a"), CommitOperationAdd("dir/b/c.txt", b"c"),
            CommitOperationAdd("large.bin", LARGE[:50_000]),
        ])  # fmt: skip
    KEPT.first = done.oid
    newest = api.list_repo_commits(NAME)[0]
    same((newest.commit_id, newest.title, newest.message), (done.oid, "First", "because"))
    same(newest.authors, ["ann"])


@case("commit")
def create_commit_on_its_parent() -> None:
    done = api.create_commit(
        NAME, commit_message="Second", parent_commit=KEPT.first,
        operations=[CommitOperationDelete("old.txt"), CommitOperationAdd("keep.txt", b"kept")],
    )  # fmt: skip
    same((text("keep.txt"), "old.txt" in names()), (b"kept", False))
    same(text("keep.txt", KEPT.first), b"keep")
    assert done.oid != KEPT.first


@case("commit")
def create_commit_on_a_stale_parent() -> None:
    add = [CommitOperationAdd("late.txt", b"late")]
    fails("HfHubHTTPError", "412", api.create_commit, NAME, commit_message="L", operations=add,
          parent_commit=KEPT.first)  # fmt: skip


@case("commit")
def copy_a_small_file() -> None:
    api.create_commit(NAME, commit_message="C", operations=[CommitOperationCopy("keep.txt", "copy.txt")])
    same(text("copy.txt"), b"kept")


@case("commit")
def copy_a_large_file() -> None:
    api.create_commit(NAME, commit_message="C", operations=[CommitOperationCopy("large.bin", "c/large.bin")])
    same(text("c/large.bin"), LARGE[:50_000])


@case("commit")
def copy_from_an_older_commit() -> None:
    copy = CommitOperationCopy("keep.txt", "older.txt", src_revision=KEPT.first)
    api.create_commit(NAME, commit_message="C", operations=[copy])
    same(text("older.txt"), b"keep")


@case("commit")
def copy_what_is_missing() -> None:
    copy = [CommitOperationCopy("none.txt", "x.txt")]
    got = []
    try:
        api.create_commit(NAME, commit_message="C", operations=copy)
    except Exception as error:
        got = [c.__name__ for c in type(error).__mro__]
    assert "EntryNotFoundError" in got, got


@case("commit")
def a_commit_is_made_whole_or_not() -> None:
    both = [CommitOperationAdd("fine.txt", b"x"), CommitOperationDelete("none.txt")]
    fails("RemoteEntryNotFoundError", "404", api.create_commit, NAME, commit_message="B", operations=both)
    same("fine.txt" in names(), False)


@case("commit")
def preupload_then_commit() -> None:
    add = CommitOperationAdd("pre.bin", LARGE[:90_000])
    api.preupload_lfs_files(NAME, additions=[add])
    api.create_commit(NAME, commit_message="Pre", operations=[add])
    same(text("pre.bin"), LARGE[:90_000])


@case("commit")
def a_card_that_cannot_be_read() -> None:
    bad = b"---\nlicense: [mit\n---\n# x\n"
    fails("ValueError", "README.md", api.upload_file, path_or_fileobj=bad, path_in_repo="README.md",
          repo_id=NAME)  # fmt: skip


@case("delete")
def delete_file() -> None:
    api.delete_file("copy.txt", NAME)
    same("copy.txt" in names(), False)


@case("delete")
def delete_a_file_that_is_missing() -> None:
    fails("RemoteEntryNotFoundError", "A file with this name doesn't exist", api.delete_file, "no.txt", NAME)


@case("delete")
def delete_folder() -> None:
    api.delete_folder("dir", NAME)
    same([path for path in names() if path.startswith("dir/")], [])


@case("delete")
def delete_files_by_pattern() -> None:
    api.delete_files(NAME, ["*.bin"])
    same([path for path in names() if path.endswith(".bin")], [])


@case("branches and tags")
def create_branch() -> None:
    api.create_branch(NAME, branch="dev/x")
    same(sorted(b.name for b in api.list_repo_refs(NAME).branches), ["dev/x", "main"])


@case("branches and tags")
def create_branch_that_exists() -> None:
    fails("HfHubHTTPError", "409", api.create_branch, NAME, branch="dev/x")


@case("branches and tags")
def create_branch_exist_ok() -> None:
    same(api.create_branch(NAME, branch="dev/x", exist_ok=True), None)


@case("branches and tags")
def create_branch_at_a_commit() -> None:
    api.create_branch(NAME, branch="old", revision=KEPT.first)
    same(text("old.txt", "old"), b"old")


@case("branches and tags")
def create_branch_at_what_is_missing() -> None:
    fails("RevisionNotFoundError", "404", api.create_branch, NAME, branch="y", revision="none")


@case("branches and tags")
def create_branch_with_a_bad_name() -> None:
    fails("BadRequestError", "not a name", api.create_branch, NAME, branch="a..b")


@case("branches and tags")
def commit_to_a_branch() -> None:
    api.upload_file(path_or_fileobj=LARGE, path_in_repo="b/b.bin", repo_id=NAME, revision="dev/x")
    same((text("b/b.bin", "dev/x") == LARGE, "b/b.bin" in names()), (True, False))


@case("branches and tags")
def create_tag() -> None:
    api.create_tag(NAME, tag="v1", revision="dev/x", tag_message="one")
    same([t.name for t in api.list_repo_refs(NAME).tags], ["v1"])
    same(text("b/b.bin", "v1"), LARGE)


@case("branches and tags")
def create_tag_that_exists() -> None:
    fails("HfHubHTTPError", "409", api.create_tag, NAME, tag="v1")


@case("branches and tags")
def create_tag_exist_ok() -> None:
    same(api.create_tag(NAME, tag="v1", exist_ok=True), None)


@case("branches and tags")
def delete_tag() -> None:
    api.delete_tag(NAME, tag="v1")
    same(api.list_repo_refs(NAME).tags, [])


@case("branches and tags")
def delete_tag_that_is_missing() -> None:
    fails("RevisionNotFoundError", "404", api.delete_tag, NAME, tag="v1")


@case("branches and tags")
def delete_branch() -> None:
    api.delete_branch(NAME, branch="dev/x")
    same(sorted(b.name for b in api.list_repo_refs(NAME).branches), ["main", "old"])


@case("branches and tags")
def delete_main() -> None:
    fails("HfHubHTTPError", "403", api.delete_branch, NAME, branch="main")


@case("cards")
def validate_a_card() -> None:
    same(ModelCard("---\nlicense: mit\n---\n# Good\n").validate(), None)


@case("cards")
def push_a_card_and_load_it() -> None:
    ModelCard("---\nlicense: mit\ntags: [one]\n---\n# Good\n").push_to_hub(NAME)
    card = ModelCard.load(NAME)
    same((card.data.license, card.data.tags, card.text.strip()), ("mit", ["one"], "# Good"))


@case("cards")
def update_metadata() -> None:
    metadata_update(NAME, {"language": "en"})
    same((ModelCard.load(NAME).data.language, ModelCard.load(NAME).data.license), ("en", "mit"))


@case("cards")
def the_card_of_a_data_set() -> None:
    DatasetCard("---\nlicense: cc-by-4.0\n---\n# D\n").push_to_hub(f"{NAME}-d", repo_type="dataset")
    same(api.dataset_info(f"{NAME}-d").card_data.license, "cc-by-4.0")


@case("settings")
def make_private_and_public_again() -> None:
    api.update_repo_settings(NAME, private=True)
    hidden = api.model_info(NAME).private
    api.update_repo_settings(NAME, visibility="public")
    same((hidden, api.model_info(NAME).private), (True, False))


@case("settings")
def make_gated_and_open_again() -> None:
    api.update_repo_settings(NAME, gated="auto")
    gated = api.model_info(NAME).gated
    api.update_repo_settings(NAME, gated=False)
    same((gated, api.model_info(NAME).gated), ("auto", False))


@case("settings")
def move_repo() -> None:
    api.move_repo(NAME, f"{NAME}-moved")
    same(api.repo_exists(f"{NAME}-moved"), True)


@case("settings")
def a_former_name_still_leads_there() -> None:
    same((api.model_info(NAME).id, text("keep.txt")), (f"{NAME}-moved", b"kept"))


@case("settings")
def move_to_a_name_that_is_taken() -> None:
    fails("HfHubHTTPError", "409", api.move_repo, f"{NAME}-moved", f"{NAME}-q")


@case("delete a repository")
def delete_repo() -> None:
    api.delete_repo(f"{NAME}-moved")
    same(api.repo_exists(f"{NAME}-moved"), False)


@case("delete a repository")
def delete_repo_that_is_missing() -> None:
    fails("RepositoryNotFoundError", "404", api.delete_repo, "ann/none")


@case("delete a repository")
def delete_repo_missing_ok() -> None:
    same(api.delete_repo("ann/none", missing_ok=True), None)


@case("delete a repository")
def delete_a_data_set() -> None:
    api.delete_repo(f"{NAME}-d", repo_type="dataset")
    same(api.repo_exists(f"{NAME}-d", repo_type="dataset"), False)


if __name__ == "__main__":
    sys.exit(run())
