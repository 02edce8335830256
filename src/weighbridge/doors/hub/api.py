"""The Hub's read calls below ``/api``; each is one call into the desk."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import parse_qsl

from weighbridge.bridge.hub import HubDesk
from weighbridge.bridge.served import Tree
from weighbridge.domain.access import Principal
from weighbridge.domain.json_values import Json, texts
from weighbridge.domain.ref import RepoKind
from weighbridge.domain.repo_query import RepoQuery, SortKey, parameter_range, read_mark, spelled_mark
from weighbridge.doors.hub import shapes
from weighbridge.doors.hub.answers import Answer, json_answer
from weighbridge.doors.hub.bodies import json_object
from weighbridge.doors.hub.expand import require_expandable
from weighbridge.doors.hub.request import Request, whole_number
from weighbridge.doors.hub.security import file_status_json, repo_status_json
from weighbridge.errors import BadInput, NoSuchFile

_TREE_PAGE, _TREE_PAGE_EXPANDED, _COMMITS_PAGE, _LIST_PAGE = 1000, 50, 50, 1000
_UNKNOWN_FILTERS = ("apps", "inference", "inference_provider")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call about one repository; ``revision`` and ``path`` are what stands behind the verb."""

    desk: HubDesk
    principal: Principal
    request: Request
    kind: RepoKind
    name: str
    revision: str
    path: str


Handle: TypeAlias = Callable[[Call], Answer]


def info(call: Call) -> Answer:
    """``GET /api/models/{repo}[/revision/{rev}]``."""
    expand = call.request.values("expand")
    require_expandable(call.kind, expand)
    found = call.desk.info(call.principal, call.kind, call.name, call.revision)
    tree = None
    if call.request.flag("blobs"):
        tree = call.desk.tree(call.principal, call.kind, call.name, found.commit)
    children = _children(call.desk, call.principal, expand)
    spelled = shapes.info_json(
        found, tree=tree, expand=expand, children=children, takes_xet=call.desk.takes_xet
    )
    if call.request.flag("securityStatus"):
        report = call.desk.scan(call.principal, call.kind, call.name, found.commit)
        said = found.raw.get("securityRepoStatus") if report is None else None  # a sidecar's
        spelled = {**spelled, "securityRepoStatus": said or repo_status_json(report)}
    return json_answer(spelled)


def _children(desk: HubDesk, principal: Principal, expand: Collection[str]) -> Mapping[str, int]:
    return desk.children(principal) if "childrenModelCount" in expand else {}


def tree(call: Call) -> Answer:
    """``GET .../tree/{rev}[/{path}]``: a page of files and folders."""
    expand = call.request.flag("expand")
    commit, _, cursor = call.request.value("cursor").partition(":")  # that of the first page
    found = call.desk.tree(call.principal, call.kind, call.name, commit or call.revision)
    listed = _below(found, call, recursive=call.request.flag("recursive"))
    page = call.request.number("limit", _TREE_PAGE_EXPANDED if expand else _TREE_PAGE, _TREE_PAGE)
    paths = [path for path in sorted(listed) if path > cursor]
    answer = [listed[path] for path in paths[:page]]
    if expand:
        answer = _expanded(call, found.manifest.commit, answer)
    more = {}
    if len(paths) > page:
        more["link"] = call.request.next_page(f"{found.manifest.commit}:{paths[page - 1]}")
    return json_answer(answer, headers=more)


def _below(tree: Tree, call: Call, *, recursive: bool) -> Mapping[str, dict[str, Json]]:
    folder = call.path.strip("/")
    if folder not in tree.folders:
        raise NoSuchFile(call.name, tree.manifest.commit, folder)
    start = f"{folder}/" if folder else ""

    def shown(path: str) -> bool:
        return path.startswith(start) and (recursive or "/" not in path[len(start) :])

    folders = {p: shapes.folder_json(p, id) for p, id in tree.folders.items() if p not in ("", folder)}
    files = {entry.path: entry for entry in tree.manifest.files if shown(entry.path)}
    return {path: found for path, found in folders.items() if shown(path)} | {
        path: shapes.file_json(entry) for path, entry in files.items()
    }


def _expanded(call: Call, commit: str, entries: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    """With the last commit of each entry, and how each file stands with the scanners."""
    last = call.desk.last_commits(call.principal, call.kind, call.name, commit)
    report = call.desk.scan(call.principal, call.kind, call.name, commit)
    scanned = {file.path: file for file in report.files} if report else {}
    expanded = []
    for entry in entries:
        path = str(entry["path"])
        added: dict[str, Json] = {"lastCommit": shapes.last_commit_json(last[path])}
        if report is not None and entry["type"] == "file":
            added["securityFileStatus"] = file_status_json(scanned.get(path))
        expanded.append(entry | added)
    return expanded


def paths_info(call: Call) -> Answer:
    """``POST .../paths-info/{rev}``: the files and folders among the paths that are named."""
    wanted, expand = _wanted_paths(call.request)
    found = call.desk.tree(call.principal, call.kind, call.name, call.revision)
    answer: list[dict[str, Json]] = []
    for path in dict.fromkeys(path.strip("/") for path in wanted):
        if path in found.manifest.by_path:
            answer.append(shapes.file_json(found.manifest.by_path[path]))
        elif path and path in found.folders:
            answer.append(shapes.folder_json(path, found.folders[path]))
    return json_answer(_expanded(call, found.manifest.commit, answer) if expand else answer)


def _wanted_paths(request: Request) -> tuple[tuple[str, ...], bool]:
    """The paths of a form (as Python sends it) or of JSON.

    Raises:
        BadInput: the body is neither.
        TooLarge: it has too many values.
    """
    try:
        if "json" in request.headers.get("content-type", ""):
            source = json_object(request.body)
            return texts(source, "paths"), source.get("expand") is True
        form = parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=100_000)
    except ValueError as error:
        raise BadInput("the body is neither a form nor JSON") from error
    paths = tuple(value for key, value in form if key in ("paths", "paths[]"))
    return paths, any(key == "expand" and value.lower() in ("true", "1") for key, value in form)


