"""What ``lock`` did, model by model: pins, files that came, went or changed, licences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from weighbridge.bridge.model_results import Locked
from weighbridge.domain.json_values import Json
from weighbridge.domain.lock import LockEntry
from weighbridge.domain.manifest import FileEntry
from weighbridge.doors.cli.render import printable, show_table, size

_SHOWN = 20
"""So many files are shown of each kind; ``--json`` has all."""


def show_locked(done: Sequence[Locked]) -> None:
    """A table of all models, then each change as one reads a diff."""
    rows = [(line.id, _change(line), line.commit[:12], _previous(line)) for line in done]
    show_table(("MODEL", "CHANGE", "COMMIT", "WAS"), rows)
    for line in done:
        if line.change == "changed":
            show_difference(line.id, line.before, line.after)


def show_difference(id: str, before: LockEntry | None, after: LockEntry | None) -> None:
    """What changes from one pin to another, as one reads a diff; nothing where one is not known."""
    if before and after:
        print()
        for row in changed_lines(id, before, after):
            print(printable(row))


def changed_lines(id: str, before: LockEntry, after: LockEntry) -> Iterator[str]:
    """The head (what was asked, old and new commit) and a line for each difference."""
    old, new = before.manifest, after.manifest
    yield f"{id}: {old.commit[:12]} -> {new.commit[:12]} ({after.revision})"
    for name, was, now in (
        ("repository", str(old.repo), str(new.repo)),
        ("revision", before.revision, after.revision),
        ("files", _patterns(before), _patterns(after)),
        ("licence", before.license or "none", after.license or "none"),
    ):
        if was != now:
            yield f"  {name}: {was} -> {now}"
    diff = old.diff(new)
    yield from _some([f"  - {file.path}  {size(file.size_bytes)}" for file in diff.removed])
    yield from _some([f"  + {file.path}  {size(file.size_bytes)}" for file in diff.added])
    yield from _some([f"  ~ {a.path}  {size(a.size_bytes)} -> {size(b.size_bytes)}" for a, b in diff.changed])
    if not diff:
        yield "  the same files"
    elif size(old.total_bytes) != size(new.total_bytes):
        yield f"  in all: {size(old.total_bytes)} -> {size(new.total_bytes)}"


def locked_document(line: Locked) -> dict[str, Json]:
    """One model as JSON; ``diff`` where the pin changed."""
    document: dict[str, Json] = {
        "id": line.id,
        "change": line.change,
        "commit": line.commit or None,
        "was": line.was or None,
        "advice": line.advice or None,
    }
    if line.change == "changed":
        document |= difference(line.before, line.after)
    return document


def difference(before: LockEntry | None, after: LockEntry | None) -> dict[str, Json]:
    """``{"diff": ...}``; empty where one of the pins is not known."""
    return {"diff": _diff_document(before, after)} if before and after else {}


def _diff_document(before: LockEntry, after: LockEntry) -> Json:
    diff = before.manifest.diff(after.manifest)
    return {
        "repo": _pair(str(before.manifest.repo), str(after.manifest.repo)),
        "revision": _pair(before.revision, after.revision),
        "license": _pair(before.license, after.license),
        "size_bytes": _pair(before.manifest.total_bytes, after.manifest.total_bytes),
        "removed": [_file(file) for file in diff.removed],
        "added": [_file(file) for file in diff.added],
        "changed": [{**_file(new), "was_size": old.size_bytes} for old, new in diff.changed],
    }


def _pair(was: Json, now: Json) -> Json:
    return {"was": was, "now": now}


def _file(file: FileEntry) -> dict[str, Json]:
    return {"path": file.path, "size": file.size_bytes}


def _some(lines: list[str]) -> Iterator[str]:
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN:
        yield f"    and {len(lines) - _SHOWN} more"


def _patterns(entry: LockEntry) -> str:
    return ", ".join(entry.patterns) or "all"


def _change(line: Locked) -> str:
    return "kept, not upgraded" if line.change == "kept" and line.error else line.change


def _previous(line: Locked) -> str:
    return line.was[:12] if line.was != line.commit else ""
