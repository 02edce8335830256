"""``weighbridge hub``: a folder of models as a Hub."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.errors import BadInput

if TYPE_CHECKING:
    from weighbridge.doors.hub.request import AsgiApp


def hub(
    folder: Path,
    *,
    write: bool = False,
    user: str = "local",
    host: str = "127.0.0.1",
    port: int = 8080,
    access_log: bool = False,
    json: bool = False,
) -> None:
    """Serve a folder of models (org/name/...) as a Hub for every Hugging Face client.

    Parameters
    ----------
    folder
        Holds org/name/... for models, datasets/org/name/... and spaces/org/name/... for the others.
    write
        Take uploads too, from everyone who reaches the port and sends any token (HF_TOKEN).
    user
        What everybody is called who writes: the author of commits, and the namespace of bare names.
    host
        The address to listen on. Anything but loopback is open to the network, without a password.
    port
        The port; 0 takes a free one.
    access_log
        Write a line for each request to stderr.
    json
        Print one JSON document with the address once the Hub answers.
    """
    from weighbridge.doors.server import serve

    if not folder.is_dir():
        raise BadInput(f"'{folder}' is not a folder", hint="give the folder that holds org/name/...")
    if write and not _is_loopback(host):
        print(
            f"Warning: everyone who reaches {host}:{port} may change and delete what is in {folder}",
            file=sys.stderr,
        )

    def announce(url: str) -> None:
        if json:
            print(dumps({"url": url, "folder": str(folder), "write": write}), flush=True)
        taking = " that takes uploads" if write else ""
        print(f"Serving {folder} as a Hub{taking} at {url}", file=sys.stderr, flush=True)

    with _opened(folder, write=write, user=user) as app:
        serve(app, host, port, announce=announce, access_log=access_log)


@contextmanager
def _opened(folder: Path, *, write: bool, user: str) -> Iterator[AsgiApp]:
    from weighbridge.doors.hub import hub_app
    from weighbridge.settings import load_settings

    settings = load_settings()
    if not write:
        from weighbridge.bridge.hub import open_folder

        yield hub_app(open_folder(folder), proxies=settings.trusted_proxies)
        return
    from weighbridge.bridge.folder import open_written_folder

    with open_written_folder(folder, settings, user) as bridge:
        bridge.repos.resume()
        yield hub_app(bridge.hub, bridge.repos, bridge.xet, settings.trusted_proxies)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
