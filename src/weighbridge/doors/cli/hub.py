"""``weighbridge hub``: a folder of models as a Hub."""

from __future__ import annotations

import sys
from json import dumps
from pathlib import Path

from weighbridge.errors import BadInput


def hub(
    folder: Path,
    *,
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
    host
        The address to listen on. Anything but loopback is open to the network, without a password.
    port
        The port; 0 takes a free one.
    access_log
        Write a line for each request to stderr.
    json
        Print one JSON document with the address once the Hub answers.
    """
    from weighbridge.bridge.hub import open_folder
    from weighbridge.doors.hub import hub_app
    from weighbridge.doors.server import serve

    if not folder.is_dir():
        raise BadInput(f"'{folder}' is not a folder", hint="give the folder that holds org/name/...")

    def announce(url: str) -> None:
        if json:
            print(dumps({"url": url, "folder": str(folder)}), flush=True)
        print(f"Serving {folder} as a Hub at {url}", file=sys.stderr, flush=True)

    serve(hub_app(open_folder(folder)), host, port, announce=announce, access_log=access_log)
