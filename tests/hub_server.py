"""A real Hub on loopback, with knobs: repositories in memory, served over HTTP as the Hub does.

    with serve_hub({"org/model": {"config.json": b"{}", "model.safetensors": weights}}) as hub:
        hub.fault("*/resolve/*/model.safetensors", flip=17)         # from now on, one wrong byte
        HttpHub(hub.url).manifest(...)
        assert [asked.range for asked in hub.asked("*/resolve/*")] == [None]

A data set that is called like a model goes under ``datasets/org/name``. Files of ``lfs_from`` bytes or
more are large files (sha256 in the listing, ETag of sha256).
Faults can be set and forgotten while the server runs; every request is recorded in ``requests``.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from ssl import SSLContext
from typing import Any, cast
from urllib.parse import parse_qs, quote, unquote, urlsplit

from weighbridge.domain.manifest import digests_of, lfs_pointer

CHUNK = 64 * 1024
SOME_PEOPLE = {"isVerified": True, "numUsers": 6, "numModels": 1, "type": "org"}
"""The overview of an organization."""


@dataclass(frozen=True)
class HubFile:
    """A file's content with what a Hub says of it."""

    content: bytes
    lfs: bool

    @cached_property
    def git_oid(self) -> str:
        shown = lfs_pointer(self.sha256, len(self.content)) if self.lfs else self.content
        return digests_of(shown)[0].value

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def listed(self, path: str) -> dict[str, Any]:
        entry = {"type": "file", "oid": self.git_oid, "size": len(self.content), "path": path}
        if self.lfs:
            pointer = len(lfs_pointer(self.sha256, len(self.content)))
            entry["lfs"] = {"oid": self.sha256, "size": len(self.content), "pointerSize": pointer}
        return entry


class HubRepo:
    """A repository: its commits, refs and state, all of which a test may change at any time."""

    def __init__(self, files: Mapping[str, bytes], *, kind: str = "model", lfs_from: int = 10_000) -> None:
        self.kind = kind
        self.lfs_from = lfs_from
        self.info: dict[str, Any] = {"downloads": 1, "likes": 0, "tags": ["license:mit"]}
        self.commits: dict[str, dict[str, HubFile]] = {}
        self.branches: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.details: dict[str, Any] = {}  # what is told to those who ask with expand or securityStatus
        self.discussions: list[dict[str, Any]] = []
        self.authors: tuple[str, ...] = ("alice",)  # of the commits, in turn
        self.private = self.gated = self.disabled = False
        self.commit(files)

    def commit(self, files: Mapping[str, bytes], branch: str = "main") -> str:
        """Put a commit that holds just ``files`` at the head of a branch, and give its id."""
        tree = {path: HubFile(content, len(content) >= self.lfs_from) for path, content in files.items()}
        spelled = json.dumps([len(self.commits), *((p, f.git_oid) for p, f in sorted(tree.items()))])
        sha = hashlib.sha1(spelled.encode()).hexdigest()
        self.commits[sha], self.branches[branch] = tree, sha
        return sha

    @property
    def head(self) -> str:
        return self.branches["main"]

    def resolve(self, revision: str) -> str | None:
        if revision in self.commits:
            return revision
        return self.branches.get(revision) or self.tags.get(revision)


@dataclass
class Fault:
    """What goes wrong with the requests whose decoded path matches ``at``, ``times`` times.

    flip: alter the byte at this offset of the file. cut_after: close the connection after so many
    bytes of the body. hold_after: send so many and wait until ``release`` is called. grow: add so
    many bytes to the body (less than 0: take away), length header and all. content_length: what
    the header claims. bytes_per_s: no connection gets more. redirect: a Location. body: answered
    instead; raw: sent instead of any answer, and the connection closed. The others are as they are called.
    """

    at: str = "*"
    times: int | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    raw: bytes | None = None
    redirect: str | None = None
    flip: int | None = None
    cut_after: int | None = None
    hold_after: int | None = None
    grow: int = 0
    content_length: int | None = None
    ignore_range: bool = False
    no_length: bool = False
    bytes_per_s: int | None = None
    released: threading.Event = field(default_factory=threading.Event)

    def release(self) -> None:
        """Let the held requests go on."""
        self.released.set()


@dataclass(frozen=True)
class Asked:
    """One request as it arrived; ``path`` is decoded, ``target`` is raw; header names are lowercase."""

    method: str
    target: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        return unquote(self.target.partition("?")[0])

    @property
    def range(self) -> str | None:
        return self.headers.get("range")


