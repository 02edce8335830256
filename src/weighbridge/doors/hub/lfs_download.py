"""Large files for Git LFS clients: a batch that asks to download.

Each content that stands in a revision which the caller may download gets the address of its file,
signed where the caller gave a token: who follows it need not send the token again. Every other
content is not found, whatever the store holds.
"""

from __future__ import annotations

from urllib.parse import quote

from weighbridge.bridge.contents import Shown, contents_shown
from weighbridge.bridge.hub import HubDesk
from weighbridge.domain.access import Principal
from weighbridge.domain.json_values import Json, JsonObject, child, text
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.doors.hub.answers import Answer, NoRoute, OnlyReads
from weighbridge.doors.hub.bodies import json_object
from weighbridge.doors.hub.lfs_objects import BASIC, asked_objects, lfs_answer
from weighbridge.doors.hub.request import Request
from weighbridge.doors.hub.signing import Signer, caller_fields, signed_caller
from weighbridge.errors import BadInput, NoSuchRepo, NotAuthenticated

_LIFETIME_S = 4 * 3600


def download_batch(
    desk: HubDesk,
    principal: Principal,
    request: Request,
    kind: RepoKind,
    name: str,
    signer: Signer | None = None,
) -> Answer:
    """``POST .../info/lfs/objects/batch``: where to fetch each content; without a signer, unsigned.

    Raises:
        NotAuthenticated: there is no token, and nothing here for those who have none.
    """
    body = json_object(request.body)
    wanted = asked_objects(body)
    if not request.origin:
        raise BadInput("the request has no Host header that an address could be made of")
    revision = (text(child(body, "ref"), "name") or "").removeprefix("refs/heads/")
    try:
        repo, shown = contents_shown(desk, principal, kind, name, {oid for oid, _ in wanted}, revision)
    except NoSuchRepo as error:
        if not principal.is_anonymous:
            raise
        # a client of git sends its credentials only when it is asked for them
        raise NotAuthenticated(f"'{name}' is not here for callers without a token") from error

    def answer(oid: str, size: int) -> Json:
        known: JsonObject = {"oid": oid, "size": size}
        found = shown.get(oid)
        if found is None:
            message = f"no revision of '{repo}' that you may download holds this content"
            return {**known, "error": {"code": 404, "message": message}}
        if found.size_bytes != size:
            message = f"this content has {found.size_bytes} bytes, not {size}"
            return {**known, "error": {"code": 422, "message": message}}
        path = _path(repo, found)
        if signer is None or principal.is_anonymous:
            return {**known, "actions": {"download": {"href": request.origin + path}}}
        href = request.origin + signer.signed(path, caller_fields(principal), _LIFETIME_S)
        action: JsonObject = {"href": href, "expires_in": _LIFETIME_S}
        return {**known, "authenticated": True, "actions": {"download": action}}

    return lfs_answer({"transfer": BASIC, "objects": [answer(oid, size) for oid, size in wanted]})


def download_only(desk: HubDesk, principal: Principal, request: Request, kind: RepoKind, name: str) -> Answer:
    """``download_batch`` of a Hub that takes no uploads.

    Raises:
        NoRoute: it is not asked by POST.
        OnlyReads: it is asked for anything else.
    """
    if request.method != "POST":
        raise NoRoute(f"this Hub has no {request.method} {request.path[:200]}")
    if text(json_object(request.body), "operation") != "download":
        raise OnlyReads("this Hub only serves: the operation of a batch is 'download'")
    return download_batch(desk, principal, request, kind, name)


def reader(desk: HubDesk, request: Request, signer: Signer | None) -> Principal:
    """Who asks for a file: by a signed address, else by a token.

    Raises:
        NotPermitted: the address is not ours, or too old.
        NotAuthenticated: the token does not count, or the account was closed.
    """
    if signer is None or not request.value("signature"):
        return desk.principal(request.secret)
    fields = dict(request.query)
    signer.check(_spelled(request.segments), fields)
    return desk.current(signed_caller(fields))


def _path(repo: RepoId, file: Shown) -> str:
    before = () if repo.kind is RepoKind.MODEL else (repo.kind.plural,)
    return _spelled((*before, *repo.full_name.split("/"), "resolve", file.commit, *file.path.split("/")))


def _spelled(segments: tuple[str, ...]) -> str:
    """A path in one spelling: clients escape each in their own way."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)
