"""Lists of packages: every filter and order, pages while others write, and no manifest read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.adapters.test_catalog import T0, line, package
from tests.adapters.test_catalog_hosted import begin
from tests.catalogs import DATABASES, open_catalog
from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.access import Sight
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.listing import PackageQuery, Sort, versions_of
from weighbridge.domain.package import PackageState, Version
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.errors import BadInput


@pytest.fixture(params=DATABASES)
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(request.param, tmp_path) as opened:
        yield opened


def add(catalog: Catalog, id: str, name: str = "org/model", at: int = 0, **more: Any) -> None:
    version = str(more.pop("version", f"1.{at}.0"))
    made = package(id, name, version, at, kind=more.pop("kind", "model"))
    catalog.add(replace(made, **more), [], line())


def ids(catalog: Catalog, **wanted: Any) -> list[str]:
    return [found.id for found in catalog.listing(PackageQuery(**wanted)).packages]


def test_a_row_is_the_package_without_its_files(catalog: Catalog) -> None:
    whole = replace(package("a"), licence="apache-2.0")
    catalog.add(whole, [], line())
    (row,) = catalog.listing(PackageQuery()).packages
    assert row.to_json() == whole.to_json() == catalog.package("a").to_json()
    assert catalog.listed_of(RepoId.parse("ORG/model")) == (row,)


def test_filters(catalog: Catalog) -> None:
    add(catalog, "a", "org/bert", 1, licence="apache-2.0", net_score=0.5, metrics={"license": 1.0})
    add(catalog, "b", "org/bert", 2, licence="cc-by-nc-4.0", net_score=0.9, metrics={"license": 0.3})
    add(catalog, "c", "eve/llama", 3, licence="mit", created_by="eve", metrics={"bus_factor": 0.8})
    add(catalog, "d", "org/data", 4, kind="dataset", metrics={})
    catalog.withdraw("b", "old", line())
    assert ids(catalog) == ["d", "c", "b", "a"]
    assert ids(catalog, kind=RepoKind.DATASET) == ["d"]
    assert ids(catalog, name="ORG/bert") == ["b", "a"]
    assert ids(catalog, state=PackageState.WITHDRAWN) == ["b"]
    assert ids(catalog, licence="MIT") == ["c"]
    assert ids(catalog, licence="permissive") == ["c", "a"]
    assert ids(catalog, licence="noncommercial") == ["b"]
    assert ids(catalog, min_net_score=0.9) == ["b"]
    assert ids(catalog, minima={"license": 0.3}) == ["b", "a"]
    assert ids(catalog, minima={"license": 0.31}) == ["a"]
    assert ids(catalog, minima={"license": 0.0, "bus_factor": 0.0}) == []
    assert ids(catalog, by="eve") == ["c"]
    assert ids(catalog, since=T0 + timedelta(minutes=3)) == ["d", "c"]
    assert ids(catalog, name="org/bert", licence="permissive", text="bert", sort=Sort.NAME) == ["a"]


def test_words_are_found_as_any_part_in_any_case_and_signs_mean_themselves(catalog: Catalog) -> None:
    add(catalog, "a", "Org/Distil-BERT", 1, description="Größe: 100% of it, under_lined")
    add(catalog, "b", "org/other", 2, description="x" * 300 + " hidden behind")
    assert ids(catalog, text="bert") == ids(catalog, text="ORG/dist") == ["a"]
    assert ids(catalog, text="bert distil") == ["a"]
    assert ids(catalog, text="bert other") == []
    assert ids(catalog, text="100%") == ids(catalog, text="r_l") == ids(catalog, text="größe") == ["a"]
    assert ids(catalog, text="%") == ids(catalog, text="_") == ["a"]
    assert ids(catalog, text="hidden") == []
    assert ids(catalog, text="  ") == ["b", "a"]


@pytest.mark.parametrize("rising", [None, True, False])
@pytest.mark.parametrize("sort", list(Sort))
def test_pages_in_every_order_hold_everything_once_while_others_write(
    catalog: Catalog, sort: Sort, rising: bool | None
) -> None:
    for number in range(7):
        add(catalog, f"p{number}", f"org/m{number % 3}", number // 2, version=f"1.{number}.0",
            net_score=(number % 3) / 10)  # fmt: skip
    before = ids(catalog, sort=sort, rising=rising)
    key = {
        Sort.CREATED_AT: lambda p: p.created_at,
        Sort.NAME: lambda p: p.name,
        Sort.NET_SCORE: lambda p: p.net_score,
        Sort.SIZE_BYTES: lambda p: p.size_bytes,
    }[sort]
    values = [key(catalog.package(id)) for id in before]
    assert values == sorted(values, reverse=not (sort is Sort.NAME if rising is None else rising))
    seen: list[str] = []
    after: str | None = None
    while True:
        page = catalog.listing(PackageQuery(sort=sort, rising=rising, limit=2, after=after, counted=True))
        assert page.total == len(catalog.packages())
        seen += [found.id for found in page.packages]
        if page.next is None:
            break
        after = page.next
        add(catalog, f"new{len(seen)}", f"org/m{len(seen)}", len(seen), version=f"9.{len(seen)}.0")
    assert [id for id in seen if id in before] == before
    assert len(set(seen)) == len(seen)


def test_a_page_that_is_just_full_is_the_last(catalog: Catalog) -> None:
    add(catalog, "a")
    assert catalog.listing(PackageQuery(limit=1)).next is None
    with pytest.raises(BadInput):
        catalog.listing(PackageQuery(after="nothing"))


def test_private_repositories_are_neither_listed_nor_counted(catalog: Catalog) -> None:
    first = begin(catalog, "k", RepoId.parse("bob/secret"), private=True)
    secret = package("s", "bob/secret", commit=first.commit.id)
    catalog.add(secret, [], line(), hosted=True)
    add(catalog, "a")
    found = catalog.listing(PackageQuery(counted=True), Sight())
    assert ([one.id for one in found.packages], found.total) == (["a"], 1)
    assert catalog.listing(PackageQuery(text="secret", counted=True), Sight()).total == 0
    bob = Sight(namespaces=frozenset({"bob"}))
    assert catalog.listing(PackageQuery(text="secret", counted=True), bob).total == 1


@pytest.mark.parametrize(
    "wrong",
    [{"minima": {"nonsense": 1.0}}, {"text": "a b c d e f g h i"}, {"text": "\0"}, {"name": "\ud800"},
     {"since": T0.replace(tzinfo=None)}],
)  # fmt: skip
def test_what_cannot_be_asked_is_said(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        PackageQuery(**wrong)


def test_the_latest_version_is_the_highest_that_is_served_and_no_pre_release(catalog: Catalog) -> None:
    repo = RepoId.parse("org/model")
    for number, version in enumerate(("1.10.0", "1.9.0", "2.0.0-rc.1", "3.0.0")):
        add(catalog, f"p{number}", at=number, version=version)
    catalog.withdraw("p3", "bad", line())
    found = versions_of(repo, catalog.listed_of(repo), Version("4.0.0"))
    assert [one.version.text for one in found.packages] == ["3.0.0", "2.0.0-rc.1", "1.10.0", "1.9.0"]
    assert found.latest is not None
    assert found.latest.version.text == "1.10.0"
    early = [one for one in found.packages if one.version.is_pre_release]
    only = versions_of(repo, early, None).latest
    assert only is not None
    assert only.version.text == "2.0.0-rc.1"
    assert versions_of(repo, (), None).latest is None


def test_postgresql_plans_with_the_values_that_are_asked_for(catalog: Catalog) -> None:
    if not catalog.is_shared:
        pytest.skip("SQLite plans once and keeps nothing")
    with catalog._reading() as connection:
        assert connection.execute(text("SHOW plan_cache_mode")).scalar() == "force_custom_plan"
