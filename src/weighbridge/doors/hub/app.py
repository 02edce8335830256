"""The ASGI application: routes on the raw path, one hop into a thread, one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.bridge.hub import HubDesk, Unchanged
from weighbridge.domain.access import Principal
from weighbridge.domain.ref import RepoKind
from weighbridge.domain.repo import OwnerKind
from weighbridge.doors.hub import api, sources
from weighbridge.doors.hub.absent import why_absent
from weighbridge.doors.hub.answers import (
    Answer,
    Elsewhere,
    FileAnswer,
    NoRoute,
    Ongoing,
    OnlyReads,
    error_answer,
    json_answer,
)
from weighbridge.doors.hub.bodies import SMALL_BODY_BYTES, IncomingBody, needed, require_length
from weighbridge.doors.hub.file_reader import FileReader
from weighbridge.doors.hub.files import Wanted, serve_file
from weighbridge.doors.hub.kept import KeptAnswers, Ready, read_asked, ready
from weighbridge.doors.hub.lfs_download import download_only, reader
from weighbridge.doors.hub.lfs_objects import lfs_place
from weighbridge.doors.hub.redirects import redirected
from weighbridge.doors.hub.request import AsgiApp, Receive, Request, Scope, Send, read_request
from weighbridge.doors.hub.room import Room
from weighbridge.doors.proxies import Network, without_strangers_words
from weighbridge.doors.streaming import Streams
from weighbridge.errors import Renamed

if TYPE_CHECKING:
    from weighbridge.bridge.repos import Repos
    from weighbridge.bridge.xet import XetDesk
    from weighbridge.doors.hub.write import Writing

_KINDS = {kind.plural: kind for kind in RepoKind}
_TAGS = {f"{kind.plural}-tags-by-type": kind for kind in (RepoKind.MODEL, RepoKind.DATASET)}
_OWNERS = {"users": OwnerKind.USER, "organizations": OwnerKind.ORGANIZATION}
_REPO_CALLS = {**api.REPO_CALLS, "discussions": sources.discussions}
_FILE_CALLS = ("resolve", "raw")
_CALLS_RAW = frozenset((*(call.encode() for call in _FILE_CALLS), b"ask-access"))
_THREADS = 16
QUIET_S = 10.0
"""Proxies give up on a server that says nothing for a minute, most of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is to be done for a request; with a ``name`` it is about that repository and no other."""

    run: Callable[[HubDesk, Principal], Answer | FileAnswer]
    kind: RepoKind = RepoKind.MODEL
    name: str = ""
    revision: str = ""


def hub_app(
    desk: HubDesk,
    repos: Repos | None = None,
    xet: XetDesk | None = None,
    proxies: Sequence[Network] = (),
    *,
    quiet_s: float = QUIET_S,
) -> AsgiApp:
    """The application over a desk; without ``repos`` it only serves, without ``xet`` it takes LFS.

    ``proxies`` may say by which address a client reached us, and so may those on this machine. Who can
    hear it is told each time after ``quiet_s`` seconds that work still goes on.
    """
    pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="hub")
    writing, strangers = None, Room()
    if repos:
        from weighbridge.doors.hub.write import Writing  # who only serves needs no database library

        writing = Writing(desk, repos, xet, pool, quiet_s, strangers)
    kept, streams = KeptAnswers(), Streams(pool)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            scope = without_strangers_words(scope, proxies)
            asked = read_asked(scope)
            found = kept.get(asked.key)
            if found is None:
                found, unchanged = await _made(desk, writing, pool, strangers, scope, receive)
                kept.keep(asked.key, found, unchanged)
            if scope["method"] == "GET" and isinstance(found.answer, Elsewhere | FileAnswer):
                _tell(desk, found.answer)
            await _send(found, asked.request_id, streams, scope, receive, send)

    return app


def is_hub_path(raw_path: bytes) -> bool:
    """Whether an address belongs to this door, beside another one on the same port."""
    parts = raw_path.partition(b"?")[0].strip(b"/").split(b"/")
    if parts[0] in (b"api", b"xet"):
        return True
    if parts[0] in (b"datasets", b"spaces"):
        parts = parts[1:]
    if not _CALLS_RAW.isdisjoint(parts[1:3]):
        return True
    return any(part.endswith(b".git") for part in parts[:2])


def _tell(desk: HubDesk, answer: Elsewhere | FileAnswer) -> None:
    """Whoever counts downloads, and the audit, of bytes that begin to leave."""
    file = answer.file
    start, stop = (
        (answer.start, answer.stop) if isinstance(answer, FileAnswer) else (0, file.entry.size_bytes)
    )
    if file.counts and start == 0:
        desk.downloaded(file.repo)
    desk.sent(answer.by, file.repo, file.commit, file.entry.path, stop - start)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return


async def _made(
    desk: HubDesk,
    writing: Writing | None,
    pool: ThreadPoolExecutor,
    strangers: Room,
    scope: Scope,
    receive: Receive,
) -> tuple[Ready, Unchanged | None]:
    """The answer to a request, and whether it may be given again."""
    token_sent, unchanged = False, None
    try:
        request = read_request(scope)
        token_sent = request.secret is not None
        change = writing.find(request) if writing else None
        if writing and change:
            return ready(await writing.answer(change, request, receive)), None
        work = _read_work(request, writes=writing is not None)
        length = 0
        if request.method == "POST":
            require_length(request, SMALL_BODY_BYTES)
            length = needed(request, SMALL_BODY_BYTES)

        def run() -> tuple[Answer | FileAnswer, Unchanged | None]:
            watch = desk.watch(work.kind, work.name) if work.name else None  # before it is looked up
            principal = reader(desk, request, writing.signer if writing else None)
            try:
                answer = work.run(desk, principal)
                if writing and work.name:
                    answer = writing.warned(principal, request, work.kind, work.name, work.revision, answer)
                return answer, watch
            except Renamed as renamed:
                return redirected(request, work.name, renamed.now), watch

        loop = asyncio.get_running_loop()
        async with strangers.of(length):
            if length:
                body = IncomingBody(receive, loop, SMALL_BODY_BYTES)
                work = route(request.with_body(await body.whole()))
            answer, unchanged = await loop.run_in_executor(pool, run)
    except Exception as error:  # at the door every error becomes an answer
        lfs = ".git/info/lfs/" in scope["path"]
        answer = error_answer(error, token_sent=token_sent, lfs=lfs)
    return ready(answer), unchanged


async def _send(
    found: Ready, request_id: bytes, streams: Streams, scope: Scope, receive: Receive, send: Send
) -> None:
    headers = [*found.headers, (b"x-request-id", request_id)] if request_id else found.headers
    await send({"type": "http.response.start", "status": found.answer.status, "headers": headers})
    await _send_body(found.answer, streams, scope, receive, send)


async def _send_body(
    answer: Answer | FileAnswer, streams: Streams, scope: Scope, receive: Receive, send: Send
) -> None:
    if isinstance(answer, Ongoing):
        async for line in answer.lines:
            await send({"type": "http.response.body", "body": line, "more_body": True})
    if isinstance(answer, Answer) or scope["method"] == "HEAD" or answer.start >= answer.stop:
        body = answer.body if isinstance(answer, Answer) and scope["method"] != "HEAD" else b""
        await send({"type": "http.response.body", "body": body})
        return
    whole = answer.status == 200 and answer.file.path is not None
    if whole and "http.response.pathsend" in (scope.get("extensions") or {}):
        await send({"type": "http.response.pathsend", "path": str(answer.file.path)})
        return
    await streams.send(lambda: FileReader(answer), answer.stop - answer.start, receive, send)


def _read_work(request: Request, *, writes: bool) -> Work:
    """As ``route``; where uploads are taken, what changes nothing known is no address at all."""
    try:
        return route(request)
    except OnlyReads:
        if not writes:
            raise
        raise _no_route(request) from None


def route(request: Request) -> Work:
    """What an address asks for.

    Raises:
        NoRoute, OnlyReads: it is nothing that this door does.
    """
    first, rest = request.segments[0], request.segments[1:]
    if first == "api":
        return _api(request, rest)
    kind = next((k for plural, k in _KINDS.items() if plural == first and k is not RepoKind.MODEL), None)
    segments = rest if kind else request.segments
    at = next((i for i in (2, 1) if len(segments) > i and segments[i] in _FILE_CALLS), None)
    if at is None:
        return _batch(request, kind or RepoKind.MODEL, segments)
    _require_read(request)
    revision, path = _revision_and_path(segments[at + 1 :])
    wanted = Wanted(
        kind=kind or RepoKind.MODEL,
        name="/".join(segments[:at]),
        revision=revision,
        path=path,
        raw=segments[at] == "raw",
    )
    return Work(
        run=lambda desk, principal: serve_file(desk, principal, request, wanted),
        kind=wanted.kind,
        name=wanted.name,
        revision=wanted.revision,
    )


def _batch(request: Request, kind: RepoKind, segments: tuple[str, ...]) -> Work:
    """``{repo}.git/info/lfs/objects/batch``, where nothing is written."""
    found = lfs_place(segments)
    if found is None or found[1] != ("objects", "batch"):
        raise _no_route(request)
    return Work(run=lambda desk, principal: download_only(desk, principal, request, kind, found[0]))


def _api(request: Request, segments: tuple[str, ...]) -> Work:
    if why := why_absent(segments):
        raise NoRoute(why)
    match segments:
        case ("whoami-v2",):
            return Work(run=lambda desk, principal: api.whoami(desk, principal))
        case ("agent-harnesses",):
            return Work(run=lambda desk, principal: json_answer({"standardEnvVars": [], "harnesses": {}}))
        case ("telemetry", *_):
            return Work(run=lambda desk, principal: json_answer({}))
        case (folder, name, "overview") if folder in _OWNERS and request.method in ("GET", "HEAD"):
            return Work(run=lambda desk, who: sources.overview(desk, who, _OWNERS[folder], name))
        case (tags,) if tags in _TAGS and request.method in ("GET", "HEAD"):
            return Work(run=lambda desk, principal: api.tags(desk, principal, _TAGS[tags]))
        case (plural, *about) if plural in _KINDS:
            return _repo_call(request, _KINDS[plural], tuple(about))
    _require_read(request)
    raise _no_route(request)


def _repo_call(request: Request, kind: RepoKind, about: tuple[str, ...]) -> Work:
    """``{org}/{name}/{call}/...``, or ``{name}/{call}/...`` for a repository without a namespace."""
    if not about:
        _require_read(request)
        return Work(run=lambda desk, principal: api.listing(desk, principal, request, kind))
    cut = _name_length(about)
    verb, behind = (about[cut], about[cut + 1 :]) if len(about) > cut else ("revision", ("main",))
    if request.method != "POST" or verb != "paths-info":
        _require_read(request)
    if verb not in _REPO_CALLS or (verb == "auth-check" and behind):
        raise _no_route(request)
    if verb == "revision":
        revision, path = "/".join(behind), ""
    else:
        revision, path = _revision_and_path(behind)

    name = "/".join(about[:cut])

    def run(desk: HubDesk, principal: Principal) -> Answer:
        return _REPO_CALLS[verb](
            api.Call(
                desk=desk,
                principal=principal,
                request=request,
                kind=kind,
                name=name,
                revision=revision or "main",
                path=path,
            )
        )

    return Work(run=run, kind=kind, name=name, revision=revision or "main")


def _name_length(about: tuple[str, ...]) -> int:
    """How many segments are the repository's name: two, or one for a name without a namespace."""
    if len(about) > 2 and about[2] in _REPO_CALLS:
        return 2
    return 1 if len(about) == 1 or about[1] in _REPO_CALLS else 2


def _revision_and_path(segments: tuple[str, ...]) -> tuple[str, str]:
    """The revision is one segment; ``refs/pr/1`` is also understood with its slashes plain."""
    cut = 3 if segments[:1] == ("refs",) and len(segments) > 2 else 1
    return "/".join(segments[:cut]), "/".join(segments[cut:])


def _require_read(request: Request) -> None:
    if request.method not in ("GET", "HEAD"):
        raise OnlyReads(
            "this Hub only serves: it takes no uploads and no changes, because it was started without --write"
        )


def _no_route(request: Request) -> NoRoute:
    return NoRoute(f"this Hub has no {request.method} {request.path[:200]}")
