"""The servers of ``serve_files``: ours, nginx and olah, each a process that ends with its block."""

from __future__ import annotations

import getpass
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

OLAH = "olah==0.5.4"
_NGINX = """
{user} daemon off; worker_processes 1; pid {work}/nginx.pid; error_log {work}/nginx.log;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 10000000;
    client_body_temp_path {work}/b; proxy_temp_path {work}/p; fastcgi_temp_path {work}/f;
    uwsgi_temp_path {work}/u; scgi_temp_path {work}/s;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


@contextmanager
def weighbridge(repos: Path) -> Iterator[str]:
    """``weighbridge hub`` over a folder; its address."""
    command = [sys.executable, "-m", "weighbridge", "hub", str(repos), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


@contextmanager
def nginx(root: Path, work: Path) -> Iterator[str]:
    """Nginx with sendfile and one worker over a folder; its address."""
    port = _free_port()
    # as root the worker would become somebody who may not read our folder
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
    conf = work / "nginx.conf"
    conf.write_text(_NGINX.format(user=user, work=work, root=root, port=port))
    with _running(["nginx", "-c", str(conf), "-e", str(work / "nginx.log")], port, {}) as address:
        yield address


@contextmanager
def olah(upstream: str, work: Path, kept: Path) -> Iterator[str | None]:
    """Olah as a mirror of ``upstream``; None where it cannot be installed. Its environment is kept."""
    program = kept / "bin" / "olah-cli"
    if not program.exists():
        made = [sys.executable, "-m", "venv", str(kept)]
        install = [str(kept / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", OLAH]
        if any(
            subprocess.run(command, capture_output=True, check=False).returncode
            for command in (made, install)
        ):
            yield None
            return
    port, host = _free_port(), upstream.partition("://")[2]
    options = {
        "host": "127.0.0.1",
        "port": port,
        "hf-scheme": "http",
        "hf-netloc": host,
        "hf-lfs-netloc": host,
    }
    options |= {"mirror-scheme": "http", "mirror-netloc": f"127.0.0.1:{port}"}
    options |= {"mirror-lfs-netloc": f"127.0.0.1:{port}", "metadata-cache-ttl": 3600}
    options |= {"repos-path": work / "olah", "log-path": work / "olah-log"}
    command = [str(program), *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
    with _running(command, port, {"HF_HUB_DISABLE_TELEMETRY": "1"}) as address:
        yield address


@contextmanager
def _running(command: list[str], port: int, environ: dict[str, str]) -> Iterator[str]:
    silent = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=silent, stderr=silent, env={**os.environ, **environ}) as process:
        try:
            limit = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < limit:
                with suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                time.sleep(0.05)
            else:
                raise SystemExit(f"{command[0]} did not start")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as claim:
        claim.bind(("127.0.0.1", 0))
        port: int = claim.getsockname()[1]
        return port
