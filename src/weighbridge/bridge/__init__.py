"""Wiring: the one place that knows both flows and adapters. One method per verb.

``open_bridge`` is for the registry, ``bridge.models.open_models`` for the commands of a model
list, which start many times a day and must not wait for a database library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Self

from weighbridge.bridge.children import children_of
from weighbridge.errors import StoreDown

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.adapters.blobs_s3 import Bucket
    from weighbridge.adapters.catalog import Catalog
    from weighbridge.adapters.hub_hosted import HostedHub
    from weighbridge.adapters.hub_http import Contact
    from weighbridge.bridge.audit import Audit
    from weighbridge.bridge.bundles import Bundles
    from weighbridge.bridge.collecting import Collecting
    from weighbridge.bridge.figures import Clocks, Figures
    from weighbridge.bridge.health import Health
    from weighbridge.bridge.hub import HubDesk
    from weighbridge.bridge.jobs import Jobs
    from weighbridge.bridge.judging import Judging
    from weighbridge.bridge.operator_evidence import OperatorEvidence
    from weighbridge.bridge.packages import Packages
    from weighbridge.bridge.packing import Packing
    from weighbridge.bridge.papers import Papers
    from weighbridge.bridge.people import People
    from weighbridge.bridge.repos import Repos
    from weighbridge.bridge.tally import Tally
    from weighbridge.bridge.upkeep import Upkeep
    from weighbridge.bridge.xet import XetDesk
    from weighbridge.bridge.zips import Zips
    from weighbridge.domain.access import Principal
    from weighbridge.domain.policy import Policy
    from weighbridge.domain.ref import RepoId
    from weighbridge.flows.ingest_state import Tools
    from weighbridge.ports import BlobStore, Engine, Hub
    from weighbridge.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """The registry, wired: what each of its doors calls; it is closed at the end of its ``with``."""

    packages: Packages
    papers: Papers
    people: People
    audit: Audit
    hub: HubDesk
    repos: Repos
    xet: XetDesk
    upkeep: Upkeep
    evidence: OperatorEvidence
    bundles: Bundles
    jobs: Jobs
    health: Health
    figures: Figures
    zips: Zips
    packing: Packing
    collecting: Collecting
    close: Callable[[], None]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_bridge(settings: Settings, *, retry_s: float = 30.0, engine: Engine | None = None) -> Bridge:
    """The registry on the home, the database and the upstream that the settings name.

    A judgement that fails for a reason outside is tried again after ``retry_s`` seconds, then
    after twice that, and so on. ``engine`` has jobs done once
    ``jobs.begin`` was called; without one, whoever asks does them.

    Raises:
        BadInput: a setting asks for what this version cannot do.
        StoreDown: the home or the database cannot be used.
    """
    from weighbridge.adapters.catalog import Catalog
    from weighbridge.adapters.hub_catalog import CatalogHub
    from weighbridge.adapters.hub_hosted import HostedHub
    from weighbridge.adapters.policy_file import read_policy
    from weighbridge.bridge.issuers import registry_people
    from weighbridge.bridge.packages import Packages
    from weighbridge.bridge.papers import Papers

    _make_home(settings.home)
    catalog = Catalog.open(settings.catalog_url, quota_bytes=settings.quota_bytes)
    bucket, blobs = _store(settings)
    people, policy = registry_people(settings, catalog), read_policy(settings.policy_file)
    contact, clocks = _counters()
    tools = _tools(settings, catalog, blobs, contact)
    jobs = _jobs(settings, catalog, tools, engine, clocks, lambda package: packing.pack(package))
    health = _health(settings.home, catalog, blobs, contact, jobs)
    hosted = HostedHub(catalog, blobs, serve_all=settings.serve == "all")
    judging = _judging(catalog, hosted, tools, policy, retry_s)
    mirrors = CatalogHub(catalog, blobs)
    repos = _repos(settings, catalog, blobs, hosted, judging, mirrors)
    tally, audit = _books(settings, catalog)
    packages = Packages(catalog=catalog, blobs=blobs, jobs=jobs, tools=tools, policy=policy, now=now)

    def close() -> None:
        for part in (packing, jobs, judging, tally, audit, catalog):
            part.close()

    kin = partial(children_of, settings)
    papers = Papers(packages, settings.home, settings.upstream, catalog.is_ours, kin)
    zips, packing = _zips(settings.home, catalog, packages, papers, blobs, tally, audit, bucket, jobs)
    return Bridge(
        packages=packages,
        papers=papers,
        people=people,
        audit=audit,
        hub=_hub_desk(catalog, blobs, hosted, mirrors, people, tally, audit),
        repos=repos,
        xet=_xet(settings.home, repos),
        upkeep=_upkeep(catalog, blobs, tools, policy),
        evidence=_evidence(catalog),
        bundles=_bundles(catalog, blobs, papers, tools, policy),
        jobs=jobs,
        health=health,
        figures=_figures(settings.metrics, clocks, health, catalog, contact),
        zips=zips,
        packing=packing,
        collecting=_collecting(settings.home, catalog, blobs, packing, audit),
        close=close,
    )


def _counters() -> tuple[Contact, Clocks]:
    """What is told of the Hub's answers, and of what was answered and done."""
    from weighbridge.adapters.hub_http import Contact
    from weighbridge.bridge.figures import Clocks

    return Contact(), Clocks()


