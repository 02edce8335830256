"""``weighbridge login``, ``logout`` and ``whoami``: tokens for Hubs, never on a command line."""

from __future__ import annotations

import sys
from getpass import getpass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from weighbridge.bridge.login import LoggedIn, log_in, log_out
from weighbridge.bridge.login import who as asked_who
from weighbridge.domain.endpoint import LONGEST_TOKEN, is_in_clear
from weighbridge.doors.cli.render import AsJson, printable, show_json, show_note
from weighbridge.errors import BadInput
from weighbridge.settings import load_settings

Endpoint = Annotated[str, Parameter(help="The Hub's address. Default: the upstream of the settings.")]


def login(
    *given: Annotated[str, Parameter(show=False)],
    token: Annotated[str, Parameter(show=False)] = "",
    endpoint: Endpoint = "",
    token_file: Path | None = None,
    stdin: Annotated[bool, Parameter(negative="", help="Read the token from standard input.")] = False,
    keyring: Annotated[
        bool, Parameter(negative="", help="Keep it in the keyring of the operating system.")
    ] = False,
    no_check: Annotated[
        bool, Parameter(negative="", help="Keep it without asking the Hub whether it counts.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Keep a token for a Hub; it is asked for, and shown to that Hub only.

    Parameters
    ----------
    token_file
        Read the token from this file.
    """
    if given or token:
        raise BadInput(
            "a token is never given on a command line: every process sees it, and the shell remembers it",
            hint="if that was one, revoke it on the Hub; 'weighbridge login' asks for it",
        )
    secret = _token(token_file, stdin)
    done = log_in(load_settings(), secret, endpoint=endpoint, in_keyring=keyring, check=not no_check)
    if is_in_clear(done.endpoint):
        show_note(f"{done.endpoint} is not https: whoever listens in between can read the token")
    if done.kept and done.used.source is not done.kept.source:
        show_note(f"the token of {done.used.place} goes first, and is the one that is used")
    if json:
        show_json(done.to_json())
        return
    name = f" as {done.identity.name}{_memberships(done)}" if done.identity else ", not checked"
    place = done.kept.place if done.kept else done.used.place
    print(printable(f"logged in to {done.endpoint}{name}; the token is in {place}"), file=sys.stderr)


def logout(*, endpoint: Endpoint = "", json: AsJson = False) -> None:
    """Forget the token of a Hub. On the Hub it goes on counting until it is revoked there."""
    hub, place, still = log_out(load_settings(), endpoint)
    if still:
        show_note(f"a token of {still.place} is still used for {hub}")
    if json:
        show_json({"endpoint": hub, "removed_from": place, "still_in": still.place if still else None})
    elif place:
        print(printable(f"the token for {hub} was removed from {place}"), file=sys.stderr)
    else:
        print(f"no token for {hub} was kept here", file=sys.stderr)


def whoami(*, endpoint: Endpoint = "", json: AsJson = False) -> None:
    """Whom the Hub takes you for, and where the token came from."""
    found = asked_who(load_settings(), endpoint)
    if json:
        show_json(found.to_json())
        return
    print(printable(f"{found.identity.name if found.identity else ''}{_memberships(found)}"))
    may = f", which may {found.identity.may}" if found.identity and found.identity.may else ""
    print(printable(f"at {found.endpoint}, by the token of {found.used.place}{may}"), file=sys.stderr)


def _memberships(found: LoggedIn) -> str:
    if not found.identity or not found.identity.organizations:
        return ""
    named = (f"{name}{f' ({role})' if role else ''}" for name, role in found.identity.organizations.items())
    return f", member of {', '.join(named)}"


def _token(file: Path | None, stdin: bool) -> str:
    """The token, from where it was said to be, or asked for without showing it.

    Raises:
        BadInput: there is no terminal to ask, or the file cannot be read.
    """
    if file and stdin:
        raise BadInput("--token-file and --stdin are two places", hint="give one of them")
    if file:
        try:
            with file.open("rb") as opened:
                return opened.read(LONGEST_TOKEN + 100).decode("ascii", "replace")
        except OSError as error:
            # not its name: that may be a token that was taken for a file
            raise BadInput(
                f"cannot read the file of --token-file: {error.strerror}", hint="or use --stdin"
            ) from None
    if stdin:
        return sys.stdin.buffer.read(LONGEST_TOKEN + 100).decode("ascii", "replace")
    if not sys.stdin.isatty():
        raise BadInput("there is no terminal to ask for the token", hint="use --stdin or --token-file")
    return getpass("Token (it is not shown): ")
