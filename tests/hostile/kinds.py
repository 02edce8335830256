"""What an entry of the corpus is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Bad(NamedTuple):
    """The name of the attack, how its file is called, the rule that must see it, and how it is made.

    ``make`` takes the path of a marker, which the payload would write if it ran.
    """

    attack: str
    path: str
    rule: str
    make: Callable[[str], bytes]


class Good(NamedTuple):
    """What a file is, how it is called, and how it is made."""

    what: str
    path: str
    make: Callable[[], bytes]
