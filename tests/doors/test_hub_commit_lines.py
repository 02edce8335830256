"""The lines of a commit and the signatures of addresses, without a server."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.hosted import DeleteFile, DeleteFolder, LargeFile, SmallFile
from weighbridge.doors.hub.answers import TooLarge
from weighbridge.doors.hub.commits import (
    LINES_LIMIT,
    REGULAR_LIMIT_BYTES,
    Header,
    read_commit,
)
from weighbridge.doors.hub.signing import LIFETIME_S, Signer
from weighbridge.errors import BadInput, NotPermitted

OID = "ab" * 32
HEADER = {"key": "header", "value": {"summary": "First", "description": "why", "parentCommit": "1" * 40}}
ALL = [
    HEADER,
    {
        "key": "file",
        "value": {"path": "a.txt", "content": b64encode(b"one\n").decode(), "encoding": "base64"},
    },
    {"key": "file", "value": {"path": "\u00fc.txt", "content": "gr\u00fc\u00dfe", "encoding": "utf-8"}},
    {"key": "lfsFile", "value": {"path": "w.bin", "algo": "sha256", "oid": OID, "size": 3}},
    {"key": "lfsFile", "value": {"path": "copy.bin", "algo": "sha256", "oid": OID}},
    {"key": "deletedFile", "value": {"path": "old.txt"}},
    {"key": "deletedFolder", "value": {"path": "dir/"}},
]
READ = [
    Header(title="First", description="why", parent="1" * 40),
    SmallFile(path="a.txt", content=b"one\n"),
    SmallFile(path="\u00fc.txt", content="gr\u00fc\u00dfe".encode()),
    LargeFile(path="w.bin", sha256=OID, size_bytes=3),
    LargeFile(path="copy.bin", sha256=OID, size_bytes=None),
    DeleteFile(path="old.txt"),
    DeleteFolder(path="dir/"),
]


def spelled(lines: list[dict[str, Any]]) -> bytes:
    return b"\n".join(json.dumps(line).encode() for line in lines)


@given(st.lists(st.integers(0, len(spelled(ALL))), max_size=30), st.sampled_from([b"", b"\n", b"\r\n\n"]))
def test_every_way_to_cut_a_body_means_the_same(cuts: list[int], end: bytes) -> None:
    body = spelled(ALL) + end
    places = [0, *sorted(cuts), len(body)]
    pieces = [body[start:stop] for start, stop in pairwise(places)]
    assert list(read_commit(pieces)) == READ


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the commit has no header"),
        (b"\n\n", "the commit has no header"),
        (spelled(ALL[1:]), "the first line of a commit, and no other one, must be its header"),
        (spelled([HEADER, HEADER]), "the first line of a commit, and no other one, must be its header"),
        (spelled([HEADER]) + b"\n{", "line 2 of the commit is not JSON"),
        (b"[" * 100_000, "line 1 of the commit is not JSON"),
        (b"\xff\xfe\x00", "line 1 of the commit is not JSON"),
        (b"[]", "line 1 of the commit has the unknown key None"),
        (
            spelled([HEADER, {"key": "chmod", "value": {}}]),
            "line 2 of the commit has the unknown key 'chmod'",
        ),
        (spelled([HEADER, {"key": "deletedFile", "value": {}}]), "line 2 of the commit names no path"),
        (spelled([HEADER, {"key": "deletedFile", "value": None}]), "line 2 of the commit names no path"),
        (
            spelled([{"key": "header", "value": {"parentCommit": 7}}]),
            "line 1 of the commit: 'parentCommit' is not text",
        ),
    ],
)
def test_what_is_no_commit_is_refused_with_the_line(body: bytes, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        list(read_commit([body]))
    assert caught.value.message == message


@pytest.mark.parametrize(
    "value",
    [
        {"path": "a", "content": "!!!", "encoding": "base64"},
        {"path": "a", "content": "YQ=", "encoding": "base64"},
        {"path": "a", "content": "\ud800", "encoding": "utf-8"},
        {"path": "a", "content": "x", "encoding": "rot13"},
        {"path": "a", "content": None, "encoding": "base64"},
        {"path": "a"},
    ],
)
def test_a_content_that_cannot_be_decoded(value: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="line 2 of the commit: the content is n"):
        list(read_commit([spelled([HEADER, {"key": "file", "value": value}])]))


@pytest.mark.parametrize(
    "value",
    [
        {"path": "w", "algo": "md5", "oid": OID},
        {"path": "w", "algo": "sha256"},
        {"path": "w", "oid": 5},
        {"path": "w", "oid": OID, "size": "3"},
        {"path": "w", "oid": OID, "size": True},
        {"oid": OID},
    ],
)
def test_a_large_file_that_is_not_named_by_its_sha256(value: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="line 2 of the commit"):
        list(read_commit([spelled([HEADER, {"key": "lfsFile", "value": value}])]))


def test_a_line_without_end_is_not_held() -> None:
    taken = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1 << 20)
            yield b"x" * (1 << 20)

    with pytest.raises(TooLarge, match="by LFS"):
        list(read_commit(endless()))
    assert sum(taken) <= REGULAR_LIMIT_BYTES + (1 << 20)


def test_a_line_of_many_empty_objects() -> None:
    objects = b"{}," * 60_000
    body = spelled([HEADER]) + b'\n{"key":"file","value":[' + objects + objects + b"{}]}"
    with pytest.raises(BadInput, match="too many brackets"):
        list(read_commit([body]))


def test_a_commit_of_too_many_lines() -> None:
    line = b'{"key":"deletedFile","value":{"path":"a"}}\n'
    with pytest.raises(TooLarge, match="may change 100000 files"):
        list(read_commit([spelled([HEADER]), b"\n", line * LINES_LIMIT]))


FIELDS = {"size": "12", "by": "ann", "note": "a&b=c"}


def fields_of(address: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(address)
    return parts.path, dict(parse_qsl(parts.query))


def test_empty_lines_are_not_looked_at_for_ever() -> None:
    """Lines without a word count for nothing, so that nothing else would end them."""

    def endless() -> Iterator[bytes]:
        yield b'{"key":"header","value":{"summary":"x"}}\n'
        while True:
            yield b"\n" * (1 << 20)

    with pytest.raises(TooLarge, match="at most 400000 lines"):
        list(read_commit(endless()))


def test_a_signed_address_is_ours_until_it_expires() -> None:
    clock = [1000.0]
    signer = Signer(b"k" * 32, now=lambda: clock[0])
    path, fields = fields_of(signer.signed("/a/b.git/x", FIELDS))
    assert {name: fields[name] for name in FIELDS} == FIELDS
    signer.check(path, fields)
    clock[0] += LIFETIME_S
    signer.check(path, fields)
    clock[0] += 1
    with pytest.raises(NotPermitted, match="expired"):
        signer.check(path, fields)


@given(st.sampled_from([*FIELDS, "expires", "signature", "more"]), st.text(max_size=5))
def test_no_field_can_be_changed(name: str, value: str) -> None:
    signer = Signer(b"k" * 32)
    path, fields = fields_of(signer.signed("/a/b.git/x", FIELDS))
    if fields.get(name) != value:
        with pytest.raises(NotPermitted, match="not signed here"):
            signer.check(path, {**fields, name: value})


def test_another_path_another_key_and_no_signature() -> None:
    signer = Signer(b"k" * 32)
    path, fields = fields_of(signer.signed("/a/b.git/x", FIELDS))
    for other, where, sent in (
        (signer, "/a/c.git/x", fields),
        (Signer(b"j" * 32), path, fields),
        (signer, path, FIELDS),
        (signer, path, {}),
    ):
        with pytest.raises(NotPermitted, match="not signed here"):
            other.check(where, sent)
