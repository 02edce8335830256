"""Our own catalogue as a Hub: what was accepted, and nothing else.

Upstream commits keep their sha, so a pin made upstream holds here. ``main`` is the newest
accepted commit, each version is a tag. A commit whose packages were all withdrawn is Disabled
and says why; one that was never accepted does not exist.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias, TypeVar

from weighbridge.adapters.repo_info import base_models
from weighbridge.adapters.stored_files import StoredFiles
from weighbridge.domain.json_values import Json, JsonObject, child, objects
from weighbridge.domain.manifest import Manifest
from weighbridge.domain.package import Package, PackageState
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.repo import DETAILS, Commit, DiscussionHead, ModelInfo, Owner, Refs
from weighbridge.domain.sources import discussion_from_json, owner_from_json
from weighbridge.errors import Disabled, NoSuchOwner, NoSuchRepo, NoSuchRevision, NotFound, StoreDown
from weighbridge.ports import BlobStore

_NOT_OURS = frozenset(
    {
        "childrenModelCount",
        "inference",
        "inferenceProviderMapping",
        "resourceGroup",
        "securityRepoStatus",
        "spaces",
        "trendingScore",
        "usedStorage",
        "xetEnabled",
    }
)
"""What upstream says of itself and would be wrong of this Hub."""
_KEPT = 512
"""Repositories, and infos of packages, that are kept in memory."""


_States: TypeAlias = tuple[tuple[str, PackageState], ...]
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Known:
    """The packages of a repository, the states they had, and whether that still holds."""

    states: _States
    packages: tuple[Package, ...]
    unchanged: Callable[[], bool] | None


class Listing(Protocol):
    """What is read of the catalogue."""

    def states_of(self, repo: RepoId) -> tuple[tuple[str, PackageState], ...]:
        """Id and state of every package of a repository, whatever the state, newest first.

        Neither this nor ``packages_of`` minds upper and lower case.
        """

    def packages_of(self, repo: RepoId) -> tuple[Package, ...]:
        """The packages themselves, in the same order."""

    def repos(self, kind: RepoKind) -> tuple[RepoId, ...]:
        """Every repository with an active package."""

    def watch(self) -> Callable[[], bool] | None:
        """Whether nothing was committed since, in microseconds; None: it cannot tell."""


class CatalogHub(StoredFiles):
    """Implements ``ports.Hub`` over accepted packages; safe for threads.

    ``load_document`` gives a stored JSON document by its sha256; out of ``blobs`` by default.
    """

    remedy = "ingest the package again"

    def __init__(
        self,
        catalog: Listing,
        blobs: BlobStore,
        load_document: Callable[[str], JsonObject] | None = None,
    ) -> None:
        super().__init__(blobs)
        self._catalog = catalog
        self._load = load_document or self._load_from_blobs
        self._infos: OrderedDict[str, ModelInfo] = OrderedDict()
        self._known: OrderedDict[RepoId, _Known] = OrderedDict()
        self._guard = threading.Lock()

    def info(self, ref: ModelRef) -> ModelInfo:
        """See ``ports.Hub.info``; ``raw`` is what upstream said when the package was judged."""
        return self._info(_at(ref.repo, self._packages(ref.repo), ref.revision))

    def manifest(self, repo: RepoId, commit: str) -> Manifest:
        """See ``ports.Hub.manifest``."""
        return _at(repo, self._packages(repo), commit).manifest

    def handed_out(self, repo: RepoId, commit: str) -> Manifest:
        """See ``StoredFiles.handed_out``: all that is served is."""
        return self.manifest(repo, commit)

    def refs(self, repo: RepoId) -> Refs:
        """See ``ports.Hub.refs``: main, and the versions that are served."""
        packages = self._packages(repo)
        _require_active(packages)
        return _refs([package for package in packages if package.state is PackageState.ACTIVE])

    def commits(self, repo: RepoId, revision: str, limit: int = 50) -> Sequence[Commit]:
        """See ``ports.Hub.commits``: one for each accepted package, up to ``revision``."""
        packages = self._packages(repo)
        newest = _at(repo, packages, revision)
        active = [package for package in packages if package.state is PackageState.ACTIVE]
        return tuple(map(_commit, active[active.index(newest) :][:limit]))

    def repos(self, kind: RepoKind) -> Iterator[ModelInfo]:
        """See ``ports.Hub.repos``."""
        found = []
        for repo in self._catalog.repos(kind):
            active = [p for p in self._packages(repo) if p.state is PackageState.ACTIVE]
            found += [self._info(package) for package in active[:1]]
        return iter(sorted(found, key=lambda info: (-info.downloads, info.repo)))

    def details(self, ref: ModelRef) -> JsonObject:
        """See ``ports.Hub.details``: what the upstream said when the package was weighed."""
        evidence = self._load(_at(ref.repo, self._packages(ref.repo), ref.revision).evidence_sha256)
        said = child(evidence, "info")
        return {name: said[name] for name in DETAILS if name in said}

    def discussions(self, repo: RepoId, limit: int = 50) -> Sequence[DiscussionHead]:
        """See ``ports.Hub.discussions``: those of the upstream when the newest package was weighed."""
        evidence = self._load(self._packages(repo)[0].evidence_sha256)
        return tuple(discussion_from_json(each) for each in objects(evidence, "discussions"))[:limit]

    def owner(self, repo: RepoId) -> Owner:
        """See ``ports.Hub.owner``: whom the upstream named when the newest package was weighed."""
        owner = owner_from_json(child(self._load(self._packages(repo)[0].evidence_sha256), "owner"))
        if owner is None:
            raise NoSuchOwner(repo.namespace)
        return owner

    def _packages(self, repo: RepoId) -> tuple[Package, ...]:
        """The packages of a repository, newest first; never an empty tuple.

        Their states are asked for whenever anything was committed, so what another process withdrew
        is gone at once; the packages themselves, with their long manifests, are read when the
        states changed.
        """
        with self._guard:
            known = self._known.get(repo)
        if known and known.unchanged is not None and known.unchanged():
            return known.packages
        unchanged = self._catalog.watch()  # before the states are read: what comes after them shows
        states = self._catalog.states_of(repo)
        if not states:
            raise NoSuchRepo(repo.full_name)
        if known and known.states == states:
            known = replace(known, unchanged=unchanged)
        else:
            packages = self._catalog.packages_of(repo)
            known = _Known(tuple((p.id, p.state) for p in packages), packages, unchanged)
        with self._guard:
            _keep(self._known, repo, known)
        return known.packages

    def _info(self, package: Package) -> ModelInfo:
        """The package's info; it never changes, so it is made once."""
        with self._guard:
            known = self._infos.get(package.id)
        if known is not None:
            return known
        upstream = child(self._load(package.evidence_sha256), "info")
        manifest = package.manifest
        info = ModelInfo(repo=manifest.repo, commit=manifest.commit, raw=_raw(package, upstream))
        with self._guard:
            _keep(self._infos, package.id, info)
        return info

    def _load_from_blobs(self, sha256: str) -> JsonObject:
        try:
            with self._blobs.open(sha256) as file:
                document = json.loads(file.read())
        except NotFound as error:
            raise StoreDown(f"the store has lost the document {sha256}") from error
        except ValueError as error:
            raise StoreDown(f"the stored document {sha256} is not JSON") from error
        return document if isinstance(document, dict) else {}


