"""The one error of the domain: a text from outside that is not the value it claims to be.

The same bad path is a caller's mistake in a request, a broken file in a lock, and a lie in a
Hub's listing. Only the border knows which, so the domain says what is wrong and the border
says whose fault it is (see ``weighbridge.errors``).
"""

from __future__ import annotations


class Invalid(ValueError):
    """A value that cannot be built.

    Attributes:
        what: the kind of value, as a noun ("repository id", "path").
        value: the offending text, as it was given.
        why: what is wrong with it, as a clause.
        hint: what to write instead; empty where nothing is known.
    """

    def __init__(self, what: str, value: object, why: str, *, hint: str = "") -> None:
        self.what, self.value, self.why, self.hint = what, value, why, hint
        super().__init__(f"{what} {_shown(value)} {why}")


def _shown(value: object) -> str:
    """The value as it may stand in one line of a terminal or a header."""
    text = ascii(value)
    return text if len(text) <= 120 else f"{text[:100]}... ({len(text)} characters)"
