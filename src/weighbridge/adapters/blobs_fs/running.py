"""Digests of contents that come in parts, computed while the parts come in order.

Most clients send one part after the other, so that nothing has to be read again when all were
sent. What came in another order, or to another process, is read then.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

_MOST = 256
"""So many uploads are remembered; one that was forgotten is read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The digest of some first parts; ``begun`` says of each which of its sendings is in it."""

    begun: tuple[int, ...]
    digest: _Hash


class RunningDigests:
    """The sha256 of the first parts of each upload; safe for threads.

    A part is known by how often it was begun: a digest counts only if each part that is in it is
    still the one of that sending.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, Running] = OrderedDict()
        self._guard = Lock()

    def before(self, upload: str, number: int) -> Running | None:
        """A copy of what is known of all parts before this one, to be updated; None if that is not all."""
        with self._guard:
            known = self._known.get(upload) or _nothing()
            if number <= len(known.begun):  # it comes again, and nothing can be taken out of a digest
                del self._known[upload]
                known = _nothing()
            if len(known.begun) != number - 1:
                return None
            return Running(begun=known.begun, digest=known.digest.copy())

    def add(self, upload: str, begun: int, running: Running) -> None:
        """A part was completed and is in the digest that ``before`` gave for it."""
        with self._guard:
            known = self._known.get(upload) or _nothing()
            if known.begun != running.begun:
                return
            self._known[upload] = Running(begun=(*running.begun, begun), digest=running.digest)
            self._known.move_to_end(upload)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)

    def take(self, upload: str, begun: Sequence[int]) -> Running:
        """What is known of the first parts, if they are still those; it is forgotten here."""
        with self._guard:
            known = self._known.pop(upload, None) or _nothing()
        return known if known.begun == tuple(begun[: len(known.begun)]) else _nothing()


def _nothing() -> Running:
    return Running(begun=(), digest=hashlib.sha256())
