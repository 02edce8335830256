"""``weighbridge repo tag`` and ``weighbridge repo branch``: the names of commits on any Hub."""

from __future__ import annotations

from cyclopts import App

from weighbridge.bridge.remote_repos import open_repos
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.remote_repo import NamedCommit
from weighbridge.doors.cli.render import AsJson, show_done, show_json, show_table
from weighbridge.doors.cli.repos import Endpoint, Kind, named, owned, repo_app
from weighbridge.settings import load_settings

tag_app = App(name="tag", help="Name revisions of a repository.")
branch_app = App(name="branch", help="Make and remove branches of a repository.")
repo_app.command(tag_app)
repo_app.command(branch_app)


@tag_app.command(name="add")
def tag_add(
    repo: str,
    tag: str,
    /,
    *,
    revision: str = "main",
    message: str = "",
    kind: Kind = RepoKind.MODEL,
    endpoint: Endpoint = "",
    json: AsJson = False,
) -> None:
    """Name a revision.

    Parameters
    ----------
    repo
        org/name.
    tag
        The name, as in v1.0.
    revision
        A branch, tag or commit.
    message
        What to remember of it.
    """
    id = _checked(repo, kind, tag, revision)
    open_repos(load_settings(), endpoint).add_tag(id, tag, revision=revision, message=message)
    show_done(
        {**named(id), "changed": "tag added", "tag": tag},
        f"{id} has the tag {tag} at {revision}",
        as_json=json,
    )


@tag_app.command(name="remove")
def tag_remove(
    repo: str, tag: str, /, *, kind: Kind = RepoKind.MODEL, endpoint: Endpoint = "", json: AsJson = False
) -> None:
    """Take a tag away; its commit stays.

    Parameters
    ----------
    repo
        org/name.
    tag
        Its name.
    """
    id = _checked(repo, kind, tag)
    open_repos(load_settings(), endpoint).remove_tag(id, tag)
    show_done(
        {**named(id), "changed": "tag removed", "tag": tag}, f"{id} has no tag {tag} any more", as_json=json
    )


@tag_app.command(name="list")
def tag_list(
    repo: str, /, *, kind: Kind = RepoKind.MODEL, endpoint: Endpoint = "", json: AsJson = False
) -> None:
    """Show the tags and their commits.

    Parameters
    ----------
    repo
        org/name.
    """
    id = RepoId.parse(repo, kind)
    _show_names(id, "tags", tuple(open_repos(load_settings(), endpoint).names(id).tags), json)


@branch_app.command(name="add")
def branch_add(
    repo: str,
    branch: str,
    /,
    *,
    revision: str = "main",
    kind: Kind = RepoKind.MODEL,
    endpoint: Endpoint = "",
    json: AsJson = False,
) -> None:
    """Make a branch.

    Parameters
    ----------
    repo
        org/name.
    branch
        Its name.
    revision
        The branch, tag or commit where it begins.
    """
    id = _checked(repo, kind, branch, revision)
    open_repos(load_settings(), endpoint).add_branch(id, branch, revision=revision)
    changed: JsonObject = {**named(id), "changed": "branch added", "branch": branch}
    show_done(changed, f"{id} has the branch {branch}, which begins at {revision}", as_json=json)


@branch_app.command(name="remove")
def branch_remove(
    repo: str, branch: str, /, *, kind: Kind = RepoKind.MODEL, endpoint: Endpoint = "", json: AsJson = False
) -> None:
    """Take a branch away, and with it the commits that nothing else leads to.

    Parameters
    ----------
    repo
        org/name.
    branch
        Its name.
    """
    id = _checked(repo, kind, branch)
    open_repos(load_settings(), endpoint).remove_branch(id, branch)
    changed: JsonObject = {**named(id), "changed": "branch removed", "branch": branch}
    show_done(changed, f"{id} has no branch {branch} any more", as_json=json)


@branch_app.command(name="list")
def branch_list(
    repo: str, /, *, kind: Kind = RepoKind.MODEL, endpoint: Endpoint = "", json: AsJson = False
) -> None:
    """Show the branches and their commits.

    Parameters
    ----------
    repo
        org/name.
    """
    id = RepoId.parse(repo, kind)
    _show_names(id, "branches", tuple(open_repos(load_settings(), endpoint).names(id).branches), json)


def _checked(repo: str, kind: RepoKind, *revisions: str) -> RepoId:
    """The repository; raises Invalid for it or for a name of a revision that git does not allow."""
    id = owned(repo, kind)
    for revision in revisions:
        ModelRef(repo=id, revision=revision)
    return id


def _show_names(repo: RepoId, what: str, names: tuple[NamedCommit, ...], json: bool) -> None:
    if json:
        show_json({**named(repo), what: [name.to_json() for name in names]})
    else:
        show_table(("NAME", "COMMIT"), [(name.name, name.commit) for name in names])
