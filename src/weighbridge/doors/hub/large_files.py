"""The large files of a repository, as the Hub spells them.

GET    .../lfs-files                                                 every one, in any commit
POST   .../lfs-files/batch       {"deletions": {"sha": [...], "rewriteHistory": true}}
POST   .../lfs-files/duplicate   {"target": {"type", "name"}, "files": [{"sha256", "filename"}]}
"""

from __future__ import annotations

from weighbridge.domain.hosted import spelled
from weighbridge.domain.json_values import Json, child, items, objects, text, texts
from weighbridge.doors.hub.answers import Answer, NoRoute, json_answer
from weighbridge.doors.hub.repo_life import named_repo
from weighbridge.doors.hub.visits import Visit
from weighbridge.errors import BadInput

_PAGE = _AT_ONCE = 1000


def listing(visit: Visit) -> Answer:
    """A page of the large files; ``fileOid`` is what a deletion names."""
    if visit.rest:
        raise NoRoute("large files are listed, deleted and duplicated")
    found = visit.repos.large_files(visit.principal, visit.repo)
    page = visit.request.number("limit", _PAGE, _PAGE)
    start = visit.request.number("cursor", 0, max(len(found), 1))
    shown: list[Json] = [
        {
            "fileOid": each.sha256,
            "filename": each.path,
            "oid": each.sha256,
            "pushedAt": spelled(each.pushed_at),
            "ref": each.ref or None,
            "size": each.size_bytes,
        }
        for each in found[start : start + page]
    ]
    more = start + page < len(found)
    return json_answer(shown, headers={"link": visit.request.next_page(str(start + page))} if more else {})


def act(visit: Visit) -> Answer:
    """Delete large files, or lend them to another repository."""
    acts = {"batch": _delete, "duplicate": _lend}
    if visit.rest not in acts:
        raise NoRoute("large files are listed, deleted and duplicated")
    return acts[visit.rest](visit)


def _delete(visit: Visit) -> Answer:
    wanted = child(visit.document(), "deletions")
    contents = texts(wanted, "sha")
    if not contents or len(contents) != len(items(wanted, "sha")) or len(contents) > _AT_ONCE:
        raise BadInput(f"'deletions' needs 'sha', a list of 1 to {_AT_ONCE} sha256")
    if wanted.get("rewriteHistory") is not True:
        raise BadInput(
            "large files are deleted here by rewriting the history that names them: a commit whose content "
            "is gone could never be served again. Ask with rewrite_history=True"
        )
    visit.repos.delete_large(visit.principal, visit.repo, contents)
    return json_answer({})


def _lend(visit: Visit) -> Answer:
    body = visit.document()
    files, target = objects(body, "files"), child(body, "target")
    if len(files) > _AT_ONCE:
        raise BadInput(f"more than {_AT_ONCE} files are asked for at once")
    wanted = [text(each, "sha256") or "" for each in files]
    missing = visit.repos.lend(visit.principal, visit.repo, named_repo(target, "name"), wanted)
    failed: list[Json] = [{"sha256": each, "error": f"no file of {visit.repo} has it"} for each in missing]
    return json_answer({"failed": failed})
