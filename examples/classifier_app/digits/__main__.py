"""``python -m digits``: load the models that the environment names, then serve the page.

Exit code 1, with the cause and the next step on stderr, where they cannot be loaded: there is no
other model that would do.
"""

from __future__ import annotations

import argparse
import os
import sys

from digits.artefacts import NoModel
from digits.models import load_models
from weighbridge.errors import WeighbridgeError


def main() -> int:
    """Load and serve; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m digits", description="Which digit is it?")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="load the models, say which, and stop")
    asked = parser.parse_args()
    reviewed = tuple(os.environ.get("REVIEWED_SHA256", "").replace(",", " ").split())
    try:
        models = load_models(reviewed=reviewed)
    except (WeighbridgeError, NoModel) as error:
        hint = getattr(error, "hint", "")
        print(f"The application does not start: {error}", file=sys.stderr)
        if hint:
            print(f"  {hint}", file=sys.stderr)
        return 1
    for each in models.identity:
        at = f"{each['source']}@{each['commit'][:12]}" if each["commit"] else each["source"]
        print(f"{each['role']}: {each['file']} from {at}, sha256 {each['sha256'][:12]}", flush=True)
    if not asked.check:
        import uvicorn

        from digits.web import web_app

        app = web_app(models)
        config = uvicorn.Config(
            app, host=asked.host, port=asked.port, log_level="warning", server_header=False
        )
        with config.bind_socket() as listening:
            listening.listen()
            print(f"http://{asked.host}:{listening.getsockname()[1]}", flush=True)
            uvicorn.Server(config).run(sockets=[listening])
    return 0


if __name__ == "__main__":
    sys.exit(main())
