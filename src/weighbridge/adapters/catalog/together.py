"""Many judgements in one transaction: what came in one bundle is listed together or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.packages import add_package
from weighbridge.adapters.catalog.refusals import add_refusal
from weighbridge.domain.access import AuditLine
from weighbridge.domain.package import Package, Refusal
from weighbridge.domain.policy import Waiver
from weighbridge.domain.resemblance import Fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A package with the waivers that admitted it, and by what it is known again."""

    package: Package
    waivers: Sequence[Waiver]
    audit: AuditLine
    prints: Sequence[Fingerprint]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """A judgement that did not admit."""

    refusal: Refusal
    audit: AuditLine


class Together(Database):
    """What is judged together is kept together."""

    def add_together(self, admitted: Sequence[Admitted], turned: Sequence[Turned]) -> None:
        """List packages and keep refusals: all of them, in one transaction.

        Raises:
            PackageExists: somebody was faster with one of them; nothing was changed.
            Conflict: a name belongs to a repository of our own; nothing was changed.
        """
        with self._writing() as connection:
            for one in admitted:
                add_package(connection, one.package, one.waivers, one.audit, prints=one.prints)
            for other in turned:
                add_refusal(connection, other.refusal, other.audit)
