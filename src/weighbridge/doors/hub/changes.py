"""The Hub's calls that change repositories; each is one call into the bridge."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from functools import partial

from weighbridge.bridge.cards import card_faults
from weighbridge.bridge.repos import Candidate, State
from weighbridge.domain.discussion import Discussion, pull_number
from weighbridge.domain.hosted import DEFAULT_BRANCH, Change, Gate
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, JsonObject, objects, text, whole
from weighbridge.domain.manifest import Storage
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.domain.repo import Commit
from weighbridge.doors.hub.answers import Answer, header_text, json_answer
from weighbridge.doors.hub.commits import Header, read_commit
from weighbridge.doors.hub.discussions import address_of
from weighbridge.doors.hub.visits import Visit
from weighbridge.errors import BadInput, BadName, NoSuchFile, NoSuchRevision, RepoExists

_CANDIDATES_LIMIT, _SAMPLE_LIMIT_BYTES = 1000, 4096


def create(visit: Visit) -> Answer:
    """``POST /api/repos/create``."""
    body = visit.document()
    repo = _named(body, "name")
    try:
        made = visit.repos.create(visit.principal, repo, private=_private(body) or False)
    except RepoExists as error:
        there = RepoId.parse(error.repo, repo.kind)  # the client goes on with this address
        return json_answer(
            {"error": error.message, "url": visit.address(there)},
            status=409,
            headers={"x-error-message": header_text(error.message)},
        )
    return json_answer({"url": visit.address(made.id), "name": made.id.full_name, "id": made.key})


def delete(visit: Visit) -> Answer:
    """``DELETE /api/repos/delete``."""
    visit.repos.delete(visit.principal, _named(visit.document(), "name"))
    return json_answer({})


def move(visit: Visit) -> Answer:
    """``POST /api/repos/move``."""
    body = visit.document()
    moved = visit.repos.move(visit.principal, _named(body, "fromRepo"), _named(body, "toRepo"))
    return json_answer({"url": visit.address(moved.id)})


def settings(visit: Visit) -> Answer:
    """``PUT .../settings``."""
    body = visit.document()
    gate = None
    if "gated" in body:
        asked = body["gated"] or ""
        if asked not in list(Gate):
            raise BadInput("'gated' is none of false, 'auto' and 'manual'")
        gate = Gate(str(asked))
    made = visit.repos.change_settings(visit.principal, visit.repo, private=_private(body), gate=gate)
    return json_answer({"private": made.private, "gated": made.gate.value or False})


def create_branch(visit: Visit) -> Answer:
    """``POST .../branch/{name}``."""
    body = visit.document()
    commit = visit.repos.create_branch(
        visit.principal,
        visit.repo,
        visit.rest,
        start=text(body, "startingPoint") or "",
        empty=body.get("emptyBranch") is True,
        overwrite=body.get("overwrite") is True,
    )
    return json_answer({"targetCommit": commit})


def delete_branch(visit: Visit) -> Answer:
    """``DELETE .../branch/{name}``."""
    visit.repos.delete_branch(visit.principal, visit.repo, visit.rest)
    return json_answer({})


def create_tag(visit: Visit) -> Answer:
    """``POST .../tag/{revision}``."""
    name = text(visit.document(), "tag")
    if name is None:
        raise BadInput("the body names no 'tag'")
    commit = visit.repos.create_tag(visit.principal, visit.repo, name, revision=visit.rest or "main")
    return json_answer({"targetCommit": commit})


def delete_tag(visit: Visit) -> Answer:
    """``DELETE .../tag/{name}``."""
    visit.repos.delete_tag(visit.principal, visit.repo, visit.rest)
    return json_answer({})


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
    return json_answer(answer, headers={} if proposing else _warning(visit, made.id))


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


def _warning(visit: Visit, commit: str) -> Mapping[str, str]:
    """Tells the sender that others do not see the commit yet."""
    standing = visit.repos.standing(visit.principal, visit.repo, commit)
    if standing.state is not State.WAITING:
        return {}
    message = (
        f"{visit.repo}@{commit[:12]} is being weighed. You see it at once, others once it was accepted. "
        f"The verdict will stand under {visit.request.origin}/packages or {visit.request.origin}/refusals"
    )
    return {"x-hf-warning": header_text(f"verdict; {message}")}


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


def own_repositories(visit: Visit) -> Answer:
    """``GET /api/settings/repositories``."""
    shown: list[Json] = [
        {
            "id": each.id.full_name,
            "type": each.id.kind.value,
            "updatedAt": each.created_at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "visibility": "private" if each.private else "public",
            "storage": 0,
            "storagePercent": 0,
        }
        for each in visit.repos.owned(visit.principal)
    ]
    return json_answer(shown)


def validate_card(visit: Visit) -> Answer:
    """``POST /api/validate-yaml``."""
    error, warning = card_faults(text(visit.document(), "content") or "")
    answer: JsonObject = {
        "errors": [{"message": error}] if error else [],
        "warnings": [{"message": warning}] if warning else [],
    }
    return json_answer(answer, status=400 if error else 200)


def _named(body: JsonObject, key: str) -> RepoId:
    """The repository that a body names; ``organization`` is the namespace of a bare name.

    Raises:
        BadName: it cannot be the name of one.
    """
    name, owner = text(body, key) or "", text(body, "organization")
    kind = text(body, "type") or "model"
    if kind not in set(RepoKind):
        raise BadInput(f"'type' is none of {', '.join(RepoKind)}")
    try:
        return RepoId.parse(f"{owner}/{name}" if owner and "/" not in name else name, RepoKind(kind))
    except Invalid as error:
        raise BadName(str(error), hint=error.hint) from error


def _private(body: JsonObject) -> bool | None:
    """Whether only the owner is to see it; None where nothing is said.

    Raises:
        BadInput: the visibility is unknown here.
    """
    visibility, private = text(body, "visibility"), body.get("private")
    if visibility not in (None, "public", "private"):
        raise BadInput("'visibility' is neither 'public' nor 'private'")
    if visibility is not None:
        return visibility == "private"
    return private if isinstance(private, bool) else None
