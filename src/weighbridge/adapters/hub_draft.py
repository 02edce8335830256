"""A folder that nobody has uploaded yet, as a Hub of one repository: its files, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from weighbridge.adapters.hub_dir import FolderHub
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.domain.repo import Commit, DiscussionHead, Owner
from weighbridge.errors import HubDown


class DraftHub(FolderHub):
    """Says of history, people and discussions that they cannot be known, not that there are none."""

    def commits(self, repo: RepoId, revision: str, limit: int = 50) -> Sequence[Commit]:
        """Raises HubDown."""
        raise _unknown("history")

    def details(self, ref: ModelRef) -> JsonObject:
        """Raises HubDown."""
        raise _unknown("scan status and no models made from it")

    def discussions(self, repo: RepoId, limit: int = 50) -> Sequence[DiscussionHead]:
        """Raises HubDown."""
        raise _unknown("discussions")

    def owner(self, repo: RepoId) -> Owner:
        """Raises HubDown."""
        raise _unknown("owner")


def _unknown(what: str) -> HubDown:
    return HubDown(f"a folder has no {what}: only a Hub knows")
