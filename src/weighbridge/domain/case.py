"""A case: everything that a judgement is made of, so that it can be made again years later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from weighbridge.domain.evidence import Evidence, evidence_from_json
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_shape import require_shape
from weighbridge.domain.json_values import JsonObject, child, text
from weighbridge.domain.policy import Policy
from weighbridge.domain.scan import ScanReport
from weighbridge.domain.waiver import day_of

CASE_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Case:
    """Evidence, findings, the policy and the day.

    ``scan`` without ``rules`` means that nothing was scanned. No score depends on ``as_of``: it
    decides which waivers hold.
    """

    evidence: Evidence
    scan: ScanReport
    policy: Policy
    as_of: date

    def to_json(self) -> JsonObject:
        """The form in which it is handed out."""
        return {
            "case_format": CASE_FORMAT,
            "evidence": self.evidence.to_json(),
            "scan": self.scan.to_json(),
            "policy": self.policy.to_json(),
            "as_of": self.as_of.isoformat(),
        }


def is_case(source: JsonObject) -> bool:
    """Whether a document is a case, and not evidence alone."""
    return "case_format" in source


def case_from_json(source: JsonObject) -> Case:
    """Read what ``Case.to_json`` wrote.

    Raises:
        Invalid: it is of another format, or a part of it is not what it must be.
    """
    if source.get("case_format") != CASE_FORMAT:
        raise Invalid("case_format", source.get("case_format"), f"is not {CASE_FORMAT}")
    require_shape(source, "case", objects=("evidence", "scan", "policy"))
    scan = source.get("scan")
    if not isinstance(scan, Mapping):
        raise Invalid("case.scan", scan, "is not an object", hint="{} says that nothing was scanned")
    as_of = day_of(text(source, "as_of"))
    if as_of is None:
        raise Invalid("as_of", None, "is missing")
    return Case(
        evidence=evidence_from_json(child(source, "evidence")),
        scan=ScanReport.from_json(scan),
        policy=Policy.from_json(child(source, "policy")),
        as_of=as_of,
    )


def captured_on(evidence: Evidence) -> date:
    """The day on which evidence was captured.

    Raises:
        Invalid: it does not say.
    """
    day = day_of(evidence.captured_at[:10])
    if day is None:
        raise Invalid("captured_at", evidence.captured_at, "names no day")
    return day
