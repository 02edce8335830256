"""The registry, put together: which part is given which others.

Importing this brings in the database, the metrics and the scanners: only ``open_bridge`` does, when called.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.crc32s import Crc32s
from weighbridge.adapters.engine_inline import InlineEngine
from weighbridge.adapters.hub_catalog import CatalogHub
from weighbridge.adapters.hub_either import EitherHub
from weighbridge.adapters.hub_hosted import HostedHub
from weighbridge.adapters.hub_http import Contact
from weighbridge.adapters.lock_file import LockRegister
from weighbridge.adapters.manifests import ManifestShelf
from weighbridge.adapters.policy_file import read_policy
from weighbridge.adapters.progress import SilentReporter
from weighbridge.adapters.receipts import Receipts
from weighbridge.adapters.scan_cache import ScanCache
from weighbridge.adapters.signing_key import signing_key
from weighbridge.adapters.worker_life import WorkerLives
from weighbridge.adapters.xorb_files import XorbFiles
from weighbridge.bridge import Bridge, now
from weighbridge.bridge.audit import Audit
from weighbridge.bridge.bundles import Bundles
from weighbridge.bridge.children import children_of
from weighbridge.bridge.collecting import Collecting
from weighbridge.bridge.figures import Clocks, Figures
from weighbridge.bridge.health import Health
from weighbridge.bridge.hub import HubDesk
from weighbridge.bridge.issuers import registry_people
from weighbridge.bridge.jobs import Jobs
from weighbridge.bridge.judging import Judging
from weighbridge.bridge.keeper import BeatingLives
from weighbridge.bridge.later import Later
from weighbridge.bridge.operator_evidence import OperatorEvidence
from weighbridge.bridge.packages import Packages
from weighbridge.bridge.packing import Packing
from weighbridge.bridge.papers import Papers
from weighbridge.bridge.people import People
from weighbridge.bridge.readers import readers
from weighbridge.bridge.registry import SeenRegistry
from weighbridge.bridge.repos import Repos
from weighbridge.bridge.scan_reports import ScanReports
from weighbridge.bridge.stores import bucket_of, store_of
from weighbridge.bridge.tally import Tally
from weighbridge.bridge.upkeep import Upkeep
from weighbridge.bridge.upstream import upstream_hub
from weighbridge.bridge.work import Work
from weighbridge.bridge.xet import XetDesk
from weighbridge.bridge.zips import Zips
from weighbridge.domain.access import Principal, Sight
from weighbridge.domain.ref import RepoId
from weighbridge.flows.ingest import INGEST
from weighbridge.flows.ingest_state import Tools
from weighbridge.flows.weighing import Scales
from weighbridge.metrics import METRICS_OF, REPORTED_OF
from weighbridge.metrics.licence_terms import licence_terms
from weighbridge.ports import BlobStore, Engine, Hub
from weighbridge.scanners import RULES, scan_tree
from weighbridge.settings import Settings


def wired(settings: Settings, retry_s: float, engine: Engine | None) -> Bridge:
    """See ``open_bridge``; the home is there."""
    home = settings.home
    catalog = Catalog.open(settings.catalog_url, quota_bytes=settings.quota_bytes)
    bucket = bucket_of(settings)
    blobs = store_of(settings, bucket)
    people, policy = registry_people(settings, catalog), read_policy(settings.policy_file)
    contact, clocks = Contact(), Clocks()
    tools = _tools(settings, catalog, blobs, contact)
    jobs = _jobs(settings, catalog, tools, engine, clocks, lambda package: packing.pack(package))
    health = Health(home, catalog, blobs, contact, jobs)
    hosted = HostedHub(catalog, blobs, serve_all=settings.serve == "all")
    mirrors = CatalogHub(catalog, blobs)
    judging = Judging(catalog, hosted, tools, policy=policy, now=now, later=Later(retry_s))
    repos = _repos(settings, catalog, blobs, hosted, judging, mirrors)
    tally, audit = Tally(catalog, now), Audit(catalog, now, settings.audit_days)
    packages = Packages(catalog=catalog, blobs=blobs, jobs=jobs, tools=tools, policy=policy, now=now)
    kin = partial(children_of, settings)
    papers = Papers(packages, home, settings.upstream, catalog.is_ours, kin)
    zips = Zips(packages, papers, blobs, Crc32s(home), tally.add, audit.sent)
    packing = Packing(catalog, bucket, zips, jobs)

    def close() -> None:
        for part in (packing, jobs, judging, tally, audit, catalog):
            part.close()

    return Bridge(
        packages=packages,
        papers=papers,
        people=people,
        audit=audit,
        hub=_hub_desk(catalog, blobs, hosted, mirrors, people, tally, audit),
        repos=repos,
        xet=XetDesk(XorbFiles(home), repos),
        upkeep=Upkeep(
            catalog=catalog, blobs=blobs, scan_tree=tools.scan_tree, rules=RULES, policy=policy, now=now
        ),
        evidence=OperatorEvidence(catalog, now),
        bundles=Bundles(catalog=catalog, blobs=blobs, papers=papers, tools=tools, policy=policy, now=now),
        jobs=jobs,
        health=health,
        figures=Figures(settings.metrics, clocks, health, catalog, contact),
        zips=zips,
        packing=packing,
        collecting=_collecting(home, catalog, blobs, packing, audit),
        close=close,
    )


def _tools(settings: Settings, catalog: Catalog, blobs: BlobStore, contact: Contact) -> Tools:
    """What an ingestion from the upstream touches."""
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


def _jobs(
    settings: Settings,
    catalog: Catalog,
    tools: Tools,
    engine: Engine | None,
    clocks: Clocks,
    pack: Callable[[str], None],
) -> Jobs:
    """Jobs, and what is done for each of them."""
    chosen = engine or InlineEngine()
    lives = BeatingLives(catalog, now) if catalog.is_shared else WorkerLives(settings.home)
    written = pack if settings.store_url else None
    work = Work(catalog, tools, INGEST, chosen.worker, lives.is_dead, now, clocks.worked, written)
    jobs = Jobs(catalog, chosen, work, lives, now)
    if engine is None:
        jobs.begin(keep=False)
    return jobs


def _repos(
    settings: Settings,
    catalog: Catalog,
    blobs: BlobStore,
    hosted: HostedHub,
    judging: Judging,
    mirrors: Hub,
) -> Repos:
    """The verbs of what is hosted."""
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


def _collecting(home: Path, catalog: Catalog, blobs: BlobStore, packing: Packing, audit: Audit) -> Collecting:
    """What the store holds and nothing names, cleared away."""
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
