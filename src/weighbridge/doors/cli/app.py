"""The command ``weighbridge``: which commands there are, and how each one ends.

Every command is named here by its import path and loaded only when it is asked for, so that
``weighbridge verify`` does not pay for the web framework. A command is a plain function that
takes typed options, makes one call into the bridge and prints; it raises our errors and gives
back an exit code where that is not 0.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Group, Parameter, UnknownCommandError

from weighbridge import __version__
from weighbridge.doors.cli.ending import run_to_the_end
from weighbridge.doors.cli.render import show_unknown_command, show_usage_error

app = App(
    name="weighbridge",
    version=f"weighbridge {__version__}",
    help="Find, pin, fetch, verify, weigh and serve models.",
    help_format="plaintext",
    help_epilogue="Exit codes: 0 done, 2 usage, 3 rejected, 4 not found, 5 conflict, 6 unreachable, "
    "7 integrity, 8 denied, 130 interrupted.",
    # An option takes one value each time it is given, and none has a second spelling.
    default_parameter=Parameter(consume_multiple=False, negative=()),
    print_error=False,
    exit_on_error=False,
    result_action="return_value",
    suppress_keyboard_interrupt=False,  # it would wait for threads that hang in a read
)

COMMANDS: tuple[tuple[str, str, str, str], ...] = (
    ("Models", "init", "models:init", "Write an example model list (models.yaml)."),
    (
        "Models",
        "lock",
        "models:lock",
        "Pin every model of the list to a commit and its digests (models.lock).",
    ),
    ("Models", "sync", "models:sync", "Fetch what the lock names, verify it, and lay it out."),
    ("Models", "verify", "models:verify", "Compare the laid out files with the lock."),
    ("Models", "list", "models:list_models", "Show every model of the list and its state."),
    ("Models", "check", "check:check", "The start-up checklist of an application, from its environment."),
    ("Models", "clean", "models:clean", "Remove laid out models and what was left unfinished."),
    ("Models", "publish", "publish:publish", "Put a model on a Hub, with a model card, in one commit."),
    ("Models", "bundle", "bundle:bundle_app", "Carry models across an air gap in one file."),
    ("Registry", "ingest", "ingest:ingest", "Weigh a model and list it, or refuse it with reasons."),
    ("Registry", "package", "packages:package_app", "List, search and delete packages, and their versions."),
    ("Registry", "refusal", "refusals:refusal_app", "List what was not admitted, and show why."),
    ("Registry", "job", "jobs:job_app", "List, follow, cancel and retry what was asked for."),
    ("Registry", "scan", "ingest:scan", "The safety verdict of a file, folder or repository, file by file."),
    ("Registry", "score", "score:score", "The metrics of a repository or folder, with their reasons."),
    ("Registry", "case", "score:case", "All that a package or refusal was judged by, to judge it again."),
    ("Registry", "info", "info:info", "What a model is, needs and claims, and what the gate would say."),
    ("Registry", "papers", "papers:papers", "What a package carries: licence, bill of materials, and more."),
    ("Registry", "attest", "papers:attest", "Sign what the gate found of a package."),
    ("Registry", "attestation-key", "papers:attestation_key", "Print the public key of this registry."),
    (
        "Registry",
        "verify-attestation",
        "papers:verify_attestation",
        "Check an attestation, and that a folder holds what was attested.",
    ),
    ("Registry", "evidence", "evidence:evidence_app", "Attach results that you measured, and list them."),
    ("Registry", "rescan", "upkeep:rescan", "Scan again what is served, and withdraw what is not safe."),
    ("Registry", "withdraw", "upkeep:withdraw", "Take a package out of service, with a reason."),
    ("Registry", "audit", "audit:audit", "Show who changed and downloaded what."),
    ("Registry", "gc", "operating:gc", "Remove stored contents that nothing names any more."),
    ("Registry", "backup", "operating:backup", "Write the whole registry into one file."),
    ("Registry", "restore", "operating:restore", "Make an empty registry what a back-up holds."),
    ("Registry", "user", "people:user_app", "Add, list and disable accounts."),
    ("Registry", "org", "organizations:org_app", "Make organizations and name their members."),
    ("Registry", "quota", "quotas:quota", "Show what namespaces use, and say what they may use."),
    ("Registry", "token", "people:token_app", "Create, list and revoke access tokens."),
    ("Hubs", "search", "search:search", "Find models: on the Hub, or among what is known without it."),
    ("Hubs", "catalog", "search:catalog_app", "Learn the Hub's list of models, for searches without it."),
    ("Hubs", "login", "login:login", "Keep a token for a Hub."),
    ("Hubs", "logout", "login:logout", "Forget the token of a Hub."),
    ("Hubs", "whoami", "login:whoami", "Whom the Hub takes you for."),
    ("Hubs", "repo", "repo_names:repo_app", "Make, change, list and delete repositories of a Hub."),
    ("Servers", "serve", "serve:serve", "Serve the registry: REST, and a Hub for Hugging Face clients."),
    ("Servers", "worker", "serve:worker", "Work on jobs beside servers and other workers."),
    ("Servers", "hub", "hub:hub", "Serve a folder of models as a Hub."),
    ("Servers", "demo", "demo:demo", "Weigh, store, serve and fetch back two models on this machine."),
)
"""Group, command, where it is below this package, and its line in the help."""

_GROUPS = {
    name: Group(name, sort_key=order) for order, name in enumerate(("Models", "Hubs", "Registry", "Servers"))
}
for _order, (_group, _name, _where, _line) in enumerate(COMMANDS):
    app.command(
        f"weighbridge.doors.cli.{_where}",
        name=_name,
        help=_line,
        group=_GROUPS[_group],
        sort_key=_order,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    try:
        run_to_the_end(lambda: app(tokens), as_json="--json" in tokens)
    except UnknownCommandError as error:
        show_unknown_command(error, tokens, [name for _, name, _, _ in COMMANDS])
    except CycloptsError as error:
        show_usage_error(error)
    sys.exit(2)
