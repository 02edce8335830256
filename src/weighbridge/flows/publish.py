"""Publish a folder: look, ask, describe, write the card, weigh; then send it all in one commit.

Nothing is written anywhere before the last step, and there the one commit is the moment from which
others see anything of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from weighbridge.domain.card import CARD_PATH
from weighbridge.domain.case import Case
from weighbridge.domain.evidence import Evidence
from weighbridge.domain.hashed_file import HashedFile
from weighbridge.domain.made_model import made_model
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.own_card import own_card
from weighbridge.domain.publication import CHECKSUMS_PATH, OwnFile, Sending, Sent, checksums, selection
from weighbridge.domain.publish_request import MAIN, News, Published, PublishRequest
from weighbridge.domain.ref import ModelRef
from weighbridge.domain.scan import Severity
from weighbridge.domain.terms import Terms
from weighbridge.errors import (
    BadInput,
    Conflict,
    Rejected,
    Unreachable,
    UnsafeFiles,
)
from weighbridge.flows.fetching import fetch
from weighbridge.flows.gather import gather, with_headers
from weighbridge.flows.publish_facts import (
    documents_of,
    licence_for,
    other_results,
    require_no_secret,
    said_with,
)
from weighbridge.flows.publish_state import PublishState, PublishTools
from weighbridge.flows.publish_target import (
    ask,
    came_after_all,
    compare,
    parent_of,
    require_arrived,
    require_short,
)
from weighbridge.flows.weighing import blocked_files, weigh_case

_TO_BE_FILLED, _BLANKS = "[More Information Needed]", 8
"""What PEFT and transformers write into every field of a card that they save beside a model."""
_TOLD = frozenset(
    f"licence.{rule}"
    for rule in ("none", "mismatch", "ambiguous", "unknown-base", "data", "unknown-data", "boost")
)
"""Remarks on licences that somebody who publishes has to read; the others are for those who use it."""
_LONGEST_REMARK = 500
Step = Callable[[PublishState, PublishTools], PublishState]


def publish(request: PublishRequest, tools: PublishTools) -> Published:
    """Every step, the last one unless it is a dry run.

    Raises:
        NotFound: there is no such folder.
        BadInput, Invalid: nothing in it can be published, or its card cannot be read.
        UnsafeFiles: the scanners block a file.
        Rejected: the gate refuses, where it was asked.
        Conflict: a file or the repository changed meanwhile.
        DigestMismatch: a file changed while it was sent; the commit is there, run it again.
        Denied, Unreachable: the Hub says no, or nothing.
    """
    state = PublishState(request=request, said=request.said)
    for step in STEPS if request.dry_run else (*STEPS, send):
        state = step(state, tools)
    return _published(state, tools)


def look(state: PublishState, tools: PublishTools) -> PublishState:
    """Which files go out."""
    request = state.request
    listed, odd = tools.list_files(request.folder)
    if (card := next((one for one in odd if one.path == CARD_PATH), None)) and not request.replace_card:
        raise BadInput(f"{CARD_PATH} {card.why}", hint="put the card itself there, or give --replace-card")
    chosen = selection({path: one.size_bytes for path, one in listed.items()}, request.include)
    if not chosen.paths:
        stays = f": {chosen.left_out[0].path} {chosen.left_out[0].why}" if chosen.left_out else ""
        raise BadInput(
            f"nothing in '{request.folder}' is to be published{stays}", hint="--include PATTERN adds files"
        )
    files = {path: listed[path] for path in chosen.paths}
    return replace(state, listed=listed, files=files, left_out=(*chosen.left_out, *odd))


def describe(state: PublishState, tools: PublishTools) -> PublishState:
    """What is known of the model, and its licence."""
    found, unread = documents_of(state.listed, state.files, tools.readers.yaml, tools.gguf_head)
    theirs = tools.cards.said_by(state.old_card) if state.old_card else {}
    said, kept = said_with(state.said, theirs)
    kept += _of_a_template(state.old_card or "")
    made = made_model(found, said)
    licence, odd = licence_for(said, made.bases, tools.bases, tools.bases_address)
    kept += other_results(theirs, made.results)
    warnings = (*state.warnings, *unread, *kept, *made.notes, *odd)
    return replace(state, said=said, documents=found, made=made, licence=licence, warnings=warnings)


def _of_a_template(card: str) -> tuple[str, ...]:
    """A word on a card that a library left to be filled in."""
    if card.count(_TO_BE_FILLED) < _BLANKS:
        return ()
    return (f"README.md is a template that says nothing ('{_TO_BE_FILLED}'); --replace-card writes a card",)


def write_card(state: PublishState, tools: PublishTools) -> PublishState:
    """The card, new or completed, and the checksums of everything."""
    card = own_card(state.request.repo, state.documents, state.said, state.made, state.licence)
    fields, added = tools.cards.metadata_of(card), None
    if state.old_card is None:
        text = tools.cards.written(fields, card.body)
    else:
        text, added = tools.cards.completed(state.old_card, fields)
    require_short(len(text.encode()))
    tools.cards.require_readable(text)
    _place(CARD_PATH, text, tools)
    files = {**state.files, CARD_PATH: tools.own_file(CARD_PATH, tools.desk / CARD_PATH)}
    entries = _hashed(files, tools)
    _place(CHECKSUMS_PATH, checksums({path: entry.sha256 or "" for path, entry in entries.items()}), tools)
    files[CHECKSUMS_PATH] = tools.own_file(CHECKSUMS_PATH, tools.desk / CHECKSUMS_PATH)
    entries[CHECKSUMS_PATH] = tools.hashed(files[CHECKSUMS_PATH], tools.quiet.moved)
    return replace(state, card=text, added=added, files=files, entries=entries)


def _place(name: str, text: str, tools: PublishTools) -> None:
    (tools.desk / name).write_bytes(text.encode())


def _hashed(files: Mapping[str, OwnFile], tools: PublishTools) -> dict[str, FileEntry]:
    tools.reporter.begin("checksums", sum(one.size_bytes for one in files.values()))
    try:
        return {path: tools.hashed(one, tools.reporter.moved) for path, one in files.items()}
    finally:
        tools.reporter.end()


def weigh(state: PublishState, tools: PublishTools) -> PublishState:
    """The gate on what goes out, before a byte of it leaves."""
    request, at = state.request, tools.now()
    require_no_secret(state.files)
    places = {path: one.place for path, one in state.files.items()}
    report = tools.scan_tree(
        [(path, places[path], state.entries[path].sha256 or "") for path in sorted(places)]
    )
    evidence = _evidence(state, tools)
    evidence = replace(evidence, blocked=blocked_files(report))
    by_sha256 = {entry.sha256: places[path] for path, entry in state.entries.items()}
    evidence = with_headers(evidence, lambda sha256: by_sha256[sha256], tools.readers)
    policy = tools.policy(request.repo, at)
    verdict = weigh_case(Case(evidence=evidence, scan=report, policy=policy, as_of=at.date()), tools.scales)
    if blocked := report.worst(Severity.BLOCK):
        findings = [f"{file.path}: {file.why}" for file in blocked]
        raise UnsafeFiles(
            report, findings, hint="a blocked file is never published: take it out of the folder"
        )
    certain = any(failure.is_certain for failure in verdict.failures)
    if request.gate and (certain or verdict.unsafe or verdict.forbidden):
        raise Rejected(verdict)
    told = _remarks(tools.scales.terms(evidence))
    reviewed = (f"{file.path}: {file.why} (for review)" for file in verdict.unsafe)
    warnings = tuple(dict.fromkeys((*state.warnings, *told, *reviewed, *verdict.warnings)))
    return replace(state, verdict=verdict, warnings=warnings)


def _evidence(state: PublishState, tools: PublishTools) -> Evidence:
    request = state.request
    hub = tools.staged(request.repo, state.entries, {path: one.place for path, one in state.files.items()})
    info = hub.info(ModelRef(repo=request.repo))
    manifest = hub.manifest(request.repo, info.commit)

    def taken_in(entries: Iterable[FileEntry]) -> Mapping[str, FileEntry]:
        part = Manifest(repo=request.repo, commit=manifest.commit, files=tuple(entries))
        return fetch(part, hub, tools.blobs, tools.quiet, connections=2).by_path

    return gather(info, manifest, hub, tools.blobs, taken_in, tools.readers, tools.now())


def _remarks(terms: Terms) -> Iterator[str]:
    return (remark.message[:_LONGEST_REMARK] for remark in terms.remarks if remark.rule in _TOLD)


STEPS: tuple[Step, ...] = (look, ask, describe, write_card, compare, weigh)


def send(state: PublishState, tools: PublishTools) -> PublishState:
    """The repository and the branch if they are not there, then one commit, then the tag."""
    request, target = state.request, state.target
    tools.require_unchanged(state.files.values())
    total = sum(one.size_bytes for one in state.files.values())
    tools.sending.begin(f"{request.repo} on {tools.address}", total)
    try:
        if not target.head:
            tools.writing.create(request.repo, private=request.private)
        if request.revision != MAIN and not (target.head and target.has_branch):
            tools.writing.branch(request.repo, request.revision, target.head)
        sent = _committed(state, tools)
        tools.sending.moved(total)
    finally:
        tools.sending.end()
    require_arrived(state, sent.commit, tools)
    if request.tag and target.tagged != sent.commit:
        tools.writing.tag(request.repo, request.tag, sent.commit)
    return replace(state, sent=sent)


def _committed(state: PublishState, tools: PublishTools) -> Sent:
    """The commit: made, there already, or there although its answer was lost."""
    if state.is_there:
        return Sent(commit=state.target.head)
    sending = _sending(state, parent_of(state, tools))
    try:
        return tools.writing.commit(state.request.repo, sending)
    except (Conflict, Unreachable):
        if sent := came_after_all(state, tools):
            return sent
        raise


def _sending(state: PublishState, parent: str) -> Sending:
    request = state.request
    title, _, description = request.message.strip().partition("\n")
    return Sending(
        files=tuple((state.files[path], state.entries[path].sha256 or "") for path in sorted(state.files)),
        revision=request.revision,
        title=title or f"Publish {request.repo.name}",
        description=description.strip(),
        parent=parent,
        as_pull_request=request.create_pr,
    )


def _published(state: PublishState, tools: PublishTools) -> Published:
    return Published(
        repo=state.request.repo,
        url=f"{tools.address}/{state.request.repo.full_name}",
        commit=state.sent.commit,
        files=tuple(HashedFile.of(state.entries[path]) for path in sorted(state.entries)),
        news={path: _news(entry, state.held.get(path)) for path, entry in state.entries.items()},
        left_out=state.left_out,
        card=state.card,
        added=state.added,
        verdict=state.verdict,
        warnings=tuple(dict.fromkeys((*state.warnings, *state.sent.warnings))),
        is_new=not state.target.head,
        changed=not state.is_there if state.request.dry_run else state.sent.commit != state.target.head,
        pull_request=state.sent.pull_request,
    )


def _news(entry: FileEntry, held: FileEntry | None) -> News:
    if held is None:
        return News.NEW
    return News.SAME if held.agrees_with(entry) else News.CHANGED
