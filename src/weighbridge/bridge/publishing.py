"""The verb ``publish``: a folder goes to a Hub, with a card, after the gate has looked at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from weighbridge.adapters import own_files
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.gguf_header import RUN_KEYS, gguf_info
from weighbridge.adapters.hub_client.cards import metadata_of, require_readable
from weighbridge.adapters.hub_client.commits import Commits
from weighbridge.adapters.hub_either import EitherHub
from weighbridge.adapters.hub_staged import StagedHub
from weighbridge.adapters.own_card_text import completed_card, said_by, written_card
from weighbridge.adapters.policy_file import read_policy
from weighbridge.adapters.progress import BarReporter, SilentReporter
from weighbridge.adapters.scan_cache import ScanCache
from weighbridge.bridge import now
from weighbridge.bridge.readers import readers
from weighbridge.bridge.upstream import hub_client, upstream_hub
from weighbridge.domain.endpoint import hub_address
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.publish_request import Published, PublishRequest
from weighbridge.flows import publish as flow
from weighbridge.flows.publish_state import CardWriter, PublishTools
from weighbridge.flows.weighing import Scales
from weighbridge.metrics import METRICS_OF, REPORTED_OF
from weighbridge.metrics.licence_terms import licence_terms
from weighbridge.ports import Hub, Reporter
from weighbridge.scanners import scan_tree
from weighbridge.settings import Settings

_SCALES = Scales(metrics=METRICS_OF, reports=REPORTED_OF, terms=licence_terms)
_HEAD_KEYS = {
    **RUN_KEYS,
    "general.file_type": "file_type",
    "general.base_model.0.repo_url": "base_model",
}


def publish(
    request: PublishRequest,
    settings: Settings,
    reporter: Reporter | None = None,
    *,
    endpoint: str = "",
    token: str | None = None,
) -> Published:
    """Publish a folder to a Hub, as ``flows.publish`` says; base models are looked up at the upstream.

    ``endpoint`` is the Hub, by default the upstream; ``token`` is used instead of the one kept for it.

    Raises:
        What ``flows.publish.publish`` raises.
    """
    with _tools(settings, reporter or SilentReporter(), endpoint, token) as tools:
        return flow.publish(request, tools)


@contextmanager
def _tools(
    settings: Settings, reporter: Reporter, endpoint: str, token: str | None
) -> Iterator[PublishTools]:
    client = hub_client(settings, endpoint, token=token)
    # The token of the environment belongs to the upstream, and is not shown to another Hub.
    other = replace(settings, upstream=client.endpoint, hf_token=None)
    same = client.endpoint == hub_address(settings.upstream)
    target = upstream_hub(settings if same else other, token=token)
    hub = target if same else upstream_hub(settings)
    policy = read_policy(settings.policy_file)
    bars = isinstance(reporter, BarReporter)
    with TemporaryDirectory(prefix="weighbridge-publish-") as made:
        desk = Path(made) / "desk"
        desk.mkdir()
        yield PublishTools(
            target=target,
            writing=Commits(client=client, bars=bars),
            address=client.endpoint,
            bases=hub,
            bases_address=settings.upstream,
            desk=desk,
            blobs=FolderBlobs(Path(made) / "home"),
            list_files=own_files.list_files,
            own_file=own_files.own_file,
            hashed=own_files.hashed,
            require_unchanged=own_files.require_unchanged,
            staged=lambda repo, entries, places: _staged(StagedHub(repo, entries, places), hub),
            gguf_head=_gguf_head,
            cards=CardWriter(
                metadata_of=metadata_of,
                written=written_card,
                said_by=said_by,
                completed=completed_card,
                require_readable=require_readable,
            ),
            readers=readers(),
            scan_tree=partial(scan_tree, cache=ScanCache(settings.home), keep=False),
            scales=_SCALES,
            policy=lambda repo, at: policy.for_repo(repo, at.date()),
            now=now,
            reporter=reporter,
            sending=SilentReporter() if bars else reporter,
            quiet=SilentReporter(),
        )


def _staged(staged: StagedHub, other: Hub) -> Hub:
    return EitherHub(lambda asked: asked == staged.repo, staged, other)


def _gguf_head(file: Path) -> JsonObject:
    return gguf_info(file, _HEAD_KEYS, either_order=True) or {}
