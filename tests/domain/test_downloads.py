"""Which file of a repository counts its downloads."""

from __future__ import annotations

import pytest

from weighbridge.domain.downloads import counted_file
from weighbridge.domain.manifest import FileEntry, Manifest, digests_of
from weighbridge.domain.ref import RepoId


@pytest.mark.parametrize(
    ("files", "counted"),
    [
        ({"config.json": b"{}", "params.json": b"{}", "w.bin": b"123"}, "config.json"),
        ({"sub/config.json": b"{}", "w.bin": b"123", ".gitattributes": b""}, "w.bin"),
        ({"params.json": b"", "w.bin": b"1"}, "params.json"),
        ({"a.csv": b"1", "b.csv": b"1"}, "b.csv"),
        ({}, None),
    ],
)
def test_the_file_that_whoever_loads_it_reads_once(files: dict[str, bytes], counted: str | None) -> None:
    entries = tuple(
        FileEntry(path=path, size_bytes=len(content), digests=digests_of(content))
        for path, content in files.items()
    )
    assert counted_file(Manifest(repo=RepoId.parse("a/b"), commit="0" * 40, files=entries)) == counted
