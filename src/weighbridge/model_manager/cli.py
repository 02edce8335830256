"""The command ``python -m weighbridge.model_manager``: the flags of its document over the commands of a list.

Exit codes and output are those of ``weighbridge sync``, ``list``, ``verify`` and ``clean``.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from weighbridge.bridge.upstream import token_for
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json
from weighbridge.doors.cli import models as commands
from weighbridge.doors.cli.ending import run_to_the_end
from weighbridge.doors.cli.render import (
    error_document,
    exit_code_of,
    show_error,
    show_json,
    show_table,
    size,
    worst_code_of,
)
from weighbridge.errors import WeighbridgeError
from weighbridge.model_manager.ensuring import Outcome, made_ready, opened, read_config
from weighbridge.model_manager.errors import ModelManagerError
from weighbridge.settings import Settings, load_settings

FOLDER = Path("config") / "model_manager"
"""Where the default lists are, below the working folder."""
_LOG = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code."""
    asked = _parser().parse_args(arguments)
    if asked.verbose:
        _say_more()
    run_to_the_end(
        lambda: _run(asked, load_settings()),
        as_json=asked.json,
        code_of=lambda error: exit_code_of(_cause(error)),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m weighbridge.model_manager",
        description="Fetch, verify and keep the models of a list.",
        epilog="Exit codes: 0 done, 2 usage, 3 rejected, 4 not found, 5 conflict, 6 unreachable, "
        "7 integrity, 8 denied, 130 interrupted.",
        allow_abbrev=False,
    )
    default = f"{FOLDER.as_posix()}/models.yaml, or models.minimal.yaml where CI_MINIMAL_MODELS is set"
    parser.add_argument("--config", type=Path, metavar="FILE", help=f"the model list; default: {default}")
    parser.add_argument("--model", metavar="ID", help="only this model of the list")
    verbs = parser.add_mutually_exclusive_group()
    verbs.add_argument("--list", action="store_true", help="show every model and its state")
    verbs.add_argument("--verify-only", action="store_true", help="check what is there; download nothing")
    verbs.add_argument("--clean", action="store_true", help="remove the models of the list")
    verbs.add_argument("--clean-model", metavar="ID", help="remove this model")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("-v", "--verbose", action="store_true", help="say more, on stderr")
    return parser


def _run(asked: argparse.Namespace, settings: Settings) -> int:
    path = asked.config or FOLDER / ("models.minimal.yaml" if settings.minimal else "models.yaml")
    ids = [asked.model] if asked.model else []
    _LOG.debug("list %s, Hub %s, home %s", path, settings.upstream, settings.home)
    _LOG.debug("token for the Hub: %s", "given" if token_for(settings) else "none")
    if asked.list:
        return commands.list_models(*ids, config=path, layout="dir", json=asked.json)
    if asked.verify_only:
        return commands.verify(*ids, config=path, layout="dir", json=asked.json)
    if asked.clean_model or asked.clean:
        ids = [asked.clean_model] if asked.clean_model else ids
        return commands.clean(*ids, config=path, layout="dir", json=asked.json)
    models = opened()
    config = read_config(models, path)
    wanted = [config.spec(id) for id in ids] or list(config.models)
    outcomes = made_ready(models, wanted, config.cache_dir, config.verify)
    if asked.json:
        show_json({"models": [_document(each) for each in outcomes]})
    else:
        _show(outcomes)
    failures = [each.error for each in outcomes if each.error is not None]
    for failure in failures:
        show_error(failure)
    return worst_code_of(map(_cause, failures))


def _show(outcomes: Sequence[Outcome]) -> None:
    rows = []
    for each in outcomes:
        line = each.synced
        _LOG.debug("%s: was %s, %d bytes fetched", line.id, line.state or "not locked", line.fetched_bytes)
        fetched = f"fetched {size(line.fetched_bytes)}" if line.fetched_bytes else "from the store"
        said = "failed" if each.error else "held" if line.state == "held" else fetched
        rows.append((line.id, said, line.commit[:12], str(line.folder)))
    show_table(("MODEL", "RESULT", "COMMIT", "FOLDER"), rows)


def _document(each: Outcome) -> dict[str, Json]:
    """One model as ``weighbridge sync --json`` shows it; an error also names the one behind it."""
    line = each.synced
    document: dict[str, Json] = {
        "id": line.id,
        "folder": str(line.folder),
        "commit": line.commit or None,
        "found": line.state or None,
        "fetched_bytes": line.fetched_bytes,
    }
    if each.error is not None:
        cause = error_document(_cause(each.error))["code"]
        document["error"] = {**error_document(each.error), "cause": cause}
    return document


def _cause(error: Exception) -> Exception:
    """What an error of this door stands for: its cause decides on the exit code."""
    known = isinstance(error, ModelManagerError) and isinstance(error.__cause__, WeighbridgeError | Invalid)
    return error.__cause__ if known and isinstance(error.__cause__, Exception) else error


def _say_more() -> None:
    """Debug lines of ours, and of nobody else, on stderr."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(logging.Formatter("debug: %(message)s"))
    ours = logging.getLogger("weighbridge")
    ours.setLevel(logging.DEBUG)
    ours.addHandler(lines)
    ours.propagate = False
