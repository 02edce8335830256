"""Who commits and proposes, by the names that the Hub gives."""

from __future__ import annotations

import re

_NOBODY = re.compile(
    r"system|.*\[bot\]|.*[-_ ]bot|bot|sfconvertbot|hfbot|github-actions|dependabot|weighbridge"
)


def folded(name: str) -> str:
    """A name without case and punctuation: one person, however it is spelled."""
    return re.sub(r"[\W_]+", "", name.casefold())


def is_person(name: str) -> bool:
    """Whether a name is that of a person, as far as names tell: bots and the system are none."""
    return bool(folded(name)) and not _NOBODY.fullmatch(name.casefold())
