"""The exceptions of a registry, told together: those that admitted packages, and those of its policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from weighbridge.domain.package import PackageState, Version
from weighbridge.domain.policy import Override, Policy, Waiver
from weighbridge.domain.ref import RepoId


@dataclass(frozen=True, slots=True, kw_only=True)
class Admittance:
    """A waiver, and the package that it let in; ``state`` is what became of that."""

    id: str
    package_id: str
    repo: RepoId
    version: Version
    state: PackageState
    waiver: Waiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceptions:
    """``admittances`` is a page, newest first; ``overrides`` are all of the policy that waive anything.

    ``today`` is the day (UTC) on which they are told: who has not expired on it is in force.
    """

    admittances: Sequence[Admittance]
    overrides: Sequence[Override]
    today: date


def overrides_of(policy: Policy, repo: RepoId | None) -> tuple[Override, ...]:
    """The entries of a policy that waive a metric, those about ``repo`` only, expired ones too."""
    return tuple(
        override
        for override in policy.overrides
        if override.waive and (repo is None or override.covers(repo, override.expires or date.min))
    )


def in_force(exception: Waiver | Override, today: date) -> bool:
    """Whether its last day has not passed."""
    return exception.expires is None or today <= exception.expires
