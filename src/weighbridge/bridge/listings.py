"""What a caller may see of all repositories, read again only when anything was committed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from weighbridge.domain.access import Principal
from weighbridge.domain.ref import RepoKind
from weighbridge.domain.repo import ModelInfo

_KEPT, _LARGEST = 8, 5000
"""So many listings are kept, and none that is longer."""


class Listings:
    """Keeps the last listings; ``watch`` tells whether anything changed, None that nobody can tell."""

    def __init__(self, watch: Callable[[], Callable[[], bool] | None] | None) -> None:
        self._watch = watch
        self._kept: OrderedDict[
            tuple[Principal, RepoKind], tuple[Callable[[], bool], Sequence[ModelInfo]]
        ] = OrderedDict()
        self._guard = threading.Lock()

    def of(
        self, principal: Principal, kind: RepoKind, read: Callable[[], Iterable[ModelInfo]]
    ) -> Sequence[ModelInfo]:
        """What ``read`` gave, if that still holds, else what it gives."""
        key = (principal, kind)
        with self._guard:
            known = self._kept.get(key)
        if known is not None and known[0]():
            return known[1]
        unchanged = self._watch() if self._watch else None  # before the look: what comes after it shows
        listed = tuple(read())
        with self._guard:
            self._kept.pop(key, None)
            if unchanged is not None and len(listed) <= _LARGEST:
                self._kept[key] = unchanged, listed
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return listed
