"""Locks: one spelling, read back exactly, and stale in just the right cases."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.values import LOCK_ENTRIES, LOCKS, NAME, REPOS, spec_of
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.lock import Lock, LockEntry, Spec
from weighbridge.domain.ref import ModelRef, RepoId

GOLDEN = sorted((Path(__file__).parent.parent / "golden" / "locks").glob("*.lock"))


@given(LOCKS)
def test_a_lock_is_read_back_as_it_was(lock: Lock) -> None:
    assert Lock.loads(lock.dumps()) == lock


@given(LOCKS)
def test_the_same_lock_has_one_spelling(lock: Lock) -> None:
    shuffled = Lock(entries=dict(reversed(list(lock.entries.items()))))
    assert shuffled.dumps() == lock.dumps()
    assert Lock.loads(lock.dumps()).dumps() == lock.dumps()


@given(LOCKS)
def test_a_lock_is_json_with_one_file_per_line(lock: Lock) -> None:
    spelled = lock.dumps()
    assert json.loads(spelled)["lock_format"] == 1
    lines = [line for line in spelled.splitlines() if line.lstrip().startswith('{"path"')]
    assert len(lines) == sum(len(entry.manifest.files) for entry in lock.entries.values())
    assert spelled.endswith("}\n")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_every_lock_ever_shipped_is_still_read_and_written_alike(path: Path) -> None:
    spelled = path.read_text(encoding="utf-8")
    lock = Lock.loads(spelled)
    assert lock.dumps() == spelled
    assert all(entry.manifest.is_complete for entry in lock.entries.values())


def test_there_is_a_golden_lock() -> None:
    assert [path.name for path in GOLDEN] == ["v1-empty.lock", "v1.lock"]


@given(LOCKS)
def test_a_lock_is_never_stale_for_the_specs_it_was_made_of(lock: Lock) -> None:
    assert lock.stale(spec_of(id, entry) for id, entry in lock.entries.items()) == ()


@given(st.dictionaries(NAME, LOCK_ENTRIES, min_size=1, max_size=4), st.data())
def test_what_is_missing_changed_or_in_excess_is_stale(
    entries: dict[str, LockEntry], data: st.DataObject
) -> None:
    specs = {id: spec_of(id, entry) for id, entry in entries.items()}
    victim = data.draw(st.sampled_from(sorted(entries)))
    other = replace(specs[victim].ref, repo=replace(specs[victim].ref.repo, name="another"))
    changes = {
        "missing": ({k: v for k, v in entries.items() if k != victim}, specs),
        "in excess": (entries, {k: v for k, v in specs.items() if k != victim}),
        "repository": (entries, {**specs, victim: replace(specs[victim], ref=other)}),
        "patterns": (entries, {**specs, victim: replace(specs[victim], files=("other.bin",))}),
    }
    for what, (locked, wanted) in changes.items():
        assert Lock(entries=locked).stale(wanted.values()) == (victim,), what


@given(LOCK_ENTRIES)
def test_the_folder_and_the_licence_wish_do_not_make_a_pin_stale(entry: LockEntry) -> None:
    spec = spec_of("a", entry)
    assert entry.answers(replace(spec, local_dir="elsewhere", license="mit"))


@pytest.mark.parametrize(
    ("spelled", "why"),
    [
        ("", "is not JSON"),
        ("[]", "no lock_format"),
        ('{"models": {}}', "no lock_format"),
        ('{"lock_format": 2, "models": {}}', "is not 1"),
        ('{"lock_format": 1, "models": {"a": {}}}', "has no revision"),
        ('{"lock_format": 1, "models": {"a": {"revision": "main"}}}', "no repo, kind or commit"),
    ],
)
def test_what_is_no_lock_is_refused(spelled: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        Lock.loads(spelled)


@given(LOCKS.filter(lambda lock: lock.entries))
def test_a_lock_without_a_sha256_is_refused(lock: Lock) -> None:
    document = json.loads(lock.dumps())
    entry = next(iter(document["models"].values()))
    del entry["files"][0]["sha256"]
    with pytest.raises(Invalid):
        Lock.loads(json.dumps(document))


def test_a_lock_cannot_name_a_file_outside() -> None:
    spelled = GOLDEN[-1].read_text().replace('"config.json"', '"../config.json"')
    with pytest.raises(Invalid, match="climbs out"):
        Lock.loads(spelled)


@pytest.mark.parametrize("id", ["../../etc", "", ".", "..", "a/b", "-rf", ".git", "a\nb", "x" * 129, "é"])
def test_an_id_that_could_be_another_place_is_refused(id: str) -> None:
    with pytest.raises(Invalid):
        Spec(id=id, ref=ModelRef(repo=RepoId.parse("org/name")))


@pytest.mark.parametrize("folder", ["../x", "/abs", "a//b", "a\\b", "a/../b", "C:x", "a/.git/b"])
def test_a_folder_that_escapes_is_refused(folder: str) -> None:
    with pytest.raises(Invalid):
        Spec(id="a", ref=ModelRef(repo=RepoId.parse("org/name")), local_dir=folder)


@given(NAME, REPOS)
def test_a_model_without_a_folder_lies_under_its_id(id: str, repo: RepoId) -> None:
    assert Spec(id=id, ref=ModelRef(repo=repo)).folder == id
