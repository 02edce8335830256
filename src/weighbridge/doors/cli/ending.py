"""How every command ends: with its exit code, whatever happens."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import NoReturn

from weighbridge.domain.invalid import Invalid
from weighbridge.doors.cli.render import exit_code_of, show_error
from weighbridge.errors import WeighbridgeError


def run_to_the_end(
    command: Callable[[], object],
    *,
    as_json: bool = False,
    code_of: Callable[[Exception], int] = exit_code_of,
) -> NoReturn:
    """Run a command and leave with the code that it gives, or that its error means.

    Errors of how it was called, which only its parser knows, are not caught.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr is: no name of a file ends a command
    try:
        result = command()
        sys.stdout.flush()
    except (WeighbridgeError, Invalid) as error:
        show_error(error, as_json=as_json)
        sys.exit(code_of(error))
    except KeyboardInterrupt:
        _leave_now(130, "interrupted; what was sent or fetched so far is kept, for the next time")
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing more to say, and nobody to say it to.
        sys.stdout = None
        _leave_now(0, "")
    # The interpreter would look for garbage among 200 modules before it ends: 15 ms of nothing.
    gc.freeze()
    sys.exit(result if isinstance(result, int) else 0)


def _leave_now(code: int, message: str) -> NoReturn:
    """Leave without waiting for threads that may hang in a read.

    Whatever they were writing is a partial file under its lock, as after a kill.
    """
    if message:
        print(message, file=sys.stderr, flush=True)
    os._exit(code)
