"""What a Git LFS client asks for, and how it is answered (Git LFS specification v1, batch API)."""

from __future__ import annotations

from collections.abc import Sequence

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, objects, text, whole
from weighbridge.domain.manifest import sha256
from weighbridge.doors.hub.answers import Answer, json_answer
from weighbridge.errors import BadInput

_OBJECTS_LIMIT = 1000
_MEDIA_TYPE = "application/vnd.git-lfs+json"
BASIC = "basic"


def lfs_place(segments: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """The repository and what follows ``{name}.git/info/lfs`` in an address; None: it is no such one."""
    for length in (1, 2):
        *_, last = segments[:length] or ("",)
        if last.endswith(".git") and segments[length : length + 2] == ("info", "lfs"):
            return "/".join(segments[:length]).removesuffix(".git"), segments[length + 2 :]
    return None


def asked_objects(body: JsonObject) -> Sequence[tuple[str, int]]:
    """The contents that a batch is about: sha256 and size in bytes.

    Raises:
        BadInput: one of them is none, there are too many, or they are named otherwise.
    """
    if (text(body, "hash_algo") or "sha256") not in ("sha256", "sha_256"):  # the client for Node spells it so
        raise BadInput("contents are named by their sha256 here")
    found = objects(body, "objects")
    if len(found) > _OBJECTS_LIMIT:
        raise BadInput(f"more than {_OBJECTS_LIMIT} objects are asked for at once")
    return [asked_object(each) for each in found]


def asked_object(spelled: JsonObject) -> tuple[str, int]:
    """One content: sha256 and size in bytes.

    Raises:
        BadInput: it is none.
    """
    oid, size = text(spelled, "oid"), whole(spelled, "size")
    if oid is None or size is None or size < 0:
        raise BadInput("each object needs its sha256 as 'oid' and its 'size' in bytes")
    try:
        return sha256(oid).value, size
    except Invalid as error:
        raise BadInput(f"an 'oid' is no sha256: {ascii(oid)[:80]}") from error


def lfs_answer(value: JsonObject) -> Answer:
    """An answer of the media type that the protocol asks for."""
    return json_answer(value, headers={"content-type": _MEDIA_TYPE})
