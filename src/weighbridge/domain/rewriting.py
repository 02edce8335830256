"""Histories without certain contents: every commit that held one, and all that follow it, made anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from weighbridge.domain.hosted import Admission, Revision, history, make_revision
from weighbridge.domain.manifest import Manifest, Storage
from weighbridge.domain.repo import Commit, Refs


@dataclass(kw_only=True)
class Rewriting:
    """What becomes of a repository's commits.

    ``made`` are new commits, ``renamed`` says which one stands in the place of which, ``dropped``
    are taken away, and ``former`` is where readers find a branch until its new commits were accepted.
    """

    made: list[Revision] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    former: dict[str, str] = field(default_factory=dict)


def large_contents(manifest: Manifest) -> frozenset[str]:
    """The sha256 of every large file."""
    return frozenset(e.sha256 for e in manifest.files if e.storage is Storage.LFS and e.sha256)


def parents_first(commits: Mapping[str, Commit]) -> tuple[str, ...]:
    """Every commit, each behind its parents."""
    done: dict[str, None] = {}
    for first in commits:
        waiting = [first]
        while waiting:
            id = waiting[-1]
            open_parents = [p for p in commits[id].parents if p in commits and p not in done]
            if id in done or not open_parents:
                done.setdefault(waiting.pop())
            else:
                waiting += open_parents
    return tuple(done)


def reached(commits: Mapping[str, Commit], heads: Iterable[str]) -> frozenset[str]:
    """Every commit that these are or follow, by whatever parent."""
    found: set[str] = set()
    waiting = list(heads)
    while waiting:
        id = waiting.pop()
        if id in commits and id not in found:
            found.add(id)
            waiting += commits[id].parents
    return frozenset(found)


def rewrite(done: Rewriting, revision: Revision, gone: frozenset[str], *, named: bool) -> None:
    """Take one commit up; its parents came before it. ``named``: some branch, tag or pull request has it.

    A commit that keeps its files and its parents stays as it is. What nothing leads to is only
    taken away, and only if it holds what is to go.
    """
    commit = revision.commit
    holds = bool(large_contents(revision.manifest) & gone)
    parents = tuple(done.renamed.get(parent, parent) for parent in commit.parents)
    if holds or (named and parents != commit.parents):
        done.dropped.add(commit.id)
    if not named or (not holds and parents == commit.parents):
        return
    made = make_revision(
        revision.manifest.repo,
        [e for e in revision.manifest.files if not (e.storage is Storage.LFS and e.sha256 in gone)],
        parents=parents,
        author=commit.authors[0],
        title=commit.title,
        description=commit.message,
        at=revision.at,
    )
    done.made.append(made)
    done.renamed[commit.id] = made.commit.id


def keep_accepted(
    done: Rewriting,
    holding: frozenset[str],
    commits: Mapping[str, Commit],
    refs: Refs,
    admissions: Mapping[str, Admission],
) -> None:
    """What was accepted and does not hold what is to go stays, for pins and for readers of a branch."""
    served = {id for id, admission in admissions.items() if admission.served}
    done.dropped -= served - holding
    done.dropped.difference_update(made.commit.id for made in done.made)
    for branch, head in refs.branches.items():
        if head not in done.renamed:
            continue
        lines = (*history(commits, head), *history(commits, refs.former.get(branch, "")))
        kept = (each.id for each in lines if each.id in served and each.id not in done.dropped)
        newest = next(kept, None)
        if newest is not None:
            done.former[branch] = newest
