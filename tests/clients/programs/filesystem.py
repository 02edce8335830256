"""HfFileSystem, as pandas, datasets and llama-cpp-python's ``from_pretrained`` use it."""

from __future__ import annotations

import fnmatch
import sys
from pathlib import Path

from cases import KEPT, bytes_of, case, fails, run, same
from huggingface_hub import CommitOperationAdd, HfApi, HfFileSystem, hf_hub_download

api, fs, NAME = HfApi(), HfFileSystem(), "ann/files"
LARGE = bytes_of(9, 7_000_000)


@case("create")
def the_repository_to_read() -> None:
    api.create_repo(NAME)
    files = {
        "tiny.Q4_K_M.gguf": LARGE,
        "tiny.Q8_0.gguf": LARGE[:100_000],
        "sub/a.txt": b"one\ntwo\n",
        "r.md": b"",
    }
    adds = [CommitOperationAdd(path, content) for path, content in files.items()]
    KEPT.head = api.create_commit(NAME, commit_message="All", operations=adds).oid


@case("tree")
def ls() -> None:
    found = {e["name"]: (e["type"], e["size"]) for e in fs.ls(NAME)}
    same(found[f"{NAME}/tiny.Q4_K_M.gguf"], ("file", len(LARGE)))
    same(found[f"{NAME}/sub"][0], "directory")


@case("tree")
def ls_of_a_folder() -> None:
    same(fs.ls(f"{NAME}/sub", detail=False), [f"{NAME}/sub/a.txt"])


@case("tree")
def ls_recursive_as_llama_cpp_does() -> None:
    """The lines of its from_pretrained: list, take the paths, match, split, download."""
    listed = [f["name"] if isinstance(f, dict) else f for f in fs.ls(NAME, recursive=True)]
    paths = [str(Path(path).relative_to(NAME)) for path in listed]
    (match,) = [path for path in paths if fnmatch.fnmatch(path, "*Q8_0.gguf")]
    same(Path(hf_hub_download(NAME, match)).read_bytes(), LARGE[:100_000])


@case("tree")
def glob() -> None:
    same(sorted(fs.glob(f"{NAME}/*.gguf")), [f"{NAME}/tiny.Q4_K_M.gguf", f"{NAME}/tiny.Q8_0.gguf"])


@case("tree")
def glob_of_every_level() -> None:
    same(fs.glob(f"hf://{NAME}/**/*.txt"), [f"{NAME}/sub/a.txt"])


@case("tree")
def find_and_walk() -> None:
    same(len(fs.find(NAME)), 5)
    same([root for root, _, _ in fs.walk(NAME)], [NAME, f"{NAME}/sub"])


@case("info")
def info_of_a_file() -> None:
    same((fs.info(f"{NAME}/sub/a.txt")["size"], fs.size(f"{NAME}/sub/a.txt")), (8, 8))


@case("info")
def exists_isfile_isdir() -> None:
    got = [fs.exists(NAME), fs.exists(f"{NAME}/no"), fs.isfile(f"{NAME}/r.md"), fs.isdir(f"{NAME}/sub")]
    same(got, [True, False, True, True])


@case("download")
def open_and_read() -> None:
    with fs.open(f"{NAME}/tiny.Q4_K_M.gguf") as file:
        same(file.read() == LARGE, True)


@case("download")
def open_at_a_revision() -> None:
    with fs.open(f"{NAME}@{KEPT.head}/sub/a.txt", "r") as file:
        same(file.read(), "one\ntwo\n")


@case("ranges")
def seek_and_read() -> None:
    with fs.open(f"{NAME}/tiny.Q4_K_M.gguf", block_size=4096) as file:
        file.seek(6_000_000)
        same(file.read(777), LARGE[6_000_000:6_000_777])
        file.seek(-10, 2)
        same(file.read(), LARGE[-10:])


@case("ranges")
def cat_of_a_range() -> None:
    same(fs.cat_file(f"{NAME}/tiny.Q4_K_M.gguf", start=100, end=200), LARGE[100:200])


@case("ranges")
def head_and_tail() -> None:
    path = f"{NAME}/tiny.Q8_0.gguf"
    same((fs.head(path, 64), fs.tail(path, 64)), (LARGE[:64], LARGE[99_936:100_000]))


@case("ranges")
def read_as_a_stream() -> None:
    with fs.open(f"{NAME}/tiny.Q4_K_M.gguf", block_size=0) as file:
        same(file.read(1000) + file.read(), LARGE)


@case("download")
def get_a_folder() -> None:
    fs.get(f"{NAME}/sub/", "got/", recursive=True)
    same(Path("got/a.txt").read_bytes(), b"one\ntwo\n")


@case("download")
def open_what_is_missing() -> None:
    fails("FileNotFoundError", "none.txt", fs.open, f"{NAME}/none.txt")


@case("upload a file")
def write_a_file() -> None:
    with fs.open(f"{NAME}/written.txt", "w") as file:
        file.write("by the file system")
    same(fs.cat_file(f"{NAME}/written.txt"), b"by the file system")


@case("upload a file")
def put_a_large_file() -> None:
    Path("big.bin").write_bytes(LARGE[:2_000_000])
    fs.put("big.bin", f"{NAME}/put/big.bin")
    same(fs.cat_file(f"{NAME}/put/big.bin"), LARGE[:2_000_000])


@case("commit")
def copy_a_file() -> None:
    fs.cp_file(f"{NAME}/put/big.bin", f"{NAME}/put/again.bin")
    same(fs.cat_file(f"{NAME}/put/again.bin"), LARGE[:2_000_000])


@case("commit")
def move_a_file() -> None:
    fs.mv(f"{NAME}/written.txt", f"{NAME}/moved.txt")
    same((fs.exists(f"{NAME}/written.txt"), fs.cat_file(f"{NAME}/moved.txt")), (False, b"by the file system"))


@case("delete")
def remove_a_folder() -> None:
    fs.rm(f"{NAME}/put", recursive=True)
    same(fs.exists(f"{NAME}/put"), False)


if __name__ == "__main__":
    sys.exit(run())
