"""Histories that are replaced: a branch becomes one commit."""

from __future__ import annotations

from weighbridge.bridge.repo_refs import RepoRefs
from weighbridge.domain.access import Principal, Verb
from weighbridge.domain.hosted import Repository, Revision, history, make_revision
from weighbridge.domain.ref import RepoId, is_commit
from weighbridge.domain.repo import Commit, Refs
from weighbridge.errors import BadInput, NoSuchRevision, StaleParent
from weighbridge.flows.push import check_words

_TRIES = 20


class RepoHistory(RepoRefs):
    """What changes more than the end of a branch; see ``bridge.repos.Repos``."""

    def squash(self, principal: Principal, repo: RepoId, branch: str, message: str) -> Commit:
        """Put one commit without parents in the place of a branch's history, with the same files.

        It is judged as any other. Until it was accepted, readers find the branch where it was.
        Commits that were there before keep their ids: pins hold.

        Raises:
            NoSuchRevision: there is no such branch.
            BadInput: it is a tag or a commit, or the message cannot be one.
        """
        there = self.allowed(principal, repo, Verb.WRITE)
        title, _, description = (part.strip() for part in message.strip().partition("\n"))
        check_words(title, description)
        branch = branch.removeprefix("refs/heads/")
        for turn in range(_TRIES):
            refs = self._catalog.hosted_refs(there.key)
            head = self._branch_head(there, refs, branch)
            made = make_revision(
                there.id,
                head.manifest.files,
                parents=(),
                author=principal.name,
                title=title,
                description=description,
                at=self._now(),
            )
            former = self._former(there, refs, branch)
            line = self._line(principal, "repo.squash", f"{there.id}@{made.commit.id}", branch)
            try:
                self._catalog.replace_branch(there, branch, head.commit.id, made, former, line)
            except StaleParent:
                if turn == _TRIES - 1:
                    raise
                continue
            self._judging.submit(there, made.commit.id)
            return made.commit
        raise AssertionError("the loop ends by a return or by an error")

    def _branch_head(self, repository: Repository, refs: Refs, branch: str) -> Revision:
        commit = refs.branches.get(branch, "")
        if not commit and (branch in refs.tags or branch.startswith("refs/") or is_commit(branch)):
            raise BadInput(f"'{branch}' is no branch", hint="only the history of a branch can be squashed")
        head = self._catalog.revision(repository, commit)
        if head is None:
            raise NoSuchRevision(repository.id.full_name, branch)
        return head

    def _former(self, repository: Repository, refs: Refs, branch: str) -> str:
        """Where readers find the branch: as it is now, or as it was before if nothing of it is served."""
        commits = self._catalog.commits_of(repository.key)
        admissions = self._catalog.admissions(repository.key)
        head = refs.branches[branch]
        served = (admissions.get(commit.id) for commit in history(commits, head))
        if any(each and each.served for each in served):
            return head
        return refs.former.get(branch, head)
