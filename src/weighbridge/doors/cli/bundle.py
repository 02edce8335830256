"""``weighbridge bundle``: models in one file that crosses an air gap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from weighbridge.bridge.reporting import reporter_for
from weighbridge.domain.access import LOCAL
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
from weighbridge.doors.cli.verdicts import show_lines, verdict_lines, width
from weighbridge.errors import BadInput, NotFound
from weighbridge.settings import Settings, load_settings

if TYPE_CHECKING:
    from weighbridge.bridge import Bridge
    from weighbridge.bridge.bundles import Imported
    from weighbridge.bridge.bundling import Written
    from weighbridge.bridge.model_bundles import BroughtIn

_KEY_LIMIT_BYTES = 10_000
bundle_app = App(name="bundle", help="Carry models across an air gap in one file.")


@bundle_app.command(name="export", help="Write packages, or the models of a list, into one file.")
def export(*what: str, config: Path | None = None, json: AsJson = False) -> None:
    """Write packages, or the models of a list, into one file: PACKAGE... FILE, or FILE.

    Without packages the lock of the model list is taken, and every file that it names.

    Parameters
    ----------
    what
        The packages, as org/name@1.0.0 or org/name for the newest, and then the bundle to write; what
        stands there is replaced when the new one is whole.
    config
        The model list; default: models.yaml.
    """
    from weighbridge.bridge.model_bundles import export_models

    settings, reporter = load_settings(), reporter_for(silent=json, doing="writing")
    if not what:
        raise BadInput("no file given", hint="weighbridge bundle export models.bundle")
    *names, place = what
    if names and config is not None:
        raise BadInput("a bundle holds packages or the models of a list, not both")
    if not names:
        done = export_models(settings, config or settings.model_list, Path(place), reporter)
    else:
        with _opened(settings) as bridge:
            done = bridge.bundles.write(LOCAL, names, Path(place), reporter)
    _show_written(done, as_json=json)


@bundle_app.command(name="import", help="Check a bundle and take in what it holds, or nothing.")
def import_(
    file: Path,
    *,
    sha256: str | None = None,
    key: Path | None = None,
    config: Path | None = None,
    json: AsJson = False,
) -> int:
    """Check every byte of a bundle; judge its packages and list them, or pin its models in the lock.

    Exit code 3: a package was refused by this registry; 7: the bundle is not what was signed or written.

    Parameters
    ----------
    file
        The bundle.
    sha256
        What the whole file must have, as the export printed it.
    key
        The public key (PEM) of the registry that must have signed the packages.
    config
        The model list whose lock takes the models; default: models.yaml.
    """
    from weighbridge.bridge.bundling import checked_sha256, holds_packages
    from weighbridge.bridge.model_bundles import import_models

    settings, reporter = load_settings(), reporter_for(silent=json, doing="reading")
    wanted = checked_sha256(sha256) if sha256 is not None else ""
    if not holds_packages(file):
        if key is not None:
            raise BadInput(f"'{file}' holds models of a list; nobody signs those", hint="give its --sha256")
        models = import_models(settings, file, config or settings.model_list, wanted, reporter)
        return _show_models(models, as_json=json)
    if config is not None:
        raise BadInput(f"'{file}' holds packages of a registry", hint="import it without --config")
    signer = _read(key) if key is not None else None
    with _opened(settings) as bridge:
        done = bridge.bundles.read(LOCAL, file, reporter, wanted_sha256=wanted, key=signer)
    return _show_packages(done, as_json=json)


def _opened(settings: Settings) -> Bridge:
    from weighbridge.bridge import open_bridge

    return open_bridge(settings)


def _read(key: Path) -> bytes:
    try:
        with key.open("rb") as opened:
            return opened.read(_KEY_LIMIT_BYTES)
    except OSError as error:
        raise NotFound(f"'{key}' cannot be read: {error.strerror}") from error


def _show_packages(done: Imported, *, as_json: bool) -> int:
    refused = [one for one in done.packages if one.fate == "refused"]
    if as_json:
        packages = [one.to_json() for one in done.packages]
        show_json({"keyid": done.keyid, "key_given": done.is_known, "packages": packages})
        return 3 if refused else 0
    for one in done.packages:
        print(printable(f"{one.fate} {one.name}@{one.version}"))
        if one.verdict is not None:
            show_lines(verdict_lines(one.verdict, width()))
    for one in done.packages:
        if one.follows is False:
            what = "the other registry's verdict does not come out again of its own evidence"
            show_note(what, about=f"{one.name}@{one.version}")
    if not done.is_known:
        show_note(f"signed by {done.keyid}, which nothing vouches for: give the registry's key as --key")
    return 3 if refused else 0


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
