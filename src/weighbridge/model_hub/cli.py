"""The command ``python -m weighbridge.model_hub``: models of an application, fetched before it starts.

Exit codes and output are those of every ``weighbridge`` command.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from weighbridge.domain.json_values import JsonObject
from weighbridge.doors.cli.render import exit_code_of, show_error, show_json, show_note, size
from weighbridge.errors import WeighbridgeError
from weighbridge.model_hub import HeldModel, clear_cache, fetch_model, upgrade_models, verify_cache


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code."""
    asked = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = asked.run
    try:
        return run(asked)
    except WeighbridgeError as error:
        show_error(error, as_json=asked.json)
        return exit_code_of(error)
    except KeyboardInterrupt:
        show_note("interrupted; what was fetched so far is kept")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m weighbridge.model_hub",
        description="Models of an application in $HF_HOME/SUBDIR: pinned, checked, downloaded once.",
        epilog="Exit codes: 0 done, 2 usage, 3 rejected, 4 not found, 5 conflict, 6 unreachable, "
        "7 integrity, 8 denied, 130 interrupted.",
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(metavar="COMMAND", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--cache-subdir", metavar="SUBDIR", default="models", help="default: %(default)s")
    shared.add_argument("--json", action="store_true", help="print one JSON document")
    at = argparse.ArgumentParser(add_help=False)
    at.add_argument("--revision", help="branch, tag or commit; default: main, pinned at first use")

    download = verbs.add_parser("download", parents=[shared, at], help="fetch files unless they are held")
    download.add_argument("repo", metavar="REPO", help="org/name")
    download.add_argument("files", metavar="FILE", nargs="+", help="a file, or a folder as name/")
    download.set_defaults(run=_download)
    upgrade = verbs.add_parser("upgrade", parents=[shared, at], help="move what is held to what is there now")
    upgrade.add_argument("repo", metavar="REPO", help="org/name")
    upgrade.set_defaults(run=_upgrade)
    verify = verbs.add_parser("verify", parents=[shared], help="read every byte of what is held")
    verify.set_defaults(run=_verify)
    clear = verbs.add_parser("clear", parents=[shared], help="remove what is held, pins too")
    clear.set_defaults(run=_clear)
    return parser


def _download(asked: argparse.Namespace) -> int:
    held = [
        fetch_model(asked.repo, name, asked.cache_subdir, revision=asked.revision) for name in asked.files
    ]
    if asked.json:
        show_json({"models": list(map(_document, held))})
    else:
        sys.stdout.writelines(f"{each.path}\n" for each in held)
    return 0


def _upgrade(asked: argparse.Namespace) -> int:
    commit = upgrade_models(asked.repo, asked.cache_subdir, revision=asked.revision)
    if asked.json:
        show_json({"repo": asked.repo, "commit": commit})
    else:
        sys.stdout.write(f"{asked.repo} is at {commit}\n")
    return 0


def _verify(asked: argparse.Namespace) -> int:
    count = verify_cache(asked.cache_subdir)
    if asked.json:
        show_json({"files": count})
    else:
        sys.stdout.write(f"{count} files are as they were pinned\n")
    return 0


def _clear(asked: argparse.Namespace) -> int:
    removed = clear_cache(asked.cache_subdir)
    if asked.json:
        show_json({"removed_bytes": removed})
    else:
        sys.stdout.write(f"removed {size(removed)} of models\n")
    return 0


def _document(held: HeldModel) -> JsonObject:
    return {
        "path": str(held.path),
        "repo": held.repo_id,
        "revision": held.revision,
        "commit": held.commit,
        "fetched_bytes": held.fetched_bytes,
        "files": [entry.to_json() for entry in held.files],
    }
