"""The caller is wrong, may not, asks for what is not there, or comes too late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weighbridge.errors.root import WeighbridgeError


class BadInput(WeighbridgeError):
    """The caller gave something that cannot be used."""

    code = "bad-input"


class BadName(BadInput):
    """A name (repository, file, user) that cannot be one."""

    code = "bad-name"


class BadVersion(BadInput):
    """A version that is not a semantic version."""

    code = "bad-version"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a configuration is wrong: ``line`` and ``column`` count from 1."""

    line: int
    column: int
    message: str


class BadConfig(BadInput):
    """A configuration file with mistakes: all of them, each with its place."""

    code = "bad-config"

    def __init__(self, path: str, places: Sequence[Place], *, hint: str = "") -> None:
        self.path, self.places = path, tuple(sorted(places))
        lines = [f"{path}:{p.line}:{p.column}: {p.message}" for p in self.places]
        super().__init__("\n".join(lines), hint=hint)


class IncompleteUpload(BadInput):
    """Parts of an upload are missing or are others; ``parts`` are their numbers, from 1."""

    code = "incomplete-upload"

    def __init__(self, sha256: str, parts: Sequence[int], why: str) -> None:
        self.sha256, self.parts = sha256, tuple(parts)
        more = f" (and {len(parts) - 1} more)" if len(parts) > 1 else ""
        super().__init__(
            f"part {parts[0]} of the upload of sha256:{sha256[:12]}... {why}{more}",
            hint="send these parts again, then complete the upload",
        )


class MissingExtra(BadInput):
    """A library that is no part of the plain installation is asked for and is not there."""

    code = "missing-extra"

    def __init__(self, extra: str, library: str) -> None:
        self.extra, self.library = extra, library
        super().__init__(f"'{library}' is not installed", hint=f"pip install 'weighbridge[{extra}]'")


class CannotLoad(BadInput):
    """Files that are right as bytes, and that cannot be loaded."""

    code = "cannot-load"


class NotFound(WeighbridgeError):
    """What was asked for is not there."""

    code = "not-found"


class NoSuchRepo(NotFound):
    """The Hub has no such repository, or does not show it to this caller."""

    code = "no-such-repo"

    def __init__(self, repo: str, *, hint: str = "") -> None:
        self.repo = repo
        super().__init__(f"repository '{repo}' not found", hint=hint)


class Renamed(NotFound):
    """The repository has another name now, and the caller may see it."""

    code = "renamed"

    def __init__(self, repo: str, *, now: str) -> None:
        self.repo, self.now = repo, now
        super().__init__(f"'{repo}' is '{now}' now", hint="ask under the new name")


class NoSuchRevision(NotFound):
    """The repository has no such branch, tag or commit."""

    code = "no-such-revision"

    def __init__(self, repo: str, revision: str, *, hint: str = "") -> None:
        self.repo, self.revision = repo, revision
        super().__init__(f"'{repo}' has no revision '{revision}'", hint=hint)


class NoSuchFile(NotFound):
    """The revision has no such file."""

    code = "no-such-file"

    def __init__(self, repo: str, revision: str, path: str, *, hint: str = "") -> None:
        self.repo, self.revision, self.path = repo, revision, path
        super().__init__(f"'{repo}' has no file '{path}' at '{revision}'", hint=hint)


class NoSuchOwner(NotFound):
    """The Hub knows neither a user nor an organization of this name."""

    code = "no-such-owner"

    def __init__(self, name: str, *, hint: str = "") -> None:
        self.name = name
        super().__init__(f"nobody is called '{name}' here", hint=hint)


class NoSuchPackage(NotFound):
    """The registry has no such package."""

    code = "no-such-package"

    def __init__(self, package: str, *, hint: str = "") -> None:
        self.package = package
        super().__init__(f"package '{package}' not found", hint=hint)


class Denied(WeighbridgeError):
    """The caller may not."""

    code = "denied"


class NotAuthenticated(Denied):
    """The caller gave no credentials, or wrong ones."""

    code = "not-authenticated"


class TooManyTries(Denied):
    """Too many wrong passwords came for a name, or from an address; ``retry_after_s`` is in seconds."""

    code = "too-many-tries"

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(
            "too many wrong passwords for this name, or from this address",
            hint=f"wait {retry_after_s} seconds, then try again",
        )


class NotPermitted(Denied):
    """The caller is known and may not do this."""

    code = "not-permitted"


class OverQuota(Denied):
    """The repositories of a namespace would hold more than they may."""

    code = "over-quota"

    def __init__(self, namespace: str, *, used: int, allowed: int, wanted: int) -> None:
        self.namespace, self.used, self.allowed, self.wanted = namespace, used, allowed, wanted
        told = f"{wanted:,} bytes more do not fit" if wanted else "nothing more fits"
        super().__init__(
            f"'{namespace}' may use {allowed:,} bytes and uses {used:,}: {told}",
            hint="delete repositories, or ask the operator for a larger quota ('weighbridge quota')",
        )


class Gated(Denied):
    """The repository is gated and this caller was not let in."""

    code = "gated"

    def __init__(self, repo: str, *, hint: str = "") -> None:
        self.repo = repo
        super().__init__(
            f"'{repo}' is gated and access was not granted",
            hint=hint
            or "ask for access on its page, then run 'weighbridge login' or give a token in HF_TOKEN",
        )


class Disabled(Denied):
    """The repository, or the package, was taken out of service."""

    code = "disabled"


class Conflict(WeighbridgeError):
    """Somebody was there first."""

    code = "conflict"


class PackageExists(Conflict):
    """This name and version, or this commit, is a package already."""

    code = "package-exists"

    def __init__(self, name: str, version: str, *, commit: str | None = None) -> None:
        self.name, self.version, self.commit = name, version, commit
        what = f"commit {commit[:12]} is" if commit else "this name and version are"
        super().__init__(
            f"{what} already in the registry as {name}@{version}",
            hint=f"'weighbridge package versions {name}', or GET /versions?name={name}, shows what is here",
        )


class RepoExists(Conflict):
    """The name of a repository is taken."""

    code = "repo-exists"

    def __init__(self, repo: str, *, message: str = "", hint: str = "") -> None:
        self.repo = repo
        super().__init__(message or f"there is a repository '{repo}' already", hint=hint)


class RefExists(Conflict):
    """The repository has such a branch or tag already."""

    code = "ref-exists"

    def __init__(self, repo: str, name: str, *, hint: str = "") -> None:
        self.repo, self.name = repo, name
        super().__init__(f"'{repo}' has a branch or tag '{name}' already", hint=hint)


class StaleParent(Conflict):
    """The branch is not where the caller believes it to be."""

    code = "stale-parent"

    def __init__(self, repo: str, branch: str, *, wanted: str, head: str) -> None:
        self.repo, self.branch, self.wanted, self.head = repo, branch, wanted, head
        super().__init__(
            f"'{branch}' of '{repo}' is at {head[:12]}, not at {wanted[:12]}",
            hint="read the branch again and repeat the commit on top of it",
        )


class LockStale(Conflict):
    """The lock does not answer what the model list asks."""

    code = "lock-stale"

    def __init__(self, path: str, ids: Sequence[str]) -> None:
        self.path, self.ids = path, tuple(ids)
        super().__init__(
            f"{path} does not match the model list: {', '.join(ids)}",
            hint="run 'weighbridge lock' and commit the lock file",
        )
