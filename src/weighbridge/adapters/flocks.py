"""flock(2), where the file system has it: network folders and some clusters have not."""

from __future__ import annotations

import errno
import sys

_NONE = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS})


def take_flock(file: int, *, shared: bool = False, wait: bool = True) -> bool:
    """Lock an open file or folder until it is closed; False where nobody can lock here.

    Raises:
        BlockingIOError: not to ``wait``, and somebody else holds it.
        OSError: the medium fails.
    """
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno in _NONE:
            return False
        raise
    return True
