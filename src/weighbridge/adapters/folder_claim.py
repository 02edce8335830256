"""One process at a time writes a folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from weighbridge.errors import Conflict, StoreDown


def claim(home: Path) -> Callable[[], None]:
    """Hold ``home`` until what is given back is called; the kernel lets go when this process dies.

    Raises:
        Conflict: another process holds it.
        StoreDown: it cannot be made.
    """
    try:
        home.mkdir(exist_ok=True)
        file = os.open(home / "write.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreDown(
            f"'{home}' cannot be written: {error.strerror or error}",
            hint="check its owner and permissions; without --write nothing has to be written",
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise Conflict(
            f"another 'weighbridge hub --write' has '{home.parent}'",
            hint="stop it first; without --write several may serve one folder",
        ) from error
    return lambda: os.close(file)
