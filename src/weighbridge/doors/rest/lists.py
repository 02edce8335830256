"""Lists of packages: search, filters, order, pages; and the versions of one name."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from weighbridge.domain.listing import PackageQuery, Sort
from weighbridge.domain.package import PackageState
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.doors.rest.callers import Caller, TheBridge
from weighbridge.doors.rest.package_shapes import PackageOut
from weighbridge.doors.rest.shapes import Instant, RepoName, Wanted

router = APIRouter()
Least = Annotated[float | None, Field(ge=0, le=1)]
_METRIC = "min_"


class PackageFilters(Wanted):
    """Which packages, and in which order."""

    q: Annotated[
        str,
        Field(max_length=256, description="parts of words in name or description, all of them"),
    ] = ""
    kind: RepoKind | None = None
    name: Annotated[str | None, Field(max_length=256, description="org/name")] = None
    state: PackageState | None = None
    licence: Annotated[
        str | None, Field(max_length=128, description="apache-2.0, or a class as permissive")
    ] = None
    min_net_score: Least = None
    min_license: Least = None
    min_size_score: Least = None
    min_ramp_up_time: Least = None
    min_bus_factor: Least = None
    min_performance_claims: Least = None
    min_dataset_and_code_score: Least = None
    min_dataset_quality: Least = None
    min_code_quality: Least = None
    min_reproducibility: Least = None
    min_reviewedness: Least = None
    min_tree_score: Least = None
    created_by: Annotated[str | None, Field(max_length=64)] = None
    since: Annotated[Instant | None, Field(description="RFC 3339, with a zone")] = None
    sort: Sort = Sort.CREATED_AT
    order: Annotated[
        Literal["asc", "desc"] | None,
        Field(description="default: newest, best and largest first, names from a to z"),
    ] = None
    limit: Annotated[int, Field(ge=1, le=500, description="how many at most")] = 100
    after: Annotated[str | None, Field(max_length=64, description="'next' of the page before")] = None
    total: Annotated[bool, Field(description="whether to count them all")] = False

    def query(self) -> PackageQuery:
        """The same as the registry reads it.

        Raises:
            Invalid: a filter cannot be one.
        """
        given = {name: value for name, value in self if name.startswith(_METRIC) and value is not None}
        given.pop("min_net_score", None)
        return PackageQuery(
            text=self.q,
            kind=self.kind,
            name=self.name,
            state=self.state,
            licence=self.licence,
            min_net_score=self.min_net_score,
            minima={name.removeprefix(_METRIC): value for name, value in given.items()},
            by=self.created_by,
            since=self.since,
            sort=self.sort,
            rising=None if self.order is None else self.order == "asc",
            limit=self.limit,
            after=self.after,
            counted=self.total,
        )


class PackagePage(BaseModel):
    """A page; ``next`` is what to send as ``after``, null at the end."""

    packages: list[PackageOut]
    next: str | None
    total: Annotated[int | None, Field(description="of all pages, where it was asked for")] = None


class VersionsOut(BaseModel):
    """The versions of one name, the highest first."""

    name: str
    kind: str
    latest: Annotated[str | None, Field(description="the highest that is served; no pre-release if it can")]
    next: Annotated[str | None, Field(description="what the next package would be numbered")]
    versions: list[PackageOut]


@router.get("/packages", tags=["packages"], summary="List packages, newest first")
def packages(filters: Annotated[PackageFilters, Query()], bridge: TheBridge, caller: Caller) -> PackagePage:
    """Who may only search and download sees only what is served. An unknown filter is refused."""
    found = bridge.packages.listing(caller, filters.query())
    zips = bridge.packing.kept([package.id for package in found.packages])
    return PackagePage(
        packages=[PackageOut.of(package, zips) for package in found.packages],
        next=found.next,
        total=found.total,
    )


@router.get("/versions", tags=["packages"], summary="Every version of a name")
def versions(
    name: Annotated[RepoName, Query()],
    bridge: TheBridge,
    caller: Caller,
    kind: RepoKind = RepoKind.MODEL,
    revision: Annotated[
        str | None, Query(max_length=255, description="number this one of upstream; needs upload")
    ] = None,
) -> VersionsOut:
    """With `revision`, `next` counts the tags of its commit, and is null where that is listed already."""
    found = bridge.packages.versions(caller, RepoId.parse(name, kind), revision or "")
    zips = bridge.packing.kept([package.id for package in found.packages])
    return VersionsOut(
        name=found.repo.full_name,
        kind=found.repo.kind.value,
        latest=found.latest.version.text if found.latest else None,
        next=found.next.text if found.next else None,
        versions=[PackageOut.of(package, zips) for package in found.packages],
    )
