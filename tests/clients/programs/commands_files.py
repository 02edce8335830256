"""The ``hf`` command: files up and down. Run with Xet and without."""

from __future__ import annotations

import sys
from pathlib import Path

from cases import ENDPOINT, MODE, bytes_of, case, files_of, run, same
from typed import has, hf

NAME = f"ann/typed-{MODE}"
LARGE = bytes_of(5, 1_200_000)
FILES = {"README.md": b"---\nlicense: mit\n---\n# T\n", "w.bin": LARGE, "sub/notes.txt": b"notes"}


@case("sign in")
def auth_whoami() -> None:
    has(hf("auth", "whoami"), "ann")


@case("upload a folder")
def upload_a_folder() -> None:
    for path, content in FILES.items():
        (Path("up") / path).parent.mkdir(parents=True, exist_ok=True)
        (Path("up") / path).write_bytes(content)
    has(hf("upload", NAME, "up"), f"{ENDPOINT}/{NAME}")


@case("download")
def download_everything() -> None:
    hf("download", NAME, "--local-dir", "down")
    back = files_of("down")
    assert back.pop(".gitattributes")
    same(back, FILES)


@case("upload a file")
def upload_a_file_to_a_path() -> None:
    Path("one.bin").write_bytes(LARGE[::-1])
    hf("upload", NAME, "one.bin", "in/one.bin", "--commit-message", "One")
    hf("download", NAME, "in/one.bin", "--local-dir", "one")
    same(Path("one/in/one.bin").read_bytes(), LARGE[::-1])


@case("upload a file")
def a_refusal_is_a_sentence() -> None:
    Path("x.exe").write_bytes(b"MZ")
    has(hf("upload", NAME, "x.exe", "x.exe", code=1), "takes none")


@case("download")
def download_some_by_pattern() -> None:
    hf("download", NAME, "--include", "*.md", "--local-dir", "some")
    same(files_of("some"), {"README.md": FILES["README.md"]})


@case("download")
def download_what_is_missing() -> None:
    has(hf("download", "ann/none", code=1).lower(), "not found")


@case("download")
def cache_verify() -> None:
    hf("download", NAME)
    hf("cache", "verify", NAME)


@case("copy")
def cp_from_the_registry() -> None:
    hf("cp", f"hf://{NAME}/w.bin", "copied.bin")
    same(Path("copied.bin").read_bytes(), LARGE)


@case("copy")
def cp_to_the_registry() -> None:
    hf("cp", "copied.bin", f"hf://{NAME}/copied.bin")
    hf("cp", f"hf://{NAME}/copied.bin", "again.bin")
    same(Path("again.bin").read_bytes(), LARGE)


@case("delete")
def repos_delete_files() -> None:
    hf("repos", "delete-files", NAME, "copied.bin")
    assert "copied.bin" not in hf("models", "ls", NAME)


@case("create")
def repos_create() -> None:
    has(hf("repos", "create", f"{NAME}-made"), f"{NAME}-made")


if __name__ == "__main__":
    sys.exit(run())
