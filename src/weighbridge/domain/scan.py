"""What the scanners found: findings, and one state and verdict per file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_shape import require_shape
from weighbridge.domain.json_values import JsonObject, objects, text


class Severity(IntEnum):
    """``allow`` < ``review`` < ``block``; the worst one counts."""

    ALLOW = 0
    REVIEW = 1
    BLOCK = 2

    @property
    def word(self) -> str:
        """The lowercase name, as it stands in JSON."""
        return self.name.lower()

    @classmethod
    def parse(cls, word: str) -> Severity:
        """The severity with this lowercase name; an unknown word is the worst."""
        return cls.__members__.get(word.upper(), cls.BLOCK)


class ScanState(StrEnum):
    """Whether a file was looked into; "not looked" is never "clean"."""

    SCANNED = "scanned"
    UNSUPPORTED = "unsupported"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a scanner saw. A crash or a time-out of a scanner is a Finding too.

    ``rule`` is stable (``pickle.global``), ``locator`` says where in the file (an offset, a
    key), ``subject`` names what was seen (the dotted name of a global).
    """

    rule: str
    severity: Severity
    path: str
    message: str
    locator: str = ""
    subject: str = ""

    def to_json(self) -> JsonObject:
        """All fields, the severity as a word."""
        return {
            "rule": self.rule,
            "severity": self.severity.word,
            "path": self.path,
            "message": self.message,
            "locator": self.locator,
            "subject": self.subject,
        }

    @classmethod
    def from_json(cls, source: JsonObject) -> Finding:
        """Read what ``to_json`` wrote."""
        return cls(
            rule=text(source, "rule") or "",
            severity=Severity.parse(text(source, "severity") or ""),
            path=text(source, "path") or "",
            message=text(source, "message") or "",
            locator=text(source, "locator") or "",
            subject=text(source, "subject") or "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileScan:
    """One file: what it was taken for (``format``), whether it was read, what was found."""

    path: str
    sha256: str
    format: str
    state: ScanState
    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Severity:
        """The worst finding; a file that was not read whole is at least ``review``."""
        floor = Severity.ALLOW if self.state is ScanState.SCANNED else Severity.REVIEW
        return max([floor, *(f.severity for f in self.findings)])

    @property
    def why(self) -> str:
        """What the verdict rests on: the first of the worst findings, and how many more there are."""
        worst = [finding.message for finding in self.findings if finding.severity == self.verdict]
        more = f"; and {len(worst) - 3} more" if len(worst) > 3 else ""
        return ("; ".join(worst[:3]) or f"it could not be read as {self.format or 'anything'}") + more

    def to_json(self) -> JsonObject:
        """``{"path", "sha256", "format", "verdict", "state", "findings"}``."""
        return {
            "path": self.path,
            "sha256": self.sha256,
            "format": self.format,
            "verdict": self.verdict.word,
            "state": self.state.value,
            "findings": [finding.to_json() for finding in self.findings],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """Every file of a snapshot, scanned: a function of the bytes and the rule-set version."""

    rules: str
    files: tuple[FileScan, ...]

    @property
    def verdict(self) -> Severity:
        """The worst verdict of all files."""
        return max([Severity.ALLOW, *(file.verdict for file in self.files)])

    def worst(self, at_least: Severity) -> Sequence[FileScan]:
        """The files at or above a severity, worst first, then by path."""
        chosen = [file for file in self.files if file.verdict >= at_least]
        return sorted(chosen, key=lambda file: (-file.verdict, file.path))

    def to_json(self) -> JsonObject:
        """``{"verdict", "rules", "files": [...]}``."""
        return {
            "verdict": self.verdict.word,
            "rules": self.rules,
            "files": [file.to_json() for file in self.files],
        }

    @classmethod
    def from_json(cls, source: JsonObject) -> ScanReport:
        """Read what ``to_json`` wrote; of an empty object, the report of a scan that was not made.

        Raises:
            Invalid: a field is not what it must be.
        """
        require_shape(source, "scan", lists=("files",), texts=("rules",))
        return cls(
            rules=text(source, "rules") or "",
            files=tuple(_file_from_json(found) for found in objects(source, "files")),
        )


def _file_from_json(source: JsonObject) -> FileScan:
    require_shape(source, "scan.files", lists=("findings",), texts=("path", "sha256", "format"))
    path, state = text(source, "path"), source.get("state")
    if path is None:
        raise Invalid("scan.files", dict(source), "has no path")
    if state not in set(ScanState):
        raise Invalid("scan.files", state, f"of {path} is no state of a scan")
    return FileScan(
        path=path,
        sha256=text(source, "sha256") or "",
        format=text(source, "format") or "",
        state=ScanState(str(state)),
        findings=tuple(Finding.from_json(found) for found in objects(source, "findings")),
    )
