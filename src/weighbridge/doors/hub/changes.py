"""The Hub's calls that bring files into repositories; each is one call into the bridge."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from functools import partial

from weighbridge.bridge.cards import card_faults
from weighbridge.bridge.repos import Candidate
from weighbridge.domain.discussion import Discussion, pull_number
from weighbridge.domain.hosted import DEFAULT_BRANCH, Change
from weighbridge.domain.json_values import Json, JsonObject, objects, text, whole
from weighbridge.domain.manifest import Storage
from weighbridge.domain.ref import RepoId
from weighbridge.domain.repo import Commit
from weighbridge.doors.hub.answers import Answer, json_answer
from weighbridge.doors.hub.commits import Header, read_commit
from weighbridge.doors.hub.discussions import address_of
from weighbridge.doors.hub.verdicts import warning
from weighbridge.doors.hub.visits import Visit
from weighbridge.errors import BadInput, NoSuchFile, NoSuchRevision

_CANDIDATES_LIMIT, _SAMPLE_LIMIT_BYTES = 1000, 4096


def preupload(visit: Visit) -> Answer:
    """``POST .../preupload/{revision}``: how each file is to be sent."""
    body = visit.document()
    files = objects(body, "files")
    if len(files) > _CANDIDATES_LIMIT:
        raise BadInput(f"more than {_CANDIDATES_LIMIT} files are asked for at once")
    candidates = [_candidate(each) for each in files]
    advice = visit.repos.preupload(
        visit.principal,
        visit.repo,
        _branch(visit),
        candidates,
        text(body, "gitIgnore"),
        proposing=visit.request.flag("create_pr"),
    )
    answer: list[Json] = []
    for each in advice:
        known = {} if each.oid is None else {"oid": each.oid}
        mode = "lfs" if each.storage is Storage.LFS else "regular"
        answer.append({"path": each.path, "uploadMode": mode, "shouldIgnore": each.ignored, **known})
    return json_answer({"files": answer})


def _candidate(spelled: JsonObject) -> Candidate:
    path, size = text(spelled, "path"), whole(spelled, "size")
    sample = text(spelled, "sample") or ""
    if path is None or size is None or size < 0 or len(sample) > _SAMPLE_LIMIT_BYTES:
        raise BadInput("each file needs a 'path', a 'size' in bytes and a 'sample' of its first 512 bytes")
    try:
        return Candidate(path=path, size_bytes=size, sample=b64decode(sample))
    except (NotBase64, ValueError) as error:
        raise BadInput(f"the sample of {ascii(path)[:100]} is not base64") from error


def commit(visit: Visit) -> Answer:
    """``POST .../commit/{revision}``: one JSON object in each line."""
    proposing = _proposes(visit)
    # may the caller write? before the body is read
    visit.repos.lfs_missing(visit.principal, visit.repo, (), proposing=proposing)
    branch, header, changes = _branch(visit), Header(title=""), list[Change]()
    for line in read_commit(visit.pieces):
        if isinstance(line, Header):
            header = line
        else:
            changes.append(line)
    try:
        made, pull = _put(visit, branch, header, changes)
    except NoSuchFile as error:
        error.message += ": A file with this name doesn't exist"  # the client knows these words
        raise
    there = visit.repos.repository(visit.principal, visit.repo)
    answer: JsonObject = {
        "success": True,
        "commitOid": made.id,
        "commitUrl": f"{visit.address(there.id)}/commit/{made.id}",
        "hookOutput": "",
        "pullRequestUrl": address_of(visit, there, pull) if pull else None,
    }
    return json_answer(answer, headers={} if proposing else _warning(visit, there.id, made.id))


def _put(
    visit: Visit, branch: str, header: Header, changes: Sequence[Change]
) -> tuple[Commit, Discussion | None]:
    """The commit, and the pull request that was opened for it."""
    title, about = header.title or "Commit without a title", header.description
    number, by, repo = pull_number(branch), visit.principal, visit.repo
    if visit.request.flag("create_pr"):
        return visit.discussions.propose(
            by, repo, changes, title=title, description=about, parent=header.parent
        )
    put = partial(visit.repos.commit, by, repo, branch)
    if number is not None:
        put = partial(visit.discussions.commit, by, repo, number)
    return put(changes, title=title, description=about, parent=header.parent), None


def _warning(visit: Visit, repo: RepoId, commit: str) -> Mapping[str, str]:
    """Tells the sender that others do not see the commit yet."""
    return warning(visit.repos, visit.principal, repo, commit, visit.request.origin)


def _branch(visit: Visit) -> str:
    """The branch that a push names; a pull request that it opens is always one into main.

    Raises:
        NoSuchRevision: a pull request is to be opened into something else.
    """
    branch = visit.rest.removeprefix("refs/heads/") or DEFAULT_BRANCH
    if visit.request.flag("create_pr") and branch != DEFAULT_BRANCH:
        raise NoSuchRevision(
            visit.repo.full_name, branch, hint=f"a pull request is opened into '{DEFAULT_BRANCH}'"
        )
    return branch


def _proposes(visit: Visit) -> bool:
    return visit.request.flag("create_pr") or pull_number(visit.rest) is not None


def may_write(visit: Visit) -> Answer:
    """``GET .../auth-check/write``."""
    visit.repos.lfs_missing(visit.principal, visit.repo, ())
    return json_answer({})


def validate_card(visit: Visit) -> Answer:
    """``POST /api/validate-yaml``."""
    error, warning = card_faults(text(visit.document(), "content") or "")
    answer: JsonObject = {
        "errors": [{"message": error}] if error else [],
        "warnings": [{"message": warning}] if warning else [],
    }
    return json_answer(answer, status=400 if error else 200)
