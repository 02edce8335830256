"""What the pickle machine leaves behind: the names it was asked for, and inert values."""

from __future__ import annotations

from typing import NamedTuple


class Global(NamedTuple):
    """A name that a pickle asks for, as the real machine would resolve it, and its offset in bytes."""

    module: str
    name: str
    offset: int


class Stub:
    """What stands in for anything that a pickle names or builds."""

    __slots__ = ("args", "name", "state")

    def __init__(self, name: str = "", args: tuple[object, ...] = ()) -> None:
        self.name, self.args = name, args
        self.state: object = None


class Record:
    """What was seen so far, in all pickles of one file.

    ``whole`` counts the pickles that were read to their end, ``start`` is the offset of the last one.
    """

    def __init__(self) -> None:
        self.globals: list[Global] = []
        self._known: set[tuple[str, str]] = set()
        self.extensions: list[int] = []
        self.opcodes = 0
        self.whole = 0
        self.start = 0
        self.nesting = 0

    def add(self, module: str, name: str, offset: int) -> None:
        """Note a global; only its first place is kept."""
        if (module, name) not in self._known:
            self._known.add((module, name))
            self.globals.append(Global(module, name, offset))
