"""What cannot be undone is asked about on the terminal."""

from __future__ import annotations

import sys

from weighbridge.errors import BadInput


def have_typed(name: str, warning: str) -> None:
    """Go on only where the name is typed; ``warning`` says what will be gone.

    Raises:
        BadInput: there is no terminal to ask, or something else was typed.
    """
    if not sys.stdin.isatty():
        raise BadInput("there is no terminal to ask whether this is meant", hint="give --yes")
    print(warning, file=sys.stderr)
    print(f"Type '{name}' to delete it: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != name:
        raise BadInput("that is not its name; nothing was deleted")
