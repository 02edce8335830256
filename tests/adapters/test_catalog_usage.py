"""What a namespace uses is what its repositories hold, however they came to hold it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.test_catalog import T0, line
from tests.catalogs import DATABASES, open_catalog
from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.discussion import Discussion, Status
from weighbridge.domain.hosted import Gate, Repository, Revision, make_revision
from weighbridge.domain.manifest import FileEntry, digests_of
from weighbridge.domain.ref import RepoId
from weighbridge.errors import OverQuota


@pytest.fixture(params=DATABASES)
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(request.param, tmp_path, quota_bytes=100) as opened:
        yield opened


def entries(*contents: bytes) -> tuple[FileEntry, ...]:
    return tuple(
        FileEntry(path=f"f{number}", size_bytes=len(content), digests=digests_of(content))
        for number, content in enumerate(contents)
    )


def begun(catalog: Catalog, name: str, *contents: bytes) -> tuple[Repository, Revision]:
    repo = RepoId.parse(name)
    made = Repository(key=name, id=repo, private=False, gate=Gate.OPEN, created_at=T0, created_by="ann")
    first = make_revision(
        repo, entries(*contents), parents=(), author="ann", title="first", description="", at=T0
    )
    catalog.create_repository(made, "main", first, line())
    return made, first


def after(head: Revision, *contents: bytes, title: str = "next") -> Revision:
    return make_revision(
        head.manifest.repo, entries(*contents), parents=(head.commit.id,), author="ann", title=title,
        description="", at=head.at + timedelta(seconds=1),
    )  # fmt: skip


def used(catalog: Catalog, namespace: str) -> int:
    return catalog.quota(namespace).used_bytes


def test_a_content_counts_once_in_a_namespace(catalog: Catalog) -> None:
    first, head = begun(catalog, "Ann/a", b"x" * 10)
    begun(catalog, "ann/b", b"x" * 10, b"y" * 5)
    begun(catalog, "bob/b", b"x" * 10)
    assert (used(catalog, "ann"), used(catalog, "BOB")) == (15, 10)
    catalog.add_revision(first, "main", after(head, b"z"), line())
    assert (used(catalog, "ann"), catalog.used_by(first)) == (16, 11)
    catalog.delete_repository("ann/b", "no more", line())
    assert used(catalog, "ann") == 11


def test_what_is_moved_counts_where_it_is_moved_to(catalog: Catalog) -> None:
    begun(catalog, "ann/a", b"x" * 60)
    begun(catalog, "bob/b", b"y" * 50)
    with pytest.raises(OverQuota, match="60 bytes more do not fit"):
        catalog.rename_repository("ann/a", RepoId.parse("bob/a"), line())
    assert (used(catalog, "ann"), used(catalog, "bob")) == (60, 50)
    catalog.rename_repository("ann/a", RepoId.parse("Zoe/a"), line())
    assert (used(catalog, "ann"), used(catalog, "zoe")) == (0, 60)


def test_a_quota_of_its_own_wins_and_is_taken_away_again(catalog: Catalog) -> None:
    first, head = begun(catalog, "ann/a")
    big = after(head, b"x" * 101)
    with pytest.raises(OverQuota) as refused:
        catalog.add_revision(first, "main", big, line())
    assert (refused.value.used, refused.value.allowed, refused.value.wanted) == (0, 100, 101)
    assert catalog.hosted_refs(first.key).branches["main"] == head.commit.id
    catalog.set_quota("Ann", 0, line("quota.set"))
    catalog.add_revision(first, "main", big, line())
    catalog.set_quota("ann", None, line("quota.set"))
    assert (used(catalog, "ann"), catalog.quota("ann").allowed_bytes) == (101, 100)
    catalog.add_revision(first, "main", after(big), line())  # what brings nothing new is always taken
    assert [entry.verb for entry in catalog.audit_lines()].count("quota.set") == 2


def test_of_commits_at_once_only_those_that_fit_are_made(catalog: Catalog) -> None:
    repositories = [begun(catalog, f"ann/r{number}") for number in range(16)]

    def push(number: int) -> bool:
        there, head = repositories[number]
        with suppress(OverQuota):
            catalog.add_revision(there, "main", after(head, bytes([number]) * 30), line())
            return True
        return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(push, range(16))) == 3
    assert used(catalog, "ann") == 90


def test_what_is_proposed_counts_for_its_proposer_until_it_is_merged(catalog: Catalog) -> None:
    there, head = begun(catalog, "ann/a", b"x" * 40)
    pull = Discussion(
        repository=there.key, number=0, title="Better", status=Status.OPEN, author="bob", created_at=T0,
        base=head.commit.id,
    )  # fmt: skip
    proposed = after(head, b"x" * 40, b"y" * 30)
    with pytest.raises(OverQuota):
        catalog.open_discussion(there, pull, [], line(), after(head, b"y" * 101), "bob")
    opened = catalog.open_discussion(there, pull, [], line(), proposed, "bob")
    assert (used(catalog, "ann"), used(catalog, "bob")) == (40, 30)
    merged = after(head, b"x" * 40, b"y" * 30, title="Better (#1)")
    catalog.merge_pull(there, opened, proposed.commit.id, merged, [], line())
    assert (used(catalog, "ann"), used(catalog, "bob")) == (70, 0)


CONTENTS = st.lists(st.binary(min_size=1, max_size=3), max_size=3)
STEPS = st.lists(
    st.tuples(st.sampled_from(["push", "move", "delete", "make"]), st.integers(0, 2), CONTENTS), max_size=12
)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_used_is_always_the_sum_of_what_is_held(steps: list[tuple[str, int, list[bytes]]]) -> None:
    catalog = Catalog.open("sqlite://")
    heads: dict[int, tuple[Repository, Revision]] = {}
    held: dict[int, set[bytes]] = {}
    owner: dict[int, str] = {}
    for number, (verb, which, contents) in enumerate(steps):
        if verb == "make" and which not in heads:
            heads[which] = begun(catalog, f"n{which % 2}/r{number}", *contents)
            owner[which], held[which] = f"n{which % 2}", set(contents)
        elif which in heads and verb == "push":
            there, head = heads[which]
            heads[which] = there, after(head, *contents, title=str(number))
            catalog.add_revision(there, "main", heads[which][1], line())
            held[which] |= set(contents)
        elif which in heads and verb == "move":
            owner[which] = f"n{(int(owner[which][1]) + 1) % 2}"
            catalog.rename_repository(heads[which][0].key, RepoId.parse(f"{owner[which]}/m{number}"), line())
            moved = catalog.hosted(RepoId.parse(f"{owner[which]}/m{number}"))
            assert moved is not None
            heads[which] = moved, heads[which][1]
        elif which in heads and verb == "delete":
            catalog.delete_repository(heads.pop(which)[0].key, "no more", line())
            del held[which]
    for name in ("n0", "n1"):
        theirs = set[bytes]().union(*(held[which] for which in held if owner[which] == name))
        assert used(catalog, name) == sum(map(len, theirs))
    catalog.close()