def _keep(kept: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Remember, and forget what was remembered first once there is too much."""
    kept[key] = value
    while len(kept) > _KEPT:
        kept.popitem(last=False)


def _raw(package: Package, upstream: JsonObject) -> JsonObject:
    manifest = package.manifest
    name = manifest.repo.full_name
    ours: Mapping[str, Json] = {
        "id": name,
        "sha": manifest.commit,
        "private": False,
        "gated": False,
        "disabled": False,
        "siblings": [{"rfilename": entry.path} for entry in manifest.files],
        "usedStorage": manifest.total_bytes,
    }
    added = package.created_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    kept = {key: value for key, value in upstream.items() if key not in _NOT_OURS}
    if manifest.repo.kind is RepoKind.MODEL:
        kept["modelId"] = name
        if made_of := base_models(child(upstream, "cardData"), manifest):
            kept["baseModels"] = made_of
    return {"lastModified": added, **kept, **ours}


def _refs(packages: Sequence[Package]) -> Refs:
    """The names that ``packages`` (newest first) give; main is the newest one."""
    return Refs(
        branches={"main": packages[0].manifest.commit},
        tags={package.version.text: package.manifest.commit for package in packages},
    )


def _at(repo: RepoId, packages: Sequence[Package], revision: str) -> Package:
    """The newest active package that a revision means.

    Raises:
        NoSuchRevision: no package was ever accepted there.
        Disabled: all that were are withdrawn or deleted.
    """
    active = [package for package in packages if package.state is PackageState.ACTIVE]
    known = [package.manifest.commit for package in packages]
    commit = _refs(active or packages).commit_of(revision, known)
    commit = commit or _refs(packages).tags.get(revision.removeprefix("refs/tags/"))
    there = [package for package in packages if package.manifest.commit == commit]
    if not there:
        raise NoSuchRevision(repo.full_name, revision)
    _require_active(there)
    return next(package for package in there if package.state is PackageState.ACTIVE)


def _require_active(packages: Sequence[Package]) -> None:
    if all(package.state is not PackageState.ACTIVE for package in packages):
        newest = packages[0]
        why = newest.state_reason or "no reason was given"
        raise Disabled(f"{newest.name}@{newest.version} was {newest.state}: {why}")


def _commit(package: Package) -> Commit:
    return Commit(
        id=package.manifest.commit,
        title=f"{package.name} {package.version}",
        message=package.description,
        authors=(package.created_by,),
        created_at=package.created_at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    )
