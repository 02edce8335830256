"""``weighbridge serve`` and ``weighbridge worker``: the registry, and those who work for it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import replace
from json import dumps
from pathlib import Path
from urllib.parse import urlsplit

from weighbridge.bridge import durable_engine, open_bridge
from weighbridge.doors.cli.render import AsJson
from weighbridge.doors.logs import begin_log
from weighbridge.errors import BadInput
from weighbridge.settings import Settings, load_settings

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "[::1]", "0.0.0.0", "::"})  # noqa: S104


def serve(
    *, host: str = "127.0.0.1", port: int = 8000, home: Path | None = None, json: AsJson = False
) -> None:
    """Serve the registry: REST with its documentation at /docs, and a Hub for every client.

    Parameters
    ----------
    host
        The address to listen on. Anything but loopback is open to the network: set a password first.
    port
        The port; 0 takes a free one.
    home
        Where everything is kept, instead of WEIGHBRIDGE_HOME.
    """
    from weighbridge.doors.hub import hub_app
    from weighbridge.doors.rest import rest_app
    from weighbridge.doors.server import compose
    from weighbridge.doors.server import serve as run
    from weighbridge.doors.watched import watched

    settings = load_settings()
    if home is not None:
        settings = replace(settings, home=home.expanduser().absolute())
    begin_log(settings.log)
    with open_bridge(settings, engine=durable_engine(settings)) as bridge:
        _refuse_own_upstream(settings, host, port)
        note = bridge.people.first_start()
        if note:
            print(note, file=sys.stderr)
        bridge.repos.resume()
        bridge.jobs.begin_soon()
        bridge.packing.begin()
        run(
            watched(
                compose(
                    rest_app(bridge, settings.trusted_proxies),
                    hub_app(bridge.hub, bridge.repos, bridge.xet, settings.trusted_proxies),
                ),
                bridge.figures.clocks.answered,
                each_logged=settings.log == "json",
            ),
            host,
            port,
            announce=lambda url: _announce(url, settings, json),
        )
    if threading.active_count() > 1:
        # An ingestion is still fetching. Whoever asked for it is gone, and the interpreter would
        # wait for it for hours; it survives this as it survives a kill.
        sys.stdout.flush()
        os._exit(0)


def worker(*, json: AsJson = False) -> None:
    """Work on jobs, beside servers and other workers of the same database and store, until stopped.

    Several machines need one database: WEIGHBRIDGE_DATABASE_URL=postgresql://...
    """
    settings = load_settings()
    begin_log(settings.log)
    stopped = threading.Event()
    with open_bridge(settings, engine=durable_engine(settings)) as bridge:
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, lambda *_: stopped.set())
        bridge.jobs.begin(keep=True)
        bridge.packing.begin()
        if json:
            print(dumps({"worker": bridge.jobs.worker, "upstream": settings.upstream}), flush=True)
        else:
            print(
                f"worker {bridge.jobs.worker}, fetching from {settings.upstream}", file=sys.stderr, flush=True
            )
        while not stopped.wait(1.0):  # a signal that comes just before a wait without end wakes nobody
            pass
    sys.stdout.flush()
    os._exit(0)  # a step that runs would be waited for; another worker goes on with it


def _refuse_own_upstream(settings: Settings, host: str, port: int) -> None:
    """A registry that fetches from itself would wait for itself for ever.

    Raises:
        BadInput: the upstream's address is this server's.
    """
    upstream = urlsplit(settings.upstream)
    same_port = (upstream.port or (443 if upstream.scheme == "https" else 80)) == port
    name = upstream.hostname or ""
    if same_port and (name == host or {name, host} <= _LOOPBACK):
        raise BadInput(
            f"the upstream {settings.upstream} is this server itself",
            hint="set WEIGHBRIDGE_UPSTREAM to the Hub to fetch from, or unset HF_ENDPOINT",
        )


def _announce(url: str, settings: Settings, as_json: bool) -> None:
    if as_json:
        print(dumps({"url": url, "upstream": settings.upstream}), flush=True)
        return
    print(f"Weighbridge at {url}, fetching from {settings.upstream}", file=sys.stderr)
    print(f"  REST and its documentation: {url}/docs", file=sys.stderr)
    print(f"  any Hugging Face client:    HF_ENDPOINT={url}", file=sys.stderr, flush=True)
