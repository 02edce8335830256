"""Git LFS, by which large files come in before the commit that names them.

``POST /{repo}.git/info/lfs/objects/batch`` answers with signed addresses for each content that is
not here yet, ``PUT`` brings it, ``POST .../verify`` asks whether it is here (Git LFS specification
v1, batch API, basic transfer). One that is larger than a part comes in parts, where the client says
that it can (``lfs_parts``).
"""

from __future__ import annotations

from collections.abc import Sequence

from weighbridge.domain.access import Principal
from weighbridge.domain.json_values import Json, JsonObject, child, text, texts
from weighbridge.doors.hub import xet
from weighbridge.doors.hub.answers import Answer, TooLarge, json_answer
from weighbridge.doors.hub.bodies import declared_length
from weighbridge.doors.hub.lfs_download import download_batch
from weighbridge.doors.hub.lfs_objects import BASIC, asked_object, asked_objects, lfs_answer
from weighbridge.doors.hub.lfs_parts import MULTIPART, parts_action
from weighbridge.doors.hub.signing import caller_fields
from weighbridge.doors.hub.visits import Visit
from weighbridge.errors import BadInput, IntegrityError, NotFound, SizeMismatch

UPLOAD, VERIFY = "upload", "verify"
XET = "xet"
"""huggingface_hub from 0.36 to 1.4 and the client for Node ask here how to send; later ones do not ask."""


def batch(visit: Visit) -> Answer:
    """``POST .../info/lfs/objects/batch``: where to send what is missing, or to fetch what is here.

    Raises:
        NotAuthenticated: to upload needs a token.
    """
    body = visit.document()
    match text(body, "operation"):
        case "upload":
            return _upload_batch(visit, body)
        case "download":
            place = visit.place
            return download_batch(
                visit.desk, visit.principal, visit.request, place.kind, place.name, visit.signer
            )
    raise BadInput("the operation of a batch is 'upload' or 'download'")


def _upload_batch(visit: Visit, body: JsonObject) -> Answer:
    visit.desk.whoami(visit.principal)
    transfers = texts(body, "transfers") or (BASIC,)
    if BASIC not in transfers:
        raise BadInput("the transfer 'basic' is the one that is offered here")
    wanted = asked_objects(body)
    visit.repos.tidy()
    missing = frozenset(_missing(visit, visit.principal, wanted))
    if XET in transfers and visit.xet is not None and missing:
        action = xet.upload_action(visit, text(child(body, "ref"), "name") or "")
        by_xet: list[Json] = [_answer(*each, action if each in missing else None) for each in wanted]
        return lfs_answer({"transfer": XET, "objects": by_xet})
    actions = {each: _actions(visit, *each, in_parts=MULTIPART in transfers) for each in missing}
    has_parts = any("chunk_size" in child(child(each, "upload"), "header") for each in actions.values())
    answer: list[Json] = [_answer(oid, size, actions.get((oid, size))) for oid, size in wanted]
    return lfs_answer({"transfer": MULTIPART if has_parts else BASIC, "objects": answer})


def _missing(
    visit: Visit, principal: Principal, wanted: Sequence[tuple[str, int]]
) -> Sequence[tuple[str, int]]:
    try:
        return visit.repos.lfs_missing(principal, visit.repo, wanted, proposing=True)
    except SizeMismatch as error:  # here it is the caller who was wrong
        raise BadInput(f"a content is held that has another size: {error.message}") from error


def _answer(oid: str, size: int, actions: JsonObject | None) -> JsonObject:
    known: JsonObject = {"oid": oid, "size": size}
    if actions is None:
        return known  # without actions: it is here
    return {**known, "authenticated": True, "actions": actions}


def _actions(visit: Visit, oid: str, size: int, *, in_parts: bool) -> JsonObject:
    base = f"{visit.address(visit.repo)}.git/info/lfs".removeprefix(visit.request.origin)
    caller = caller_fields(visit.principal)
    parted = visit.repos.in_parts(oid, size) if in_parts else None
    if parted is None:
        href = visit.signer.signed(f"{base}/{UPLOAD}/{oid}", {"size": str(size), **caller})
        upload: JsonObject = {"href": f"{visit.request.origin}{href}", "header": {}}
    else:
        upload = parts_action(visit, base, parted)
    verify = visit.signer.signed(f"{base}/{VERIFY}", caller)
    return {"upload": upload, "verify": {"href": f"{visit.request.origin}{verify}"}}


def upload(visit: Visit) -> Answer:
    """``PUT .../info/lfs/upload/{oid}?size=...&signature=...``: the content, and nothing else.

    Raises:
        NotPermitted: the address is not ours, or too old.
        NotAuthenticated: the account of whoever asked for it was closed.
        BadInput: the body is not the announced content; nothing of it is kept.
    """
    sender, size = visit.signed_sender(), int(visit.request.value("size"))
    try:
        visit.repos.receive(sender, visit.repo, visit.rest, size, visit.pieces)
    except IntegrityError as error:  # here it is the caller who was wrong
        raise BadInput(f"the upload is not what was announced: {error.message}") from error
    return json_answer({})


def signed_size(visit: Visit) -> int:
    """The size that was announced, once the signature and the length of the body agree.

    Raises:
        NotPermitted: the address is not ours, or too old.
        TooLarge, BadInput: the body has another length than was announced.
    """
    visit.signer.check(visit.request.path, dict(visit.request.query))
    size, length = int(visit.request.value("size")), declared_length(visit.request)
    if length is not None and length > size:
        raise TooLarge(f"the body has {length} bytes, but {size} were announced")
    if length is not None and length != size:
        raise BadInput(f"the body has {length} bytes, but {size} were announced")
    return size


def verify(visit: Visit) -> Answer:
    """``POST .../info/lfs/verify``: whether a content is here; the address is signed, or a token comes.

    Raises:
        NotFound: it is not.
    """
    is_signed = bool(visit.request.value("signature"))
    asking = visit.signed_sender() if is_signed else visit.desk.whoami(visit.principal)
    body = visit.document()
    wanted = asked_object(child(body, "object") or body)
    if _missing(visit, asking, (wanted,)):
        raise NotFound(f"sha256:{wanted[0]} is not here: send it again")
    return lfs_answer({})
