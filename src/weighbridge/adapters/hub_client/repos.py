"""Repositories of a Hub, and their branches and tags: made, changed, listed and taken away."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from weighbridge.adapters.hub_client import HubClient
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.domain.remote_repo import ListedRepo, NamedCommit, NamedCommits
from weighbridge.errors import Conflict, RefExists, RepoExists

if TYPE_CHECKING:
    from collections.abc import Iterable

    from huggingface_hub import DatasetInfo, GitRefInfo, ModelInfo, SpaceInfo

_LISTED = "'weighbridge repo {} list' shows what there is"
_Gate = Literal["auto", "manual"]


class HubRepos:
    """One method per verb; what each may raise beside its own is said at ``HubClient.asking``."""

    def __init__(self, hub: HubClient) -> None:
        self._hub = hub

    def create(self, repo: RepoId, *, private: bool, sdk: str = "") -> tuple[RepoId, str]:
        """Make a repository and give its whole name and its address; a space needs its ``sdk``.

        Raises:
            RepoExists: there is one of this name.
        """
        try:
            with self._hub.asking(f"a new repository '{repo}'", repo=repo) as api:
                made = api.create_repo(
                    repo.full_name, private=private, repo_type=repo.kind.value, space_sdk=sdk or None
                )
        except Conflict as error:
            raise RepoExists(
                repo.full_name, hint="'weighbridge repo settings' changes one that is there"
            ) from error
        try:
            return RepoId.parse(made.repo_id, repo.kind), str(made)
        except Invalid:
            return repo, str(made)

    def delete(self, repo: RepoId) -> None:
        """Take a repository away for good.

        Raises:
            NoSuchRepo: there is none, or the token may not see it.
        """
        with self._hub.asking(f"deleting '{repo}'", repo=repo) as api:
            api.delete_repo(repo.full_name, repo_type=repo.kind.value)

    def move(self, repo: RepoId, to: RepoId) -> None:
        """Give a repository another name or namespace.

        Raises:
            NoSuchRepo: there is none, or the token may not see it.
            RepoExists: the new name is taken.
        """
        try:
            with self._hub.asking(f"moving '{repo}' to '{to}'", repo=repo) as api:
                api.move_repo(repo.full_name, to.full_name, repo_type=repo.kind.value)
        except Conflict as error:
            raise RepoExists(to.full_name, hint="take another name, or delete that one first") from error

    def change(self, repo: RepoId, *, private: bool | None, gate: str) -> None:
        """Change who sees and who reads a repository; ``gate``: auto, manual, no, or empty: as it is."""
        gates: dict[str, _Gate | Literal[False]] = {"auto": "auto", "manual": "manual", "no": False}
        with self._hub.asking(f"the settings of '{repo}'", repo=repo) as api:
            api.update_repo_settings(
                repo.full_name, private=private, gated=gates.get(gate), repo_type=repo.kind.value
            )

    def listed(self, owner: str, kind: RepoKind, limit: int) -> tuple[ListedRepo, ...]:
        """The repositories of a user or an organization, as far as the token may see them."""
        found: Iterable[ModelInfo | DatasetInfo | SpaceInfo]
        with self._hub.asking(f"the list of {kind.plural} of '{owner}'") as api:
            if kind is RepoKind.MODEL:
                found = api.list_models(author=owner, limit=limit, full=True)
            elif kind is RepoKind.DATASET:
                found = api.list_datasets(author=owner, limit=limit, full=True)
            else:
                found = api.list_spaces(author=owner, limit=limit, full=True)
            return tuple(line for each in found if (line := _listed(each, kind)))

    def names(self, repo: RepoId) -> NamedCommits:
        """The branches and tags."""
        with self._hub.asking(f"the branches and tags of '{repo}'", repo=repo) as api:
            refs = api.list_repo_refs(repo.full_name, repo_type=repo.kind.value)
        return NamedCommits(branches=_names(refs.branches), tags=_names(refs.tags))

    def add_tag(self, repo: RepoId, tag: str, *, revision: str, message: str = "") -> None:
        """Name a revision.

        Raises:
            RefExists: there is a tag of this name.
            NoSuchRevision: there is no such revision.
        """
        try:
            with self._hub.asking(f"tag '{tag}' of '{repo}'", repo=repo, revision=revision) as api:
                api.create_tag(
                    repo.full_name,
                    tag=tag,
                    revision=revision,
                    tag_message=message or None,
                    repo_type=repo.kind.value,
                )
        except Conflict as error:
            raise RefExists(repo.full_name, tag, hint=_LISTED.format("tag")) from error

    def remove_tag(self, repo: RepoId, tag: str) -> None:
        """Take a tag away; its commit stays."""
        with self._hub.asking(f"removing tag '{tag}' of '{repo}'", repo=repo, revision=tag) as api:
            api.delete_tag(repo.full_name, tag=tag, repo_type=repo.kind.value)

    def add_branch(self, repo: RepoId, branch: str, *, revision: str) -> None:
        """Make a branch at a revision.

        Raises:
            RefExists: there is a branch of this name.
            NoSuchRevision: there is no such revision.
        """
        try:
            with self._hub.asking(f"branch '{branch}' of '{repo}'", repo=repo, revision=revision) as api:
                api.create_branch(repo.full_name, branch=branch, revision=revision, repo_type=repo.kind.value)
        except Conflict as error:
            raise RefExists(repo.full_name, branch, hint=_LISTED.format("branch")) from error

    def remove_branch(self, repo: RepoId, branch: str) -> None:
        """Take a branch away, and with it the commits that nothing else leads to."""
        with self._hub.asking(f"removing branch '{branch}' of '{repo}'", repo=repo, revision=branch) as api:
            api.delete_branch(repo.full_name, branch=branch, repo_type=repo.kind.value)


def _names(refs: Iterable[GitRefInfo]) -> tuple[NamedCommit, ...]:
    """By name; a line that is none is passed over."""
    said: Iterable[tuple[object, object]] = ((ref.name, ref.target_commit) for ref in refs)
    return tuple(
        sorted(
            NamedCommit(name=name, commit=commit)
            for name, commit in said
            if isinstance(name, str) and isinstance(commit, str)
        )
    )


def _listed(found: ModelInfo | DatasetInfo | SpaceInfo, kind: RepoKind) -> ListedRepo | None:
    """A line, read without trust; None for a name that cannot be one."""
    try:
        repo = RepoId.parse(found.id, kind)
    except (Invalid, AttributeError):  # the client takes for an id whatever the Hub sends
        return None
    gated: object = getattr(found, "gated", None)
    changed: object = getattr(found, "last_modified", None)
    private: object = getattr(found, "private", None)
    downloads: object = getattr(found, "downloads", None)
    return ListedRepo(
        repo=repo,
        private=private if isinstance(private, bool) else None,
        gated=gated if isinstance(gated, str) else "",
        changed_at=changed if isinstance(changed, datetime) else None,
        downloads=downloads if isinstance(downloads, int) else None,
    )
