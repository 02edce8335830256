"""How tests make evidence: of files and texts, and of what surrounds a repository on the Hub."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from weighbridge.adapters.front_matter import front_matter
from weighbridge.domain.evidence import (
    DataSet,
    Evidence,
    OperatorNote,
    Parent,
    Resemblance,
    Source,
    SourceState,
    Text,
)
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.manifest import FileEntry, Manifest, sha256
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.domain.repo import Commit, DiscussionHead, Owner, OwnerKind
from weighbridge.domain.sources import SOURCES

CARDS = Path(__file__).parent / "cards"
READ = Source(state=SourceState.READ)
ABSENT = Source(state=SourceState.ABSENT)
AWAY = Source(state=SourceState.UNREACHABLE, reason="no route to the Hub")
COMMIT = "86b5e0934494bd15c9632b12f734a8a67f723594"


def evidence_of(
    repo: str,
    *,
    kind: RepoKind = RepoKind.MODEL,
    sizes: Mapping[str, int] | None = None,
    texts: Mapping[str, str] | None = None,
    info: JsonObject | None = None,
    parents: tuple[Parent, ...] = (),
    eval_results: Mapping[str, JsonObject] | None = None,
    sources: Mapping[str, Source] | None = None,
    commits: tuple[Commit, ...] = (),
    discussions: tuple[DiscussionHead, ...] = (),
    owner: Owner | None = None,
    data_sets: tuple[DataSet, ...] = (),
    resemblances: tuple[Resemblance, ...] = (),
    notes: tuple[OperatorNote, ...] = (),
) -> Evidence:
    """Evidence of a repository with these files, every source read unless ``sources`` says otherwise.

    ``texts`` are the files that were captured.
    """
    texts = texts or {}
    lengths = {path: len(content.encode()) for path, content in texts.items()} | dict(sizes or {})
    entries = tuple(
        FileEntry(path=path, size_bytes=size, digests=(sha256(hashlib.sha256(path.encode()).hexdigest()),))
        for path, size in lengths.items()
    )
    front, error = front_matter(texts.get("README.md", ""))
    relatives = {"parents": READ if parents else ABSENT, "data_sets": READ if data_sets else ABSENT}
    return Evidence(
        manifest=Manifest(repo=RepoId.parse(repo, kind), commit=COMMIT, files=entries),
        sources={**dict.fromkeys(SOURCES, READ), **relatives, **(sources or {})},
        info={"id": repo, "gated": False, "private": False} | dict(info or {}),
        texts={
            path: Text(content=content, sha256=hashlib.sha256(content.encode()).hexdigest())
            for path, content in texts.items()
        },
        front_matter=front,
        front_matter_error=error,
        eval_results=eval_results or {},
        parents=parents,
        commits=commits,
        discussions=discussions,
        owner=owner,
        data_sets=data_sets,
        resemblances=resemblances,
        notes=notes,
        captured_at="2026-11-20T08:00:00Z",
    )


def card(name: str) -> str:
    return (CARDS / f"{name}.md").read_text()


def licence(id: str) -> str:
    return files("weighbridge.metrics").joinpath("licence_texts", f"{id}.txt").read_text("utf-8")


def config(**fields: object) -> str:
    return json.dumps(fields, indent=2)


@cache
def template_card() -> str:
    """The Hub's own model card template, as one gets it without filling anything in."""
    spec = find_spec("huggingface_hub")
    assert spec
    assert spec.origin
    text = (Path(spec.origin).parent / "templates" / "modelcard_template.md").read_text()
    text = re.sub(r"\{\{ [^}]*?default\(\"([^\"]*)\", true\)\s*\}\}", r"\1", text)
    return re.sub(r"\{\{[^}]*\}\}", "", text)


def history(**people: int) -> tuple[Commit, ...]:
    """So many commits of each, one a day, the newest first."""
    made = [(name, f"change {n} of {name}") for name, count in people.items() for n in range(count)]
    return commits(made)


def commits(made: Iterable[tuple[str, str]]) -> tuple[Commit, ...]:
    """Commits of (author, title), the first the newest, one a day."""
    listed = list(made)
    return tuple(
        Commit(
            id=hashlib.sha1(f"{n} {author} {title}".encode()).hexdigest(),
            title=title,
            authors=(author,),
            created_at=f"2024-{1 + n // 28 % 12:02d}-{1 + n % 28:02d}T12:00:00.000Z",
        )
        for n, (author, title) in reversed(list(enumerate(reversed(listed))))
    )


def pulled(author: str, number: int, *others: str) -> Commit:
    """What a merged pull request became: newer than ``history``, with those who are named besides."""
    title = f"Proposal {number} (#{number})"
    return Commit(
        id=hashlib.sha1(f"{author} {title}".encode()).hexdigest(),
        title=title,
        authors=(author, *others),
        created_at=f"2025-01-{number:02d}T12:00:00.000Z",
    )


def merged(*authors: str) -> tuple[DiscussionHead, ...]:
    """One merged pull request of each."""
    return tuple(
        DiscussionHead(number=n, title=f"Proposal {n}", author=author, status="merged", is_pull=True)
        for n, author in reversed(list(enumerate(authors, 1)))
    )


def organization(name: str, members: int | None, *, is_verified: bool = False) -> Owner:
    return Owner(name=name, kind=OwnerKind.ORGANIZATION, members=members, is_verified=is_verified)


def user(name: str) -> Owner:
    return Owner(name=name, kind=OwnerKind.USER)


def data_set(
    id: str,
    *,
    card: str = "",
    tags: Iterable[str] = (),
    files: tuple[str, ...] = ("data/train.parquet",),
    source: Source = READ,
) -> DataSet:
    """A data set as the Hub would give it; ``tags`` are those of its record."""
    info: JsonObject | None = (
        {"id": id, "sha": COMMIT, "tags": list(tags)} if source.state is SourceState.READ else None
    )
    return DataSet(id=id, declared_in="README.md:datasets", source=source, info=info, card=card, files=files)
