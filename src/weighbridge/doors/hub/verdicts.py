"""Where the verdict on a pushed commit stands: what its owner is told until there is one."""

from __future__ import annotations

from collections.abc import Mapping

from weighbridge.bridge.repos import Repos, State
from weighbridge.domain.access import Principal, Verb, may
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.doors.hub.answers import header_text
from weighbridge.errors import WeighbridgeError


def warning(
    repos: Repos, principal: Principal, repo: RepoId, revision: str, origin: str
) -> Mapping[str, str]:
    """The header ``X-HF-Warning``, which clients print, while a commit is being weighed."""
    standing = repos.standing(principal, repo, revision)
    if standing.state is not State.WAITING:
        return {}
    message = (
        f"{repo}@{standing.commit[:12]} is being weighed. You see it at once, others once it was accepted. "
        f"The verdict will stand at {origin}/standing/{repo.kind.value}/{standing.commit}/{repo.full_name}"
    )
    return {"x-hf-warning": header_text(f"verdict; {message}")}


def told_reader(
    repos: Repos, principal: Principal, kind: RepoKind, name: str, revision: str, origin: str
) -> Mapping[str, str]:
    """The same for a reader who sees what is not judged yet; nothing for all others."""
    if principal.is_anonymous:
        return {}
    try:
        there = repos.repository(principal, RepoId.parse(name, kind))
        if not may(principal, Verb.SEE_UNJUDGED, there):
            return {}
        return warning(repos, principal, there.id, revision or "main", origin)
    except (WeighbridgeError, Invalid):  # it is gone meanwhile, or the address names no revision
        return {}
