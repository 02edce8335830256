"""The Hub's words for what the scanners found: ``securityFileStatus`` and ``securityRepoStatus``."""

from __future__ import annotations

from weighbridge.domain.json_values import Json, JsonObject
from weighbridge.domain.scan import FileScan, Finding, ScanReport, ScanState, Severity

_STATUS = {Severity.ALLOW: "safe", Severity.REVIEW: "suspicious", Severity.BLOCK: "unsafe"}
_IMPORT = {Severity.ALLOW: "innocuous", Severity.REVIEW: "suspicious", Severity.BLOCK: "dangerous"}
_NOT_READ = {ScanState.UNSUPPORTED: "unscanned", ScanState.ERROR: "error"}
_QUEUED: JsonObject = {"status": "queued", "avScan": None, "pickleImportScan": None}


def file_status_json(found: FileScan | None) -> JsonObject:
    """How a file stands: ``safe``, ``suspicious`` (to be reviewed), ``unsafe``, ``queued`` while it
    was not scanned, ``unscanned`` where no scanner reads its format, ``error`` where one failed.

    Nothing here looks for viruses, so ``avScan`` is always null.
    """
    if found is None:
        return _QUEUED
    worst = max(found.findings, key=lambda finding: finding.severity, default=None)
    return {
        "status": _status(found),
        "message": worst.message if worst else "",
        "avScan": None,
        "pickleImportScan": _imports_json(found) if found.format == "pickle" else None,
    }


def repo_status_json(report: ScanReport | None) -> JsonObject:
    """Whether all was scanned, and the files that were found wanting, worst first."""
    wanting = report.worst(Severity.REVIEW) if report else ()
    return {
        "scansDone": bool(report and report.rules),
        "filesWithIssues": [{"path": file.path, "level": _status(file)} for file in wanting],
    }


def _status(file: FileScan) -> str:
    if file.verdict is Severity.BLOCK or file.state is ScanState.SCANNED:
        return _STATUS[file.verdict]
    return _NOT_READ[file.state]


def _imports_json(file: FileScan) -> JsonObject:
    named = [finding for finding in file.findings if finding.rule == "pickle.global"]
    return {"highestSafetyLevel": _IMPORT[file.verdict], "imports": [_import_json(each) for each in named]}


def _import_json(finding: Finding) -> dict[str, Json]:
    module, _, name = finding.subject.rpartition(".")
    return {"module": module, "name": name, "safety": _IMPORT[finding.severity]}
