"""Which commit last changed each file of a commit, remembered per commit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from weighbridge.domain.last_change import Step, last_changes
from weighbridge.domain.ref import RepoId
from weighbridge.domain.repo import Commit
from weighbridge.errors import NoSuchRevision
from weighbridge.ports import Hub

_COMMITS, _FILES = 1000, 200_000
"""How far back is looked: so many commits, or commits with so many files in all."""
_KEPT, _KEPT_LINES = 256, 4


@dataclass(frozen=True, slots=True)
class _Told:
    """The line of commits that was looked at, newest first, and what came of it."""

    line: tuple[str, ...]
    last: Mapping[str, Commit]


class LastCommits:
    """Reads the files of each commit once; a new commit costs one comparison with its parent.

    Not all callers are shown the same commits, so an answer counts for the line that it was told of.
    """

    def __init__(self) -> None:
        self._told: OrderedDict[tuple[RepoId, str], tuple[_Told, ...]] = OrderedDict()
        self._guard = threading.Lock()

    def of(self, hub: Hub, repo: RepoId, commit: str) -> Mapping[str, Commit]:
        """For each file and folder of a commit the one that last changed it, as ``hub`` shows them.

        What did not change for a thousand commits names the oldest that was looked at, and so does
        what a Hub knows no earlier files of.

        Raises:
            NoSuchRepo, NoSuchRevision: there is none, or it is not shown.
        """
        history = hub.commits(repo, commit, _COMMITS)
        line = tuple(each.id for each in history)
        told = self._find(repo, line)
        if told is None:
            told = last_changes(self._steps(hub, repo, history, line))
            self._keep(repo, _Told(line, told))
        return told

    def _steps(
        self, hub: Hub, repo: RepoId, history: Sequence[Commit], line: tuple[str, ...]
    ) -> Iterator[Step]:
        files = 0
        for age, commit in enumerate(history):
            try:
                manifest = hub.manifest(repo, commit.id)
            except NoSuchRevision:
                if not age:
                    raise
                return  # a Hub of what lies there now
            yield Step(commit=commit, manifest=manifest, told=self._find(repo, line[age:]) if age else None)
            files += len(manifest.files)
            if files > _FILES:
                return

    def _find(self, repo: RepoId, line: tuple[str, ...]) -> Mapping[str, Commit] | None:
        with self._guard:
            told = self._told.get((repo, line[0]), ())
        return next((each.last for each in told if each.line[: len(line)] == line), None)

    def _keep(self, repo: RepoId, told: _Told) -> None:
        key = (repo, told.line[0])
        with self._guard:
            self._told[key] = (told, *self._told.pop(key, ()))[:_KEPT_LINES]
            while len(self._told) > _KEPT:
                self._told.popitem(last=False)
