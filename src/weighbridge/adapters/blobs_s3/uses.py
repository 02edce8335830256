"""When a content of a bucket was last relied on, and how its removal meets nobody who relies on it.

    <prefix>/used-v1/<ab>/<sha256>            empty; its time is when somebody was told: it is here
    <prefix>/removing-v1/<sha256>/<number>    empty; somebody is about to remove the content

A bucket has no locks, but whoever writes there and then reads sees what was written before. Who relies on
a content writes the mark of use and then looks for a removal; who removes writes that of the removal and
then looks for a use. So at least one of two at the same content sees the other: the one who removes lets
it be, and the one who relies on it waits until that is settled.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from weighbridge.adapters.blobs_s3.bucket import Bucket
from weighbridge.errors import StoreDown

_USED, _REMOVING = "used-v1", "removing-v1"
_FRESH_S = 300.0
"""What was written or marked since is not marked again."""
_HURRY_S = 30.0
"""Who has not removed by then gives up."""
_SETTLED_S = 120.0
"""A mark of a removal that is still there after so long was left by somebody who died."""
_LOOKS_S = 0.2
_MOST_NOTED = 100_000


class Uses:
    """The marks of one bucket."""

    def __init__(self, bucket: Bucket, *, fresh_s: float = _FRESH_S, settled_s: float = _SETTLED_S) -> None:
        self._bucket, self._fresh_s, self._settled_s = bucket, fresh_s, settled_s
        self._noted: dict[str, float] = {}

    def note(self, sha256: str, written_at: float) -> bool:
        """Mark a content as used now, where that is not known; False: look again whether it is here."""
        now = time.time()
        if now - max(written_at, self._noted.get(sha256, 0.0)) < self._fresh_s:
            return True
        self._bucket.put(_used(sha256), b"")
        if self._is_going(sha256):
            self.settle(sha256)
            return False
        if len(self._noted) >= _MOST_NOTED:
            self._noted.clear()
        self._noted[sha256] = now
        return True

    def settle(self, sha256: str) -> None:
        """Wait for a removal that is going on: what is written during one could go with it."""
        limit = time.monotonic() + self._settled_s
        while self._is_going(sha256):
            if time.monotonic() > limit:
                for key, _ in list(self._bucket.walk(f"{_REMOVING}/{sha256}")):
                    self._bucket.remove(key)
                return
            time.sleep(_LOOKS_S)

    def used_at(self, sha256: str, written_at: float) -> float:
        """When a content was last written or relied on, in seconds since 1970."""
        mark = self._bucket.look(_used(sha256))
        return max(written_at, mark.at) if mark else written_at

    @contextmanager
    def removing(self, sha256: str) -> Iterator[Callable[[], bool]]:
        """Tell everybody that a content is about to go; what is found inside stays so until it went.

        Gives what tells whether there is time left: who takes longer is believed to be dead.
        """
        began = time.monotonic()
        key = f"{_REMOVING}/{sha256}/{os.urandom(8).hex()}"
        self._bucket.put(key, b"")
        try:
            yield lambda: time.monotonic() - began < _HURRY_S
        finally:
            self._bucket.remove(key)

    def forget(self, sha256: str) -> None:
        """Drop the mark of a content that is gone."""
        with suppress(StoreDown):  # the next sweep takes it
            self._bucket.remove(_used(sha256))

    def sweep(self, older_than_s: float) -> None:
        """Drop marks that are older than anybody asks for, and those of removals that were left."""
        limit = time.time() - older_than_s
        for folder in (_USED, _REMOVING):
            for key, found in list(self._bucket.walk(folder)):
                if found.at < limit:
                    self._bucket.remove(key)

    def _is_going(self, sha256: str) -> bool:
        return next(iter(self._bucket.walk(f"{_REMOVING}/{sha256}")), None) is not None


def _used(sha256: str) -> str:
    return f"{_USED}/{sha256[:2]}/{sha256}"
