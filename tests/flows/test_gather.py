"""Which texts are captured."""

from __future__ import annotations

from weighbridge.domain.manifest import FileEntry, Manifest, digests_of
from weighbridge.domain.ref import RepoId
from weighbridge.flows.gather import TEXT_LIMIT_BYTES, TEXTS_LIMIT_BYTES, texts_of

FITTING = TEXTS_LIMIT_BYTES // TEXT_LIMIT_BYTES


def manifest(sizes: dict[str, int]) -> Manifest:
    digests = digests_of(b"")
    files = tuple(FileEntry(path=p, size_bytes=size, digests=digests) for p, size in sizes.items())
    return Manifest(repo=RepoId.parse("org/name"), commit="1" * 40, files=files)


def test_all_texts_of_an_ordinary_repository_are_captured() -> None:
    sizes = {
        "README.md": 1024 * 1024,
        "LICENSE": 10,
        "config.json": 10,
        "a/b.py": 10,
        "w.bin": 10,
        "a.json": 1,
    }
    wanted, beyond = texts_of(manifest(sizes))
    assert [entry.path for entry in wanted] == ["LICENSE", "README.md", "config.json", "a/b.py"]
    assert beyond == 0


def test_any_amount_of_code_leaves_the_card_in_and_the_memory_free() -> None:
    code = {f"a{number:04}.py": TEXT_LIMIT_BYTES for number in range(5000)}
    wanted, beyond = texts_of(manifest({**code, "README.md": 100}))
    assert wanted[0].path == "README.md"
    assert len(wanted) == FITTING
    assert beyond == 5001 - FITTING
