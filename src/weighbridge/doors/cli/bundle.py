"""``weighbridge bundle``: models in one file that crosses an air gap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from weighbridge.bridge.reporting import reporter_for
from weighbridge.domain.json_values import Json
from weighbridge.doors.cli.render import (
    AsJson,
    error_document,
    printable,
    show_error,
    show_json,
    show_note,
    show_table,
    size,
    worst_code_of,
)
from weighbridge.settings import load_settings

if TYPE_CHECKING:
    from weighbridge.bridge.bundling import Written
    from weighbridge.bridge.model_bundles import BroughtIn

bundle_app = App(name="bundle", help="Carry models across an air gap in one file.")
Config = Annotated[Path | None, Parameter(help="The model list; default: models.yaml.")]


@bundle_app.command(name="export", help="Write the models of a list into one file.")
def export(file: Path, *, config: Config = None, json: AsJson = False) -> None:
    """Write the lock of a model list and every file that it names into one file.

    Parameters
    ----------
    file
        The bundle to write; what stands there is replaced when the new one is whole.
    """
    from weighbridge.bridge.model_bundles import export_models

    settings = load_settings()
    reporter = reporter_for(silent=json)
    _show_written(export_models(settings, config or settings.model_list, file, reporter), as_json=json)


@bundle_app.command(name="import", help="Check a bundle and take in what it holds, or nothing.")
def import_(file: Path, *, config: Config = None, sha256: str = "", json: AsJson = False) -> int:
    """Check every byte of a bundle, take in what it holds, and pin it in the list's lock.

    Parameters
    ----------
    file
        The bundle.
    sha256
        What the whole file must have, as the export printed it.
    """
    from weighbridge.bridge.bundling import checked_sha256
    from weighbridge.bridge.model_bundles import import_models

    settings = load_settings()
    wanted = checked_sha256(sha256) if sha256 else ""
    reporter = reporter_for(silent=json)
    done = import_models(settings, file, config or settings.model_list, wanted, reporter)
    return _show_models(done, as_json=json)


def _show_written(done: Written, *, as_json: bool) -> None:
    if as_json:
        show_json(done.to_json())
        return
    print(printable(f"wrote {done.path}: {size(done.size_bytes)}, {', '.join(done.holds)}"))
    print(f"sha256:{done.sha256}")
    if done.keyid:
        print(f"signed by {done.keyid}")


def _show_models(done: BroughtIn, *, as_json: bool) -> int:
    if as_json:
        models: list[Json] = [
            {
                "id": line.id,
                "change": line.change,
                "commit": line.commit or None,
                "was": line.was or None,
                **({"error": error_document(line.error)} if line.error else {}),
            }
            for line in done.models
        ]
        show_json({"lock": str(done.lock_path), "models": models, "unasked": list(done.unasked)})
    else:
        rows = [(line.id, line.change, line.commit[:12], line.was[:12]) for line in done.models]
        show_table(("MODEL", "CHANGE", "COMMIT", "WAS"), rows)
    for id in done.unasked:
        show_note("is in the bundle, but not in the list", about=id)
    errors = [(line.id, line.error) for line in done.models if line.error]
    for id, error in errors:
        show_error(error, about=id)
    return worst_code_of(error for _, error in errors)
