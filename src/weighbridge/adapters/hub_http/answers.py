"""The Hub's JSON, read without trust, to the nouns of the domain.

Formats: https://huggingface.co/docs/hub/api and what its official client reads.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from urllib.parse import urljoin

from weighbridge.adapters.hub_http.addresses import Origin, split_address
from weighbridge.adapters.hub_http.refusals import Question
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, JsonObject, child, mended, objects, text, texts, whole
from weighbridge.domain.manifest import Digest, FileEntry, Manifest, Storage, git_sha1, sha256
from weighbridge.domain.ref import RepoId, RepoKind, is_commit
from weighbridge.domain.repo import Commit, DiscussionHead, ModelInfo, Owner, OwnerKind, Refs
from weighbridge.errors import BadListing

_NEXT = re.compile(r"""<([^<>]*)>\s*;[^,<]*\brel="?next"?""")


def read_json(question: Question, body: bytes) -> Json:
    """The JSON value of an answer; numbers that JSON cannot write again become null.

    Raises:
        BadListing: it is not JSON.
    """
    try:
        value: Json = json.loads(body, parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError):
        raise BadListing(
            f"{question.hub} answers for {question} with what is not JSON", hint="is this address a Hub?"
        ) from None
    return value


def _finite(spelled: str) -> float | None:
    value = float(spelled)
    return value if math.isfinite(value) else None


def mended_object(question: Question, source: JsonObject) -> JsonObject:
    """The object with lone surrogates replaced: no UTF-8 can hold them. Paths are refused instead.

    Raises:
        BadListing: it is nested too deep.
    """
    try:
        sound = mended(source)
    except RecursionError as error:
        raise BadListing(f"{question.hub} answers for {question} with JSON that is {error}") from error
    return sound if isinstance(sound, Mapping) else {}


def read_object(question: Question, body: bytes) -> JsonObject:
    """The JSON object of an answer.

    Raises:
        BadListing: it is something else.
    """
    value = read_json(question, body)
    if not isinstance(value, Mapping):
        raise BadListing(f"{question.hub} answers for {question} with something else than an object")
    return value


def read_rows(question: Question, body: bytes) -> list[JsonObject]:
    """The objects of an answer that is an array.

    Raises:
        BadListing: it is something else, or holds something else.
    """
    value = read_json(question, body)
    rows = [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
    if not isinstance(value, list) or len(rows) != len(value):
        raise BadListing(f"{question.hub} answers for {question} with something else than a list of objects")
    return rows


def next_page(question: Question, home: Origin, target: str, link: str) -> str | None:
    """The target that a ``Link`` header calls next, or None on the last page (RFC 8288).

    Raises:
        BadListing: it leads to another origin.
    """
    found = _NEXT.search(link)
    if not found:
        return None
    try:
        origin, following = split_address(urljoin(f"{home}{target}", found[1]))
    except ValueError as error:
        raise BadListing(f"{question.hub} continues {question} at an address that {error}") from None
    if origin != home:
        raise BadListing(f"{question.hub} continues {question} on another server")
    return following


def read_info(question: Question, repo: RepoId, raw: JsonObject) -> ModelInfo:
    """What the Hub says of a repository.

    Raises:
        BadListing: it names no commit, or another than the one that was asked for.
    """
    commit = text(raw, "sha") or ""
    if not is_commit(commit):
        raise BadListing(f"{question.hub} names no commit for {question}")
    if question.revision and is_commit(question.revision) and commit != question.revision:
        raise BadListing(f"{question.hub} answers for {question} with commit {commit}")
    return ModelInfo(repo=repo, commit=commit, raw=mended_object(question, raw))


def read_manifest(question: Question, repo: RepoId, commit: str, rows: Iterable[JsonObject]) -> Manifest:
    """The files of a listing; folders are left out, for the paths name them.

    Raises:
        BadListing: a path is unsafe or collides, or a file has no size or digest.
    """
    try:
        files = [_entry(row) for row in rows if row.get("type") != "directory"]
        return Manifest(repo=repo, commit=commit, files=tuple(files))
    except Invalid as error:
        raise BadListing(f"{question.hub} lists what cannot be, for {question}: {error}") from error


def _entry(row: JsonObject) -> FileEntry:
    path, size, lfs = row.get("path"), whole(row, "size"), child(row, "lfs")
    if row.get("type") != "file" or not isinstance(path, str) or size is None:
        raise Invalid("entry", dict(row), "is not a file with a path and a size")
    if not lfs:
        oid = text(row, "oid")
        known = (git_sha1(oid),) if oid else ()
        return FileEntry(path=path, size_bytes=size, digests=known)
    # The entry's own oid is of the pointer that git holds; the content's digest is the pointer's.
    content, length = text(lfs, "oid"), whole(lfs, "size")
    if content is None or (length is not None and length != size):
        raise Invalid("file", path, "has no sha256, or two sizes")
    digest: Digest = sha256(content.removeprefix("sha256:"))
    return FileEntry(path=path, size_bytes=size, digests=(digest,), storage=Storage.LFS)


def read_refs(question: Question, raw: JsonObject) -> Refs:
    """Branches and tags; a name without a commit is not one.

    Raises:
        BadListing: the answer is nested too deep.
    """
    sound = mended_object(question, raw)

    def named(key: str) -> dict[str, str]:
        pairs = ((text(row, "name"), text(row, "targetCommit")) for row in objects(sound, key))
        return {name: commit for name, commit in pairs if name and commit and is_commit(commit)}

    return Refs(branches=named("branches"), tags=named("tags"))


def read_commit(question: Question, row: JsonObject) -> Commit:
    """One commit of the history.

    Raises:
        BadListing: it has no commit id.
    """
    row = mended_object(question, row)
    try:
        return Commit(
            id=text(row, "id") or "",
            title=text(row, "title") or "",
            message=text(row, "message") or "",
            created_at=text(row, "date") or "",
            authors=tuple(user for author in objects(row, "authors") if (user := text(author, "user"))),
            parents=tuple(parent for parent in texts(row, "parents") if is_commit(parent)),
        )
    except Invalid as error:
        raise BadListing(f"{question.hub} lists a commit that cannot be, for {question}: {error}") from error


def read_discussions(question: Question, source: JsonObject) -> tuple[list[DiscussionHead], int]:
    """A page of discussions, and how many there are.

    Raises:
        BadListing: the answer is nested too deep, or is no list of them.
    """
    sound = mended_object(question, source)
    if not isinstance(sound.get("discussions"), list):
        raise BadListing(f"{question.hub} lists no discussions for {question}")
    heads = [
        DiscussionHead(
            number=whole(row, "num") or 0,
            title=text(row, "title") or "",
            author=text(child(row, "author"), "name") or "",
            status=text(row, "status") or "",
            is_pull=row.get("isPullRequest") is True,
        )
        for row in objects(sound, "discussions")
    ]
    return heads, whole(sound, "count") or len(heads)


def read_owner(question: Question, name: str, kind: OwnerKind, source: JsonObject) -> Owner:
    """A user's or an organization's overview.

    Raises:
        BadListing: the answer is nested too deep.
    """
    sound = mended_object(question, source)
    members = whole(sound, "numUsers") if kind is OwnerKind.ORGANIZATION else None
    return Owner(name=name, kind=kind, members=members, is_verified=sound.get("isVerified") is True)


def read_repo_id(row: JsonObject, kind: RepoKind) -> RepoId | None:
    """The repository that a row of a list names, or None where its name is not one of ours."""
    try:
        return RepoId.parse(text(row, "id") or "", kind)
    except Invalid:
        return None