def _figures(shown: str, clocks: Clocks, health: Health, catalog: Catalog, contact: Contact) -> Figures:
    """What curves are drawn of."""
    from weighbridge.bridge.figures import Figures

    return Figures(shown, clocks, health, catalog, contact)


def _books(settings: Settings, catalog: Catalog) -> tuple[Tally, Audit]:
    """What is counted of downloads, and who did what."""
    from weighbridge.bridge.audit import Audit
    from weighbridge.bridge.tally import Tally

    return Tally(catalog, now), Audit(catalog, now, settings.audit_days)


def _evidence(catalog: Catalog) -> OperatorEvidence:
    """What operators attach."""
    from weighbridge.bridge.operator_evidence import OperatorEvidence

    return OperatorEvidence(catalog, now)


def _health(home: Path, catalog: Catalog, blobs: BlobStore, contact: Contact, jobs: Jobs) -> Health:
    """What looks at every part."""
    from weighbridge.bridge.health import Health

    return Health(home, catalog, blobs, contact, jobs)


def _xet(home: Path, repos: Repos) -> XetDesk:
    """The verbs of uploads in chunks."""
    from weighbridge.adapters.xorb_files import XorbFiles
    from weighbridge.bridge.xet import XetDesk

    return XetDesk(XorbFiles(home), repos)


def _collecting(home: Path, catalog: Catalog, blobs: BlobStore, packing: Packing, audit: Audit) -> Collecting:
    """What the store holds and nothing names, cleared away."""
    from weighbridge.adapters.lock_file import LockRegister
    from weighbridge.adapters.manifests import ManifestShelf
    from weighbridge.adapters.xorb_files import XorbFiles
    from weighbridge.bridge.collecting import Collecting

    return Collecting(
        catalog=catalog,
        blobs=blobs,
        shelf=ManifestShelf(home),
        xorbs=XorbFiles(home),
        register=LockRegister(home),
        needless_zips=packing.tidy,
        forget=audit.forget,
        now=now,
    )


def _bundles(catalog: Catalog, blobs: BlobStore, papers: Papers, tools: Tools, policy: Policy) -> Bundles:
    """The verbs that carry packages across an air gap."""
    from weighbridge.bridge.bundles import Bundles

    return Bundles(catalog=catalog, blobs=blobs, papers=papers, tools=tools, policy=policy, now=now)


def _zips(
    home: Path,
    catalog: Catalog,
    packages: Packages,
    papers: Papers,
    blobs: BlobStore,
    tally: Tally,
    audit: Audit,
    bucket: Bucket | None,
    jobs: Jobs,
) -> tuple[Zips, Packing]:
    """Packages as zips, rendered and in a bucket."""
    from weighbridge.adapters.crc32s import Crc32s
    from weighbridge.bridge.packing import Packing
    from weighbridge.bridge.zips import Zips

    zips = Zips(packages, papers, blobs, Crc32s(home), tally.add, audit.sent)
    return zips, Packing(catalog, bucket, zips, jobs)


def _store(settings: Settings) -> tuple[Bucket | None, BlobStore]:
    """The bucket if there is one, and the contents in it or in the home."""
    from weighbridge.bridge.stores import bucket_of, store_of

    bucket = bucket_of(settings)
    return bucket, store_of(settings, bucket)


def _judging(catalog: Catalog, hosted: HostedHub, tools: Tools, policy: Policy, retry_s: float) -> Judging:
    """What weighs pushed commits."""
    from weighbridge.bridge.judging import Judging
    from weighbridge.bridge.later import Later

    return Judging(catalog, hosted, tools, policy=policy, now=now, later=Later(retry_s))