def refs(call: Call) -> Answer:
    """``GET .../refs``."""
    found = call.desk.refs(call.principal, call.kind, call.name)
    asked = call.request.flag("include_prs") or call.request.flag("include_pull_requests")
    return json_answer(shapes.refs_json(found, pull_requests=asked))


def commits(call: Call) -> Answer:
    """``GET .../commits/{rev}``: a page of the history, newest first."""
    revision, _, begin = call.request.value("cursor").rpartition(".")  # the head of the first page
    history = call.desk.commits(call.principal, call.kind, call.name, revision or call.revision)
    page = call.request.number("limit", _COMMITS_PAGE, _TREE_PAGE)
    start = whole_number("cursor", begin, len(history)) if begin else 0
    headers = {"x-total-count": str(len(history))}
    if start + page < len(history):
        headers["link"] = call.request.next_page(f"{history[0].id}.{start + page}")
    formatted = "formatted" in call.request.values("expand")
    shown = history[start : start + page]
    return json_answer([shapes.commit_json(c, formatted=formatted) for c in shown], headers=headers)


def auth_check(call: Call) -> Answer:
    """``GET .../auth-check``: whether the caller may download the files."""
    call.desk.require_access(call.principal, call.kind, call.name)
    return json_answer({"access": True})


def safetensors_metadata(call: Call) -> Answer:
    """``GET .../safetensors-metadata/{index}``: the headers of all shards on main."""
    index = f"{call.revision}/{call.path}" if call.path else call.revision  # no revision stands there
    found = call.desk.safetensors_headers(call.principal, call.kind, call.name, "main", index)
    return json_answer({"index": found.index, "headers": dict(found.headers)})


REPO_CALLS: Mapping[str, Handle] = {
    "revision": info,
    "tree": tree,
    "refs": refs,
    "commits": commits,
    "auth-check": auth_check,
    "paths-info": paths_info,
    "safetensors-metadata": safetensors_metadata,
}
"""What may stand behind a repository's name."""


def listing(desk: HubDesk, principal: Principal, request: Request, kind: RepoKind) -> Answer:
    """``GET /api/models``: a page of repositories."""
    expand = request.values("expand")
    require_expandable(kind, expand)
    query = _query(request)
    found = desk.repos(principal, kind, query)
    page = found[: request.number("limit", _LIST_PAGE, _LIST_PAGE)]
    more = {"link": request.next_page(spelled_mark(query.mark(page[-1])))} if len(found) > len(page) else {}
    asked = {name for name in ("config", "cardData") if request.flag(name)}
    if request.flag("full"):
        asked |= {"siblings", "cardData"}
    children = _children(desk, principal, expand)
    shown = [
        shapes.listed_json(each, asked=asked, expand=expand, children=children, takes_xet=desk.takes_xet)
        for each in page
    ]
    return json_answer(shown, headers=more)


def _query(request: Request) -> RepoQuery:
    unknown = [name for name in _UNKNOWN_FILTERS if request.value(name)]
    if unknown:
        raise BadInput(f"this Hub cannot filter by '{unknown[0]}'")
    sort = request.value("sort")
    if sort and sort not in set(SortKey):
        raise BadInput(f"'sort' is none of {', '.join(SortKey)}")
    span = request.value("num_parameters")
    return RepoQuery(
        search=" ".join(request.values("search")),
        author=request.value("author"),
        tags=tuple(tag for value in request.values("filter") for tag in value.split(",") if tag),
        pipeline_tag=request.value("pipeline_tag"),
        gated=request.flag("gated") if request.value("gated") else None,
        parameters=parameter_range(span) if span else None,
        models=request.values("models"),
        datasets=request.values("datasets"),
        linked=request.flag("linked"),
        sort=SortKey(sort or SortKey.DOWNLOADS),
        after=read_mark(request.value("cursor")) if request.value("cursor") else None,
    )


def tags(desk: HubDesk, principal: Principal, kind: RepoKind) -> Answer:
    """``GET /api/models-tags-by-type``."""
    return json_answer(
        {
            type: [{"id": tag, "label": tag.partition(":")[2] or tag, "type": type} for tag in found]
            for type, found in desk.tags(principal, kind).items()
        }
    )


def whoami(desk: HubDesk, principal: Principal) -> Answer:
    """``GET /api/whoami-v2``."""
    return json_answer(shapes.whoami_json(desk.whoami(principal)))
