"""The repository that is published to: what it is and holds before, and what has arrived there."""

from __future__ import annotations

from dataclasses import replace

from weighbridge.domain.card import CARD_PATH
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.publication import FILES_OF_A_NEW_REPO, Sent
from weighbridge.domain.publish_request import MAIN, PublishRequest
from weighbridge.domain.ref import ModelRef
from weighbridge.errors import (
    BadInput,
    Conflict,
    DigestMismatch,
    NoSuchRepo,
    NoSuchRevision,
    NotAuthenticated,
    RefExists,
    WeighbridgeError,
)
from weighbridge.flows.publish_state import PublishState, PublishTools, Target, agree

CARD_LIMIT_BYTES = 1 << 20
_ANOTHER_TAG = "give another tag; 'weighbridge repo tag remove' takes one away"


def ask(state: PublishState, tools: PublishTools) -> PublishState:
    """What the repository is now, and which card there is to keep."""
    request = state.request
    warnings = (*state.warnings, *_of_the_token(request, tools))
    state, ref = replace(state, warnings=warnings), ModelRef(repo=request.repo, revision=request.revision)
    has_branch = True
    try:
        try:
            info = tools.target.info(ref)
        except NoSuchRevision:
            has_branch, info = False, tools.target.info(ModelRef(repo=request.repo))
    except NoSuchRepo:
        _require_branch(request, is_there=False)
        return replace(state, old_card=_local_card(state))
    _require_branch(request, is_there=has_branch)
    if request.private and info.raw.get("private") is not True:
        raise BadInput(
            f"'{request.repo}' is there and is public", hint="make it private first, or leave --private out"
        )
    old = _local_card(state)
    if old is None and not request.replace_card:
        old = _card_there(info.commit, request, tools)
    target = Target(head=info.commit, has_branch=has_branch, tagged=_tagged(request, tools))
    return replace(state, target=target, old_card=old)


def _of_the_token(request: PublishRequest, tools: PublishTools) -> tuple[str, ...]:
    """Nothing, if the Hub is told who publishes; else it is refused before anything is read."""
    try:
        tools.writing.require_known()
    except NotAuthenticated as error:
        if not request.dry_run:
            raise
        return (f"{error.message}: {error.hint}",)
    return ()


def _require_branch(request: PublishRequest, *, is_there: bool) -> None:
    """Nothing, unless what is no branch would have to be made."""
    if request.revision.startswith("refs/") and not is_there:
        raise NoSuchRevision(request.repo.full_name, request.revision)


def _tagged(request: PublishRequest, tools: PublishTools) -> str:
    """The commit that has the wanted tag already.

    Raises:
        Invalid: the revision is a tag.
        RefExists: a branch is called as the tag.
    """
    if not request.tag and request.revision == MAIN:
        return ""
    named = tools.target.refs(request.repo)
    if request.revision in named.tags and request.revision not in named.branches:
        raise Invalid("revision", request.revision, "is a tag: only a branch can be published to")
    if request.tag in named.branches:
        raise RefExists(request.repo.full_name, request.tag, hint=_ANOTHER_TAG)
    return named.tags.get(request.tag, "")


def _local_card(state: PublishState) -> str | None:
    one = state.listed.get(CARD_PATH)
    if one is None or state.request.replace_card:
        return None
    require_short(one.size_bytes)
    try:
        return one.place.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{CARD_PATH} cannot be read: {error}", hint="save it as UTF-8, or give --replace-card"
        ) from error


def _card_there(commit: str, request: PublishRequest, tools: PublishTools) -> str | None:
    """The card in the repository: what somebody wrote there is kept as well."""
    entry = tools.target.manifest(request.repo, commit).by_path.get(CARD_PATH)
    if entry is None:
        return None
    require_short(entry.size_bytes)
    held = tools.blobs.fetch(
        entry, lambda start, stop: tools.target.open(request.repo, commit, entry, start, stop)
    )
    with tools.blobs.open(held.sha256 or "") as file:
        content = file.read()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"the {CARD_PATH} of '{request.repo}' cannot be read: {error}",
            hint="put a card in UTF-8 into the folder, or give --replace-card",
        ) from error


def require_short(size_bytes: int) -> None:
    """Nothing, for a card of a length that can be read back. Raises BadInput."""
    if size_bytes > CARD_LIMIT_BYTES:
        raise BadInput(
            f"{CARD_PATH} is longer than {CARD_LIMIT_BYTES:,} bytes",
            hint="shorten it, or give --replace-card",
        )


def compare(state: PublishState, tools: PublishTools) -> PublishState:
    """What the repository holds already; a tag that is elsewhere stops it here, before any upload."""
    request, target = state.request, state.target
    held = tools.target.manifest(request.repo, target.head).by_path if target.head else {}
    state = replace(state, held=held)
    if target.tagged and not (target.tagged == target.head and state.is_there):
        raise RefExists(request.repo.full_name, request.tag, hint=_ANOTHER_TAG)
    return state


def parent_of(state: PublishState, tools: PublishTools) -> str:
    """The commit that the branch has to be at; a repository that we made ourselves is looked at for it.

    Raises:
        Conflict: somebody put files into it since.
    """
    if state.target.head:
        return state.target.head
    repo = state.request.repo
    try:
        commit = tools.target.info(ModelRef(repo=repo)).commit
        held = tools.target.manifest(repo, commit).by_path
    except NoSuchRevision:  # a Hub whose new repositories have no commit
        return ""
    if held.keys() - FILES_OF_A_NEW_REPO:
        raise Conflict(
            f"somebody put files into '{repo}' in between", hint="look at it, and run the same command again"
        )
    return commit


def came_after_all(state: PublishState, tools: PublishTools) -> Sent | None:
    """The commit, if the branch holds what was sent although the Hub's answer did not say so.

    An answer can be lost on its way, and the client asks again: then the Hub says that the branch is
    not where it was. Nothing else may have changed, and the files must be those that were to be sent.
    """
    request = state.request
    if request.create_pr:
        return None
    try:
        commit = tools.target.info(ModelRef(repo=request.repo, revision=request.revision)).commit
        now = tools.target.manifest(request.repo, commit).by_path
    except WeighbridgeError:
        return None  # the first error is the one to be told
    same = agree(state.entries, now) and now.keys() <= (
        state.entries.keys() | state.held.keys() | FILES_OF_A_NEW_REPO
    )
    return Sent(commit=commit) if same and commit != state.target.head else None


def require_arrived(state: PublishState, commit: str, tools: PublishTools) -> None:
    """Nothing, if the commit holds what was scanned: a file may change while others are sent."""
    held = tools.target.manifest(state.request.repo, commit).by_path
    for path, entry in state.entries.items():
        if path not in held or not held[path].agrees_with(entry):
            got = str(held[path].strongest) if path in held else "not there"
            raise DigestMismatch(path, wanted=str(entry.strongest), got=got)
