"""Scans one file, or a whole tree of them, into a report."""

from __future__ import annotations

import stat
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from pathlib import Path

from weighbridge.domain.scan import FileScan, Finding, ScanReport, ScanState
from weighbridge.ports import Scanner
from weighbridge.scanners.content import FORMATS_BY_ENDING, check_content, ending_of
from weighbridge.scanners.notes import CRASH, UNSUPPORTED, Notes, shown, state_of
from weighbridge.scanners.paths import INDEX_ENDINGS, scan_index, scan_names
from weighbridge.scanners.raw_numbers import vouched
from weighbridge.scanners.sandbox import Sandbox
from weighbridge.scanners.sniff import HEAD_BYTES, PACKINGS, kind_of
from weighbridge.scanners.table import HIDDEN, RULES, SCANNERS, scanners


def scan_file(path: str, file: Path, sha256: str, table: Mapping[str, Scanner] | None = None) -> FileScan:
    """What every scanner of ``table`` (default: all) that takes the file says of it.

    ``path`` is its name in the repository, ``file`` where its bytes are. Never raises: a scanner's crash
    is state ``error``, a file that no scanner takes is ``unsupported``, and both are at least ``review``.
    """
    notes, kind = Notes(path), "unknown"
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            notes.block("path.special", "is not a regular file")
            return _file_scan(path, sha256, kind, notes)
        with file.open("rb") as source:
            head = source.read(HEAD_BYTES)
        kind = kind_of(head)
        notes.take(check_content(path, file, status.st_size, kind))
        taken = {name: s for name, s in (table or SCANNERS).items() if s.takes(path, head)}
        if not taken.keys() - {HIDDEN}:
            notes.review(
                UNSUPPORTED, f"no scanner for {_format(path, kind)} yet", subject=_format(path, kind)
            )
        for scanner in taken.values():
            notes.take(tuple(scanner.scan(path, file)))
    except Exception as error:
        notes.review(CRASH, f"the scan failed: {type(error).__name__}: {shown(str(error))}")
    return _file_scan(path, sha256, _format(path, kind), notes)


def scan_tree(
    files: Sequence[tuple[str, Path, str]],
    cache: MutableMapping[str, FileScan] | None = None,
    *,
    keep: bool = True,
) -> ScanReport:
    """The report on a tree, given as (path in the repository, file on disk, sha256), in its order.

    ``cache`` keeps what was found under rule set, content and name; a scan that failed is not kept.
    Without ``keep`` it is only read: a file that somebody may change while it is scanned must not
    speak for a sha256 that was computed before.
    """
    named = scan_names(path for path, _, _ in files)
    paths = frozenset(path for path, _, _ in files)
    scanned: list[FileScan] = []
    with Sandbox() as sandbox:
        table = scanners(sandbox)
        for path, file, sha256 in files:
            found = _cached(path, file, sha256, table, cache, keep=keep)
            extra = (*named.get(path, ()), *_index_findings(path, file, paths))
            scanned.append(replace(found, findings=(*extra, *found.findings)) if extra else found)
    scans, places = {found.path: found for found in scanned}, {path: file for path, file, _ in files}
    return ScanReport(rules=RULES, files=tuple(vouched(found, scans, places) for found in scanned))


def _cached(
    path: str,
    file: Path,
    sha256: str,
    table: Mapping[str, Scanner],
    cache: MutableMapping[str, FileScan] | None,
    *,
    keep: bool,
) -> FileScan:
    if cache is None or not sha256:
        return scan_file(path, file, sha256, table)
    # Rules look at a file's own name, never at its folder.
    key = f"{RULES}:{sha256}:{path.rpartition('/')[2]}"
    kept = cache.get(key)
    if kept is not None:
        return replace(kept, path=path, findings=tuple(replace(f, path=path) for f in kept.findings))
    found = scan_file(path, file, sha256, table)
    if keep and found.state is not ScanState.ERROR:
        cache[key] = found
    return found


def _index_findings(path: str, file: Path, paths: frozenset[str]) -> tuple[Finding, ...]:
    if not path.endswith(INDEX_ENDINGS):
        return ()
    try:
        return scan_index(path, file, paths)
    except OSError as error:
        notes = Notes(path)
        notes.block("index.malformed", f"the shard index cannot be read: {shown(str(error))}")
        return notes.findings


def _file_scan(path: str, sha256: str, kind: str, notes: Notes) -> FileScan:
    findings = notes.findings
    return FileScan(path=path, sha256=sha256, format=kind, state=state_of(findings), findings=findings)


def _format(path: str, kind: str) -> str:
    if kind not in ("binary", "text", "hdf5", "zip", "tar", *PACKINGS):
        return kind
    return FORMATS_BY_ENDING.get(ending_of(path), kind)
