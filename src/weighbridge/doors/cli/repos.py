"""``weighbridge repo``: repositories of any Hub and their settings."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

from weighbridge.bridge.remote_repos import open_repos, own_name
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.doors.cli.asking import have_typed
from weighbridge.doors.cli.render import AsJson, show_done, show_json, show_note, show_table
from weighbridge.errors import BadInput
from weighbridge.settings import load_settings

repo_app = App(name="repo", help="Make, change, list and delete repositories of a Hub.")

Endpoint = Annotated[str, Parameter(help="The Hub's address. Default: the upstream of the settings.")]
Kind = Annotated[RepoKind, Parameter(help="What kind of repository it is.")]


@repo_app.command(name="create")
def repo_create(
    repo: str,
    /,
    *,
    private: Annotated[bool, Parameter(negative="", help="Only its members see it.")] = False,
    kind: Kind = RepoKind.MODEL,
    sdk: Literal["gradio", "docker", "static"] | None = None,
    endpoint: Endpoint = "",
    json: AsJson = False,
) -> None:
    """Make an empty repository.

    Parameters
    ----------
    repo
        org/name; a name alone is made in your own namespace.
    sdk
        What a space is made with.
    """
    if (kind is RepoKind.SPACE) != (sdk is not None):
        raise BadInput("--sdk is for a space, and a space needs it", hint="--kind space --sdk static")
    id = RepoId.parse(repo, kind)
    id, url = open_repos(load_settings(), endpoint).create(id, private=private, sdk=sdk or "")
    show_done(
        {**named(id), "changed": "created", "url": url, "private": private}, f"made {url}", as_json=json
    )


@repo_app.command(name="delete")
def repo_delete(
    repo: str,
    /,
    *,
    kind: Kind = RepoKind.MODEL,
    yes: Annotated[bool, Parameter(negative="", help="Do not ask.")] = False,
    endpoint: Endpoint = "",
    json: AsJson = False,
) -> None:
    """Take a repository with all its revisions away for good; asks for its name.

    Parameters
    ----------
    repo
        org/name.
    """
    id, settings = owned(repo, kind), load_settings()
    if not yes:
        hub = endpoint or settings.upstream
        have_typed(id.full_name, f"{id} at {hub} will be gone, with all its files and revisions.")
    open_repos(settings, endpoint).delete(id)
    show_done({**named(id), "changed": "deleted"}, f"deleted the {kind.value} {id}", as_json=json)


@repo_app.command(name="move")
def repo_move(
    repo: str, to: str, /, *, kind: Kind = RepoKind.MODEL, endpoint: Endpoint = "", json: AsJson = False
) -> None:
    """Give a repository another name, or another namespace.

    Parameters
    ----------
    repo
        org/name.
    to
        org/name, as it is called from now on.
    """
    before, after = owned(repo, kind), owned(to, kind)
    open_repos(load_settings(), endpoint).move(before, after)
    show_done(
        {**named(after), "changed": "moved", "from": before.full_name},
        f"{before} is {after} now",
        as_json=json,
    )


@repo_app.command(name="settings")
def repo_settings(
    repo: str,
    /,
    *,
    private: Annotated[
        bool | None, Parameter(name="--private", negative="--public", help="Who sees it.")
    ] = None,
    gated: Literal["auto", "manual", "no"] | None = None,
    kind: Kind = RepoKind.MODEL,
    endpoint: Endpoint = "",
    json: AsJson = False,
) -> None:
    """Change who sees a repository and who may read its files; what is not named stays as it is.

    Parameters
    ----------
    repo
        org/name.
    gated
        Whoever reads it must ask: 'auto' lets in who asks, at 'manual' you decide, 'no' opens it.
    """
    if private is None and gated is None:
        raise BadInput("nothing is to be changed", hint="give --private, --public or --gated auto|manual|no")
    id = owned(repo, kind)
    open_repos(load_settings(), endpoint).change(id, private=private, gate=gated or "")
    said = [] if private is None else ["private" if private else "public"]
    said += [f"gated: {gated}"] if gated else []
    changed: JsonObject = {**named(id), "changed": "settings", "private": private, "gated": gated}
    show_done(changed, f"{id} is now {', '.join(said)}", as_json=json)


@repo_app.command(name="list")
def repo_list(
    owner: str = "",
    /,
    *,
    kind: Kind = RepoKind.MODEL,
    limit: int = 100,
    endpoint: Endpoint = "",
    json: AsJson = False,
) -> None:
    """Show the repositories of a user or an organization, by default your own.

    Parameters
    ----------
    owner
        A name on the Hub.
    limit
        How many at most.
    """
    if limit < 1:
        raise BadInput("--limit is at least 1")
    settings = load_settings()
    name = RepoId.parse(owner or own_name(settings, endpoint)).full_name
    found = open_repos(settings, endpoint).listed(name, kind, limit)
    if json:
        show_json({"owner": name, "repositories": [line.to_json() for line in found]})
        return
    rows = [
        (
            line.repo.full_name,
            "-" if line.private is None else "private" if line.private else "public",
            line.gated or "-",
            line.changed_at.strftime("%Y-%m-%d") if line.changed_at else "-",
            "-" if line.downloads is None else f"{line.downloads:,}",
        )
        for line in found
    ]
    show_table(("REPOSITORY", "SEEN", "GATED", "CHANGED", "DOWNLOADS"), rows)
    if not found:
        show_note(f"no {kind.plural} of '{name}' are shown to us at {endpoint or settings.upstream}")
    if len(found) == limit:
        show_note(f"these are the first {limit}; --limit shows more")


def owned(repo: str, kind: RepoKind) -> RepoId:
    """A repository that is to be changed. Raises Invalid for a name that does not say whose it is."""
    id = RepoId.parse(repo, kind)
    if not id.namespace:
        raise Invalid(
            "repository", repo, "does not say whose it is: it has no namespace", hint=f"as in ann/{repo}"
        )
    return id


def named(repo: RepoId) -> JsonObject:
    """The repository, in an answer."""
    return {"repo": repo.full_name, "kind": repo.kind.value}
