"""The write side: which address changes what, and how its body is read.

/api/repos/{create|delete|move}, /api/{models|datasets|spaces}/{repo}/{call}/...    repo_life.py, changes.py
/api/{users|organizations}/{name}/...                                                people.py
/[datasets/|spaces/]{repo}.git/info/lfs/...                                          lfs.py
/xet/...                                                                             xet.py
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import replace

from weighbridge.bridge.hub import HubDesk
from weighbridge.bridge.repos import Repos
from weighbridge.bridge.xet import SHARD_LIMIT_BYTES, XORB_LIMIT_BYTES, XetDesk
from weighbridge.domain.access import Principal
from weighbridge.domain.ref import RepoKind
from weighbridge.doors.hub import (
    changes,
    discussions,
    groups,
    guests,
    large_files,
    lfs,
    lfs_parts,
    people,
    repo_life,
    xet,
)
from weighbridge.doors.hub.answers import Answer, FileAnswer
from weighbridge.doors.hub.bodies import IncomingBody, declared_length, needed, require_length
from weighbridge.doors.hub.commits import BODY_LIMIT_BYTES
from weighbridge.doors.hub.lfs_objects import lfs_place
from weighbridge.doors.hub.request import Receive, Request
from weighbridge.doors.hub.room import Room, Shares
from weighbridge.doors.hub.signing import Signer
from weighbridge.doors.hub.verdicts import told_reader
from weighbridge.doors.hub.visits import Deed, Held, Place, Visit

_UPLOADS = 64
"""Bodies that are read at once; each has a thread, which a slow client may keep waiting."""
_HELD_BODIES = 2
_HELD_BYTES = 16 << 20
"""A commit's small files, and a shard, are held in memory, so few large ones go at once.

