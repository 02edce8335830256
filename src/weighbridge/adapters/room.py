"""Room for a file, or a stretch of one, that is written in order."""

from __future__ import annotations

import os
from contextlib import suppress

_STEP_BYTES = 16 << 20


class Room:
    """Asks the filesystem for the blocks of a file a step ahead of what is written.

    ext4 that is handed a gigabyte by large writes looks for its blocks four times as long (2.6
    against 0.6 CPU seconds) as if it was told before. A step and not all of it: what somebody
    announces and never sends must not fill the disk. What is asked for lies between ``begin`` and
    ``limit_bytes``.
    """

    def __init__(self, file: int, limit_bytes: int, *, step_bytes: int = _STEP_BYTES, begin: int = 0) -> None:
        self._file, self._limit, self._step, self._end = file, limit_bytes, step_bytes, begin

    def until(self, end: int) -> None:
        """Call before writing up to ``end``. Where it cannot be had, the write itself will tell."""
        if end <= self._end or not hasattr(os, "posix_fallocate"):
            return
        begin, self._end = self._end, min(end + self._step, self._limit)
        if self._end > begin:
            with suppress(OSError):
                os.posix_fallocate(self._file, begin, self._end - begin)