def _jobs(
    settings: Settings,
    catalog: Catalog,
    tools: Tools,
    engine: Engine | None,
    clocks: Clocks,
    pack: Callable[[str], None],
) -> Jobs:
    """Jobs, and what is done for each of them."""
    from weighbridge.adapters.engine_inline import InlineEngine
    from weighbridge.adapters.worker_life import WorkerLives
    from weighbridge.bridge.jobs import Jobs
    from weighbridge.bridge.keeper import BeatingLives
    from weighbridge.bridge.work import Work
    from weighbridge.flows.ingest import INGEST

    chosen = engine or InlineEngine()
    lives = BeatingLives(catalog, now) if catalog.is_shared else WorkerLives(settings.home)
    written = pack if settings.store_url else None
    work = Work(catalog, tools, INGEST, chosen.worker, lives.is_dead, now, clocks.worked, written)
    jobs = Jobs(catalog, chosen, work, lives, now)
    if engine is None:
        jobs.begin(keep=False)
    return jobs


def durable_engine(settings: Settings) -> Engine:
    """The engine of servers and workers: beside the catalogue in PostgreSQL, else a file in the home."""
    from weighbridge.adapters.engine_dbos import DbosEngine

    shared = settings.database_url.startswith("postgresql")
    place = settings.database_url if shared else settings.home / "engine.sqlite3"
    return DbosEngine(place, at_once=settings.jobs_at_once)


def _upkeep(catalog: Catalog, blobs: BlobStore, tools: Tools, policy: Policy) -> Upkeep:
    """The verbs that look after what was admitted."""
    from weighbridge.bridge.upkeep import Upkeep
    from weighbridge.scanners import RULES

    return Upkeep(
        catalog=catalog, blobs=blobs, scan_tree=tools.scan_tree, rules=RULES, policy=policy, now=now
    )


def _repos(
    settings: Settings,
    catalog: Catalog,
    blobs: BlobStore,
    hosted: HostedHub,
    judging: Judging,
    mirrors: Hub,
) -> Repos:
    """The verbs of what is hosted."""
    from weighbridge.adapters.receipts import Receipts
    from weighbridge.adapters.signing_key import signing_key
    from weighbridge.bridge.repos import Repos

    return Repos(
        catalog=catalog,
        blobs=blobs,
        hub=hosted,
        judging=judging,
        receipts=Receipts(settings.home),
        now=now,
        signing_key=signing_key(settings.home),
        max_file_bytes=settings.max_file_bytes,
        part_bytes=settings.lfs_part_bytes,
        forbidden=settings.forbidden_kinds,
        mirrors=mirrors,
    )


def _hub_desk(
    catalog: Catalog,
    blobs: BlobStore,
    hosted: HostedHub,
    mirrors: Hub,
    people: People,
    tally: Tally,
    audit: Audit,
) -> HubDesk:
    """What is hosted and what is mirrored, as each caller may see it."""
    from weighbridge.adapters.hub_either import EitherHub
    from weighbridge.bridge.hub import HubDesk
    from weighbridge.bridge.scan_reports import ScanReports

    def seen_by(principal: Principal) -> Hub:
        return EitherHub(catalog.is_ours, hosted.seen_by(principal), mirrors)

    def let_in(principal: Principal, repo: RepoId) -> None:
        hosted.seen_by(principal).require_open(repo)

    reports = ScanReports(catalog, blobs)
    return HubDesk(
        mirrors,
        people,
        seen_by,
        let_in,
        lambda repo: catalog.watch(),
        reports.of,
        takes_xet=True,
        downloaded=tally.add,
        sent=audit.sent,
        watch_all=catalog.watch,
        address=blobs.address,
    )


def _tools(settings: Settings, catalog: Catalog, blobs: BlobStore, contact: Contact) -> Tools:
    """What an ingestion from the upstream touches."""
    from weighbridge.adapters.manifests import ManifestShelf
    from weighbridge.adapters.progress import SilentReporter
    from weighbridge.adapters.scan_cache import ScanCache
    from weighbridge.bridge.readers import readers
    from weighbridge.bridge.registry import SeenRegistry
    from weighbridge.bridge.upstream import upstream_hub
    from weighbridge.domain.access import Sight
    from weighbridge.flows.ingest_state import Tools
    from weighbridge.flows.weighing import Scales
    from weighbridge.metrics import METRICS_OF, REPORTED_OF
    from weighbridge.metrics.licence_terms import licence_terms
    from weighbridge.scanners import scan_tree

    return Tools(
        hub=upstream_hub(settings, contact=contact),
        blobs=blobs,
        shelf=ManifestShelf(settings.home),
        ledger=catalog,
        registry=SeenRegistry(catalog, Sight()),
        scan_tree=partial(scan_tree, cache=ScanCache(settings.home)),
        scales=Scales(metrics=METRICS_OF, reports=REPORTED_OF, terms=licence_terms),
        readers=readers(),
        reporter=SilentReporter(),
        connections=settings.connections,
    )


def _make_home(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreDown(
            f"cannot make {home}: {error.strerror}", hint="WEIGHBRIDGE_HOME names another place"
        ) from error


def now() -> datetime:
    """The one clock of the house: aware UTC."""
    return datetime.now(UTC)
