"""Uploads by Xet, which stock clients use for every large file.

    GET  /api/{kind}s/{repo}/xet-write-token/{revision}     where to send, and a token for it
    POST /xet/{collection}/{namespace}/v1/xorbs/default/{hash}
    POST /xet/{collection}/{namespace}/v1/shards

The address names the collection and the namespace because a client remembers for each address
what it has sent there. The token is signed here and says who may write into which repository.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import parse_qsl

from weighbridge.bridge.pulls import sending_space
from weighbridge.bridge.xet import XetDesk
from weighbridge.domain.access import Principal
from weighbridge.domain.discussion import pull_number
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.doors.hub.answers import Answer, json_answer
from weighbridge.doors.hub.signing import Signer, caller_fields, signed_caller
from weighbridge.doors.hub.visits import Visit
from weighbridge.errors import BadInput, IntegrityError, NotAuthenticated, NotFound, NotPermitted

_TOKEN_PATH = "xet"
_TOKEN_LIFETIME_S = 3600


def write_token(visit: Visit) -> Answer:
    """Where to send xorbs and shards of a repository, for whoever may write or propose.

    Who may only propose sends to a namespace of its own: what others have sent is not for it.
    """
    proposing = visit.request.flag("create_pr") or pull_number(visit.rest) is not None
    visit.repos.lfs_missing(visit.principal, visit.repo, (), proposing=proposing)
    there = visit.repos.repository(visit.principal, visit.repo)
    repo, space = there.id, sending_space(visit.principal, there).lower()
    visit.repos.quotas.require_any(space)
    origin = visit.address(repo).removesuffix(f"/{repo.full_name}").removesuffix(f"/{repo.kind.plural}")
    address = f"{origin}/xet/{_desk(visit).collection()}/{space}"
    token, expires = _token(visit.signer, visit.principal, repo, space), int(time.time() + _TOKEN_LIFETIME_S)
    headers = {
        "x-xet-cas-url": address,
        "x-xet-token-expiration": str(expires),
        "x-xet-access-token": token,
    }
    return json_answer({"casUrl": address, "exp": expires, "accessToken": token}, headers=headers)


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
    secret = (visit.request.secret or "").encode("ascii", "replace")
    try:
        fields = dict(parse_qsl(urlsafe_b64decode(secret + b"==").decode()))
        visit.signer.check(_TOKEN_PATH, fields)
    except (NotPermitted, ValueError) as error:
        raise NotAuthenticated("the token of this upload was not given here, or has expired") from error
    repo = RepoId.parse(fields["repo"], RepoKind(fields["kind"]))
    if fields["space"] != visit.place.name:
        raise NotPermitted("the token is for another namespace")
    return visit.desk.current(signed_caller(fields)), repo


def take_xorb(visit: Visit) -> Answer:
    """One xorb, checked and kept."""
    sender(visit)
    taken = _desk(visit).take_xorb(visit.place.name, visit.rest, visit.pieces)
    return json_answer({"was_inserted": taken})


def take_shard(visit: Visit) -> Answer:
    """A shard: its files are put together and checked before the answer."""
    principal, repo = sender(visit)
    try:
        _desk(visit).take_shard(principal, repo, visit.place.name, b"".join(visit.pieces))
    except IntegrityError as error:  # here it is the caller who was wrong
        raise BadInput(f"the shard is not true: {error.message}") from error
    return json_answer({"result": 1})


def _desk(visit: Visit) -> XetDesk:
    if visit.xet is None:
        raise NotFound("this Hub takes large files by LFS: set HF_HUB_DISABLE_XET=1 and upload again")
    return visit.xet
