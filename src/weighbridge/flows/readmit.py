"""Judge anew what another registry admitted: its evidence, this registry's files, rules and policy.

    read_again -> scan -> evaluate -> judge -> record

Everything that the held files themselves say is read out of them once more; of what came with them
there stays only what nobody can ask for behind an air gap: what the Hub said of the model.
"""

from __future__ import annotations

from dataclasses import replace

from weighbridge.domain.evidence import evidence_from_json
from weighbridge.flows.documents import keep, load
from weighbridge.flows.gather import with_files
from weighbridge.flows.ingest import Step, evaluate, judge_all, record, scan
from weighbridge.flows.ingest_state import State, Tools


def read_again(tools: Tools, state: State) -> State:
    """Replace what the brought evidence says of the files by what they say; forget the other's notes."""
    brought = evidence_from_json(load(tools.blobs, state.draft_sha256))
    draft = with_files(replace(brought, notes=(), resemblances=()), tools.blobs, tools.readers)
    return replace(state, draft_sha256=keep(tools.blobs, draft.to_json()))


READMIT: tuple[tuple[str, Step], ...] = (
    ("read_again", read_again),
    ("scan", scan),
    ("evaluate", evaluate),
    ("judge", judge_all),
    ("record", record),
)
"""The flow: its names are what a job shows."""
