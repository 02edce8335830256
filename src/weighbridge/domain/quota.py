"""How much room a namespace has, and how much of it is used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What the repositories of a namespace hold, in bytes; a content that is there twice counts once.

    ``allowed_bytes`` 0: there is no limit. ``own`` says that the limit was set for this namespace.
    """

    namespace: str
    used_bytes: int
    allowed_bytes: int
    own: bool = False

    def takes(self, wanted_bytes: int) -> bool:
        """Whether there is room for so many bytes more; nothing more always fits."""
        return not (wanted_bytes and self.allowed_bytes) or (
            self.used_bytes + wanted_bytes <= self.allowed_bytes
        )
