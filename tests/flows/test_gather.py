"""What is captured, from where, and what is said of a source that could not be read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.hub_server import HubRepo, HubServer, serve_hub
from tests.registry_process import wait_for
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.hub_http import HttpHub
from weighbridge.adapters.hub_http.patience import Patience
from weighbridge.adapters.progress import SilentReporter
from weighbridge.bridge.readers import readers
from weighbridge.domain.evidence import Evidence, SourceState, evidence_from_json
from weighbridge.domain.manifest import FileEntry, Manifest, digests_of
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.domain.repo import OwnerKind
from weighbridge.flows.ensure import fetch
from weighbridge.flows.gather import (
    DISCUSSION_LIMIT,
    HISTORY_LIMIT,
    RESULTS_LIMIT,
    TEXT_LIMIT_BYTES,
    TEXTS_LIMIT_BYTES,
    gather,
    texts_of,
)
from weighbridge.flows.relatives import ANCESTOR_LIMIT, DATA_SET_LIMIT, GENERATIONS, NAMED_LIMIT, PARENT_LIMIT

FITTING = TEXTS_LIMIT_BYTES // TEXT_LIMIT_BYTES


def manifest(sizes: dict[str, int]) -> Manifest:
    digests = digests_of(b"")
    files = tuple(FileEntry(path=p, size_bytes=size, digests=digests) for p, size in sizes.items())
    return Manifest(repo=RepoId.parse("org/name"), commit="1" * 40, files=files)


def test_all_texts_of_an_ordinary_repository_are_captured() -> None:
    sizes = {
        "README.md": 1024 * 1024,
        "LICENSE": 10,
        "config.json": 10,
        "a/b.py": 10,
        "w.bin": 10,
        "a.json": 1,
    }
    wanted, beyond = texts_of(manifest(sizes))
    assert [entry.path for entry in wanted] == ["LICENSE", "README.md", "config.json", "a/b.py"]
    assert beyond == 0


def test_any_amount_of_code_leaves_the_card_in_and_the_memory_free() -> None:
    code = {f"a{number:04}.py": TEXT_LIMIT_BYTES for number in range(5000)}
    wanted, beyond = texts_of(manifest({**code, "README.md": 100}))
    assert wanted[0].path == "README.md"
    assert len(wanted) == FITTING
    assert beyond == 5001 - FITTING


NAME = "acme/tuned"
CARD = b"---\nlicense: mit\nbase_model: acme/base\ndatasets: [acme/words]\n---\n# Tuned\n"
DATA_CARD = b"---\nlicense: mit\n---\n# Words\n"
PULL = {"num": 1, "title": "Fix", "author": {"name": "bob"}, "status": "merged", "isPullRequest": True}


@pytest.fixture
def hub() -> Iterator[HubServer]:
    tuned = HubRepo({"README.md": CARD, "config.json": b"{}"})
    tuned.details = {"childrenModelCount": {"finetune": 3}, "securityRepoStatus": {"scansDone": True}}
    tuned.discussions = [PULL]
    words = HubRepo({"README.md": DATA_CARD, "a.csv": b"a"}, kind="dataset")
    with serve_hub({NAME: tuned, "acme/base": HubRepo({"README.md": CARD}), "acme/words": words}) as server:
        yield server


@pytest.fixture
def gathered(hub: HubServer, tmp_path: Path) -> Callable[[], Evidence]:
    """Gathers the evidence of NAME, without patience."""

    def run() -> Evidence:
        patience = Patience(tries=1, sleep=lambda _: None)
        upstream, blobs = HttpHub(hub.url, environ={}, patience=patience), FolderBlobs(tmp_path)
        info = upstream.info(ModelRef.parse(NAME))
        files = upstream.manifest(info.repo, info.commit)

        def taken(entries: Iterable[FileEntry]) -> Mapping[str, FileEntry]:
            part = Manifest(repo=files.repo, commit=files.commit, files=tuple(entries))
            return fetch(part, upstream, blobs, SilentReporter(), connections=2).by_path

        return gather(info, files, upstream, blobs, taken, readers(), datetime(2026, 5, 1, tzinfo=UTC))

    return run


def states(evidence: Evidence) -> dict[str, str]:
    return {name: source.state.value for name, source in evidence.sources.items()}


def test_every_source_is_read(gathered: Callable[[], Evidence]) -> None:
    evidence = gathered()
    assert set(states(evidence).values()) - {states(evidence)["headers"]} == {"read"}
    assert evidence.state("headers") is SourceState.UNREACHABLE, "no weight is fetched yet"
    assert [commit.authors for commit in evidence.commits] == [("alice",)]
    assert [(talk.author, talk.status, talk.is_pull) for talk in evidence.discussions] == [
        ("bob", "merged", True)
    ]
    assert evidence.owner is not None
    assert (evidence.owner.kind, evidence.owner.members) == (OwnerKind.ORGANIZATION, 6)
    assert evidence.info["childrenModelCount"] == {"finetune": 3}
    assert [(p.id, p.declared_in, p.card) for p in evidence.parents] == [
        ("acme/base", "README.md:base_model", CARD.decode())
    ]
    assert [(d.id, d.card, d.files) for d in evidence.data_sets] == [
        ("acme/words", DATA_CARD.decode(), ("README.md", "a.csv"))
    ]
    assert evidence.captured_at == "2026-05-01T00:00:00Z"


@pytest.mark.parametrize("status", [500, 403, 429])
@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("commits", f"/api/models/{NAME}/commits/*"),
        ("discussions", f"/api/models/{NAME}/discussions"),
        ("owner", "/api/organizations/acme/overview"),
        ("parents", "/api/models/acme/base/*"),
        ("data_sets", "/api/datasets/acme/words/*"),
    ],
)
def test_an_address_that_fails_makes_its_own_source_unreachable(
    source: str, address: str, status: int, hub: HubServer, gathered: Callable[[], Evidence]
) -> None:
    hub.fault(address, status=status, headers={"Retry-After": "9999"})
    evidence = gathered()
    unread = {name for name, state in states(evidence).items() if state == "unreachable"}
    assert unread == {source, "headers"}
    assert evidence.sources[source].reason


def test_details_that_fail_leave_what_the_plain_answer_says(
    hub: HubServer, gathered: Callable[[], Evidence]
) -> None:
    commit = hub.repos[NAME].head
    hub.fault(f"/api/models/{NAME}/revision/{commit}", status=500)
    evidence = gathered()
    assert evidence.state("details") is SourceState.UNREACHABLE
    assert evidence.info["tags"] == ["license:mit"]
    assert "childrenModelCount" not in evidence.info


def test_what_is_not_there_is_absent_and_not_unreachable(
    hub: HubServer, gathered: Callable[[], Evidence]
) -> None:
    hub.owners["acme"] = None
    hub.repos.pop("acme/base")
    hub.repos.pop("acme/words")
    evidence = gathered()
    assert evidence.state("owner") is SourceState.ABSENT
    assert [parent.source.state for parent in evidence.parents] == [SourceState.ABSENT]
    assert [each.source.state for each in evidence.data_sets] == [SourceState.ABSENT]
    hub.repos[NAME].commit({"README.md": b"---\nlicense: mit\n---\n"})
    assert states(gathered())["data_sets"] == states(gathered())["parents"] == "absent"


def test_the_sources_are_asked_side_by_side(hub: HubServer, gathered: Callable[[], Evidence]) -> None:
    """History, discussions and owner all wait at once: asked in turn, the later ones would never come."""
    addresses = (f"/api/models/{NAME}/commits/*", f"/api/models/{NAME}/discussions", "/api/*/acme/overview")
    faults = [hub.fault(address, hold_after=1) for address in addresses]
    found: list[Evidence] = []
    asking = threading.Thread(target=lambda: found.append(gathered()))
    asking.start()
    try:
        wait_for(lambda: all(hub.asked(address) for address in addresses))
    finally:
        for fault in faults:
            fault.release()
        asking.join(600)
    assert found[0].owner is not None


def test_what_strangers_declare_is_bounded(hub: HubServer, gathered: Callable[[], Evidence]) -> None:
    many = ", ".join(f"acme/n{number}" for number in range(500))
    hub.repos[NAME].commit({"README.md": f"---\nbase_model: [{many}]\ndatasets: [{many}]\n---\n".encode()})
    hub.repos[NAME].discussions = [{**PULL, "num": number} for number in range(DISCUSSION_LIMIT * 2)]
    for number in range(HISTORY_LIMIT + 20):
        hub.repos[NAME].commit({"README.md": hub_card(hub), "n": str(number).encode()})
    evidence = gathered()
    assert len(evidence.parents) == NAMED_LIMIT
    unread = [parent for parent in evidence.parents if "not looked up" in parent.source.reason]
    assert len(unread) == NAMED_LIMIT - PARENT_LIMIT
    assert {parent.source.state for parent in unread} == {SourceState.ABSENT}
    assert len(evidence.data_sets) == DATA_SET_LIMIT
    assert len(evidence.discussions) == DISCUSSION_LIMIT
    assert len(evidence.commits) == HISTORY_LIMIT


def line(hub: HubServer, ids: Sequence[str]) -> None:
    """Repositories each of which names the next one as its base model."""
    hub.repos[NAME].commit({"README.md": f"---\nlicense: mit\nbase_model: {ids[0]}\n---\n".encode()})
    for id, base in pairwise([*ids, ""]):
        hub.repos[id] = HubRepo({"README.md": b"# A base\n"})
        hub.repos[id].info = {"tags": [f"base_model:finetune:{base}"]} if base else {}


def test_the_whole_line_of_base_models_is_captured(hub: HubServer, gathered: Callable[[], Evidence]) -> None:
    line(hub, ["acme/base", "acme/older", "meta/oldest"])
    evidence = gathered()
    assert [parent.id for parent in evidence.parents] == ["acme/base"]
    assert [(one.id, one.declared_in, one.source.state.value) for one in evidence.ancestors] == [
        ("acme/older", "acme/base:base_model", "read"),
        ("meta/oldest", "acme/older:base_model", "read"),
    ]
    assert evidence_from_json(evidence.to_json()) == evidence


def test_a_line_that_leads_back_to_itself_ends(hub: HubServer, gathered: Callable[[], Evidence]) -> None:
    line(hub, ["acme/base", "acme/older", NAME])
    hub.repos[NAME].info = {"tags": ["base_model:acme/base"]}
    evidence = gathered()
    assert [one.id for one in evidence.ancestors] == ["acme/older"]


def test_a_line_without_end_is_cut_and_says_so(hub: HubServer, gathered: Callable[[], Evidence]) -> None:
    line(hub, ["acme/base", *(f"acme/a{number}" for number in range(40))])
    found = gathered().ancestors
    assert len(found) == GENERATIONS + 1 <= ANCESTOR_LIMIT
    assert (found[-1].source.state, "too long" in found[-1].source.reason) == (SourceState.ABSENT, True)


def test_an_ancestor_that_cannot_be_asked_for_makes_the_line_unreachable(
    hub: HubServer, gathered: Callable[[], Evidence]
) -> None:
    line(hub, ["acme/base", "acme/older"])
    hub.fault("/api/models/acme/older/*", status=500)
    evidence = gathered()
    assert evidence.state("parents") is SourceState.UNREACHABLE
    assert [one.source.state.value for one in (*evidence.parents, *evidence.ancestors)] == [
        "read",
        "unreachable",
    ]


def hub_card(hub: HubServer) -> bytes:
    repo = hub.repos[NAME]
    return repo.commits[repo.head]["README.md"].content


def test_a_model_is_not_its_own_base_model_however_it_is_spelled(
    hub: HubServer, gathered: Callable[[], Evidence]
) -> None:
    hub.repos[NAME].commit({"README.md": b"---\nbase_model: [ACME/Tuned, acme/tuned]\n---\n"})
    assert gathered().parents == ()


def test_files_of_results_are_read_up_to_a_limit(hub: HubServer, gathered: Callable[[], Evidence]) -> None:
    entry = b"- {dataset: {id: acme/words, task_id: t}, value: 1}\n"
    full = entry * (RESULTS_LIMIT // 3 // len(entry))
    names = [f".eval_results/{letter}.yaml" for letter in "abcde"]
    hub.repos[NAME].commit({"README.md": CARD, **dict.fromkeys(names, full)})
    evidence = gathered()
    assert sorted(evidence.eval_results) == names[:3]
    assert set(names) <= set(evidence.texts)
