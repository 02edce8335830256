"""Copies from one repository to another: all of it, or the right to name its large contents."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from weighbridge.bridge.access import require
from weighbridge.bridge.pulls import sending_space
from weighbridge.bridge.repo_life import RepoLife
from weighbridge.domain.access import Permission, Principal, Verb
from weighbridge.domain.hosted import (
    DEFAULT_BRANCH,
    Copied,
    Gate,
    Origin,
    Repository,
    Revision,
    history,
    make_revision,
)
from weighbridge.domain.manifest import Manifest
from weighbridge.domain.manifest import sha256 as sha256_digest
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.domain.repo import Refs
from weighbridge.domain.rewriting import large_contents
from weighbridge.errors import Conflict, NoSuchRepo, NoSuchRevision, StoreDown
from weighbridge.flows.push import check_name, check_size
from weighbridge.ports import Hub


@dataclass(kw_only=True)
class _Plan:
    """What is to be copied: ``whole`` commits of the source, and ``roots`` that stand for a history."""

    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    whole: dict[str, None] = field(default_factory=dict)
    roots: dict[str, Revision] = field(default_factory=dict)


class RepoCopies(RepoLife):
    """What of a repository becomes part of another one; see ``bridge.repos.Repos``."""

    def duplicate(
        self,
        principal: Principal,
        repo: RepoId,
        to: RepoId,
        *,
        private: bool | None = None,
        group: str = "",
    ) -> Repository:
        """Copy a repository that the principal may download; ``private`` None: as it is there.

        Branches and tags are copied as the principal sees them: with their history where it may
        see all of that, else as one commit each. Of a mirrored repository ``main`` is copied, as
        one commit. The copies are judged as any commit, and their contents count as sent by the
        new namespace. What it was duplicated from is recorded, and is its base model for those who judge it.

        Raises:
            RepoExists: the new name is taken.
            NotPermitted: the namespace of the new name is somebody else's.
            Gated: the files are not handed out to the principal.
            NoSuchRevision: the principal sees no commit of it.
            OverQuota: the new namespace has no room for it.
        """
        hub = self._source(principal, repo)
        source = self._catalog.hosted(repo)
        as_there = source is not None and source.private
        made = self._new(
            principal,
            to,
            private=as_there if private is None else private,
            gate=source.gate if source else Gate.OPEN,
            group=group,
        )
        origin = Origin(repo=source.id, key=source.key) if source else Origin(repo=repo)
        made = replace(made, origin=origin)
        plan = self._plan(principal, hub, source) if source else self._mirrored(principal, hub, repo)
        copied, large = self._copied(source, plan) if source else (None, set[str]())
        for root in plan.roots.values():
            large |= large_contents(root.manifest)
        refs = Refs(branches=plan.branches, tags=plan.tags)
        line = self._line(principal, "repo.duplicate", made.id.full_name, f"of {repo.full_name}")
        with self._taking(principal, made.id):
            self._catalog.add_repository(made, refs, plan.roots.values(), line, copied)
        for sha256 in large:
            self._receipts.add(sending_space(principal, made), sha256)
        for commit in {*plan.branches.values(), *plan.tags.values()}:
            self._judging.submit(made, commit)
        return made

    def lend(
        self, principal: Principal, repo: RepoId, to: RepoId, contents: Sequence[str]
    ) -> tuple[str, ...]:
        """Let commits of another repository name large contents (sha256) of this one.

        Gives those that the principal sees in no commit of this one.
        """
        hub = self._source(principal, repo)
        there = self.allowed(principal, to, Verb.PROPOSE)
        missing = {sha256_digest(sha256).value for sha256 in contents}
        for manifest in _manifests(hub, repo):
            if not missing:
                break
            found = missing & large_contents(manifest)
            for sha256 in found:
                self._receipts.add(sending_space(principal, there), sha256)
            missing -= found
        return tuple(sorted(missing))

    def _source(self, principal: Principal, repo: RepoId) -> Hub:
        """The Hub that has a repository, as the principal sees it.

        Raises:
            NoSuchRepo: there is none, or it is not shown.
            Gated: its files are not handed out to the principal.
        """
        require(principal, Permission.DOWNLOAD)
        if self._catalog.hosted(repo) is not None:
            self.repository(principal, repo)
            hub = self._hub.seen_by(principal)
            hub.require_open(repo)
            return hub
        if self._mirrors is None or not self._catalog.is_mirrored(repo):
            raise NoSuchRepo(repo.full_name)
        return self._mirrors

    def _plan(self, principal: Principal, hub: Hub, source: Repository) -> _Plan:
        plan, known = _Plan(), self._catalog.commits_of(source.key)
        tags = self._catalog.hosted_refs(source.key).tags  # without the versions that were accepted there
        shown = hub.refs(source.id)
        if DEFAULT_BRANCH not in shown.branches:
            raise NoSuchRevision(source.id.full_name, DEFAULT_BRANCH, hint="nothing of it was accepted (yet)")

        def copied(commit: str) -> str:
            line = [each.id for each in hub.commits(source.id, commit, sys.maxsize)]
            if line == [each.id for each in history(known, commit)]:
                plan.whole.update(dict.fromkeys(line))
                return commit
            if commit not in plan.roots:
                plan.roots[commit] = self._root(principal, hub.manifest(source.id, commit))
            return plan.roots[commit].commit.id

        plan.branches = {name: copied(commit) for name, commit in shown.branches.items()}
        plan.tags = {name: copied(tags[name]) for name in tags if shown.tags.get(name) == tags[name]}
        return plan

    def _mirrored(self, principal: Principal, hub: Hub, repo: RepoId) -> _Plan:
        info = hub.info(ModelRef(repo=repo))
        root = self._root(principal, hub.manifest(repo, info.commit))
        for entry in root.manifest.files:
            check_name(entry.path, self._forbidden)
            check_size(self._limit, entry.path, entry.size_bytes)
            if entry.sha256 is None or not self._blobs.holds(entry.sha256):
                raise StoreDown(f"the store has lost '{entry.path}' of '{repo.full_name}'")
        return _Plan(branches={DEFAULT_BRANCH: root.commit.id}, roots={info.commit: root})

    def _root(self, principal: Principal, manifest: Manifest) -> Revision:
        return make_revision(
            manifest.repo,
            manifest.files,
            parents=(),
            author=principal.name,
            title=f"Duplicate of {manifest.repo.full_name}@{manifest.commit[:12]}",
            description="",
            at=self._now(),
        )

    def _copied(self, source: Repository, plan: _Plan) -> tuple[Copied, set[str]]:
        """The commits that are copied as they are, and the large contents among what they hold."""
        contents, large = dict[str, int](), set[str]()
        for id in plan.whole:
            revision = self._catalog.revision(source, id)
            if revision is None:
                raise Conflict(f"the commit {id[:12]} was taken away meanwhile", hint="try again")
            contents.update((e.sha256, e.size_bytes) for e in revision.manifest.files if e.sha256)
            large |= large_contents(revision.manifest)
        return Copied(source=source.key, commits=tuple(plan.whole), contents=contents), large


def _manifests(hub: Hub, repo: RepoId) -> Iterator[Manifest]:
    """Of every commit that a branch or a tag leads to, heads first."""
    refs = hub.refs(repo)
    heads = dict.fromkeys((*refs.branches.values(), *refs.tags.values()))
    yield from (hub.manifest(repo, commit) for commit in heads)
    seen = set(heads)
    for head in heads:
        for commit in hub.commits(repo, head, sys.maxsize):
            if commit.id not in seen:
                seen.add(commit.id)
                yield hub.manifest(repo, commit.id)
