"""HfFileSystem beyond reading: writing, patterns, revisions in a path, pandas and fsspec by address."""

from __future__ import annotations

import sys
from pathlib import Path

import fsspec
import pandas
from cases import KEPT, MODE, bytes_of, case, fails, run, same
from huggingface_hub import HfApi, HfFileSystem

api, fs, NAME, DATA = HfApi(), HfFileSystem(), f"ann/fs-{MODE}", f"datasets/ann/fs-{MODE}"
LARGE = bytes_of(51, 12_000_000)


@case("upload a file")
def pipe_and_cat() -> None:
    api.create_repo(NAME)
    api.create_repo(NAME, repo_type="dataset")
    fs.pipe({f"{NAME}/a.txt": b"a", f"{NAME}/sub/b.txt": b"b", f"{NAME}/sub/deep/c.txt": b"c"})
    same(fs.cat([f"{NAME}/a.txt", f"{NAME}/sub/b.txt"]), {f"{NAME}/a.txt": b"a", f"{NAME}/sub/b.txt": b"b"})


@case("upload a file")
def write_in_several_blocks() -> None:
    with fs.open(f"{NAME}/large.bin", "wb", block_size=5_000_000) as file:
        for at in range(0, len(LARGE), 1_000_000):
            file.write(LARGE[at : at + 1_000_000])
    same(fs.cat_file(f"{NAME}/large.bin") == LARGE, True)


@case("upload a file")
def write_over_a_file() -> None:
    for words in ("one", "another"):
        with fs.open(f"{NAME}/over.txt", "w") as file:
            file.write(words)
    same(fs.cat_file(f"{NAME}/over.txt"), b"another")


