"""The ``hf`` command: what its options do to uploads, downloads, lists and the cache."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cases import ENDPOINT, GIVEN, bytes_of, case, files_of, run, same
from huggingface_hub import HfApi
from typed import has, hf

api, NAME, DATA, SPACE = HfApi(), "ann/optioned", "ann/optioned-data", "ann/optioned-space"
LARGE = bytes_of(21, 300_000)
FILES = {
    "README.md": b"---\nlicense: mit\npipeline_tag: fill-mask\n---\n# Options\n",
    "config.json": b"{}",
    "art/a.txt": b"a",
    "art/deep/b.txt": b"b",
    "weights.bin": LARGE,
}


def written(at: str, files: dict[str, bytes]) -> str:
    for path, content in files.items():
        (Path(at) / path).parent.mkdir(parents=True, exist_ok=True)
        (Path(at) / path).write_bytes(content)
    return at


def names(name: str = NAME, **more: str) -> set[str]:
    return set(api.list_repo_files(name, **more)) - {".gitattributes"}


@case("upload a folder")
def upload_include_and_exclude() -> None:
    written("up", FILES)
    hf("upload", NAME, "up", ".", "--include", "*.json", "--include", "art/*", "--exclude", "*b.txt")
    same(names(), {"config.json", "art/a.txt"})


@case("upload a folder")
def upload_with_words() -> None:
    hf("upload", NAME, "up", "--commit-message", "All of it", "--commit-description", "and why")
    newest = api.list_repo_commits(NAME)[0]
    same((names(), newest.title, newest.message), (set(FILES), "All of it", "and why"))


@case("upload a folder")
def upload_delete() -> None:
    written("new", {"art/c.txt": b"c"})
    hf("upload", NAME, "new", "--delete", "art/deep/*")
    same(names(), {*FILES, "art/c.txt"} - {"art/deep/b.txt"})


@case("upload a folder")
def upload_a_wildcard() -> None:
    hf("upload", f"{NAME}-wild", "up/*.json")
    same(names(f"{NAME}-wild"), {"up/config.json"})


@case("upload a folder")
def upload_to_a_branch() -> None:
    hf("repos", "branch", "create", NAME, "dev")
    hf("upload", NAME, "up", "in", "--revision", "dev")
    same(("in/weights.bin" in names(revision="dev"), "in/weights.bin" in names()), (True, False))


@case("upload a folder")
def upload_a_private_data_set() -> None:
    has(hf("upload", DATA, "up", ".", "--repo-type", "dataset", "--private"), f"{ENDPOINT}/datasets/{DATA}")
    same(api.dataset_info(DATA).private, True)


@case("upload a folder")
def upload_a_space() -> None:
    hf("repos", "create", SPACE, "--type", "space", "--sdk", "static")
    hf("upload", SPACE, "up", "--type", "space")
    same(names(SPACE, repo_type="space"), set(FILES))


@case("upload a file")
def upload_says_where_it_stands() -> None:
    has(hf("upload", NAME, "up/config.json", "other.json", "--json"), f"{ENDPOINT}/{NAME}")


@case("download")
def download_several_files() -> None:
    hf("download", NAME, "config.json", "art/a.txt", "--local-dir", "two")
    same(files_of("two"), {"config.json": FILES["config.json"], "art/a.txt": b"a"})


@case("download")
def download_a_folder() -> None:
    hf("download", NAME, "art/", "--local-dir", "art-only")
    same(files_of("art-only"), {"art/a.txt": b"a", "art/c.txt": b"c"})


@case("download")
def download_exclude() -> None:
    hf("download", NAME, "--exclude", "*.bin", "--exclude", "art/*", "--local-dir", "without")
    assert not [path for path in files_of("without") if path.endswith(".bin") or path.startswith("art")]
    assert "README.md" in files_of("without")


@case("download")
def download_of_a_branch() -> None:
    hf("download", NAME, "in/weights.bin", "--revision", "dev", "--local-dir", "branch")
    same(files_of("branch"), {"in/weights.bin": LARGE})


@case("download")
def download_of_a_private_data_set() -> None:
    hf("download", DATA, "--repo-type", "dataset", "--local-dir", "data")
    same(set(files_of("data")) - {".gitattributes"}, set(FILES))
    has(hf("download", DATA, "--type", "dataset", code=1, HF_TOKEN=GIVEN["bob"]).lower(), "not found")


@case("download")
def download_by_address() -> None:
    hf("download", f"hf://datasets/{DATA}", "config.json", "--local-dir", "address")
    same(files_of("address"), {"config.json": b"{}"})


@case("download")
def download_of_a_space() -> None:
    hf("download", f"spaces/{SPACE}", "config.json", "--local-dir", "space")
    same(files_of("space"), {"config.json": b"{}"})


@case("download")
def download_dry() -> None:
    has(hf("download", NAME, "--dry-run", "--local-dir", "dry"), "weights.bin")
    same(files_of("dry"), {})


@case("download")
def download_quietly_prints_the_path() -> None:
    said = hf("download", NAME, "config.json", "--quiet").strip().splitlines()[-1]
    same(Path(said).read_bytes(), FILES["config.json"])


@case("download")
def download_what_is_missing() -> None:
    has(hf("download", NAME, "none.json", code=1), "none.json")
    has(hf("download", NAME, "--revision", "none", code=1).lower(), "revision")


@case("cache")
def cache_verify_of_a_folder() -> None:
    hf("download", NAME, "--local-dir", "whole")
    hf("cache", "verify", NAME, "--local-dir", "whole", "--fail-on-missing-files")


@case("cache")
def cache_verify_finds_what_was_changed() -> None:
    Path("whole/weights.bin").write_bytes(LARGE[:-1] + bytes([LARGE[-1] ^ 1]))
    has(hf("cache", "verify", NAME, "--local-dir", "whole", code=1), "weights.bin")


@case("cache")
def cache_verify_finds_what_is_gone() -> None:
    Path("whole/weights.bin").unlink()
    has(hf("cache", "verify", NAME, "--local-dir", "whole", "--fail-on-missing-files", code=1), "weights.bin")


@case("cache")
def cache_verify_of_a_data_set_and_a_branch() -> None:
    hf("download", DATA, "--type", "dataset")
    hf("cache", "verify", DATA, "--type", "dataset")
    hf("download", NAME, "--revision", "dev")
    hf("cache", "verify", NAME, "--revision", "dev")


@case("cache")
def cache_ls_prune_and_rm() -> None:
    api.upload_file(path_or_fileobj=b"later", path_in_repo="later.txt", repo_id=NAME)
    hf("download", NAME)
    hf("cache", "prune", "--yes")
    hf("cache", "rm", f"model/{NAME}", "--yes")
    assert f"model/{NAME}" not in hf("cache", "ls")


@case("copy")
def cp_between_repositories() -> None:
    hf("repos", "create", f"{NAME}-to")
    hf("cp", f"hf://{NAME}/art/a.txt", f"hf://{NAME}-to/copied.txt")
    same(names(f"{NAME}-to"), {"copied.txt"})


@case("copy")
def cp_to_standard_output() -> None:
    has(hf("cp", f"hf://{NAME}/README.md", "-"), "# Options")


@case("copy")
def cp_from_a_data_set() -> None:
    hf("cp", f"hf://datasets/{DATA}/weights.bin", "d.bin")
    same(Path("d.bin").read_bytes(), LARGE)


@case("copy")
def cp_at_a_revision() -> None:
    hf("cp", f"hf://{NAME}@dev/in/config.json", "dev.json")
    same(Path("dev.json").read_bytes(), b"{}")


@case("list")
def models_ls_as_a_tree() -> None:
    has(hf("models", "ls", NAME, "--tree", "-R"), "weights.bin", "a.txt")


@case("list")
def models_ls_by_pipeline_and_sort() -> None:
    said = hf(
        "models", "ls", "--author", "ann", "--pipeline-tag", "fill-mask", "--sort", "last_modified", "--json"
    )
    assert NAME in [each["id"] for each in json.loads(said)], said


@case("list")
def models_ls_with_expanded_properties() -> None:
    said = hf(
        "models", "ls", "--author", "ann", "--search", "optioned", "--expand", "sha,tags,cardData", "--json"
    )
    found = {each["id"]: each for each in json.loads(said)}[NAME]
    same((found["sha"], "license:mit" in found["tags"]), (api.model_info(NAME).sha, True))


@case("list")
def models_ls_of_what_is_not_gated() -> None:
    listed = ("models", "ls", "--author", "ann", "--search", "optioned", "--quiet")
    same([NAME in hf(*listed, which) for which in ("--no-gated", "--gated")], [True, False])


@case("list")
def models_ls_of_so_many_parameters() -> None:
    listed = hf("models", "ls", "--search", "optioned", "--quiet", "--num-parameters", "min:1B")
    assert NAME not in listed, listed


@case("list")
def datasets_ls_and_its_files() -> None:
    has(hf("datasets", "ls", "--author", "ann", "--search", "optioned", "--json"), DATA)
    has(hf("datasets", "ls", DATA, "-h"), "weights.bin")


@case("list")
def spaces_ls_and_its_files() -> None:
    has(hf("spaces", "ls", "--author", "ann", "--search", "optioned", "--json"), SPACE)
    has(hf("spaces", "ls", SPACE), "config.json")


@case("info")
def datasets_info_and_card() -> None:
    same(json.loads(hf("datasets", "info", DATA, "--json"))["private"], True)
    has(hf("datasets", "card", DATA), "# Options")


@case("info")
def spaces_info() -> None:
    same(json.loads(hf("spaces", "info", SPACE, "--json"))["id"], SPACE)


@case("info")
def models_info_of_a_branch() -> None:
    said = hf("models", "info", NAME, "--revision", "dev", "--expand", "sha", "--json")
    same(json.loads(said)["sha"], api.model_info(NAME, revision="dev").sha)


@case("branches and tags")
def tags_with_words_at_a_branch() -> None:
    hf("repos", "tag", "create", NAME, "v1", "--revision", "dev", "-m", "one")
    same([(t.name, t.target_commit) for t in api.list_repo_refs(NAME).tags],
         [("v1", api.model_info(NAME, revision="dev").sha)])  # fmt: skip


@case("branches and tags")
def branch_create_that_exists() -> None:
    has(hf("repos", "branch", "create", NAME, "dev", code=1), "dev")
    hf("repos", "branch", "create", NAME, "dev", "--exist-ok")


@case("settings")
def repos_settings_gated() -> None:
    hf("repos", "settings", NAME, "--gated", "auto")
    same(api.model_info(NAME).gated, "auto")
    hf("repos", "settings", NAME, "--gated", "false")
    same(api.model_info(NAME).gated, False)


@case("settings")
def repos_move_of_a_data_set() -> None:
    hf("repos", "move", DATA, f"{DATA}-moved", "--type", "dataset")
    hf("download", DATA, "config.json", "--type", "dataset", "--local-dir", "moved")
    same(files_of("moved"), {"config.json": b"{}"})


@case("sign in")
def auth_list_switch_token_and_logout() -> None:
    fresh = {"HF_HOME": str(Path("fresh").resolve()), "HF_TOKEN": ""}
    for name in ("ann", "bob"):
        hf("auth", "login", "--token", GIVEN[name], **fresh)
    same(GIVEN["bob"] in hf("auth", "token", **fresh), True)
    hf("auth", "list", **fresh)
    hf("auth", "logout", **fresh)
    hf("auth", "whoami", code=1, **fresh)


if __name__ == "__main__":
    sys.exit(run())
