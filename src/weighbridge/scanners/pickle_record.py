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

    __slots__ = ("args", "is_global", "name", "state")

    def __init__(self, name: str = "", args: tuple[object, ...] = (), *, is_global: bool = False) -> None:
        self.name, self.args, self.is_global = name, args, is_global
        self.state: object = None


class Overlay(dict[int, object]):
    """A memo that goes on from another, and leaves that one as it is."""

    def __init__(self, below: dict[int, object]) -> None:
        super().__init__()
        self._below = below

    def __missing__(self, key: int) -> object:
        return self._below[key]

    def __len__(self) -> int:
        return len(self._below) + super().__len__()


class Record:
    """What was seen so far, in all pickles of one file.

    ``whole`` counts the pickles that were read to their end, ``start`` is the offset of the last one,
    ``calls`` how often something named would have been called; ``changed`` are names whose own state is set.
    """

    def __init__(self) -> None:
        self.globals: list[Global] = []
        self._known: set[tuple[str, str]] = set()
        self.extensions: list[int] = []
        self.opcodes = 0
        self.whole = 0
        self.start = 0
        self.nesting = 0
        self.calls = 0
        self.copied = 0
        self.changed: list[str] = []

    def add(self, module: str, name: str, offset: int) -> None:
        """Note a global; only its first place is kept."""
        if (module, name) not in self._known:
            self._known.add((module, name))
            self.globals.append(Global(module, name, offset))
