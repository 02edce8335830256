"""A folder that shows a branch: what somebody changed in it by hand, and what it lacks.

A content is told by its sha256. ``lies`` is what lies in the folder, ``shown`` what was put there,
``bringing`` the files of a commit that the folder was being brought to when that was cut short.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Paths whose content is another one, and paths that are gone."""

    put: frozenset[str]
    gone: frozenset[str]


def by_hand(
    lies: Mapping[str, str], shown: Mapping[str, str], bringing: Mapping[str, str] | None = None
) -> Difference:
    """What somebody else than us changed.

    Where our own work was cut short, a file may be as it was or as it was to be; and one that is
    missing was taken away by us, unless it was to be there in the end.
    """
    ours = bringing or {}
    return Difference(
        put=frozenset(
            path for path, sha256 in lies.items() if sha256 not in (shown.get(path), ours.get(path))
        ),
        gone=frozenset(path for path in shown if path not in lies and (bringing is None or path in ours)),
    )


def lacking(lies: Mapping[str, str], wanted: Mapping[str, str]) -> Difference:
    """What must be put into the folder, and what taken away, so that it shows ``wanted``."""
    return Difference(
        put=frozenset(path for path, sha256 in wanted.items() if lies.get(path) != sha256),
        gone=frozenset(path for path in lies if path not in wanted),
    )
