"""The start-up checklist: its steps, how each one ended, and what was loaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from weighbridge.domain.hashed_file import HashedFile
from weighbridge.domain.json_values import JsonObject

STEPS = ("read environment", "resolve", "fetch", "verify", "licence", "scan", "load")
"""Every step, in its order."""


class Outcome(StrEnum):
    """How a step ended; ``skipped``: it was not asked for."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the checklist; ``seconds`` is how long it took on the wall."""

    name: str
    outcome: Outcome
    detail: str
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()

    def to_json(self) -> JsonObject:
        """All fields; seconds to the millisecond."""
        return {
            "step": self.name,
            "outcome": self.outcome.value,
            "detail": self.detail,
            "seconds": round(self.seconds, 3),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where files came from: ``commit`` is empty for a file that no registry has."""

    repo: str
    version: str
    commit: str
    license: str | None
    files: tuple[HashedFile, ...]

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "repo": self.repo,
            "version": self.version,
            "commit": self.commit or None,
            "license": self.license,
            "files": [file.to_json() for file in self.files],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What is loaded. For an adapter ``model`` is the adapter, and ``base`` what it is put on.

    ``licenses`` are those in force, with those of its base models, as far as they were looked at;
    ``facts`` is what the head of a GGUF file says (``architecture``, ``context_length``, ``tokenizer``).
    """

    type: str
    model: Origin
    base: Origin | None = None
    licenses: tuple[str, ...] = ()
    facts: JsonObject | None = None

    def to_json(self) -> JsonObject:
        """All fields; no address is among them."""
        return {
            "type": self.type,
            "model": self.model.to_json(),
            "base": self.base.to_json() if self.base else None,
            "licenses": list(self.licenses),
            "gguf": dict(self.facts) if self.facts else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StartReport:
    """The checklist as far as it went, and the identity as far as it is known."""

    steps: tuple[Step, ...] = ()
    identity: Identity | None = None

    @property
    def passed(self) -> bool:
        """Whether no step failed."""
        return not any(step.outcome is Outcome.FAILED for step in self.steps)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What every step warned of."""
        return tuple(warning for step in self.steps for warning in step.warnings)

    def with_step(self, step: Step, identity: Identity | None) -> StartReport:
        """The report after one more step."""
        return replace(self, steps=(*self.steps, step), identity=identity or self.identity)

    def to_json(self) -> JsonObject:
        """``{"passed", "identity", "steps", "warnings"}``."""
        return {
            "passed": self.passed,
            "identity": self.identity.to_json() if self.identity else None,
            "steps": [step.to_json() for step in self.steps],
            "warnings": list(self.warnings),
        }
