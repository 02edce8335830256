"""Collects findings on one file, bounded and without repetition."""

from __future__ import annotations

from weighbridge.domain.scan import Finding, ScanState, Severity

MAX_FINDINGS = 100
"""A file with ten thousand bad globals is as bad as one with a hundred."""
UNSUPPORTED = "scan.unsupported"
CRASH = "scan.crash"
TIMEOUT = "scan.timeout"
LIMIT = "scan.limit"
_STATES = {
    UNSUPPORTED: ScanState.UNSUPPORTED,
    CRASH: ScanState.ERROR,
    TIMEOUT: ScanState.ERROR,
    LIMIT: ScanState.ERROR,
}


class LimitExceeded(Exception):
    """A bound of a reader was hit; the file was not read to its end."""

    def __init__(self, why: str, rule: str = LIMIT) -> None:
        super().__init__(why)
        self.rule = rule


class OutOfTime(BaseException):
    """Raised into a reader that has used up its processor time; no reader catches it by accident."""


class Malformed(Exception):
    """The bytes break the format that they claim to be in."""

    def __init__(self, why: str, at: int | None = None) -> None:
        super().__init__(why)
        self.at = at


def shown(text: str, limit: int = 160) -> str:
    """``text`` as it may stand in a message: printable ASCII-safe escapes, cut to ``limit``."""
    safe = text[:limit]
    if not safe.isprintable():
        safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in safe)
    return safe if len(text) <= limit else f"{safe}..."


class Notes:
    """The findings on one file, in the order in which they were made; blocking ones always fit."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._found: dict[tuple[str, str, str], Finding] = {}

    def add(self, severity: Severity, rule: str, message: str, at: object = "", subject: str = "") -> None:
        """Note one finding; the same rule, subject and message is noted once, with its first place."""
        subject = shown(subject)
        key = (rule, subject, message)
        full = len(self._found) >= MAX_FINDINGS
        if key in self._found or (full and any(f.severity >= severity for f in self._found.values())):
            return
        self._found[key] = Finding(
            rule=rule,
            severity=severity,
            path=self.path,
            message=message,
            locator=shown(str(at)),
            subject=subject,
        )

    def block(self, rule: str, message: str, at: object = "", subject: str = "") -> None:
        """Note a finding that no waiver lifts."""
        self.add(Severity.BLOCK, rule, message, at, subject)

    def review(self, rule: str, message: str, at: object = "", subject: str = "") -> None:
        """Note a finding that somebody has to look at."""
        self.add(Severity.REVIEW, rule, message, at, subject)

    def over(self, error: LimitExceeded, at: object = "", before: str = "") -> None:
        """Note a bound that was hit: what was not read to its end is for review, a bomb is refused."""
        severity = Severity.REVIEW if error.rule == LIMIT else Severity.BLOCK
        self.add(severity, error.rule, f"{before}{shown(str(error))}", at)

    def take(self, findings: tuple[Finding, ...] | list[Finding]) -> None:
        """Add findings made elsewhere."""
        for f in findings:
            self.add(f.severity, f.rule, f.message, f.locator, f.subject)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was noted so far."""
        return tuple(self._found.values())


def state_of(findings: tuple[Finding, ...]) -> ScanState:
    """``error`` before ``unsupported`` before ``scanned``, as the ``scan.*`` findings say."""
    states = {_STATES[f.rule] for f in findings if f.rule in _STATES}
    if ScanState.ERROR in states:
        return ScanState.ERROR
    return ScanState.UNSUPPORTED if states else ScanState.SCANNED
