"""What becomes of commits when large contents go for good."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.hosted import Admission, Revision, history, make_revision
from weighbridge.domain.manifest import FileEntry, Storage, digests_of, sha256
from weighbridge.domain.ref import RepoId
from weighbridge.domain.repo import Refs
from weighbridge.domain.rewriting import (
    Rewriting,
    keep_accepted,
    large_contents,
    parents_first,
    reached,
    rewrite,
)

REPO = RepoId.parse("ann/Tiny")
AT = datetime(2026, 1, 1, tzinfo=UTC)
GONE = "a" * 64


def entry(path: str, content: str = "") -> FileEntry:
    if content:
        return FileEntry(path=path, size_bytes=9, digests=(sha256(content * 64),), storage=Storage.LFS)
    return FileEntry(path=path, size_bytes=len(path), digests=digests_of(path.encode()))


def line(*files: tuple[FileEntry, ...]) -> list[Revision]:
    made: list[Revision] = []
    for number, each in enumerate(files):
        parents = (made[-1].commit.id,) if made else ()
        made.append(
            make_revision(
                REPO, each, parents=parents, author="ann", title=f"{number}", description="why", at=AT
            )
        )
    return made


def rewritten(revisions: list[Revision], refs: Refs, served: set[str] | None = None) -> Rewriting:
    commits = {each.commit.id: each.commit for each in revisions}
    by_id = {each.commit.id: each for each in revisions}
    named = reached(commits, (*refs.branches.values(), *refs.tags.values()))
    done = Rewriting()
    for id in parents_first(commits):
        rewrite(done, by_id[id], frozenset({GONE}), named=id in named)
    holding = frozenset(id for id, each in by_id.items() if GONE in large_contents(each.manifest))
    admissions = {id: Admission(package_id=id, version="1", served=True) for id in served or ()}
    keep_accepted(done, holding, commits, refs, admissions)
    return done


def test_what_came_before_stays_and_what_follows_is_made_anew() -> None:
    small, large, other = entry("a.txt"), entry("w.bin", "a"), entry("o.bin", "b")
    revisions = line((small,), (small, large, other), (small, other))
    first, second, third = (each.commit.id for each in revisions)
    done = rewritten(revisions, Refs(branches={"main": third}))
    assert done.dropped == {second, third}
    assert [each.manifest.files for each in done.made] == [(small, other), (small, other)]
    assert [each.commit.title for each in done.made] == ["1", "2"]
    assert [each.commit.message for each in done.made] == ["why", "why"]
    assert done.made[0].commit.parents == (first,)
    assert done.made[1].commit.parents == (done.made[0].commit.id,)
    assert done.renamed == {second: done.made[0].commit.id, third: done.made[1].commit.id}
    assert done.former == {}


def test_what_was_accepted_without_it_stays_for_readers() -> None:
    small, large = entry("a.txt"), entry("w.bin", "a")
    revisions = line((small,), (small, large), (small,), (small, entry("b.txt")))
    first, second, third, fourth = (each.commit.id for each in revisions)
    done = rewritten(revisions, Refs(branches={"main": fourth, "old": second}), {first, second, third})
    assert done.dropped == {second, fourth}
    assert done.former == {"main": third, "old": first}


def test_a_small_file_and_a_commit_that_nothing_leads_to() -> None:
    small = FileEntry(path="s", size_bytes=1, digests=(sha256(GONE), *digests_of(b"s")[:1]))
    revisions = line((small,), (small, entry("w.bin", "a")), (small,))
    first, second, third = (each.commit.id for each in revisions)
    done = rewritten(revisions, Refs(branches={"main": first}))
    assert (done.dropped, done.made, done.renamed) == ({second}, [], {})
    assert third not in done.dropped


@given(st.lists(st.sets(st.sampled_from("abc")), min_size=1, max_size=12), st.data())
def test_no_commit_that_is_left_holds_it_and_nothing_else_is_lost(
    trees: list[set[str]], data: st.DataObject
) -> None:
    revisions = line(*(tuple(entry(f"{name}.bin", name) for name in sorted(tree)) for tree in trees))
    ids = [each.commit.id for each in revisions]
    refs = Refs(branches={"main": ids[-1]}, tags={"v": data.draw(st.sampled_from(ids))})
    served = data.draw(st.sets(st.sampled_from(ids)))
    done = rewritten(revisions, refs, served)
    left = {each.commit.id: each for each in (*revisions, *done.made) if each.commit.id not in done.dropped}
    assert all(GONE not in large_contents(each.manifest) for each in left.values())
    for head in (*refs.branches.values(), *refs.tags.values()):
        commits = {each.commit.id: each.commit for each in left.values()}
        new = [left[each.id] for each in history(commits, done.renamed.get(head, head))]
        old = tuple(history({each.commit.id: each.commit for each in revisions}, head))
        assert [each.commit.title for each in new] == [each.title for each in old]
        for before, after in zip(old, new, strict=True):
            files = {e.path for e in next(r for r in revisions if r.commit.id == before.id).manifest.files}
            assert {e.path for e in after.manifest.files} == files - {"a.bin"}
    assert set(done.former.values()) <= served & left.keys()
