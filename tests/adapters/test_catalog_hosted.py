"""The one space of names of hosted and mirrored repositories, and what comes late to it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from tests.adapters.test_catalog import T0, line, package
from tests.catalogs import DATABASES, open_catalog
from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.catalog.refs import RefKind
from weighbridge.domain.access import Permission, Principal, Sight, sight_of
from weighbridge.domain.hosted import Copied, Gate, Repository, Revision, make_revision
from weighbridge.domain.package import PackageState
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.domain.repo import Refs
from weighbridge.domain.rewriting import Rewriting
from weighbridge.errors import Conflict, NoSuchRepo, RepoExists, StaleParent, StoreDown

NAME = RepoId.parse("Org/Model")


@pytest.fixture(params=DATABASES)
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(request.param, tmp_path) as opened:
        yield opened


def begin(catalog: Catalog, key: str = "k", repo: RepoId = NAME, *, private: bool = False) -> Revision:
    repository = Repository(
        key=key, id=repo, private=private, gate=Gate.OPEN, created_at=T0, created_by="ada"
    )
    first = make_revision(repo, (), parents=(), author="ada", title=key, description="", at=T0)
    catalog.create_repository(repository, "main", first, line("repo.create"))
    return first


def test_of_many_that_take_a_name_at_once_one_has_it(catalog: Catalog) -> None:
    def create(number: int) -> bool:
        try:
            begin(catalog, f"k{number}", RepoId.parse("org/model" if number % 2 else "ORG/Model"))
        except RepoExists:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(16))) == 1
    assert len(catalog.hosted_repos(RepoKind.MODEL)) == 1
    assert [entry.verb for entry in catalog.audit_lines()] == ["repo.create"]


def test_a_package_of_the_upstream_cannot_take_a_hosted_name(catalog: Catalog) -> None:
    begin(catalog)
    with pytest.raises(Conflict, match="hosted here"):
        catalog.add(package("a"), [], line())
    assert catalog.packages() == ()
    catalog.add(package("b", kind="dataset"), [], line())
    assert not catalog.is_mirrored(NAME)
    assert catalog.is_ours(NAME)


def test_a_judgement_that_comes_after_the_deletion_lists_nothing(catalog: Catalog) -> None:
    first = begin(catalog)
    catalog.delete_repository("k", "deleted", line("repo.delete"))
    with pytest.raises(Conflict):
        catalog.add(package("a", commit=first.commit.id), [], line(), hosted=True)
    begin(catalog, "second")
    with pytest.raises(Conflict):
        catalog.add(package("a", commit=first.commit.id), [], line(), hosted=True)
    assert catalog.packages() == ()


def test_a_deleted_name_can_be_taken_by_either_and_then_by_one_only(catalog: Catalog) -> None:
    first = begin(catalog)
    catalog.add(package("a", commit=first.commit.id), [], line(), hosted=True)
    catalog.delete_repository("k", "deleted", line("repo.delete"))
    assert catalog.package("a").state is PackageState.WITHDRAWN
    assert (catalog.is_ours(NAME), catalog.is_mirrored(NAME)) == (True, False)
    catalog.add(package("b", version="2.0.0"), [], line())
    assert (catalog.is_ours(NAME), catalog.is_mirrored(NAME)) == (False, True)
    with pytest.raises(RepoExists, match="mirror"):
        begin(catalog, "second")
    with pytest.raises(NoSuchRepo):
        catalog.change_repository("k", True, Gate.OPEN, line())


def test_a_name_that_only_has_withdrawn_packages_stays_a_mirror(catalog: Catalog) -> None:
    catalog.add(package("a"), [], line())
    catalog.withdraw("a", "a worm", line())
    with pytest.raises(RepoExists, match="mirror"):
        begin(catalog)


def test_a_failed_creation_or_renaming_changes_nothing(catalog: Catalog) -> None:
    begin(catalog)
    begin(catalog, "other", RepoId.parse("org/other"))
    with pytest.raises(RepoExists):
        begin(catalog, "third", RepoId.parse("ORG/OTHER"))
    with pytest.raises(RepoExists):
        catalog.rename_repository("other", NAME, line("repo.move"))
    assert [found.key for found in catalog.hosted_repos(RepoKind.MODEL)] == ["k", "other"]
    found = catalog.hosted(RepoId.parse("org/other"))
    assert found is not None
    assert found.id.full_name == "org/other"


def seen_by(name: str) -> Sight:
    return sight_of(Principal(name=name, permissions=frozenset({Permission.SEARCH})))


def test_packages_of_a_private_repository_are_its_own_namespace_s(catalog: Catalog) -> None:
    first = begin(catalog, private=True)
    catalog.add(package("a", commit=first.commit.id), [], line(), hosted=True)
    for eyes, seen in (("org", 1), ("ada", 0), ("or", 0), ("anonymous", 0), ("%", 0), ("_rg", 0)):
        sight = seen_by(eyes)
        assert len(catalog.packages(sight=sight)) == seen
        assert catalog.is_hidden_from(NAME, sight) is not bool(seen)
    assert len(catalog.packages()) == 1
    catalog.delete_repository("k", "deleted", line())
    assert len(catalog.packages(sight=seen_by("ada"))) == 0


def test_downloads_are_counted_by_the_day_under_every_name(catalog: Catalog) -> None:
    begin(catalog)
    old, new, nobody = NAME, RepoId.parse("org/new"), RepoId.parse("org/nobody")
    catalog.add_downloads({old: 2, nobody: 9}, date(2026, 1, 1))
    catalog.rename_repository("k", new, line("repo.move"))
    catalog.add_downloads({old: 1, new: 3}, date(2026, 1, 1))
    catalog.add_downloads({new: 4}, date(2026, 1, 31))
    assert catalog.downloads("k", date(2026, 1, 2)) == (4, 10)
    assert catalog.downloads("k", date(2026, 1, 1)) == (10, 10)
    assert catalog.downloads("other", date(2026, 1, 1)) == (0, 0)
    catalog.delete_repository("k", "deleted", line("repo.delete"))
    assert catalog.downloads("k", date(2026, 1, 1)) == (0, 0)


def test_a_copy_that_fails_half_way_is_not_there(catalog: Catalog) -> None:
    first = begin(catalog)
    copy = RepoId.parse("org/copy")
    repository = Repository(key="c", id=copy, private=False, gate=Gate.OPEN, created_at=T0, created_by="ada")

    def revisions() -> Iterator[Revision]:
        yield first
        raise StoreDown("the disk is gone")

    refs = Refs(branches={"main": first.commit.id})
    with pytest.raises(StoreDown):
        catalog.add_repository(repository, refs, revisions(), line("repo.duplicate"))
    assert catalog.hosted(copy) is None
    assert catalog.commits_of("c") == {}
    lost = Copied(source="k", commits=(first.commit.id, "f" * 40))
    with pytest.raises(Conflict):
        catalog.add_repository(repository, refs, [], line("repo.duplicate"), lost)
    assert catalog.hosted(copy) is None
    copied = Copied(source="k", commits=(first.commit.id,), contents={"a" * 64: 7})
    catalog.add_repository(repository, refs, [], line("repo.duplicate"), copied)
    assert catalog.hosted_refs("c").branches == {"main": first.commit.id}
    assert catalog.commits_of("c") == catalog.commits_of("k")
    assert catalog.used_by(repository) == 7


def test_a_history_is_only_replaced_where_nobody_came_between(catalog: Catalog) -> None:
    first = begin(catalog)
    repository = catalog.hosted(NAME)
    assert repository is not None
    seen = catalog.hosted_refs("k")

    def follow(title: str, *parents: str) -> Revision:
        return make_revision(NAME, (), parents=parents, author="ada", title=title, description="", at=T0)

    second, other = follow("second", first.commit.id), follow("other")
    catalog.add_revision(repository, "main", second, line("repo.commit"))
    with pytest.raises(StaleParent):
        catalog.replace_branch(repository, "main", first.commit.id, other, first.commit.id, line("squash"))
    done = Rewriting(made=[other], renamed={first.commit.id: other.commit.id}, dropped={first.commit.id})
    with pytest.raises(Conflict):
        catalog.rewrite(repository, seen, done, "e" * 32, "gone", line("rewrite"))
    assert catalog.commits_of("k").keys() == {first.commit.id, second.commit.id}
    assert [entry.verb for entry in catalog.audit_lines()] == ["repo.commit", "repo.create"]
    catalog.replace_branch(repository, "main", second.commit.id, other, second.commit.id, line("squash"))
    assert catalog.hosted_refs("k").former == {"main": second.commit.id}
    catalog.drop_ref(repository, RefKind.BRANCH, "main", line("drop"))
    assert catalog.hosted_refs("k") == Refs()


def test_what_a_tag_names_is_judged_after_a_kill(catalog: Catalog) -> None:
    first = begin(catalog)
    repository = catalog.hosted(NAME)
    assert repository is not None
    second = make_revision(
        NAME, (), parents=(first.commit.id,), author="ada", title="2", description="", at=T0
    )
    catalog.add_revision(repository, "main", second, line("repo.commit"))
    for name in ("v1", "v2"):
        catalog.put_ref(repository, RefKind.TAG, name, first.commit.id, line("repo.tag"))
    assert sorted(commit for _, commit in catalog.unjudged()) == sorted((first.commit.id, second.commit.id))
