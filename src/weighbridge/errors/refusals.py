"""Our own policy says no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from weighbridge.errors.root import WeighbridgeError

if TYPE_CHECKING:
    from weighbridge.domain.invalid import Invalid
    from weighbridge.domain.scan import FileScan, ScanReport
    from weighbridge.domain.start_report import StartReport
    from weighbridge.domain.verdict import Verdict


class Rejected(WeighbridgeError):
    """The gate refused, or could not tell; the verdict says why."""

    code = "rejected"

    def __init__(self, verdict: Verdict, *, refusal_id: str = "") -> None:
        self.verdict, self.refusal_id = verdict, refusal_id
        super().__init__(verdict.sentence())


class LicenseMismatch(WeighbridgeError):
    """The model's licence is not the one that was asked for."""

    code = "license-mismatch"

    def __init__(self, repo: str, *, wanted: str, got: str | None) -> None:
        self.repo, self.wanted, self.got = repo, wanted, got
        super().__init__(f"'{repo}' has licence {got or 'none'}, but {wanted} is asked for")


class Unsafe(WeighbridgeError):
    """A file that can carry code, and that the scanners do not allow; ``scan`` holds their findings."""

    code = "unsafe"

    def __init__(self, path: str, scan: FileScan) -> None:
        self.path, self.scan = path, scan
        plain = "take the weights as safetensors"
        looked = "" if scan.verdict.word == "block" else f", or name the file as reviewed: {scan.sha256}"
        super().__init__(f"'{path}' is not loaded ({scan.verdict.word}): {scan.why}", hint=plain + looked)


class UnsafeFiles(WeighbridgeError):
    """Files that the scanners do not allow, or want somebody to look at; ``report`` says why."""

    code = "unsafe-files"

    def __init__(self, report: ScanReport, findings: Sequence[str], *, hint: str = "") -> None:
        self.report, self.findings = report, tuple(findings)
        more = f"; and {len(findings) - 5} more" if len(findings) > 5 else ""
        super().__init__(f"the scanners do not let it pass: {'; '.join(findings[:5])}{more}", hint=hint)


class LicenseNotAllowed(WeighbridgeError):
    """A model, or what it was made from, is not under a licence that may be used here."""

    code = "license-not-allowed"

    def __init__(self, repo: str, faults: Sequence[str]) -> None:
        self.repo, self.faults = repo, tuple(faults)
        super().__init__(
            f"'{repo}' may not be used: {'; '.join(faults)}",
            hint="ALLOWED_LICENSES lists what may be in force, for the model and for all its base models",
        )


class StartFailed(WeighbridgeError):
    """A step of the start-up checklist failed: ``report`` is the checklist so far, ``cause`` the error."""

    code = "start-failed"

    def __init__(self, report: StartReport, cause: WeighbridgeError | Invalid) -> None:
        self.report, self.cause = report, cause
        self.step = report.steps[-1].name
        super().__init__(f"start-up failed at '{self.step}': {report.steps[-1].detail}", hint=cause.hint)