class HubServer:
    """The running Hub: ``url``, ``repos``, ``requests`` and the faults."""

    def __init__(self, repos: Mapping[str, HubRepo], *, cdn: HubServer | None = None) -> None:
        self.repos = dict(repos)
        self.cdn = cdn
        self.requests: list[Asked] = []
        self.connections = 0
        self.token: str | None = None  # whoever shows it sees private and gated repositories
        self.page_size = 1000
        self.owners: dict[str, tuple[str, dict[str, Any]] | None] = {}  # by namespace; see SOME_PEOPLE
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._open: set[socket] = set()
        self._http = _Listener(("127.0.0.1", 0), _Conversation)
        self._http.hub = self
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def fault(self, at: str = "*", **what: Any) -> Fault:
        """From now on, requests whose path matches ``at`` meet this (see ``Fault``)."""
        fault = Fault(at=at, **what)
        with self._lock:
            self._faults.append(fault)
        return fault

    def forget(self) -> None:
        """Drop all faults and what was asked so far."""
        with self._lock:
            for fault in self._faults:
                fault.release()
            self._faults.clear()
            self.requests.clear()

    def asked(self, at: str) -> list[Asked]:
        """The recorded requests whose decoded path matches the glob ``at``."""
        return [asked for asked in self.requests if fnmatchcase(asked.path, at)]

    def _met(self, path: str) -> Fault:
        """The first fault that applies, counted down; a harmless one where none does."""
        with self._lock:
            for fault in self._faults:
                if fnmatchcase(path, fault.at) and fault.times != 0:
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return Fault()

    def _run(self) -> None:
        self._http.serve_forever(poll_interval=0.02)

    def secure_with(self, context: SSLContext) -> None:
        """From now on, speak TLS; the address stays, but begins with https."""
        self._http.context = context

    def hang_up(self) -> None:
        """Close all connections that are open now."""
        for connection in list(self._open):
            _hang_up(connection)

    def _stop(self) -> None:
        self.forget()
        self._http.shutdown()
        self._http.server_close()
        self.hang_up()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    hub: HubServer
    context: SSLContext | None = None

    def get_request(self) -> tuple[socket, Any]:
        connection, address = super().get_request()
        if self.context is not None:
            later = {"do_handshake_on_connect": False}  # in the connection's own thread
            connection = self.context.wrap_socket(connection, server_side=True, **later)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what many of these tests are about."""


def _hang_up(connection: socket) -> None:
    with suppress(OSError):
        connection.shutdown(SHUT_RDWR)


class _Conversation(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 256 * 1024

    @property
    def hub(self) -> HubServer:
        return cast(_Listener, self.server).hub

    def setup(self) -> None:
        super().setup()
        self.hub.connections += 1
        self.hub._open.add(self.connection)

    def finish(self) -> None:
        self.hub._open.discard(self.connection)
        super().finish()

    def log_message(self, *_: Any) -> None:
        """Tests look at ``requests`` instead."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers)
        self.hub.requests.append(asked)
        self.fault = self.hub._met(asked.path)
        if self.fault.raw is not None:
            self.wfile.write(self.fault.raw)
            self.close_connection = True
        elif self.fault.redirect is not None:
            self._answer(self.fault.status or 302, b"", {"Location": self.fault.redirect})
        elif self.fault.status is not None or self.fault.body is not None:
            self._answer(self.fault.status or 200, self.fault.body or b"", {})
        else:
            self._route(urlsplit(self.path))

    def _route(self, url: Any) -> None:
        parts = url.path.strip("/").split("/")
        query = parse_qs(url.query)
        if parts[0] == "api" and parts[-1] == "overview":
            self._overview(parts[1], unquote(parts[2]))
        elif parts[0] == "cdn":
            self._file(self._cdn_file(parts[-1]), {"ETag": f'"{parts[-1]}"'})
        elif parts[0] != "api":
            self._resolve(parts)
        elif len(parts) == 2 and parts[1] in ("models", "datasets", "spaces"):
            self._list(parts[1].rstrip("s"), query)
        else:
            self._api(parts[1].rstrip("s"), parts[2:], query)

    def _find(self, kind: str, parts: Sequence[str]) -> tuple[str, HubRepo | None, list[str]]:
        """The repository that the path begins with (``org/name`` or ``name``), and what follows."""
        for length in (2, 1):
            name = "/".join(map(unquote, parts[:length]))
            repo = self.hub.repos.get(f"{kind}s/{name}") or self.hub.repos.get(name)
            if repo is not None and repo.kind == kind:
                return name, repo, list(parts[length:])
        return "/".join(parts[:2]), None, list(parts[2:])

    def _allowed(self, repo: HubRepo | None) -> bool:
        """Answer with the Hub's error and give False, where the caller may not see the repository."""
        given = self.headers.get("Authorization")
        known = self.hub.token is not None and given == f"Bearer {self.hub.token}"
        if given and self.hub.token is not None and not known:
            message = "Invalid credentials in Authorization header"
            self._error(401, "", message)
        elif repo is None or (repo.private and not known):
            self._error(404 if given else 401, "RepoNotFound", "Repository not found")
        elif repo.disabled:
            self._error(403, "", "Access to this resource is disabled.")
        else:
            return True
        return False

    def _api(self, kind: str, parts: list[str], query: Mapping[str, list[str]]) -> None:
        name, repo, rest = self._find(kind, parts)
        if not self._allowed(repo):
            return None
        assert repo is not None
        verb = rest[0] if rest else "revision"
        if verb == "refs":
            return self._json(self._refs(repo))
        if verb == "discussions":
            return self._discussions(repo, query)
        revision = unquote(rest[1]) if len(rest) > 1 else "main"
        commit = repo.resolve(revision)
        if commit is None:
            return self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if verb == "revision":
            siblings = [{"rfilename": path} for path in sorted(repo.commits[commit])]
            asked = repo.details if "expand" in query or "securityStatus" in query else {}
            known = {"_id": name, "id": name, "sha": commit, "private": repo.private, "gated": repo.gated}
            return self._json({**known, "siblings": siblings, **repo.info, **asked})
        if verb == "tree":
            return self._page(self._tree(repo.commits[commit]), query)
        if verb == "commits":
            return self._page(self._history(repo, commit), query)
        return self._error(404, "", "Not Found")

    def _overview(self, folder: str, name: str) -> None:
        """A user or an organization; where nothing was said, an organization of some people."""
        known = self.hub.owners.get(name, ("organizations", SOME_PEOPLE))
        if known is None or known[0] != folder:
            return self._error(404, "", "This user or organization does not exist")
        return self._json({"name": name, **known[1]})

    def _discussions(self, repo: HubRepo, query: Mapping[str, list[str]]) -> None:
        """As the Hub gives them: the newest first, ten a page."""
        start = 10 * int(query.get("p", ["0"])[0])
        rows = sorted(repo.discussions, key=lambda row: -int(row["num"]))
        self._json({"discussions": rows[start : start + 10], "count": len(rows), "start": start})

    def _refs(self, repo: HubRepo) -> dict[str, Any]:
        def named(of: str, names: Mapping[str, str]) -> list[dict[str, str]]:
            return [{"name": n, "ref": f"refs/{of}/{n}", "targetCommit": sha} for n, sha in names.items()]

        return {
            "branches": named("heads", repo.branches),
            "converts": [],
            "tags": named("tags", repo.tags),
        }

    def _tree(self, tree: Mapping[str, HubFile]) -> list[dict[str, Any]]:
        folders = {path[:cut] for path in tree for cut in range(len(path)) if path[cut] == "/"}
        listed = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": p} for p in sorted(folders)]
        return [*listed, *(tree[path].listed(path) for path in sorted(tree))]

    def _history(self, repo: HubRepo, commit: str) -> list[dict[str, Any]]:
        ids = list(repo.commits)
        ids = ids[: ids.index(commit) + 1][::-1]
        return [
            {
                "id": sha,
                "title": f"commit {len(repo.commits) - at}",
                "message": "",
                "date": "2026-01-02T03:04:05.000Z",
                "authors": [{"user": repo.authors[at % len(repo.authors)]}],
            }
            for at, sha in enumerate(ids)
        ]

    def _list(self, kind: str, query: Mapping[str, list[str]]) -> None:
        words, order = query.get("search", [""])[0].lower().split(), query.get("sort", ["downloads"])[0]
        wanted = set(query.get("filter", []))
        seen = [
            {"_id": name, "id": name, "sha": repo.head, "private": False, **repo.info}
            for name, repo in self.hub.repos.items()
            if repo.kind == kind
            and not repo.private
            and all(word in name.lower() for word in words)
            and wanted <= set(repo.info.get("tags") or [])
        ]
        known = [shown for shown in seen if shown.get(order)]
        unknown = [shown for shown in seen if not shown.get(order)]
        self._page([*sorted(known, key=lambda shown: shown[order], reverse=True), *unknown], query)

    def _page(self, rows: Sequence[Any], query: Mapping[str, list[str]]) -> None:
        size = min(int(query.get("limit", [str(self.hub.page_size)])[0]), self.hub.page_size)
        start = int(query.get("cursor", ["0"])[0])
        headers = {}
        if start + size < len(rows):
            kept = "&".join(f"{k}={quote(v[0])}" for k, v in query.items() if k != "cursor")
            target = f"{self.hub.url}{urlsplit(self.path).path}?{kept}&cursor={start + size}"
            headers["Link"] = f'<{target}>; rel="next"'
        self._json(rows[start : start + size], headers)

    def _resolve(self, parts: list[str]) -> None:
        kind = parts[0].rstrip("s") if parts[0] in ("datasets", "spaces") else "model"
        name, repo, rest = self._find(kind, parts if kind == "model" else parts[1:])
        if not self._allowed(repo):
            return None
        assert repo is not None
        shown = self.headers.get("Authorization") == f"Bearer {self.hub.token}" and self.hub.token
        if repo.gated and not shown:
            return self._error(403, "GatedRepo", f"Access to model {name} is restricted.")
        commit = repo.resolve(unquote(rest[1])) if len(rest) > 2 and rest[0] == "resolve" else None
        if commit is None:
            return self._error(404, "RevisionNotFound", "Invalid rev id")
        path = unquote("/".join(rest[2:]))
        file = repo.commits[commit].get(path)
        if file is None:
            return self._error(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": commit})
        etag = file.sha256 if file.lfs else file.git_oid
        headers = {"X-Repo-Commit": commit, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"}
        if file.lfs and self.hub.cdn is not None:
            sized = {"X-Linked-Size": str(len(file.content)), "X-Linked-Etag": f'"{file.sha256}"'}
            target = f"{self.hub.cdn.url}/cdn/{file.sha256}?signature=s3cr3t"
            return self._answer(302, b"", {**headers, **sized, "Location": target})
        return self._file(file, headers)

    def _cdn_file(self, sha256: str) -> HubFile:
        return next(
            file
            for repo in self.hub.repos.values()
            for tree in repo.commits.values()
            for file in tree.values()
            if file.lfs and file.sha256 == sha256
        )

    def _file(self, file: HubFile, headers: Mapping[str, str]) -> None:
        content = file.content
        if self.fault.flip is not None:
            at = self.fault.flip
            content = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        asked = self.headers.get("Range", "")
        if not asked.startswith("bytes=") or self.fault.ignore_range:
            return self._answer(200, content, headers)
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, stop = int(first), min(int(last) + 1, len(content)) if last else len(content)
        if start >= len(content):
            return self._answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        span = {"Content-Range": f"bytes {start}-{stop - 1}/{len(content)}"}
        return self._answer(206, content[start:stop], {**headers, **span})

    def _json(self, value: Any, headers: Mapping[str, str] | None = None) -> None:
        self._answer(200, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _error(self, status: int, code: str, message: str, more: Mapping[str, str] | None = None) -> None:
        headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {}), **(more or {})}
        self._answer(status, json.dumps({"error": message}).encode(), headers)

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        fault = self.fault
        body = body + b"!" * fault.grow if fault.grow >= 0 else body[: fault.grow]
        length = len(body) if fault.content_length is None else fault.content_length
        self.send_response(status)
        for name, value in {**headers, **fault.headers}.items():
            self.send_header(name, value)
        if fault.no_length:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self._send(memoryview(body))
        if fault.no_length or length != len(body):
            self.close_connection = True

    def _send(self, body: memoryview) -> None:
        fault, sent = self.fault, 0
        started = time.monotonic()
        while sent < len(body):
            if fault.cut_after is not None and sent >= fault.cut_after:
                break
            if fault.hold_after is not None and sent >= fault.hold_after:
                self.wfile.flush()
                fault.released.wait()
            marks = (mark for mark in (fault.cut_after, fault.hold_after) if mark and mark > sent)
            stop = min(sent + CHUNK, len(body), *marks)
            self.wfile.write(body[sent:stop])
            sent = stop
            if fault.bytes_per_s:
                self.wfile.flush()
                time.sleep(max(0.0, started + sent / fault.bytes_per_s - time.monotonic()))
        if fault.cut_after is not None and sent >= fault.cut_after:
            self.wfile.flush()
            self.close_connection = True
            _hang_up(self.connection)


@contextmanager
def serve_hub(
    repos: Mapping[str, HubRepo | Mapping[str, bytes]] | None = None, *, cdn: bool = False
) -> Iterator[HubServer]:
    """Serve ``repos`` (plain dicts of files become models) on a free port of loopback.

    With ``cdn`` large files are redirected to a second server on another port, ``hub.cdn``.
    """
    known = {n: r if isinstance(r, HubRepo) else HubRepo(r) for n, r in (repos or {}).items()}
    second = HubServer(known) if cdn else None
    hub = HubServer(known, cdn=second)
    running = [server for server in (hub, second) if server is not None]
    threads = [threading.Thread(target=server._run, daemon=True) for server in running]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        for server in running:
            server._stop()
        for thread in threads:
            thread.join()
