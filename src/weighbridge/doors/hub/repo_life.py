"""The Hub's calls that make, name and take away repositories, branches and tags.

Each is one call into the bridge.
"""

from __future__ import annotations

from weighbridge.domain.hosted import Gate
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, text
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.doors.hub.answers import Answer, header_text, json_answer
from weighbridge.doors.hub.first_files import first_files
from weighbridge.doors.hub.visits import Visit
from weighbridge.errors import BadInput, BadName, RepoExists

NAMES_OF_CALLS = frozenset(
    (
        "ask-access", "auth-check", "commits", "discussions", "duplicate", "paths-info", "raw", "refs",
        "resolve", "revision", "safetensors-metadata", "tree",
    )
)  # fmt: skip
"""What stands behind a name of one word: a repository ``org/refs`` would be the refs of ``org``."""
_OF_RUNNING_SPACES = ("hardware", "sleepTimeSeconds", "secrets", "variables", "volumes", "template")


def create(visit: Visit) -> Answer:
    """``POST /api/repos/create``."""
    body = visit.document()
    repo = _new_name(body, "name")
    try:
        made = visit.repos.create(
            visit.principal,
            repo,
            private=_private(body) or False,
            group=text(body, "resourceGroupId") or "",
            files=first_files(body),
        )
    except RepoExists as error:
        return _taken(visit, repo, error)
    answer: JsonObject = {"url": visit.address(made.id), "name": made.id.full_name, "id": made.key}
    return json_answer(answer, headers=_unused(body))


def _unused(body: JsonObject) -> dict[str, str]:
    """Tells whoever makes a space what of its wishes nobody here will hear of."""
    left = [key for key in _OF_RUNNING_SPACES if body.get(key)]
    if not left:
        return {}
    message = f"space; Weighbridge runs no spaces: {', '.join(left)} counts for nothing and was not kept"
    return {"x-hf-warning": header_text(message)}


def _taken(visit: Visit, repo: RepoId, error: RepoExists) -> Answer:
    """409 with the address of who has the name: a client that minds no other goes on with it."""
    there = RepoId.parse(error.repo, repo.kind)
    return json_answer(
        {"error": error.message, "url": visit.address(there)},
        status=409,
        headers={"x-error-message": header_text(error.message)},
    )


def duplicate(visit: Visit) -> Answer:
    """``POST .../duplicate``."""
    body = visit.document()
    to = _new_name({**body, "type": visit.repo.kind.value}, "repository")
    try:
        group = text(body, "resourceGroupId") or ""
        made = visit.repos.duplicate(visit.principal, visit.repo, to, private=_private(body), group=group)
    except RepoExists as error:
        return _taken(visit, to, error)
    return json_answer(
        {
            "url": visit.address(made.id),
            "name": made.id.full_name,
            "id": made.key,
            "filesCopyPending": False,
        },
        headers=_unused(body),
    )


def delete(visit: Visit) -> Answer:
    """``DELETE /api/repos/delete``."""
    visit.repos.delete(visit.principal, named_repo(visit.document(), "name"))
    return json_answer({})


def move(visit: Visit) -> Answer:
    """``POST /api/repos/move``."""
    body = visit.document()
    moved = visit.repos.move(visit.principal, named_repo(body, "fromRepo"), _new_name(body, "toRepo"))
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


def squash(visit: Visit) -> Answer:
    """``POST .../super-squash/{branch}``."""
    message = text(visit.document(), "message") or f"Squash the history of '{visit.rest}'"
    made = visit.repos.squash(visit.principal, visit.repo, visit.rest, message)
    return json_answer({"commitOid": made.id})


def create_tag(visit: Visit) -> Answer:
    """``POST .../tag/{revision}``."""
    body = visit.document()
    name = text(body, "tag")
    if name is None:
        raise BadInput("the body names no 'tag'")
    commit = visit.repos.create_tag(
        visit.principal,
        visit.repo,
        name,
        revision=visit.rest or "main",
        message=text(body, "message") or "",
    )
    return json_answer({"targetCommit": commit})


def delete_tag(visit: Visit) -> Answer:
    """``DELETE .../tag/{name}``."""
    visit.repos.delete_tag(visit.principal, visit.repo, visit.rest)
    return json_answer({})


def named_repo(body: JsonObject, key: str) -> RepoId:
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


def _new_name(body: JsonObject, key: str) -> RepoId:
    """The same for a repository that is to have this name: it must be found under it afterwards."""
    repo = named_repo(body, key)
    if repo.name in NAMES_OF_CALLS:
        raise BadName(
            f"no repository can be called '{repo.name}': addresses say so what is asked of one",
            hint="take another name",
        )
    return repo


def _private(body: JsonObject) -> bool | None:
    """Whether only the owner is to see it; None where nothing is said.

    Raises:
        BadInput: the visibility is unknown here; what somebody meant to hide is not made for all to see.
    """
    visibility, private = text(body, "visibility"), body.get("private")
    if visibility not in (None, "public", "private"):
        raise BadInput("'visibility' is neither 'public' nor 'private'")
    if private is not None and not isinstance(private, bool):
        raise BadInput("'private' is neither true nor false")
    return private if visibility is None else visibility == "private"
