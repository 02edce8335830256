"""The large files of a repository in all of its history: which there are, and how they go for good."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from uuid import uuid4

from weighbridge.bridge.repo_answers import LargeKept
from weighbridge.bridge.repo_refs import RepoRefs
from weighbridge.domain.access import Principal, Verb
from weighbridge.domain.hosted import DEFAULT_BRANCH, Repository, Revision
from weighbridge.domain.manifest import Storage
from weighbridge.domain.manifest import sha256 as sha256_digest
from weighbridge.domain.ref import RepoId
from weighbridge.domain.repo import Commit, Refs
from weighbridge.domain.rewriting import (
    Rewriting,
    keep_accepted,
    large_contents,
    parents_first,
    reached,
    rewrite,
)
from weighbridge.errors import Conflict

_TRIES = 5
_NO_NAME = (sys.maxsize, "")


class RepoLarge(RepoRefs):
    """Large files over all commits; see ``bridge.repos.Repos``."""

    def large_files(self, principal: Principal, repo: RepoId) -> tuple[LargeKept, ...]:
        """Every large content that a commit holds, what was pushed last first; for those who may write."""
        there = self.allowed(principal, repo, Verb.WRITE)
        commits = self._catalog.commits_of(there.key)
        names = _names(commits, self._catalog.hosted_refs(there.key))
        found, best = dict[str, LargeKept](), dict[str, tuple[int, str]]()
        for id in parents_first(commits):
            revision = self._catalog.revision(there, id)
            for entry in revision.manifest.files if revision else ():
                if revision is None or entry.storage is not Storage.LFS or entry.sha256 is None:
                    continue
                known = found.get(entry.sha256)
                best[entry.sha256] = min(names.get(id, _NO_NAME), best.get(entry.sha256, _NO_NAME))
                found[entry.sha256] = LargeKept(
                    sha256=entry.sha256,
                    size_bytes=entry.size_bytes,
                    path=entry.path,
                    pushed_at=min(revision.at, known.pushed_at) if known else revision.at,
                    ref=best[entry.sha256][1],
                )
        return tuple(sorted(found.values(), key=lambda each: (each.pushed_at, each.sha256), reverse=True))

    def delete_large(self, principal: Principal, repo: RepoId, contents: Sequence[str]) -> None:
        """Take large contents (sha256) out of every commit; what no commit holds is not missed.

        Commits that held one, and those that follow them, are made anew with other ids, and are
        judged again; packages of those that held one are withdrawn. What was accepted and never held
        one stays. The bytes stay in the store, where nothing of this repository leads to them.

        Raises:
            Conflict: others change the repository all the time.
        """
        there = self.allowed(principal, repo, Verb.OWN)
        gone = frozenset(sha256_digest(each).value for each in contents)
        for turn in range(_TRIES):
            refs = self._catalog.hosted_refs(there.key)
            try:
                done = self._rewritten(there, refs, gone)
                if not done.dropped:
                    return
                line = self._line(principal, "repo.lfs.delete", there.id.full_name, f"{len(gone)} contents")
                reason = "the history was rewritten: a large file was deleted for good"
                self._catalog.rewrite(there, refs, done, uuid4().hex, reason, line)
            except Conflict:
                if turn == _TRIES - 1:
                    raise
                continue
            for commit in {*refs.branches.values(), *refs.tags.values()} & done.renamed.keys():
                self._judging.submit(there, done.renamed[commit])
            return
        raise AssertionError("the loop ends by a return or by an error")

    def _rewritten(self, repository: Repository, refs: Refs, gone: frozenset[str]) -> Rewriting:
        commits = self._catalog.commits_of(repository.key)
        heads = (*refs.branches.values(), *refs.tags.values(), *refs.pulls.values())
        named = reached(commits, heads)
        done, holding = Rewriting(), set[str]()
        for id in parents_first(commits):
            revision = self._revision_now(repository, id)
            if large_contents(revision.manifest) & gone:
                holding.add(id)
            rewrite(done, revision, gone, named=id in named)
        admissions = self._catalog.admissions(repository.key)
        keep_accepted(done, frozenset(holding), commits, refs, admissions)
        return done

    def _revision_now(self, repository: Repository, id: str) -> Revision:
        revision = self._catalog.revision(repository, id)
        if revision is None:
            raise Conflict(f"the commit {id[:12]} was taken away meanwhile", hint="try again")
        return revision


def _names(commits: Mapping[str, Commit], refs: Refs) -> dict[str, tuple[int, str]]:
    """A name that leads to each commit, and its rank: branches (main first), tags, pull requests."""
    branches = sorted(refs.branches.items(), key=lambda each: (each[0] != DEFAULT_BRANCH, each[0]))
    heads = [(f"refs/heads/{name}", commit) for name, commit in branches]
    heads += [(f"refs/tags/{name}", commit) for name, commit in refs.tags.items()]
    names: dict[str, tuple[int, str]] = {}
    for rank, (name, head) in enumerate([*heads, *refs.pulls.items()]):
        waiting = [head]
        while waiting:
            id = waiting.pop()
            if id in commits and id not in names:
                names[id] = (rank, name)
                waiting += commits[id].parents
    return names
