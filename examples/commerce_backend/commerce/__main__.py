"""``python -m commerce``: start with the model of the environment, or say which step failed, and stop.

Exit code 1 where the start fails: whoever runs this (systemd, Kubernetes) sees at once that there is
no model, and nobody is served by a shop that cannot answer.
"""

from __future__ import annotations

import argparse
import logging
import sys

from weighbridge.runtime import LoadedModel, StartFailed, load_from_env


def main() -> int:
    """Load and serve; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m commerce", description="Descriptions of products.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (default: %(default)s)")
    asked = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        model = load_from_env()
    except StartFailed as error:
        print(f"The back end does not start. Step: {error.step}. Cause: {error.report.steps[-1].detail}",
              file=sys.stderr)  # fmt: skip
        if error.hint:
            print(f"  {error.hint}", file=sys.stderr)
        return 1
    _serve(model, asked.host, asked.port)
    return 0


def _serve(model: LoadedModel, host: str, port: int) -> None:
    import uvicorn

    from commerce.web import web_app

    config = uvicorn.Config(web_app(model), host=host, port=port, log_level="warning", server_header=False)
    with config.bind_socket() as listening:
        listening.listen()
        print(f"http://{host}:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    sys.exit(main())
