"""What a push changes, without a catalogue; and who may do what to a repository."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.access import LOCAL, Permission, Principal, Verb, may
from weighbridge.domain.hosted import (
    Absent,
    DeleteFile,
    DeleteFolder,
    Gate,
    PutFile,
    Repository,
    Step,
    apply,
)
from weighbridge.domain.manifest import FileEntry, digests_of
from weighbridge.domain.ref import RepoId

NAMES = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/f", "g/h"])


def entry(path: str, content: bytes = b"x") -> FileEntry:
    return FileEntry(path=path, size_bytes=len(content), digests=digests_of(content))


@given(st.lists(st.tuples(st.sampled_from("pdf"), NAMES, st.binary(max_size=2))))
def test_steps_are_taken_one_after_the_other(wishes: list[tuple[str, str, bytes]]) -> None:
    tree: dict[str, bytes] = {}
    files: tuple[FileEntry, ...] = ()
    for kind, path, content in wishes:
        folder = f"{path.partition('/')[0]}/"
        below = [name for name in tree if name.startswith(folder)]
        step: Step = PutFile(entry=entry(path, content))
        if kind == "p":
            tree[path] = content
        elif kind == "d":
            step = DeleteFile(path=path)
            known = tree.pop(path, None)
        else:
            step = DeleteFolder(path=folder)
            tree = {name: kept for name, kept in tree.items() if name not in below}
        if (kind == "d" and known is None) or (kind == "f" and not below):
            with pytest.raises(Absent):
                apply(files, [step])
            continue
        files = apply(files, [step])
    assert {e.path: e for e in files} == {path: entry(path, content) for path, content in tree.items()}
    assert [e.path for e in files] == sorted(tree)


def test_deleting_a_file_that_is_a_folder_takes_the_folder() -> None:
    files = (entry("d/a"), entry("d/e/f"), entry("dd"))
    assert [e.path for e in apply(files, [DeleteFile(path="d")])] == ["dd"]


READ = {Permission.SEARCH, Permission.DOWNLOAD}
OWNER = Principal(name="ann", permissions=frozenset({*READ, Permission.UPLOAD}))
CALLERS = {
    "admin": LOCAL,
    "owner": OWNER,
    "owner, reading": Principal(name="ann", permissions=frozenset(READ)),
    "other": Principal(name="bob", permissions=frozenset({*READ, Permission.UPLOAD})),
    "anonymous": Principal(name="anonymous", permissions=frozenset(READ), is_anonymous=True),
    "nobody": Principal(name="zoe"),
}


def allowed(name: str = "ann/x", *, private: bool = False, gate: Gate = Gate.OPEN) -> dict[str, str]:
    """For each caller the first letters of what it may: See, Download, Unjudged, Write, Own, Talk,
    Propose, Revise."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    repository = Repository(
        key="k", id=RepoId.parse(name), private=private, gate=gate, created_at=at, created_by="ann"
    )
    letters = dict(zip("SDUWOTPR", Verb, strict=True))
    return {
        caller: "".join(letter for letter, verb in letters.items() if may(principal, verb, repository))
        for caller, principal in CALLERS.items()
    }


def test_who_may_do_what() -> None:
    owners = {"admin": "SDUWOTPR", "owner": "SDUWOTPR", "owner, reading": "SDUT", "nobody": ""}
    assert allowed() == {**owners, "other": "SDTP", "anonymous": "SD"}
    assert allowed("ANN/x") == allowed()
    assert allowed(private=True) == {**owners, "other": "", "anonymous": ""}
    assert allowed(gate=Gate.AUTO) == {**owners, "other": "STP", "anonymous": "S"}
    assert allowed(gate=Gate.MANUAL) == {**owners, "other": "STP", "anonymous": "S"}
    others = {"owner": "SDTP", "owner, reading": "SDT", "other": "SDTP", "anonymous": "SD"}
    assert allowed("anonymous/x") == {**others, "admin": "SDUWOTPR", "nobody": ""}
