"""The commands of a model list: init, lock, sync, verify, list, clean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from cyclopts import Parameter

from weighbridge.bridge.model_results import Checked, Cleaned, Failure, Listed, Moved, Synced
from weighbridge.bridge.models import open_models
from weighbridge.bridge.reporting import reporter_for
from weighbridge.domain.json_values import Json
from weighbridge.doors.cli.lock_lines import difference, locked_document, show_difference, show_locked
from weighbridge.doors.cli.render import (
    AsJson,
    error_document,
    show_error,
    show_json,
    show_note,
    show_table,
    size,
    worst_code_of,
)
from weighbridge.errors import Conflict
from weighbridge.settings import Settings, load_settings

Config: TypeAlias = Annotated[
    Path | None,
    Parameter(help="The model list; models.yaml, or models.minimal.yaml where CI_MINIMAL_MODELS is set."),
]
Ids: TypeAlias = Annotated[str, Parameter(help="Models of the list; all of them if none is named.")]
ChosenLayout: TypeAlias = Annotated[
    Literal["dir", "hf-cache"] | None,
    Parameter(name="--layout", help="Plain folders, or the Hugging Face cache; default: the list's."),
]
Level: TypeAlias = Literal["none", "size", "sha256"]


def init(*, config: Config = None, json: AsJson = False) -> None:
    """Write an example model list."""
    settings = load_settings()
    path = _path(settings, config)
    open_models(settings).init(path)
    if json:
        show_json({"path": str(path)})
    else:
        print(f"wrote {path}; next: weighbridge lock")


def lock(
    *,
    upgrade: Annotated[
        list[str] | None, Parameter(help="Move this model to what its revision means now; repeatable.")
    ] = None,
    check: Annotated[
        bool, Parameter(negative="", help="Write nothing; tell what has moved upstream (exit code 5).")
    ] = False,
    config: Config = None,
    json: AsJson = False,
) -> int:
    """Pin every model of the list."""
    settings = load_settings()
    models = open_models(settings)
    listed = models.read(_path(settings, config))
    if check:
        return _show_moved(models.moved(listed), as_json=json)
    done = models.lock(listed, upgrade=upgrade or (), reporter=reporter_for(silent=json))
    if json:
        lines = [{**locked_document(line), **_failed(line.error)} for line in done]
        show_json({"lock": str(listed.lock_path), "models": lines})
    else:
        show_locked(done)
    for line in done:
        if line.advice:
            show_note(line.advice, about=line.id)
    return _failures((line.id, line.error) for line in done)


def sync(
    *ids: Ids,
    frozen: Annotated[
        bool, Parameter(negative="", help="Refuse (exit code 5) where the lock does not answer the list.")
    ] = False,
    offline: Annotated[bool, Parameter(negative="", help="Make no request at all.")] = False,
    layout: ChosenLayout = None,
    copy: Annotated[
        bool, Parameter(negative="", help="Lay out writable copies, for those who will edit them.")
    ] = False,
    config: Config = None,
    json: AsJson = False,
) -> int:
    """Fetch, verify and lay out."""
    settings = load_settings()
    models = open_models(settings, offline=offline)
    listed = models.read(_path(settings, config))
    done = models.sync(
        listed, ids, frozen=frozen, layout=layout, editable=copy, reporter=reporter_for(silent=json)
    )
    if json:
        show_json({"models": [_synced(line) for line in done]})
    else:
        rows = [(line.id, _deed(line), line.commit[:12], str(line.folder)) for line in done]
        show_table(("MODEL", "RESULT", "COMMIT", "FOLDER"), rows)
    for line in done:
        if line.moved_from:
            show_note(f"the cache's branch or tag led to {line.moved_from[:12]} before", about=line.id)
    return _failures((line.id, line.error) for line in done)


def verify(
    *ids: Ids,
    level: Annotated[
        Level | None, Parameter(help="none (files are there), size, or sha256; default: the list's.")
    ] = None,
    layout: ChosenLayout = None,
    config: Config = None,
    json: AsJson = False,
) -> int:
    """Compare the laid out files with the lock."""
    settings = load_settings()
    models = open_models(settings)
    listed = models.read(_path(settings, config))
    done = models.verify(listed, ids, level=level, layout=layout)
    if json:
        show_json({"level": level or listed.verify, "models": [_checked(line) for line in done]})
    else:
        rows = [(line.id, _finding(line), str(line.files), size(line.size_bytes)) for line in done]
        show_table(("MODEL", "RESULT", "FILES", "SIZE"), rows)
    for line in done:
        for path in line.unlisted:
            show_note(f"'{line.folder / path}' is not in the lock", about=line.id)
    return _failures((line.id, fault) for line in done for fault in line.faults)


def list_models(*ids: Ids, layout: ChosenLayout = None, config: Config = None, json: AsJson = False) -> int:
    """Show every model of the list and its state."""
    settings = load_settings()
    models = open_models(settings)
    found = models.list(models.read(_path(settings, config)), ids, layout=layout)
    if json:
        show_json({"models": [_listed(line) for line in found]})
    else:
        columns = ("MODEL", "STATE", "REPOSITORY", "REVISION", "COMMIT", "SIZE", "LICENCE")
        show_table(columns, [_row(line) for line in found])
    return 0


def clean(
    *ids: Ids,
    dry_run: Annotated[bool, Parameter(negative="", help="Remove nothing; tell what would be.")] = False,
    layout: ChosenLayout = None,
    config: Config = None,
    json: AsJson = False,
) -> int:
    """Remove laid out models."""
    settings = load_settings()
    models = open_models(settings)
    listed, reporter = models.read(_path(settings, config)), reporter_for(silent=json)
    done = models.clean(listed, ids, dry_run=dry_run, layout=layout, reporter=reporter)
    if json:
        show_json(
            {
                "dry_run": dry_run,
                "models": [_cleaned(line) for line in done.models],
                "unfinished_bytes": done.unfinished_bytes,
                "stored_files_stay": done.stored_stay or None,
            }
        )
    else:
        rows = [
            (line.id, size(line.removed_bytes), size(line.stored_bytes), str(line.folder))
            for line in done.models
            if not line.error
        ]
        show_table(("MODEL", "WOULD REMOVE" if dry_run else "REMOVED", "FROM THE STORE", "FOLDER"), rows)
        if done.unfinished_bytes:
            show_note(
                f"{size(done.unfinished_bytes)} of interrupted runs {'would go' if dry_run else 'went'}"
            )
        if done.stored_stay:
            show_note(f"stored files stay: {done.stored_stay}")
    for line in done.models:
        if line.kept:
            show_note(f"'{line.folder}' stays for {line.kept}", about=line.id)
    return _failures((line.id, line.error) for line in done.models)


def _path(settings: Settings, config: Path | None) -> Path:
    return config or settings.model_list


def _failures(found: Iterable[tuple[str, Failure | None]]) -> int:
    """Every error on stderr, and the exit code of the worst."""
    errors = [(id, error) for id, error in found if error is not None]
    for id, error in errors:
        show_error(error, about=id)
    return worst_code_of(error for _, error in errors)


def _failed(error: Failure | None) -> dict[str, Json]:
    return {"error": error_document(error)} if error else {}


def _show_moved(done: Sequence[Moved], *, as_json: bool) -> int:
    moved = [line for line in done if line.has_moved]
    if as_json:
        show_json({"models": [_moved(line) for line in done]})
    else:
        rows = [(line.id, line.revision, line.commit[:12], line.now[:12] or "?") for line in done]
        show_table(("MODEL", "REVISION", "LOCKED", "UPSTREAM"), rows)
        for line in moved:
            show_difference(line.id, line.before, line.after)
    errors: list[tuple[str, Failure | None]] = [(line.id, line.error) for line in done]
    hint = "'weighbridge lock --upgrade ID' moves the lock"
    errors += [(line.id, Conflict(f"{line.revision} has moved upstream", hint=hint)) for line in moved]
    return _failures(errors)


def _deed(line: Synced) -> str:
    if line.error:
        return "failed"
    if line.state == "held":
        return "held"
    sources = {"fetched": line.fetched_bytes, "adopted": line.adopted_bytes}
    got = ", ".join(f"{what} {size(count)}" for what, count in sources.items() if count) or "from the store"
    return f"repaired, {got}" if line.state in ("tampered", "partial") else got


def _finding(line: Checked) -> str:
    if line.faults:
        return "wrong" if len(line.faults) == 1 else f"{len(line.faults)} faults"
    return f"right, {len(line.unlisted)} unlisted" if line.unlisted else "right"


def _row(line: Listed) -> Sequence[str]:
    spec, entry = line.spec, line.entry
    return (
        spec.id,
        line.state,
        spec.ref.repo.full_name,
        spec.ref.revision[:16],
        entry.manifest.commit[:12] if entry else "not locked",
        size(entry.manifest.total_bytes) if entry else "-",
        (entry.license if entry else None) or "-",
    )


def _moved(line: Moved) -> dict[str, Json]:
    return {
        "id": line.id,
        "revision": line.revision,
        "commit": line.commit,
        "upstream": line.now or None,
        "moved": line.has_moved,
        **difference(line.before, line.after),
        **_failed(line.error),
    }


def _synced(line: Synced) -> dict[str, Json]:
    return {
        "id": line.id,
        "folder": str(line.folder),
        "commit": line.commit or None,
        "found": line.state or None,
        "fetched_bytes": line.fetched_bytes,
        "adopted_bytes": line.adopted_bytes,
        "moved_from": line.moved_from or None,
        **_failed(line.error),
    }


def _checked(line: Checked) -> dict[str, Json]:
    return {
        "id": line.id,
        "folder": str(line.folder),
        "files": line.files,
        "size_bytes": line.size_bytes,
        "unlisted": list(line.unlisted),
        "errors": [error_document(fault) for fault in line.faults],
    }


def _listed(line: Listed) -> dict[str, Json]:
    spec, entry = line.spec, line.entry
    return {
        "id": spec.id,
        "kind": spec.ref.repo.kind.value,
        "repo": spec.ref.repo.full_name,
        "revision": spec.ref.revision,
        "commit": entry.manifest.commit if entry else None,
        "size_bytes": entry.manifest.total_bytes if entry else None,
        "license": entry.license if entry else None,
        "state": line.state,
        "folder": str(line.folder),
    }


def _cleaned(line: Cleaned) -> dict[str, Json]:
    return {
        "id": line.id,
        "folder": str(line.folder),
        "removed_bytes": line.removed_bytes,
        "stored_bytes": line.stored_bytes,
        "kept_for": line.kept or None,
        **_failed(line.error),
    }
