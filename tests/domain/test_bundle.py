"""The format of bundles: what an index may say, and the one header that each member has."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weighbridge.domain.bundle import (
    INDEX_LIMIT_BYTES,
    Index,
    Member,
    Packed,
    blob_name,
    header,
    index_in,
    index_name,
    is_like_a_bundle,
    padded,
)
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.lock import Lock, LockEntry
from weighbridge.domain.manifest import MAX_FILE_BYTES, FileEntry, Manifest, digests_of, git_sha1, sha256
from weighbridge.domain.package import Version
from weighbridge.domain.ref import RepoId

COMMIT = "c" * 40


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def entry(path: str, content: bytes) -> FileEntry:
    return FileEntry(path=path, size_bytes=len(content), digests=digests_of(content))


def blob(content: bytes) -> Member:
    return Member(name=blob_name(sha(content)), size_bytes=len(content), sha256=sha(content))


def lock_of(*files: FileEntry) -> Lock:
    manifest = Manifest(repo=RepoId.parse("org/a"), commit=COMMIT, files=files)
    return Lock(entries={"a": LockEntry(revision="main", patterns=(), license="mit", manifest=manifest)})


def models() -> Index:
    files = entry("config.json", b"{}"), entry("copy.json", b"{}"), entry("w.bin", b"weights")
    return Index(members=(blob(b"{}"), blob(b"weights")), lock=lock_of(*files), made_by="test")


def package(**more: Any) -> Packed:
    papers = {"attestation": sha(b"a"), "evidence": sha(b"e"), "verdict": sha(b"v")}
    manifest = Manifest(repo=RepoId.parse("org/a"), commit=COMMIT, files=(entry("w.bin", b"weights"),))
    given: dict[str, Any] = {
        "manifest": manifest,
        "version": Version("1.0.0"),
        "papers": papers,
        "created_at": "2026-01-02T03:04:05Z",
        **more,
    }
    return Packed(**given)


def packages(*packed: Packed) -> Index:
    papers = [
        Member(name=f"papers/1/{name}.json", size_bytes=1, sha256=sha(name[:1].encode()))
        for name in ("attestation", "evidence", "verdict")
    ]
    return Index(members=(*papers, blob(b"weights")), packages=packed or (package(),), key_pem="a key")


@pytest.mark.parametrize("index", [models(), packages()], ids=["models", "packages"])
def test_an_index_is_read_as_it_was_written(index: Index) -> None:
    assert Index.loads(index.dumps()) == index
    assert Index.loads(index.dumps()).dumps() == index.dumps()


@given(
    name=st.text("abcdefghijklmnopqrstuvwxyz0123456789/.-", min_size=1, max_size=100),
    size=st.integers(0, MAX_FILE_BYTES),
)
def test_every_header_is_one_that_tar_reads(name: str, size: int) -> None:
    block = header(name, size)
    assert len(block) == 512
    read = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    assert (read.name.rstrip("/"), read.size, read.mode, read.mtime) == (name.rstrip("/"), size, 0o644, 0)
    assert read.type == tarfile.REGTYPE or name.endswith("/")


@given(st.integers(0, INDEX_LIMIT_BYTES), st.binary(max_size=50))
def test_the_first_block_tells_size_and_digest_of_the_index(size: int, content: bytes) -> None:
    block = header(index_name(content), size)
    assert index_in(block) == (sha(content), size)
    assert is_like_a_bundle(block)


@given(st.integers(0, 511), st.integers(1, 255))
def test_a_changed_byte_in_the_first_block_is_seen_and_still_looks_like_a_bundle(at: int, by: int) -> None:
    block = bytearray(header(index_name(b"{}"), 2))
    block[at] ^= by
    try:
        # another sha256 in the name, with a checksum that no longer fits, is refused as well
        found = index_in(bytes(block))
    except Invalid:
        found = None
    assert found is None
    assert is_like_a_bundle(bytes(block))


def test_too_long_an_index_is_refused_before_it_is_read() -> None:
    with pytest.raises(Invalid, match="more than"):
        index_in(header(index_name(b""), INDEX_LIMIT_BYTES + 1))


@given(st.integers(0, 10_000_000))
def test_padding_reaches_the_next_block(size: int) -> None:
    assert padded(size) % 512 == 0
    assert 0 <= padded(size) - size < 512


def test_the_stated_length_is_that_of_the_archive() -> None:
    index = models()
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in (
            (index_name(index.dumps()), index.dumps()), (blob_name(sha(b"{}")), b"{}"),
            (blob_name(sha(b"weights")), b"weights"),
        ):  # fmt: skip
            told = tarfile.TarInfo(name)
            told.size = len(content)
            archive.addfile(told, io.BytesIO(content))
        length = archive.offset
    assert index.total_bytes == length + 1024


BIG = replace(blob(b"{}"), size_bytes=3)


@pytest.mark.parametrize(
    ("index", "why"),
    [
        (lambda: replace(models(), members=(blob(b"{}"),)), "w.bin' is no member"),
        (lambda: replace(models(), members=(*models().members, blob(b"more"))), "belongs to nothing"),
        (lambda: replace(models(), members=(*models().members, blob(b"{}"))), "stands twice"),
        (lambda: replace(models(), members=(BIG, blob(b"weights"))), "should be 2"),
        (lambda: replace(models(), lock=Lock(), members=()), "neither packages nor models"),
        (lambda: replace(packages(), lock=models().lock), "or both"),
        (lambda: replace(packages(), key_pem=""), "by which key"),
        (lambda: packages(package(), package(version=Version("1.0.0"))), "stands twice"),
        (lambda: package(papers={"verdict": sha(b"v")}), "without attestation, evidence"),
        (lambda: package(created_at="yesterday"), "is not YYYY"),
        (lambda: package(description="\ud800"), "not Unicode"),
        (lambda: package(description="x" * 100_001), "more than"),
        (lambda: replace(packages(), key_pem="\ud800"), "not Unicode"),
        (lambda: Member(name="blobs/../../x", size_bytes=1, sha256=sha(b"")), "no name that a bundle uses"),
        (lambda: Member(name="papers/1/../x", size_bytes=1, sha256=sha(b"")), "no name that a bundle uses"),
        (lambda: Member(name=blob_name(sha(b"a")), size_bytes=1, sha256=sha(b"")), "no name that a bundle"),
        (lambda: Member(name=blob_name(sha(b"")), size_bytes=-1, sha256=sha(b"")), "not a size in bytes"),
        (lambda: Member(name=blob_name(sha(b"")), size_bytes=1 << 60, sha256=sha(b"")), "not a size"),
        (lambda: Member(name=blob_name("A" * 64), size_bytes=1, sha256="A" * 64), "digest"),
    ],
)
def test_an_index_that_contradicts_itself_is_none(index: Any, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        index()


def test_a_paper_has_a_bound_and_a_file_of_a_model_has_not() -> None:
    huge = replace(packages().members[0], size_bytes=1 << 40)
    with pytest.raises(Invalid, match="more than"):
        replace(packages(), members=(huge, *packages().members[1:]))


def test_one_content_has_one_git_id() -> None:
    first = FileEntry(path="a", size_bytes=2, digests=(sha256(sha(b"{}")), git_sha1("1" * 40)))
    other = FileEntry(path="b", size_bytes=2, digests=(sha256(sha(b"{}")), git_sha1("2" * 40)))
    with pytest.raises(Invalid, match="contradicts another file"):
        Index(members=(blob(b"{}"),), lock=lock_of(first, other))


@pytest.mark.parametrize("change", [{"bundle_format": 2}, {"bundle_format": 0}])
def test_another_format_is_told_as_such(change: dict[str, Any]) -> None:
    spelled = {**json.loads(models().dumps()), **change}
    with pytest.raises(Invalid, match="is not 1") as caught:
        Index.loads(json.dumps(spelled).encode())
    assert "update this one" in caught.value.hint


@pytest.mark.parametrize(
    "spelled", [b"", b"[]", b"{}", b"nonsense", b"[" * 100_000, b'{"bundle_format":true}']
)
def test_what_is_no_index_is_invalid(spelled: bytes) -> None:
    with pytest.raises(Invalid):
        Index.loads(spelled)


@example("a key", "key", models())
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(("members", "packages", "lock", "key", "made_by")),
    st.sampled_from((models(), packages())),
)
def test_whatever_stands_in_a_field_the_index_is_read_or_invalid(value: Any, name: str, of: Index) -> None:
    spelled = {**json.loads(of.dumps()), name: value}
    try:
        read = Index.loads(json.dumps(spelled).encode())
    except Invalid:
        return
    assert Index.loads(read.dumps()) == read
