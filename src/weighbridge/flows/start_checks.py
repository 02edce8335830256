"""The later steps of a start: the bytes, what they are, what the scanners say, and loading them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from weighbridge.domain.json_values import JsonObject, text, whole
from weighbridge.domain.loading import LoadOrder
from weighbridge.domain.model_files import CHECKSUMS, WEIGHTS, is_later_part, listed_sums, main_file
from weighbridge.domain.scan import ScanReport, Severity
from weighbridge.domain.start_wish import ModelType
from weighbridge.errors import BadInput, CannotLoad, DigestMismatch, UnsafeFiles
from weighbridge.flows.folder_texts import json_in, text_in
from weighbridge.flows.start_state import Part, Start, StartTools


def verify(start: Start, tools: StartTools) -> Start:
    """Read every byte, and hold it against the pin, ``MODEL_SHA256`` and published checksums.

    Raises:
        IntegrityError, NotFound: a file is not what it should be.
        CannotLoad: the files are no model of the type.
    """
    told, warned = [*_asked_for(start)], list[str]()
    for part in start.parts:
        if faults := tools.faults(part.folder, part.used):
            raise faults[0]
        for path in (path for path in part.wanted if path.lower() in CHECKSUMS):
            said, unnamed = _published(part, path, tools)
            told.append(said)
            warned += unnamed
    count, size = sum(len(p.wanted) for p in start.parts), sum(p.used.total_bytes for p in start.parts)
    told.insert(0, f"{count} files, {size:,} bytes, as pinned")
    if start.wish.type is ModelType.GGUF:
        facts = _gguf_facts(start, tools)
        told.append(f"{facts.get('architecture')}, trained for {facts.get('context_length')} tokens")
        start = replace(start, facts=facts)
    else:
        _require_text_model(start, tools)
    return start.said("; ".join(told), *warned)


def scan(start: Start, tools: StartTools) -> Start:
    """Let the scanners look at everything that is loaded.

    Raises:
        UnsafeFiles: they block a file, or ask for a review that nobody has vouched for.
    """
    found = [tools.scan(_places(part, tools)) for part in start.parts]
    report = ScanReport(rules=found[0].rules, files=tuple(file for one in found for file in one.files))
    accepted = frozenset(start.wish.allowed_findings)
    open_ones, passed = [], set[str]()
    for file in report.worst(Severity.REVIEW):
        bad = [f for f in file.findings if f.severity > Severity.ALLOW]
        for finding in bad:
            if finding.severity is Severity.REVIEW and finding.rule in accepted:
                passed.add(finding.rule)
            else:
                open_ones.append(f"'{file.path}' {finding.message} ({finding.rule}, {finding.severity.word})")
        if not bad:
            open_ones.append(f"'{file.path}' could not be read whole ({file.state.value})")
    if open_ones:
        raise UnsafeFiles(report, open_ones, hint=_way_in(report, accepted))
    told = f"{len(report.files)} files, rules {report.rules}: nothing found"
    if passed:
        return replace(start, scanned=report).said(
            f"{len(report.files)} files, rules {report.rules}: findings accepted by ALLOWED_FINDINGS",
            *(f"findings of {rule} are accepted" for rule in sorted(passed)),
        )
    return replace(start, scanned=report).said(told)


def load(start: Start, tools: StartTools) -> Start:
    """Bring it into memory.

    Raises:
        MissingExtra: the library is not installed.
        CannotLoad: the library cannot load the files.
    """
    if start.scanned is None:
        raise AssertionError("'load' comes after 'scan'")
    wish, threads = start.wish, tools.threads()
    trained = whole(start.facts or {}, "context_length")
    order = LoadOrder(
        snapshot=start.main.snapshot(tools.layout),
        scanned=start.scanned,
        file=_first_file(start) if wish.type is ModelType.GGUF else "",
        base=start.base.snapshot(tools.layout) if start.base else None,
        threads=threads,
        context=min(tools.context, trained) if trained else tools.context,
    )
    loaded = tools.loaders[wish.type.value].load(order)
    return replace(start, loaded=loaded).said(f"{wish.type.value} in memory, {threads} threads")


def _first_file(start: Start) -> str:
    return main_file(start.wish.type, start.main.wanted, start.wish.file)


def _asked_for(start: Start) -> Iterator[str]:
    """That the sha256 is the one that was asked for, where one was."""
    if not start.wish.sha256:
        return
    file = _first_file(start)
    if not file:
        raise BadInput(
            "MODEL_SHA256 is of one file, and these weights are in several",
            hint="leave it out: a commit as the version pins every file",
        )
    got = start.main.used.by_path[file].sha256
    if got != start.wish.sha256:
        raise DigestMismatch(file, wanted=f"sha256:{start.wish.sha256} (MODEL_SHA256)", got=f"sha256:{got}")
    yield "sha256 is MODEL_SHA256"


def _published(part: Part, path: str, tools: StartTools) -> tuple[str, Sequence[str]]:
    """That the checksums in ``path`` are those of the files, and a warning of weights that it does not name.

    Raises:
        DigestMismatch: a line gives a file another sha256.
    """
    known, agreed = part.used.by_path, set[str]()
    for listed, wanted in listed_sums(text_in(tools.layout.path(part.folder) / path)):
        if listed not in known:
            continue
        got = known[listed].sha256
        if got != wanted:
            raise DigestMismatch(listed, wanted=f"sha256:{wanted} ({path})", got=f"sha256:{got}")
        agreed.add(listed)
    unnamed = [name for name in part.wanted if name.lower().endswith(WEIGHTS) and name not in agreed]
    warnings = [f"{path} of {part.ref.repo} has no sha256 of '{name}'" for name in unnamed[:3]]
    return f"{path} agrees on {len(agreed)} files", warnings


def _gguf_facts(start: Start, tools: StartTools) -> JsonObject:
    """What the head of the first file says; the heads of all parts are sound.

    Raises:
        CannotLoad: a head is broken, a tensor lies outside the file, or what llama.cpp needs is missing.
    """
    folder, first = tools.layout.path(start.main.folder), _first_file(start)
    facts: JsonObject = {}
    for path in start.main.wanted:
        if path == first or is_later_part(path):
            found = tools.gguf(folder / path)
            facts = found if path == first else facts
    lacking = [name for name in ("architecture", "tokenizer", "context_length") if not facts.get(name)]
    if lacking:
        raise CannotLoad(f"'{first}' does not say its {' and '.join(lacking)}: llama.cpp cannot run it")
    return facts


def _require_text_model(start: Start, tools: StartTools) -> None:
    """Raises CannotLoad where a folder brings code of its own, or no tokenizer."""
    for part in start.parts:
        folder = tools.layout.path(part.folder)
        config = json_in(folder / "config.json")
        if config.get("auto_map"):
            raise CannotLoad(
                f"'{part.ref.repo}' can be loaded only by code that it brings itself (auto_map)",
                hint="choose a model that transformers knows; code from a repository is never run",
            )
        if "adapter_config.json" in part.wanted:
            kind = text(json_in(folder / "adapter_config.json"), "peft_type")
            if not kind:
                raise CannotLoad(f"the adapter_config.json of '{part.ref.repo}' has no peft_type")
        elif not any("token" in path or path.startswith(("vocab", "spiece")) for path in part.wanted):
            raise CannotLoad(f"'{part.ref.repo}' has no tokenizer")


def _places(part: Part, tools: StartTools) -> list[tuple[str, Path, str]]:
    folder = tools.layout.path(part.folder)
    return [(file.path, folder / file.path, file.sha256 or "") for file in part.used.files]


def _way_in(report: ScanReport, accepted: frozenset[str]) -> str:
    """What to do: nothing about what is blocked; what is to be reviewed can be vouched for."""
    if report.verdict is Severity.BLOCK:
        return "choose another version or another model; what is blocked is never loaded"
    rules = {f.rule for file in report.files for f in file.findings if f.severity is Severity.REVIEW}
    return f"look at it; if it is right, set ALLOWED_FINDINGS={','.join(sorted(rules | accepted))}"
