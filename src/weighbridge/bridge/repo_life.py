"""The life of a hosted repository: made, renamed, opened or closed to others, taken away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

from weighbridge.bridge.access import require
from weighbridge.bridge.repo_refs import RepoRefs
from weighbridge.domain.access import Permission, Principal, Verb, may, owns_namespace
from weighbridge.domain.hosted import DEFAULT_BRANCH, FIRST_ATTRIBUTES, Gate, Repository, SmallFile
from weighbridge.domain.paths import checked_path
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.errors import BadInput, NotPermitted, RepoExists
from weighbridge.flows.push import check_name, check_size


class RepoLife(RepoRefs):
    """Repositories as wholes; see ``bridge.repos.Repos``."""

    def create(
        self,
        principal: Principal,
        repo: RepoId,
        *,
        private: bool = False,
        group: str = "",
        files: Sequence[SmallFile] = (),
    ) -> Repository:
        """Make a repository, with a first commit on ``main`` that holds a ``.gitattributes``, and ``files``.

        A ``repo`` without namespace gets the principal's own. ``group`` is the id of a group.

        Raises:
            NotPermitted: the namespace is somebody else's; it has no such group for this principal.
            RepoExists: the name is taken, by a hosted or by a mirrored repository; its ``repo``
                is the name that is there.
            BadInput, Invalid: a file cannot be pushed.
        """
        repository = self._new(principal, repo, private=private, group=group)
        contents = {".gitattributes": FIRST_ATTRIBUTES.encode()}
        for file in files:
            check_name(checked_path(file.path), self._forbidden)
            check_size(self._limit, file.path, len(file.content))
            contents[file.path] = file.content
        first = self._first(repository, principal, contents)
        line = self._line(principal, "repo.create", repository.id.full_name, "private" if private else "")
        with self._taking(principal, repository.id):
            self._catalog.create_repository(repository, DEFAULT_BRANCH, first, line)
        self._judging.submit(repository, first.commit.id)
        return repository

    def delete(self, principal: Principal, repo: RepoId) -> None:
        """Take a repository away, with its branches and its history; its packages are withdrawn."""
        there = self.allowed(principal, repo, Verb.OWN)
        line = self._line(principal, "repo.delete", there.id.full_name)
        self._catalog.delete_repository(there.key, "the repository was deleted", line)

    def move(self, principal: Principal, repo: RepoId, to: RepoId) -> Repository:
        """Give a repository another name; the old one leads to it from now on.

        In another namespace it is in no group.

        Raises:
            RepoExists: the new name is taken.
            NotPermitted: the namespace of the new name is somebody else's.
        """
        there = self.allowed(principal, repo, Verb.OWN)
        if to.kind is not there.id.kind or not to.namespace:
            raise BadInput(f"'{to}' cannot be the new name of the {there.id.kind} '{there.id}'")
        stays = to.namespace.lower() == there.id.namespace.lower()
        self._require_namespace(principal, to, there.group if stays else "")
        line = self._line(principal, "repo.move", there.id.full_name, to.full_name)
        with self._taking(principal, to):
            self._catalog.rename_repository(there.key, to, line)
        return replace(there, id=to, group=there.group if stays else "")

    def change_settings(
        self, principal: Principal, repo: RepoId, *, private: bool | None = None, gate: Gate | None = None
    ) -> Repository:
        """Change who may see and download it; None leaves as it is."""
        there = self.allowed(principal, repo, Verb.OWN)
        private = there.private if private is None else private
        gate = there.gate if gate is None else gate
        detail = f"{'private' if private else 'public'}, gate {gate.value or 'open'}"
        line = self._line(principal, "repo.settings", there.id.full_name, detail)
        self._catalog.change_repository(there.key, private, gate, line)
        return replace(there, private=private, gate=gate)

    def owned(self, principal: Principal) -> tuple[Repository, ...]:
        """Every hosted repository of the principal's own namespace, of all kinds, by name."""
        return () if principal.is_anonymous else self.of_namespace(principal, principal.name)

    def of_namespace(self, principal: Principal, namespace: str) -> tuple[Repository, ...]:
        """Every hosted repository of a namespace that the principal sees, of all kinds, by name."""
        every = (each for kind in RepoKind for each in self._catalog.hosted_repos(kind))
        mine = (each for each in every if each.id.namespace.lower() == namespace.lower())
        return tuple(sorted((e for e in mine if may(principal, Verb.SEE, e)), key=lambda each: each.id))

    def _new(
        self,
        principal: Principal,
        repo: RepoId,
        *,
        private: bool,
        gate: Gate = Gate.OPEN,
        group: str = "",
    ) -> Repository:
        """A repository that is to be made; one without namespace gets the principal's own."""
        require(principal, Permission.UPLOAD)
        if not repo.namespace:
            repo = RepoId.parse(f"{principal.name}/{repo.name}", repo.kind)
        self._require_namespace(principal, repo, group)
        return Repository(
            key=uuid4().hex,
            id=repo,
            private=private,
            gate=gate,
            created_at=self._now(),
            created_by=principal.name,
            group=group,
        )

    @contextmanager
    def _taking(self, principal: Principal, name: RepoId) -> Iterator[None]:
        """Where a name is taken, today's name of who has it is told to those who may see it only."""
        try:
            yield
        except RepoExists as error:
            there = self._catalog.hosted(name)
            if there is None or may(principal, Verb.SEE, there):
                raise
            raise RepoExists(name.full_name) from error

    def _require_namespace(self, principal: Principal, repo: RepoId, group: str = "") -> None:
        there = self._catalog.group(group) if group else None
        if group and (there is None or there.organization != repo.namespace.lower()):
            # in the same words, so that nobody learns which groups others have
            raise _not_permitted(principal, repo, group)
        if not owns_namespace(principal, repo.namespace, group):
            raise _not_permitted(principal, repo, group)


def _not_permitted(principal: Principal, repo: RepoId, group: str) -> NotPermitted:
    where = f"'{repo.namespace}'" if not group else f"a group '{group[:100]}' of '{repo.namespace}'"
    return NotPermitted(
        f"'{principal.name}' may not make repositories in {where}",
        hint=f"your own are '{principal.name}/...'",
    )
