"""A small fast Hub for the benchmarks, run as its own process: files by sendfile, a thread a connection.

    python benchmarks/_hub_server.py FOLDER [--bytes-per-s N]

serves FOLDER/<name>/... as the models bench/<name>, prints its address, and ends when its input does.
It is no product and no peer: it only has to be quicker than everything that is measured with it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import socket
import sys
import threading
import time
from dataclasses import dataclass
from email.utils import formatdate
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

LFS_FROM = 1_000_000
"""The Hub keeps weights in large file storage by their suffix; here the size stands for it."""
PIECE = 1 << 18


@dataclass(frozen=True)
class Served:
    """One file with what a Hub says of it."""

    path: Path
    size: int

    @cached_property
    def digest(self) -> str:
        """The sha256 of a large file, the git blob id of a small one."""
        if self.size >= LFS_FROM:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        return hashlib.sha1(b"blob %d\x00" % self.size + self.path.read_bytes()).hexdigest()

    def listed(self, name: str) -> dict[str, object]:
        """The file as a row of the tree."""
        row: dict[str, object] = {"type": "file", "oid": self.digest[:40], "size": self.size, "path": name}
        if self.size >= LFS_FROM:
            row["lfs"] = {"oid": self.digest, "size": self.size, "pointerSize": 134}
        return row


class Repo:
    """A folder as one commit."""

    def __init__(self, folder: Path) -> None:
        found = {str(p.relative_to(folder)): p for p in sorted(folder.rglob("*")) if p.is_file()}
        self.files = {name: Served(path, path.stat().st_size) for name, path in found.items()}
        rows = [file.listed(name) for name, file in self.files.items()]
        self.tree = json.dumps(rows).encode()
        self.commit = hashlib.sha1(self.tree).hexdigest()
        siblings = [{"rfilename": name} for name in self.files]
        known = {"_id": folder.name, "id": f"bench/{folder.name}", "sha": self.commit, "siblings": siblings}
        self.info = json.dumps({**known, "private": False, "tags": [], "downloads": 0}).encode()


def serve(connection: socket.socket, repos: dict[str, Repo], bytes_per_s: int) -> None:
    """Answer one connection's requests until it ends."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as lines:
        while request := lines.readline():
            method, target, _ = request.decode().split(" ")
            headers = {}
            while (line := lines.readline().decode().strip()) != "":
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            try:
                answer(connection, repos, method, target.partition("?")[0], headers, bytes_per_s)
            except OSError:
                return


def answer(
    connection: socket.socket,
    repos: dict[str, Repo],
    method: str,
    target: str,
    headers: dict[str, str],
    bytes_per_s: int,
) -> None:
    """Answer one request."""
    parts = target.strip("/").split("/")
    if parts[:3] == ["api", "models", "bench"] and len(parts) > 4 and parts[3] in repos:
        repo = repos[parts[3]]
        body = repo.tree if parts[4] == "tree" else repo.info
        head(connection, "200 OK", {"Content-Type": "application/json"}, len(body), body)
    elif len(parts) > 4 and parts[0] == "bench" and parts[2] == "resolve":
        repo = repos[parts[1]]
        file = repo.files.get(unquote("/".join(parts[4:])))
        if file is None:
            return head(connection, "404 Not Found", {"X-Error-Code": "EntryNotFound"}, 0)
        known = {"X-Repo-Commit": repo.commit, "ETag": f'"{file.digest}"', "Accept-Ranges": "bytes"}
        status, start, stop = "200 OK", 0, file.size
        if (asked := headers.get("range", "")).startswith("bytes="):
            first, _, last = asked[6:].partition("-")
            start, stop = int(first), min(int(last) + 1, file.size) if last else file.size
            status, known["Content-Range"] = "206 Partial Content", f"bytes {start}-{stop - 1}/{file.size}"
        head(connection, status, known, stop - start)
        if method == "GET":
            send(connection, file.path, start, stop, bytes_per_s)
    else:
        head(connection, "404 Not Found", {}, 0)
    return None


def head(
    connection: socket.socket, status: str, headers: dict[str, str], length: int, body: bytes = b""
) -> None:
    """Send a response's head, and a short body with it."""
    shown = {"Date": formatdate(usegmt=True), **headers, "Content-Length": str(length)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in shown.items())
    connection.sendall(f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body)


def send(connection: socket.socket, path: Path, start: int, stop: int, bytes_per_s: int) -> None:
    """Send the bytes of a file, by the kernel, at no more than the rate (0: at any)."""
    began, first = time.monotonic(), start
    file = os.open(path, os.O_RDONLY)
    try:
        while start < stop:
            start += os.sendfile(
                connection.fileno(), file, start, min(PIECE if bytes_per_s else 1 << 30, stop - start)
            )
            if bytes_per_s:
                time.sleep(max(0.0, began + (start - first) / bytes_per_s - time.monotonic()))
    finally:
        os.close(file)


def main() -> None:
    """Serve until the standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bytes-per-s", type=int, default=0)
    options = parser.parse_args()
    repos = {folder.name: Repo(folder) for folder in sorted(options.folder.iterdir()) if folder.is_dir()}
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            arguments = (connection, repos, options.bytes_per_s)
            threading.Thread(target=serve, args=arguments, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
