"""The lock of a model list (models.lock): read whole, written in one rename."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.lock import Lock
from weighbridge.errors import BadInput, StoreDown


def read_lock(path: Path) -> Lock | None:
    """The lock in ``path``, or None where there is none.

    Raises:
        BadInput: the file is not a lock of this version.
    """
    try:
        return Lock.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except Invalid as error:
        raise BadInput(
            f"{path}: {error}", hint=error.hint or "restore it, or delete it and lock again"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error})") from error


def write_lock(path: Path, lock: Lock) -> bool:
    """Put ``lock`` in place in one rename; False where it stood there already, byte for byte.

    Raises:
        StoreDown: the folder cannot be written.
    """
    spelled = lock.dumps().encode()
    fresh = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        if path.exists() and path.read_bytes() == spelled:
            return False
        fresh.write_bytes(spelled)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StoreDown(f"cannot write {path}: {error.strerror or error}") from error
    return True
