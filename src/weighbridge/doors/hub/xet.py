"""Uploads by Xet, which stock clients use for every large file.

    GET  /api/{kind}s/{repo}/xet-write-token/{revision}     where to send, and a token for it
    POST /xet/{collection}/{namespace}/v1/xorbs/default/{hash}
    POST /xet/{collection}/{namespace}/v1/shards
    POST /xet/{collection}/{namespace}/v2/shards            the same, told of while it is done

Older clients leave ``v1`` out, say ``xorb`` and ``shard``, or name the shard by its hash. Whether to
send by Xet at all they ask the repository (``xetEnabled``) or a batch of LFS.

The address names the collection and the namespace because a client remembers for each address
what it has sent there. The token is signed here and says who may write into which repository.
"""

from __future__ import annotations

import asyncio
import json
import time
from asyncio import Future
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import parse_qsl, quote

from weighbridge.bridge.pulls import paying_namespace, sending_space
from weighbridge.bridge.xet import XetDesk
from weighbridge.domain.access import Principal
from weighbridge.domain.discussion import pull_number
from weighbridge.domain.json_values import Json, JsonObject
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.doors.hub.answers import Answer, Ongoing, error_answer, json_answer
from weighbridge.doors.hub.signing import Signer, caller_fields, signed_caller
from weighbridge.doors.hub.visits import Visit, path_of
from weighbridge.errors import BadInput, IntegrityError, NotAuthenticated, NotFound, NotPermitted

_TOKEN_PATH = "xet"
_TOKEN_LIFETIME_S = 3600
_LINES = {"content-type": "application/x-ndjson"}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Grant:
    """Where somebody may send xorbs and shards, the token for it, and when that ends (seconds since 1970)."""

    address: str
    token: str
    expires: int

    @property
    def headers(self) -> dict[str, Json]:
        """As the client reads it from headers."""
        return {
            "x-xet-cas-url": self.address,
            "x-xet-token-expiration": str(self.expires),
            "x-xet-access-token": self.token,
        }


def write_token(visit: Visit) -> Answer:
    """Where to send xorbs and shards of a repository, for whoever may write or propose."""
    proposing = visit.request.flag("create_pr") or pull_number(visit.rest) is not None
    given = grant(visit, proposing=proposing)
    body: JsonObject = {"casUrl": given.address, "exp": given.expires, "accessToken": given.token}
    return json_answer(body, headers={name: str(value) for name, value in given.headers.items()})


def grant(visit: Visit, *, proposing: bool) -> Grant:
    """Where to send.

    Who may only propose sends to a namespace of its own: what others have sent is not for it.
    """
    visit.repos.lfs_missing(visit.principal, visit.repo, (), proposing=proposing)
    there = visit.repos.repository(visit.principal, visit.repo)
    repo, space = there.id, sending_space(visit.principal, there).lower()
    visit.repos.quotas.require_any(paying_namespace(visit.principal, there))
    origin = visit.address(repo).removesuffix(path_of(repo))
    return Grant(
        address=f"{origin}/xet/{_desk(visit).collection()}/{space}",
        token=_token(visit.signer, visit.principal, repo, space),
        expires=int(time.time() + _TOKEN_LIFETIME_S),
    )


def upload_action(visit: Visit, revision: str) -> JsonObject:
    """How a batch of LFS says that a content comes by Xet; ``revision`` is empty for a pull request."""
    repo = f"{visit.request.origin}/api/{visit.repo.kind.plural}/{visit.repo.full_name}"
    again = quote(revision, safe="") if revision else "main?create_pr=1"
    given = grant(visit, proposing=True)
    return {"upload": {"href": f"{repo}/xet-write-token/{again}", "header": given.headers}}


def _token(signer: Signer, principal: Principal, repo: RepoId, space: str) -> str:
    fields = {**caller_fields(principal), "kind": repo.kind.value, "repo": repo.full_name, "space": space}
    signed = signer.signed(_TOKEN_PATH, fields, _TOKEN_LIFETIME_S).partition("?")[2]
    return urlsafe_b64encode(signed.encode()).decode().rstrip("=")


def sender(visit: Visit) -> tuple[Principal, RepoId]:
    """Who sends, and into which repository.

    Raises:
        NotAuthenticated: there is no token of ours, or its account was closed.
        NotPermitted: it has expired, or is for another namespace.
    """
    fields = _granted(visit)
    repo = RepoId.parse(fields["repo"], RepoKind(fields["kind"]))
    if fields["space"] != visit.place.name:
        raise NotPermitted("the token is for another namespace")
    return visit.desk.current(signed_caller(fields)), repo


def _granted(visit: Visit) -> Mapping[str, str]:
    secret = (visit.request.secret or "").encode("ascii", "replace")
    try:
        fields = dict(parse_qsl(urlsafe_b64decode(secret + b"==").decode()))
        visit.signer.check(_TOKEN_PATH, fields)
    except (NotPermitted, ValueError) as error:
        raise NotAuthenticated("the token of this upload was not given here, or has expired") from error
    return fields


def who(visit: Visit) -> str:
    """The name of who sends, by the token; raises NotAuthenticated as ``sender``."""
    return _granted(visit)["by"]


def take_xorb(visit: Visit) -> Answer:
    """One xorb, checked and kept."""
    sender(visit)
    taken = _desk(visit).take_xorb(visit.place.name, visit.rest, visit.pieces)
    return json_answer({"was_inserted": taken})


def take_shard(visit: Visit) -> Answer:
    """A shard: its files are put together and checked before the answer."""
    principal, repo = sender(visit)
    shard = BytesIO()  # joining pieces would hold all of it twice
    for piece in visit.pieces:
        shard.write(piece)
    try:
        _desk(visit).take_shard(principal, repo, visit.place.name, shard.getvalue())
    except IntegrityError as error:  # here it is the caller who was wrong
        raise BadInput(f"the shard is not true: {error.message}") from error
    return json_answer({"result": 1})


def take_told_shard(visit: Visit) -> Answer:
    """As ``take_shard``, for clients that read lines."""
    take_shard(visit)
    return Answer(headers=_LINES, body=_line({"type": "result"}))


def told(work: Future[Answer], every_s: float) -> Ongoing:
    """What a client hears of a shard whose files are still being put together: lines of JSON.

    Large files take minutes, and a proxy between us gives up on a server that says nothing.
    """

    async def lines() -> AsyncIterator[bytes]:
        while not work.done():
            yield _line({"type": "committing", "stage": "syncing"})
            await asyncio.wait({work}, timeout=every_s)
        error = work.exception()
        if error is None:
            yield work.result().body
        else:
            said = error_answer(error, token_sent=True) if isinstance(error, Exception) else None
            message = said.headers["x-error-message"] if said else "the server stopped"
            yield _line({"type": "error", "message": message, "retryable": not said or said.status >= 500})

    return Ongoing(headers=_LINES, lines=lines())


def _line(value: JsonObject) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _desk(visit: Visit) -> XetDesk:
    if visit.xet is None:
        raise NotFound("this Hub takes large files by LFS: set HF_HUB_DISABLE_XET=1 and upload again")
    return visit.xet
