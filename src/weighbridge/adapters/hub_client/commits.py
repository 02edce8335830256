"""What is published goes to a Hub in one commit: all of it is there, or nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

from weighbridge.adapters.hub_client import HubClient
from weighbridge.adapters.hub_client.failures import LOG_IN
from weighbridge.domain.publication import Sending, Sent
from weighbridge.errors import BadInput, Conflict, HubDown, NotAuthenticated, RepoExists

if TYPE_CHECKING:
    from weighbridge.domain.ref import RepoId

_AGAIN = "somebody changed the repository in between: look at it, and run the same command again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commits:
    """The writing half of a Hub. With ``bars`` the client shows its own progress on stderr."""

    client: HubClient
    bars: bool = False

    def create(self, repo: RepoId, *, private: bool) -> None:
        """Make an empty repository.

        Raises:
            RepoExists: there is one by now, or one that is not shown to us. And what ``HubClient.asking``
                raises.
        """
        try:
            with self.client.asking("making the repository", repo=repo) as api:
                api.create_repo(repo.full_name, repo_type=repo.kind.value, private=private)
        except Conflict as error:
            hint = "somebody made it in between: run the same command again; or your token may not see it"
            raise RepoExists(repo.full_name, hint=hint) from error

    def require_known(self) -> None:
        """Nothing, if there is a token to write with. Raises NotAuthenticated."""
        if not self.client.has_token:
            raise NotAuthenticated(f"there is no token for {self.client.endpoint}", hint=LOG_IN)

    def branch(self, repo: RepoId, name: str, start: str) -> None:
        """Make a branch at a commit, or at the head of main where ``start`` is empty."""
        with self.client.asking(f"making the branch {name}", repo=repo) as api:
            api.create_branch(repo.full_name, branch=name, revision=start or None, repo_type=repo.kind.value)

    def tag(self, repo: RepoId, name: str, commit: str) -> None:
        """Put a tag on a commit. Raises Conflict where there is such a tag."""
        with self.client.asking(f"making the tag {name}", repo=repo) as api:
            api.create_tag(repo.full_name, tag=name, revision=commit, repo_type=repo.kind.value)

    def commit(self, repo: RepoId, sending: Sending) -> Sent:
        """Send files in one commit; what the repository has already is not sent again.

        Raises:
            Conflict: the branch is not where it was.
            BadInput: the Hub does not take the card. And what ``HubClient.asking`` raises.
        """
        from huggingface_hub import CommitOperationAdd

        operations = []
        for one, sha256 in sending.files:
            operation = CommitOperationAdd(path_in_repo=one.path, path_or_fileobj=one.place)
            # What was scanned is what is sent: the Hub refuses bytes that have another digest.
            operation.upload_info.sha256 = bytes.fromhex(sha256)
            operations.append(operation)
        asked = self.client.asking("the commit", repo=repo, revision=sending.revision)
        told: list[str] = []
        failures = _failures(self.client.endpoint)
        with _conflicts(), asked as api, failures, _bars(self.bars), _warnings(told):
            info = api.create_commit(
                repo.full_name,
                operations,
                commit_message=sending.title,
                commit_description=sending.description,
                repo_type=repo.kind.value,
                revision=None if sending.as_pull_request else sending.revision,
                create_pr=sending.as_pull_request,
                parent_commit=sending.parent or None,
            )
        return Sent(commit=info.oid, pull_request=info.pr_url or "", warnings=tuple(told))


@contextmanager
def _conflicts() -> Iterator[None]:
    try:
        yield
    except Conflict as error:
        raise Conflict(error.message, hint=_AGAIN) from error


@contextmanager
def _failures(endpoint: str) -> Iterator[None]:
    """What the client raises that is neither an answer nor a connection's end."""
    try:
        yield
    except ValueError as error:
        if "README.md" not in str(error):
            raise
        raise BadInput(" ".join(str(error).split())[:500], hint="mend the card's metadata") from error
    except (RuntimeError, OSError) as error:
        # The part of it that is written in Rust has no classes for its failures.
        if type(error) not in (RuntimeError, OSError):
            raise
        raise HubDown(
            f"the upload to {endpoint} broke off: {' '.join(str(error).split())[:300]}",
            hint="run the same command again: what is there already is not sent again",
        ) from error


@contextmanager
def _warnings(told: list[str]) -> Iterator[None]:
    """What the client warns of, as the Hub's words on a card, is told and not printed."""
    with catch_warnings(record=True) as caught:
        simplefilter("always", UserWarning)
        yield
    told += [" ".join(str(one.message).split()) for one in caught if "huggingface_hub" in one.filename]


@contextmanager
def _bars(shown: bool) -> Iterator[None]:
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars

    if shown or are_progress_bars_disabled():
        yield
        return
    with disable_progress_bars():
        yield