Each sort by itself: a shard is worked on for minutes, and commits do not wait for it."""
_CARD_LIMIT_BYTES = 2 << 20
"""Anybody may ask what is wrong with a card."""
_KINDS = {kind.plural: kind for kind in RepoKind}

_ALONE: Mapping[tuple[str, ...], Deed] = {
    ("POST", "repos", "create"): Deed(handle=repo_life.create),
    ("DELETE", "repos", "delete"): Deed(handle=repo_life.delete),
    ("POST", "repos", "move"): Deed(handle=repo_life.move),
    ("POST", "validate-yaml"): Deed(handle=changes.validate_card, limit=_CARD_LIMIT_BYTES, open=True),
    ("GET", "settings", "repositories"): Deed(handle=people.own_repositories),
}
_OF_REPO: Mapping[tuple[str, str], Deed] = {
    ("PUT", "settings"): Deed(handle=repo_life.settings),
    ("POST", "branch"): Deed(handle=repo_life.create_branch),
    ("DELETE", "branch"): Deed(handle=repo_life.delete_branch),
    ("POST", "duplicate"): Deed(handle=repo_life.duplicate),
    ("GET", "lfs-files"): Deed(handle=large_files.listing),
    ("POST", "lfs-files"): Deed(handle=large_files.act),
    ("POST", "super-squash"): Deed(handle=repo_life.squash),
    ("POST", "tag"): Deed(handle=repo_life.create_tag),
    ("DELETE", "tag"): Deed(handle=repo_life.delete_tag),
    ("POST", "preupload"): Deed(handle=changes.preupload),
    ("POST", "commit"): Deed(handle=changes.commit, limit=BODY_LIMIT_BYTES, streams=True, held=Held.COMMIT),
    ("GET", "auth-check"): Deed(handle=changes.may_write),
    ("POST", "ask-access"): Deed(handle=guests.ask),
    ("GET", "user-access-request"): Deed(handle=guests.requests),
    ("POST", "user-access-request"): Deed(handle=guests.decide),
    ("POST", "like"): Deed(handle=guests.like),
    ("DELETE", "like"): Deed(handle=guests.unlike),
    ("GET", "likers"): Deed(handle=guests.likers, anyone=True),
    ("GET", "resource-group"): Deed(handle=groups.group_of),
    ("POST", "resource-group"): Deed(handle=groups.put),
    ("GET", "discussions"): Deed(handle=discussions.look, anyone=True),
    ("POST", "discussions"): Deed(handle=discussions.act),
    ("GET", "xet-write-token"): Deed(handle=xet.write_token),
}
_LFS: Mapping[tuple[str, ...], Deed] = {
    ("POST", "objects", "batch"): Deed(handle=lfs.batch, anyone=True),
    ("POST", lfs.VERIFY): Deed(handle=lfs.verify, anyone=True),
}
_LFS_UPLOAD = Deed(handle=lfs.upload, streams=True, open=True, signed=True, who=Visit.signed_name)
_LFS_PART = Deed(handle=lfs_parts.upload_part, streams=True, open=True, signed=True, who=Visit.signed_name)
_LFS_COMPLETE = Deed(
    handle=lfs_parts.complete,
    limit=lfs_parts.COMPLETION_LIMIT_BYTES,
    streams=True,
    open=True,
    who=Visit.signed_name,
)
_XORB = Deed(handle=xet.take_xorb, limit=XORB_LIMIT_BYTES, streams=True, open=True, who=xet.who)
_SHARD = Deed(
    handle=xet.take_shard,
    limit=SHARD_LIMIT_BYTES,
    streams=True,
    held=Held.SHARD,
    open=True,
    who=xet.who,
)
_TOLD_SHARD = replace(_SHARD, handle=xet.take_told_shard, told=xet.told)


class Writing:
    """Answers the calls that change something."""

    def __init__(
        self,
        desk: HubDesk,
        repos: Repos,
        xet: XetDesk | None,
        pool: Executor,
        quiet_s: float,
        strangers: Room,
    ) -> None:
        self._desk, self._repos, self._xet, self._pool = desk, repos, xet, pool
        self._quiet_s, self._strangers, self._known = quiet_s, strangers, Room()
        self._shares = Shares()
        self.signer = Signer(repos.signing_key)
        self._uploads = ThreadPoolExecutor(max_workers=_UPLOADS, thread_name_prefix="hub-upload")
        self._held = {sort: asyncio.Semaphore(_HELD_BODIES) for sort in Held}

    def find(self, request: Request) -> tuple[Deed, Place] | None:
        """What an address changes, and of which repository; None where it changes nothing."""
        return _find(request)

    def warned(
        self,
        principal: Principal,
        request: Request,
        kind: RepoKind,
        name: str,
        revision: str,
        answer: Answer | FileAnswer,
    ) -> Answer | FileAnswer:
        """What was read, with a word on the verdict for those who see a commit before it is judged."""
        told = (
            {}
            if answer.status >= 400
            else told_reader(self._repos, principal, kind, name, revision, request.origin)
        )
        return replace(answer, headers={**answer.headers, **told}) if told else answer

    async def answer(self, found: tuple[Deed, Place], request: Request, receive: Receive) -> Answer:
        """The answer to a call that ``find`` knows; the body is read only for who may send it.

        Raises:
            Whatever the bridge raises.
        """
        deed, place = found
        body = IncomingBody(receive, asyncio.get_running_loop())
        if deed.told is None:
            return await self._drained(deed, place, request, body)
        work = asyncio.ensure_future(self._drained(deed, place, request, body))
        while not work.done():
            await asyncio.wait({work}, timeout=self._quiet_s)
            if body.is_whole and not work.done():  # who is still sending does not listen
                return deed.told(work, self._quiet_s)
        return work.result()

    async def _drained(self, deed: Deed, place: Place, request: Request, body: IncomingBody) -> Answer:
        try:
            return await self._answer(deed, place, request, body)
        finally:
            await body.drain(declared_length(request))

    async def _answer(self, deed: Deed, place: Place, request: Request, body: IncomingBody) -> Answer:
        loop = asyncio.get_running_loop()
        secret = None if deed.open else request.secret
        principal = await loop.run_in_executor(self._pool, self._desk.principal, secret)
        if not deed.open and not deed.anyone:
            self._desk.whoami(principal)
        visit = Visit(
            desk=self._desk,
            repos=self._repos,
            signer=self.signer,
            principal=principal,
            request=request,
            place=place,
            xet=self._xet,
        )
        if deed.streams:
            return await self._streamed(deed, visit, body)
        require_length(request, deed.limit)
        body.limit = deed.limit
        room = self._strangers if deed.open or principal.is_anonymous else self._known
        async with room.of(needed(request, deed.limit)):
            read = replace(visit, request=request.with_body(await body.whole()))
            return await loop.run_in_executor(self._pool, deed.handle, read)

    async def _streamed(self, deed: Deed, visit: Visit, body: IncomingBody) -> Answer:
        """The handle reads the body itself, in a thread that has nothing else to do."""
        body.limit = lfs.signed_size(visit) if deed.signed else deed.limit
        require_length(visit.request, body.limit)
        length = declared_length(visit.request)
        async with AsyncExitStack() as held:
            await held.enter_async_context(self._shares.of(deed.who(visit)))
            if deed.held and (length is None or length > _HELD_BYTES):
                await held.enter_async_context(self._held[deed.held])
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._uploads, deed.handle, replace(visit, pieces=body))


def _find(request: Request) -> tuple[Deed, Place] | None:
    method = "GET" if request.method == "HEAD" else request.method
    first, rest = request.segments[0], request.segments[1:]
    if first == "xet":
        return _xet_call(method, rest)
    if first == "api":
        alone = _ALONE.get((method, *rest))
        return (alone, Place()) if alone else people.find(method, rest) or _repo_call(method, rest)
    kind = _KINDS.get(first) if first != RepoKind.MODEL.plural else None
    return _lfs_call(method, kind or RepoKind.MODEL, rest if kind else request.segments)


def _repo_call(method: str, segments: tuple[str, ...]) -> tuple[Deed, Place] | None:
    """``{kind}/{org}/{name}/{call}/...``: whatever is changed has a namespace."""
    match method, segments:
        case "POST", (plural, name, "duplicate") if plural in _KINDS:  # a mirrored one may have one word
            return _OF_REPO["POST", "duplicate"], Place(kind=_KINDS[plural], name=name)
    if len(segments) < 4 or segments[0] not in _KINDS:
        return None
    plural, owner, name, verb, *rest = segments
    if verb == "auth-check" and rest != ["write"]:
        return None
    deed = _OF_REPO.get((method, verb))
    place = Place(kind=_KINDS[plural], name=f"{owner}/{name}", rest=tuple(rest))
    return (deed, place) if deed else None


def _lfs_call(method: str, kind: RepoKind, segments: tuple[str, ...]) -> tuple[Deed, Place] | None:
    match segments:
        case (owner, name, "ask-access") if method == "POST":
            return _OF_REPO["POST", "ask-access"], Place(kind=kind, name=f"{owner}/{name}")
    found = lfs_place(segments)
    if found is None:
        return None
    name, behind = found
    deed = _lfs_deed(method, behind)
    return (deed, Place(kind=kind, name=name, rest=behind[1:])) if deed else None


def _lfs_deed(method: str, rest: tuple[str, ...]) -> Deed | None:
    match method, rest:
        case "PUT", (lfs.UPLOAD, _):
            return _LFS_UPLOAD
        case "PUT", (lfs.UPLOAD, _, _, _):
            return _LFS_PART
        case "POST", (lfs_parts.COMPLETE, _, _):
            return _LFS_COMPLETE
    return _LFS.get((method, *rest))


def _xet_call(method: str, segments: tuple[str, ...]) -> tuple[Deed, Place] | None:
    """The namespace stands where a repository's name would."""
    if method != "POST" or len(segments) < 3:
        return None
    _, namespace, *call = segments
    if call == ["v2", "shards"]:
        return _TOLD_SHARD, Place(name=namespace)
    if call[0] == "v1":
        call = call[1:]
    match call:
        case ("xorbs" | "xorb", _, name):
            return _XORB, Place(name=namespace, rest=(name,))
        case ("shards" | "shard",) | ("shards" | "shard", _, _):
            return _SHARD, Place(name=namespace)
    return None