@case("upload a folder")
def put_a_folder() -> None:
    for path in ("p/x.txt", "p/y/z.txt"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(path)
    fs.put("p/", f"{NAME}/put/", recursive=True)
    same(sorted(fs.find(f"{NAME}/put")), [f"{NAME}/put/x.txt", f"{NAME}/put/y/z.txt"])


@case("copy")
def copy_within_and_between() -> None:
    fs.cp_file(f"{NAME}/large.bin", f"{NAME}/copied.bin")
    fs.cp_file(f"{NAME}/a.txt", f"{DATA}/a.txt")
    same((fs.cat_file(f"{NAME}/copied.bin") == LARGE, fs.cat_file(f"{DATA}/a.txt")), (True, b"a"))


@case("copy")
def move_between_folders() -> None:
    fs.mv(f"{NAME}/copied.bin", f"{NAME}/moved/there.bin")
    same((fs.exists(f"{NAME}/copied.bin"), fs.size(f"{NAME}/moved/there.bin")), (False, len(LARGE)))


@case("delete")
def remove_files() -> None:
    fs.rm(f"{NAME}/over.txt")
    same(fs.exists(f"{NAME}/over.txt"), False)
    fails("RemoteEntryNotFoundError", "over.txt", fs.rm, f"{NAME}/over.txt")


@case("delete")
def remove_a_folder_and_a_file_of_another() -> None:
    fs.rm(f"{NAME}/moved", recursive=True)
    fs.rm(f"{NAME}/put/x.txt")
    same(fs.exists(f"{NAME}/moved/there.bin"), False)
    same(fs.find(f"{NAME}/put"), [f"{NAME}/put/y/z.txt"])


@case("tree")
def patterns() -> None:
    same(fs.glob(f"{NAME}/*.txt"), [f"{NAME}/a.txt"])
    same(sorted(fs.glob(f"{NAME}/**/*.txt")),
         [f"{NAME}/{path}" for path in ("a.txt", "put/y/z.txt", "sub/b.txt", "sub/deep/c.txt")])  # fmt: skip
    same(fs.glob(f"{NAME}/sub/?.txt"), [f"{NAME}/sub/b.txt"])


@case("tree")
def walks_and_finds_to_a_depth() -> None:
    same([root for root, _, _ in fs.walk(NAME, maxdepth=1)], [NAME])
    same(sorted(fs.find(f"{NAME}/sub", maxdepth=1)), [f"{NAME}/sub/b.txt"])
    found = sorted(fs.find(f"{NAME}/sub", withdirs=True))
    same(found, [f"{NAME}/sub", f"{NAME}/sub/b.txt", f"{NAME}/sub/deep", f"{NAME}/sub/deep/c.txt"])


@case("tree")
def sizes() -> None:
    same((fs.du(f"{NAME}/sub"), fs.sizes([f"{NAME}/a.txt", f"{NAME}/large.bin"])), (2, [1, len(LARGE)]))


@case("tree")
def a_listing_after_a_commit_of_another() -> None:
    fs.ls(NAME)
    api.upload_file(path_or_fileobj=b"n", path_in_repo="news.txt", repo_id=NAME)
    fs.invalidate_cache()
    same(f"{NAME}/news.txt" in fs.ls(NAME, detail=False), True)


@case("tree")
def a_folder_of_signs() -> None:
    fs.pipe(f"{NAME}/s \u00fc#/x 1.txt", b"s")
    same(fs.ls(f"{NAME}/s \u00fc#", detail=False), [f"{NAME}/s \u00fc#/x 1.txt"])


@case("info")
def info_of_the_repository_a_folder_and_a_file() -> None:
    same([fs.info(path)["type"] for path in (NAME, f"{NAME}/sub", f"{NAME}/a.txt")],
         ["directory", "directory", "file"])  # fmt: skip
    found = fs.info(f"{NAME}/large.bin", expand_info=True)
    same((found["size"], found["lfs"]["size"], found["last_commit"].title is not None),
         (len(LARGE), len(LARGE), True))  # fmt: skip


@case("info")
def when_it_was_changed() -> None:
    same(fs.modified(f"{NAME}/a.txt").tzinfo is not None, True)
    assert fs.modified(f"{NAME}/news.txt") >= fs.modified(f"{NAME}/a.txt")


@case("info")
def its_address() -> None:
    assert fs.url(f"{NAME}/a.txt").endswith(f"/{NAME}/resolve/main/a.txt")


@case("branches and tags")
def a_branch_in_the_path() -> None:
    api.create_branch(NAME, branch="dev/x")
    fs.pipe(f"{NAME}@dev%2Fx/branch.txt", b"branch")
    same(fs.cat_file(f"{NAME}@dev%2Fx/branch.txt"), b"branch")
    same((fs.exists(f"{NAME}/branch.txt"), fs.exists(f"{NAME}@dev%2Fx/branch.txt")), (False, True))


@case("branches and tags")
def a_revision_beside_the_path() -> None:
    head = api.model_info(NAME).sha
    fs.pipe(f"{NAME}/a.txt", b"a2")
    with fs.open(f"{NAME}/a.txt", revision=head) as file:
        same(file.read(), b"a")
    same(fs.cat_file(f"{NAME}/a.txt"), b"a2")


@case("pull requests")
def a_pull_request_in_the_path() -> None:
    done = api.upload_file(path_or_fileobj=b"p", path_in_repo="p.txt", repo_id=NAME, create_pr=True)
    for spelled in (done.pr_revision, done.pr_revision.replace("/", "%2F")):
        same(fs.cat_file(f"{NAME}@{spelled}/p.txt"), b"p")
    KEPT.pr = done.pr_revision


@case("errors")
def what_is_missing() -> None:
    fails("FileNotFoundError", "", fs.ls, "ann/none")
    fails("FileNotFoundError", "", fs.ls, f"{NAME}/none")
    fails("FileNotFoundError", "", fs.info, f"{NAME}@none/a.txt")
    same(
        (fs.exists("ann/none/x"), fs.exists(f"{NAME}@none/a.txt"), fs.glob(f"{NAME}/*.none")),
        (False, False, []),
    )


@case("download")
def by_address_with_fsspec() -> None:
    with fsspec.open(f"hf://{NAME}/sub/b.txt", "r") as file:
        same(file.read(), "b")
    with fsspec.open(f"hf://{DATA}/by-fsspec.txt", "w") as file:
        file.write("by fsspec")
    same(fs.cat_file(f"{DATA}/by-fsspec.txt"), b"by fsspec")


@case("upload a file")
def a_table_of_pandas_as_csv() -> None:
    table = pandas.DataFrame({"n": range(1000), "w": ["word"] * 1000})
    table.to_csv(f"hf://{DATA}/t.csv", index=False)
    same(pandas.read_csv(f"hf://{DATA}/t.csv").equals(table), True)


@case("upload a file")
def a_table_of_pandas_as_parquet() -> None:
    table = pandas.DataFrame({"n": range(1000), "w": [f"word {number}" for number in range(1000)]})
    table.to_parquet(f"hf://{DATA}/t.parquet")
    back = pandas.read_parquet(f"hf://{DATA}/t.parquet", columns=["n"])
    same((list(back.columns), int(back["n"].sum())), (["n"], 499_500))


@case("ranges")
def get_a_large_file() -> None:
    fs.get_file(f"{NAME}/large.bin", "got.bin")
    same(Path("got.bin").read_bytes() == LARGE, True)


@case("ranges")
def many_small_reads() -> None:
    with fs.open(f"{NAME}/large.bin", block_size=100_000) as file:
        for at in range(0, len(LARGE), 1_234_567):
            file.seek(at)
            same(file.read(100), LARGE[at : at + 100])


if __name__ == "__main__":
    sys.exit(run())
