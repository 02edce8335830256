"""A hosted repository as somebody sees it: which commits are shown, and what names mean then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from weighbridge.domain.hosted import Admission, Repository, history
from weighbridge.domain.repo import Commit, Refs
from weighbridge.errors import Disabled, NoSuchRevision


@dataclass(frozen=True, kw_only=True)
class HostedView:
    """A repository as somebody sees it now."""

    repository: Repository
    refs: Refs
    admissions: Mapping[str, Admission]
    commits: Mapping[str, Commit]
    unjudged_too: bool
    proposed: frozenset[str] = frozenset()
    """The commits of the caller's own pull requests."""

    def shows(self, commit: str) -> bool:
        """Whether a commit is served to this caller."""
        admission = self.admissions.get(commit)
        if admission is None:
            return self.unjudged_too or commit in self.proposed
        return admission.served

    def line(self, head: str) -> Iterator[Commit]:
        """The history from ``head``, as far as it is shown."""
        return (commit for commit in history(self.commits, head) if self.shows(commit.id))

    def newest(self, branch: str) -> Commit | None:
        """The newest shown commit of a branch.

        A branch whose history was replaced stays where it was until what came in its place, or
        follows it, is shown.
        """
        head = self.refs.branches[branch]
        now = next(self.line(head), None)
        former = next(self.line(self.refs.former.get(branch, "")), None)
        if former is None or (now and now.id == head):
            return now
        return former if now is None or now.created_at < former.created_at else now

    @property
    def shown_refs(self) -> Refs:
        """Branches at their newest shown commit, and the tags of shown commits."""
        heads = {name: self.newest(name) for name in self.refs.branches}
        return Refs(
            branches={name: commit.id for name, commit in heads.items() if commit},
            tags={name: commit for name, commit in self.refs.tags.items() if self.shows(commit)},
            pulls={name: commit for name, commit in self.refs.pulls.items() if self.shows(commit)},
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it is shown, nor was before it was withdrawn."""
        return not self.admissions and not any(self.shows(commit) for commit in self.commits)

    def at(self, revision: str, *, withdrawn_too: bool = False) -> str:
        """The commit that a revision means.

        Raises:
            NoSuchRevision: there is none, or it is not shown.
            Disabled: it was withdrawn.
        """
        shown = [id for id in self.commits if self.shows(id) or id in self.admissions]
        commit = self.shown_refs.commit_of(revision, shown)
        commit = commit or Refs(tags=self.refs.tags).commit_of(revision)
        name = self.repository.id.full_name
        if commit is None or commit not in shown:
            waiting = not self.unjudged_too and self.refs.commit_of(revision, self.commits)
            raise NoSuchRevision(name, revision, hint="it was not accepted (yet)" if waiting else "")
        if not self.shows(commit) and not withdrawn_too:
            why = self.admissions[commit].reason or "no reason was given"
            raise Disabled(f"{name}@{commit[:12]} was withdrawn: {why}")
        return commit
