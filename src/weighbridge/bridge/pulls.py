"""How a pull request takes commits, and what it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.access import AuditLine, Principal, Verb, may
from weighbridge.domain.discussion import Discussion, Event, binary_difference, changed, difference
from weighbridge.domain.hosted import DEFAULT_BRANCH, Repository, Revision
from weighbridge.domain.manifest import FileEntry, Manifest, Storage
from weighbridge.domain.repo import Refs
from weighbridge.ports import BlobStore

_SHOWN_FILES, _SHOWN_BYTES = 200, 256 * 1024


class CommitEvent(Protocol):
    """Makes the event that tells of a commit."""

    def __call__(self, text: str, *, commit: str) -> Event:
        """``text`` is the commit's title."""


def sending_space(principal: Principal, repository: Repository) -> str:
    """Whose commits may name what somebody sends for a repository.

    The repository's namespace for those who may write it, its group where it is in one (``_`` begins
    no namespace), else the sender's own: nobody can use what others have sent for knowing its digest.
    """
    if not may(principal, Verb.WRITE, repository):
        return principal.name
    return f"_{repository.group}" if repository.group else repository.id.namespace


def paying_namespace(principal: Principal, repository: Repository) -> str:
    """The namespace whose room is used by what somebody sends for a repository."""
    return repository.id.namespace if may(principal, Verb.WRITE, repository) else principal.name


class OldPull:
    """A pull request as the push flow's one branch: implements ``flows.push.Branches``.

    What is put on it counts for the namespace ``payer``.
    """

    def __init__(self, catalog: Catalog, found: Discussion, event: CommitEvent, payer: str) -> None:
        self._catalog, self._found, self._event, self._payer = catalog, found, event, payer

    def hosted_refs(self, key: str) -> Refs:
        """See ``Branches``."""
        return Refs(branches=self._catalog.hosted_refs(key).pulls)

    def revision(self, repository: Repository, commit: str) -> Revision | None:
        """See ``Branches``; nothing is copied out of commits that its author may not see."""
        mine = self._catalog.hosted_refs(repository.key).pulls.get(self._found.ref)
        return self._catalog.revision(repository, commit) if commit == mine else None

    def add_revision(self, repository: Repository, branch: str, revision: Revision, audit: AuditLine) -> None:
        """See ``Branches``."""
        event = self._event(revision.commit.title, commit=revision.commit.id)
        self._catalog.add_to_pull(repository, self._found, revision, event, audit, self._payer)


class NewPull:
    """Main as the author sees it; the commit on top of it becomes the head of a new pull request."""

    def __init__(
        self,
        catalog: Catalog,
        begun: Discussion,
        event: CommitEvent,
        words: Sequence[Event],
        payer: str,
    ) -> None:
        self._catalog, self._event, self._words, self._payer = catalog, event, words, payer
        self.made = begun

    def hosted_refs(self, key: str) -> Refs:
        """See ``Branches``."""
        return Refs(branches={DEFAULT_BRANCH: self.made.base})

    def revision(self, repository: Repository, commit: str) -> Revision | None:
        """See ``Branches``; nothing is copied out of commits that its author may not see."""
        return self._catalog.revision(repository, commit) if commit == self.made.base else None

    def add_revision(self, repository: Repository, branch: str, revision: Revision, audit: AuditLine) -> None:
        """See ``Branches``."""
        event = self._event(revision.commit.title, commit=revision.commit.id)
        self.made = self._catalog.open_discussion(
            repository, self.made, [*self._words, event], audit, revision, self._payer
        )


class Differences:
    """What one set of files changes in another."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def of(self, base: Manifest, theirs: Manifest) -> str:
        """What changed, as ``git diff`` shows it; of large files and binary ones, that they did."""
        paths = changed(base, theirs)
        shown = [self._difference(path, base.by_path, theirs.by_path) for path in paths[:_SHOWN_FILES]]
        more = len(paths) - len(shown)
        return "".join(shown) + (f"... and {more} files more\n" if more else "")

    def _difference(self, path: str, base: Mapping[str, FileEntry], theirs: Mapping[str, FileEntry]) -> str:
        sides = {"before": base.get(path), "after": theirs.get(path)}
        try:
            before, after = (self._text(entry) for entry in sides.values())
        except ValueError:
            return binary_difference(path, sides)
        return difference(path, before, after)

    def _text(self, entry: FileEntry | None) -> str | None:
        """What a small text file holds.

        Raises:
            ValueError: it is large, or no text.
        """
        if entry is None:
            return None
        if entry.storage is Storage.LFS or entry.size_bytes > _SHOWN_BYTES or entry.sha256 is None:
            raise ValueError("not shown")
        with self._blobs.open(entry.sha256) as file:
            content = file.read()
        if b"\0" in content:
            raise ValueError("not text")
        return content.decode()
