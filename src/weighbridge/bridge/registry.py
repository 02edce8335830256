"""The catalogue as judging asks it: implements ``flows.registry.Registry``."""

from __future__ import annotations

from collections.abc import Sequence

from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.access import Sight
from weighbridge.domain.ref import RepoId
from weighbridge.domain.resemblance import Fingerprint, Match
from weighbridge.domain.sources import OperatorNote


class SeenRegistry:
    """The registry within a sight: evidence must not name private repositories of others."""

    def __init__(self, catalog: Catalog, sight: Sight) -> None:
        self._catalog, self._sight = catalog, sight

    def matches(self, repo: RepoId, wanted: Sequence[Fingerprint]) -> Sequence[Match]:
        """See ``Registry.matches``."""
        return self._catalog.matches(repo, wanted, self._sight)

    def origins(self, repo: RepoId) -> Sequence[RepoId]:
        """See ``Registry.origins``."""
        return self._catalog.origins_of(repo, self._sight)

    def net_score(self, repo: RepoId) -> float | None:
        """See ``Registry.net_score``."""
        return self._catalog.net_score_of(repo, self._sight)

    def notes(self, repo: RepoId) -> Sequence[OperatorNote]:
        """See ``Registry.notes``."""
        return self._catalog.notes_of(repo)
