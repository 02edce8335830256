"""What .gitignore and .gitattributes name: real git says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real_git import GIT, git
from weighbridge.domain.git_patterns import Ignored, LargeByAttributes, folders_above, is_binary

PATHS = [
    "a.txt",
    "b.bin",
    "sub/a.txt",
    "sub/deep/a.txt",
    "sub/deep/x.log",
    "logs/x.log",
    "logs/keep.log",
    "my logs/a",
    "foo",
    "foo/bar",
    "x/foo/bar",
    "foo/bar/baz.txt",
    "x/y/z.py",
    "build/out.o",
    "x/build/out.o",
    "weird[1].txt",
    "#hash",
    "!bang",
    "trailing ",
    "é.txt",
    "ab",
    "a-b",
    "a]b",
    "a1",
    "az",
    "aZ",
    "star*",
    "back/sl",
    "x/abc/y",
    ".env",
]
IGNORES = [
    "*.txt",
    "/a.txt",
    "sub/",
    "sub",
    "sub/*",
    "sub/**",
    "**/a.txt",
    "**/deep/**",
    "sub/**/a.txt",
    "logs/*\n!logs/keep.log",
    "logs/\n!logs/keep.log",
    "foo/",
    "foo/bar",
    "/foo/bar",
    "**/foo",
    "x/**/y",
    "x/**",
    "build/",
    "weird\\[1\\].txt",
    "weird[1].txt",
    "\\#hash",
    "#hash",
    "\\!bang",
    "!bang",
    "trailing\\ ",
    "trailing ",
    "?.txt",
    "??.txt",
    "a[0-9]",
    "a[!0-9]",
    "a[^a-z]",
    "a[]-]b",
    "a[[:upper:]]",
    "a[[:nope:]]",
    "a[",
    "a\\",
    "star\\*",
    "*",
    "*\n!*/\n!*.txt",
    "**",
    "/**",
    "a*",
    "*b",
    "a*b",
    "/",
    "",
    "  ",
    "\ufeff*.txt",
    "*.log\n!keep.log",
    "my logs",
    "x/*/y",
    "x/?/z.py",
    "*/",
    "!*",
    ".*",
    "é*",
    "s*b/d*p",
    "foo/**/bar",
    "a**",
]
ATTRIBUTES = [
    "*.bin filter=lfs diff=lfs merge=lfs -text",
    "*.txt filter=lfs\nsub/*.txt -filter",
    "*.txt filter=lfs\na.txt !filter",
    "sub/** filter=lfs",
    "sub/ filter=lfs",
    "sub filter=lfs",
    "* filter=lfs\n*.txt filter=other",
    "# *.txt filter=lfs",
    "*.txt text",
    '"my logs/a" filter=lfs',
    "  *.log   filter=lfs",
    "[abc]* filter=lfs",
    "a[ filter=lfs",
    "/foo/bar filter=lfs",
    "*.log filter=lfs -filter",
    "x/**/y filter=lfs",
    "\ufeffa.txt filter=lfs",
    "*.txt\tfilter=lfs",
    "*.txt filter",
    "foo/** filter=lfs\n!foo/bar -filter",
]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("patterns")
    git(made, "init", "-q")
    return made


@pytest.mark.skipif(not GIT, reason="git is not installed")
@pytest.mark.parametrize("text", IGNORES)
def test_git_ignores_the_same(work: Path, text: str) -> None:
    (work / ".gitignore").write_text(text)
    asked = "".join(f"{path}\0" for path in PATHS)
    said = git(work, "check-ignore", "--no-index", "-z", "--stdin", stdin=asked.encode(), codes=(0, 1))
    ignored = Ignored(text)
    assert [path for path in PATHS if path in ignored] == said.decode().split("\0")[:-1]


@pytest.mark.skipif(not GIT, reason="git is not installed")
@pytest.mark.parametrize("text", ATTRIBUTES)
def test_git_gives_the_same_to_large_file_storage(work: Path, text: str) -> None:
    (work / ".gitattributes").write_text(text)
    asked = "".join(f"{path}\0" for path in PATHS)
    said = git(work, "check-attr", "-z", "--stdin", "filter", stdin=asked.encode()).decode().split("\0")
    words = dict(zip(said[0::3], said[2::3], strict=False))
    meaning = {path: None if word == "unspecified" else word == "lfs" for path, word in words.items()}
    attributes = LargeByAttributes(text)
    assert {path: attributes.says(path) for path in PATHS} == {path: meaning[path] for path in PATHS}


def test_a_pattern_made_to_be_slow_is_not() -> None:
    # a backtracking matcher would take centuries
    assert "a" * 250 not in Ignored("*a" * 120 + "b")
    assert "/".join("a" * 120) not in Ignored("**/a/" * 60 + "b")


@pytest.mark.parametrize(
    ("sample", "binary"),
    [
        (b"", False),
        (b"text\n", False),
        (b"\x00", True),
        (b"\xff\xfe", True),
        (b"abc\xc3", False),
        (b"\xc3abc", True),
    ],
)
def test_what_is_binary(sample: bytes, binary: bool) -> None:
    assert is_binary(sample) is binary


NESTED_IGNORES = [
    {"": "*.txt", "sub": "!a.txt"},
    {"": "*.txt", "sub": "!/a.txt"},
    {"": "!*.txt", "sub": "*.txt"},
    {"": "sub/", "sub": "!*"},
    {"": "*.log\n!keep.log", "logs": "*"},
    {"sub": "deep/", "sub/deep": "!a.txt"},
    {"sub": "*", "sub/deep": "!*"},
    {"sub": "*.log", "sub/deep": "!x.log"},
    {"x": "/y", "": "!y"},
    {"foo": "bar/baz.txt\n/bar"},
    {"foo/bar": "*", "x/foo": "bar"},
]
NESTED_ATTRIBUTES = [
    {"": "*.txt filter=lfs", "sub": "*.txt -filter"},
    {"": "*.txt -filter", "sub": "*.txt filter=lfs", "sub/deep": "*.txt !filter"},
    {"": "*.txt filter=lfs", "sub": "/a.txt filter=other"},
    {"": "sub/deep/* filter=lfs", "sub": "*.log -filter"},
    {"sub": "deep/* filter=lfs"},
    {"sub": "/deep/a.txt filter=lfs", "": "a.txt -filter"},
    {"x": "**/y filter=lfs"},
]


def nested(folder: Path, name: str, rules: dict[str, str]) -> Path:
    git(folder, "init", "-q")
    for below, text in rules.items():
        (folder / below).mkdir(parents=True, exist_ok=True)
        (folder / below / name).write_text(text)
    return folder


@pytest.mark.skipif(not GIT, reason="git is not installed")
@pytest.mark.parametrize("rules", NESTED_IGNORES)
def test_git_ignores_the_same_in_every_folder(tmp_path: Path, rules: dict[str, str]) -> None:
    work = nested(tmp_path, ".gitignore", rules)
    asked = "".join(f"{path}\0" for path in PATHS)
    said = git(work, "check-ignore", "--no-index", "-z", "--stdin", stdin=asked.encode(), codes=(0, 1))
    ignored = Ignored(rules.get("", ""), {folder: text for folder, text in rules.items() if folder})
    assert {path for path in PATHS if path in ignored} == {p for p in said.decode().split("\0") if p}


@pytest.mark.skipif(not GIT, reason="git is not installed")
@pytest.mark.parametrize("rules", NESTED_ATTRIBUTES)
def test_git_gives_the_same_to_lfs_in_every_folder(tmp_path: Path, rules: dict[str, str]) -> None:
    work = nested(tmp_path, ".gitattributes", rules)
    asked = "".join(f"{path}\0" for path in PATHS)
    said = git(work, "check-attr", "-z", "--stdin", "filter", stdin=asked.encode()).decode().split("\0")
    values = {"lfs": True, "unspecified": None}
    told = {path: values.get(value, False) for path, value in zip(said[::3], said[2::3], strict=False)}
    attributes = LargeByAttributes(rules.get("", ""), {f: text for f, text in rules.items() if f})
    assert {path: attributes.says(path) for path in PATHS} == told


def test_the_folders_of_a_path() -> None:
    assert folders_above("a.txt") == ("",)
    assert folders_above("a/b/c.txt") == ("a/b", "a", "")
