"""What the registry itself knows of a model: what resembles it, its parents' scores, what was attached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from weighbridge.domain.evidence import Evidence, OperatorNote, Parent, Source, SourceState
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.ref import RepoId
from weighbridge.domain.resemblance import Fingerprint, Match, resemblances, wanted


class Registry(Protocol):
    """What judging asks of the catalogue, as those see it who will see the evidence."""

    def matches(self, repo: RepoId, wanted: Sequence[Fingerprint]) -> Sequence[Match]:
        """What other repositories have of these fingerprints."""

    def origins(self, repo: RepoId) -> Sequence[RepoId]:
        """What the registry itself duplicated the repository from, nearest first."""

    def net_score(self, repo: RepoId) -> float | None:
        """That of the newest package that is served; None where there is none."""

    def notes(self, repo: RepoId) -> Sequence[OperatorNote]:
        """What operators attached to the repository, oldest first."""


def with_registry(draft: Evidence, registry: Registry) -> Evidence:
    """The evidence with what the registry knows now; asked again after the fetch, for more digests.

    Raises:
        StoreDown: the catalogue does not answer.
    """
    return replace(
        draft,
        resemblances=resemblances(draft, registry.matches(draft.repo, wanted(draft))),
        notes=tuple(registry.notes(draft.repo)),
        parents=tuple(_scored(parent, registry) for parent in draft.parents),
        ancestors=tuple(_scored(one, registry) for one in draft.ancestors),
        sources={**draft.sources, "registry": Source(state=SourceState.READ)},
    )


def _scored(parent: Parent, registry: Registry) -> Parent:
    try:
        return replace(parent, net_score=registry.net_score(RepoId.parse(parent.id)))
    except Invalid:
        return parent
