"""A large file by LFS in parts: the transfer 'multipart' of Hugging Face's clients.

    PUT  .../info/lfs/upload/{oid}/{upload}/{part}      answers an ETag; in any order, at once, and again
    POST .../info/lfs/complete/{oid}/{upload}           {"oid", "parts": [{"partNumber", "etag"}]}

The batch answers with the second address as ``href``, and with the others, numbered, in ``header``
beside ``chunk_size``. All of them are signed; no token comes with them.
"""

from __future__ import annotations

from weighbridge.domain.json_values import JsonObject, objects, text, whole
from weighbridge.domain.parts import PartedContent
from weighbridge.doors.hub.answers import Answer, json_answer
from weighbridge.doors.hub.bodies import json_object
from weighbridge.doors.hub.signing import caller_fields
from weighbridge.doors.hub.visits import Visit
from weighbridge.errors import BadInput, IntegrityError

MULTIPART, COMPLETE = "multipart", "complete"
COMPLETION_LIMIT_BYTES = 1 << 20
_LIFETIME_S = 7 * 24 * 3600
"""A file of 50 GB over a slow line takes days, and the last address is used at the end of them."""


def parts_action(visit: Visit, base: str, content: PartedContent) -> JsonObject:
    """The action ``upload`` of a content in parts; ``base`` is the path of the repository's LFS."""
    known = {
        "whole": str(content.size_bytes),
        "part": str(content.part_bytes),
        **caller_fields(visit.principal),
    }

    header: dict[str, str] = {"chunk_size": str(content.part_bytes)}
    for number in range(1, content.count + 1):
        start, stop = content.span(number)
        path = f"{base}/upload/{content.sha256}/{content.upload}/{number}"
        href = visit.signer.signed(path, {**known, "size": str(stop - start)}, _LIFETIME_S)
        header[f"{number:05}"] = f"{visit.request.origin}{href}"
    path = f"{base}/{COMPLETE}/{content.sha256}/{content.upload}"
    href = visit.signer.signed(path, known, _LIFETIME_S)
    return {"href": f"{visit.request.origin}{href}", "header": header}


def upload_part(visit: Visit) -> Answer:
    """``PUT .../upload/{oid}/{upload}/{part}``: one part.

    Raises:
        NotPermitted: the address is not ours, or too old.
        NotAuthenticated: the account of whoever asked for it was closed.
        BadInput: the body has another length; the part counts as not sent.
        Conflict: the part is being sent again meanwhile, or the upload was completed.
    """
    sender, content, number = visit.signed_sender(), _content(visit), int(visit.place.rest[2])
    try:
        tag = visit.repos.receive_part(sender, visit.repo, content, number, visit.pieces)
    except IntegrityError as error:  # here it is the caller who was wrong
        raise BadInput(f"the part is not what was announced: {error.message}") from error
    return json_answer({}, headers={"etag": f'"{tag}"'})


def complete(visit: Visit) -> Answer:
    """``POST .../complete/{oid}/{upload}``: all parts were sent, make the content of them.

    Raises:
        NotPermitted, NotAuthenticated: as for a part.
        BadInput: a part is missing or another one (its number is named), or they make something else.
        NotFound: the upload was given up.
    """
    sender, content = visit.signed_sender(), _content(visit)
    tags = _tags(b"".join(visit.pieces), content)
    try:
        visit.repos.join_parts(sender, visit.repo, content, tags)
    except IntegrityError as error:
        raise BadInput(f"the parts make something else: {error.message}") from error
    return json_answer({})


def _content(visit: Visit) -> PartedContent:
    """What an address, whose signature was checked, is about."""
    sha256, upload = visit.place.rest[:2]
    return PartedContent(
        upload=upload,
        sha256=sha256,
        size_bytes=int(visit.request.value("whole")),
        part_bytes=int(visit.request.value("part")),
    )


def _tags(body: bytes, content: PartedContent) -> list[str]:
    """The tags of all parts in their order.

    Raises:
        BadInput: the body is of another content, or does not name each part once.
    """
    asked = json_object(body)
    if text(asked, "oid") != content.sha256:
        raise BadInput("the body is not about the content of this address")
    named: dict[int, str] = {}
    for part in objects(asked, "parts"):
        number, etag = whole(part, "partNumber"), text(part, "etag")
        if number is None or etag is None or number in named:
            raise BadInput("each part needs its 'partNumber' and its 'etag', once")
        content.span(number)
        named[number] = etag.removeprefix("W/").strip('"')
    missing = [number for number in range(1, content.count + 1) if number not in named]
    if missing:
        raise BadInput(f"part {missing[0]} of {content.count} is not named")
    return [named[number] for number in sorted(named)]
