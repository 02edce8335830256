"""What ``may`` denies is reached by no address, and is answered as what does not exist, byte by byte.

The tables of routes are walked: an address that is added to one is asked for here too, or this fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.doors.asgi_server import Answer
from tests.doors.uploading import Registry, registry_at
from weighbridge.bridge.organizations import open_organizations
from weighbridge.domain.access import LOCAL, Permission, Role
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.doors.hub import api, people, write
from weighbridge.settings import load_settings

THERE, GONE = "hidden", "absent"
"""The names are of one length, so that the lengths of the answers can be compared too."""
WRITER = (Permission.SEARCH, Permission.DOWNLOAD, Permission.UPLOAD)
OID = "5" * 64
LINES = (
    {"key": "header", "value": {"summary": "Mine"}},
    {"key": "file", "value": {"path": "mine.txt", "content": "eA==", "encoding": "base64"}},
)
COMMIT = "\n".join(json.dumps(line) for line in LINES).encode()
MEMBERS = {"ann": Role.ADMIN, "carl": Role.WRITE, "dora": Role.READ}
OUTSIDERS = {"ann": ("", "bob", "rita", "carl"), "acme": ("", "bob", "rita", "carl", "dora")}
"""To ann's own, and to a group of acme that carl and dora, members of acme, are not in."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A request; ``{repo}`` and ``{name}`` in it are filled in, ``{sha}`` is a commit of the hidden one."""

    method: str
    path: str
    body: Any = None

    def filled(self, text: str, owner: str, name: str, sha: str) -> str:
        """A text with the names in it."""
        return text.replace("{repo}", f"{owner}/{name}").replace("{name}", name).replace("{sha}", sha)


WRITES: dict[tuple[str, str], tuple[tuple[str, Any], ...]] = {
    ("PUT", "settings"): (("settings", {"private": False}),),
    ("POST", "branch"): (("branch/dev", {"startingPoint": "main"}), ("branch/main", {"overwrite": True})),
    ("DELETE", "branch"): (("branch/main", None), ("branch/none", None)),
    ("POST", "duplicate"): (("duplicate", {"repository": "bob/taken"}),),
    ("POST", "lfs-files"): (
        ("lfs-files/duplicate", {"target": {"name": "bob/m"}, "files": [{"sha256": OID}]}),
        ("lfs-files/batch", {"deletions": {"sha": [OID]}}),
    ),
    ("GET", "lfs-files"): (("lfs-files", None),),
    ("POST", "super-squash"): (("super-squash/main", {"message": "One"}),),
    ("POST", "tag"): (("tag/main", {"tag": "v2"}),),
    ("DELETE", "tag"): (("tag/v1", None), ("tag/none", None)),
    ("POST", "preupload"): (("preupload/main", {"files": [{"path": "a", "size": 1}]}),),
    ("POST", "commit"): (
        ("commit/main", COMMIT),
        ("commit/main?create_pr=1", COMMIT),
        ("commit/refs%2Fpr%2F2", COMMIT),
    ),
    ("GET", "auth-check"): (("auth-check/write", None),),
    ("POST", "ask-access"): (("ask-access", None),),
    ("GET", "user-access-request"): (("user-access-request/pending", None),),
    ("POST", "user-access-request"): (
        ("user-access-request/grant", {"user": "bob"}),
        ("user-access-request/handle", {"user": "bob", "status": "accepted"}),
    ),
    ("POST", "like"): (("like", None),),
    ("DELETE", "like"): (("like", None),),
    ("GET", "likers"): (("likers", None),),
    ("GET", "resource-group"): (("resource-group", None),),
    ("POST", "resource-group"): (("resource-group", {"resourceGroupId": None}),),
    ("GET", "discussions"): (("discussions", None), ("discussions/1", None), ("discussions/2?diff=1", None)),
    ("POST", "discussions"): (
        ("discussions", {"title": "Hi", "description": "there"}),
        ("discussions", {"title": "Hi", "pullRequest": True}),
        ("discussions/1/comment", {"comment": "x"}),
        ("discussions/1/status", {"status": "closed"}),
        ("discussions/1/title", {"title": "New"}),
        ("discussions/2/merge", None),
    ),
    ("GET", "xet-write-token"): (("xet-write-token/main", None), ("xet-write-token/main?create_pr=1", None)),
}
READS = {
    "revision": (
        "revision/main",
        "revision/{sha}",
        "revision/none",
        "revision/main?blobs=true&securityStatus=true",
    ),
    "tree": ("tree/main", "tree/{sha}?recursive=true&expand=true", "tree/main/sub"),
    "refs": ("refs", "refs?include_prs=1"),
    "commits": ("commits/main", "commits/{sha}"),
    "auth-check": ("auth-check",),
    "paths-info": ("paths-info/main", "paths-info/{sha}"),
    "safetensors-metadata": ("safetensors-metadata/model.safetensors.index.json",),
}
ALONE: dict[tuple[str, ...], tuple[Any, ...]] = {
    ("POST", "repos", "create"): ({"name": "{repo}"}, {"name": "{repo}", "private": True}),
    ("DELETE", "repos", "delete"): ({"name": "{repo}"},),
    ("POST", "repos", "move"): (
        {"fromRepo": "{repo}", "toRepo": "bob/x-{name}"},
        {"fromRepo": "bob/m", "toRepo": "{repo}"},
    ),
    ("POST", "validate-yaml"): (),
    ("GET", "settings", "repositories"): (),
}


def asks(kind: RepoKind) -> Iterator[Ask]:
    """Every address about a repository of a kind."""
    base, folder = f"/api/{kind.plural}/{{repo}}", "" if kind is RepoKind.MODEL else f"/{kind.plural}"
    yield from (Ask(method=method, path=base) for method in ("GET", "HEAD"))
    for paths in READS.values():
        for path in paths:
            body = {"paths": ["a.txt"]} if path.startswith("paths-info") else None
            yield Ask(method="POST" if body else "GET", path=f"{base}/{path}", body=body)
    for (method, _), calls in WRITES.items():
        yield from (Ask(method=method, path=f"{base}/{path}", body=body) for path, body in calls)
    for (method, *path), bodies in ALONE.items():
        for body in bodies:
            yield Ask(method=method, path=f"/api/{'/'.join(path)}", body={**body, "type": kind.value})
    for verb in ("resolve", "raw"):
        for path in (
            "main/a.txt",
            "{sha}/a.txt",
            "v1/a.txt",
            "refs%2Fpr%2F2/a.txt",
            "main/none",
            "none/a.txt",
        ):
            yield from (Ask(method=m, path=f"{folder}/{{repo}}/{verb}/{path}") for m in ("GET", "HEAD"))
    yield Ask(method="POST", path=f"{folder}/{{repo}}/ask-access")
    for operation in ("upload", "download"):
        body = {"operation": operation, "objects": [{"oid": OID, "size": 3}]}
        yield Ask(method="POST", path=f"{folder}/{{repo}}.git/info/lfs/objects/batch", body=body)
    yield Ask(method="POST", path=f"{folder}/{{repo}}.git/info/lfs/verify", body={"oid": OID, "size": 3})
    yield Ask(method="GET", path=f"{folder}/{{repo}}.git/info/refs?service=git-upload-pack")
    yield Ask(method="GET", path=f"/standing/{kind.value}/{{sha}}/{{repo}}")
    yield Ask(method="GET", path=f"/packages?name={{repo}}&kind={kind.value}")
    if kind is RepoKind.MODEL:
        yield Ask(method="POST", path="/package/ingest-huggingface", body={"model_id": "{repo}"})


def test_every_address_of_the_tables_is_asked_for() -> None:
    assert set(WRITES) == set(write._OF_REPO)
    assert set(READS) == set(api.REPO_CALLS)
    assert set(ALONE) == set(write._ALONE)
    assert {verb for _, verb in people._OF_USER} == {"overview", "likes"}
    assert {path for _, path in people._OF_ORGANIZATION} == {
        "overview", "members", "settings/repositories", "resource-groups"
    }  # fmt: skip


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """All sees all that is pushed, so that nothing is hidden for not being judged."""
    home = tmp_path_factory.mktemp("registry") / "home"
    with registry_at(home, WEIGHBRIDGE_SERVE="all") as running:
        tokens = dict(running.tokens)
        for name in ("carl", "dora"):
            running.bridge.people.add_user(LOCAL, name, WRITER, "correct horse")
            tokens[name] = running.bridge.people.authenticate(name, "correct horse")
        settings = load_settings({"WEIGHBRIDGE_HOME": str(home), "HOME": str(home)})
        with open_organizations(settings, running.bridge.repos.now) as organizations:
            organizations.add(LOCAL, "acme")
            for user, role in MEMBERS.items():
                organizations.set_member(LOCAL, "acme", user, role)
        made = Registry(url=running.url, home=home, bridge=running.bridge, tokens=tokens)
        running.bridge.repos.groups.add(LOCAL, "acme", "Inner", members={"ann": Role.ADMIN})
        for kind in RepoKind:
            for owner in ("ann", "acme"):
                hide(made, kind, owner)
        assert made.call("bob", "POST", "/api/repos/create", {"name": "m"}).status == 200
        yield made


def hide(registry: Registry, kind: RepoKind, owner: str) -> None:
    """A private repository with a file, a tag, a discussion, a pull request and a like; gated too."""
    groups = registry.bridge.repos.groups.listed(LOCAL, "acme")
    group = {"resourceGroupId": groups[0].id} if owner == "acme" else {}
    wish = {"name": f"{owner}/{THERE}", "private": True, "type": kind.value, **group}
    base = f"/api/{kind.plural}/{owner}/{THERE}"
    for method, path, body in (
        ("POST", "/api/repos/create", wish),
        ("POST", f"{base}/commit/main", COMMIT.replace(b"mine.txt", b"a.txt")),
        ("POST", f"{base}/tag/main", {"tag": "v1"}),
        ("POST", f"{base}/discussions", {"title": "One", "description": "said"}),
        ("POST", f"{base}/commit/main?create_pr=1", COMMIT.replace(b"mine.txt", b"sub/b.txt")),
        ("POST", f"{base}/like", None),
        ("PUT", f"{base}/settings", {"gated": "auto"}),
    ):
        done = registry.call("ann", method, path, body)
        assert done.status == 200, (path, done.body)


def answered(registry: Registry, user: str, ask: Ask, owner: str, name: str, sha: str) -> tuple[Any, ...]:
    """What came back, with the name taken out: status, headers and body."""
    path = ask.filled(ask.path, owner, name, sha)
    body = ask.body
    if isinstance(body, dict):
        body = json.loads(ask.filled(json.dumps(body), owner, name, sha))
    found: Answer = registry.call(user, ask.method, path, body)
    headers = {
        k: v.replace(name, "NAME") for k, v in found.headers.items() if k not in ("date", "x-request-id")
    }
    return found.status, headers, found.body.replace(name.encode(), b"NAME")


@pytest.mark.parametrize("owner", ["ann", "acme"])
@pytest.mark.parametrize("kind", list(RepoKind))
def test_a_hidden_repository_is_answered_as_one_that_is_not_there(
    registry: Registry, kind: RepoKind, owner: str
) -> None:
    sha = registry.call("ann", "GET", f"/api/{kind.plural}/{owner}/{THERE}").json["sha"]
    repo = RepoId.parse(f"{owner}/{THERE}", kind)
    before = registry.bridge.repos.repository(LOCAL, repo)
    for user in OUTSIDERS[owner]:
        for ask in asks(kind):
            # the missing one is asked for last: what is made of it is no news about the hidden one
            there = answered(registry, user, ask, owner, THERE, sha)
            gone = answered(registry, user, ask, owner, GONE, sha)
            made = ask.path.endswith("repos/create") and gone[0] == 200
            if made:  # a writer of acme makes it; it is taken away again
                assert there[0] == 409
                wish = {"name": f"{owner}/{GONE}", "type": kind.value}
                assert registry.call(user, "DELETE", "/api/repos/delete", wish).status == 200
                continue
            assert there == gone, (user, ask)
            listing = ask.path.startswith("/packages")
            assert there[0] in (400, 401, 403, 404, 503) or (listing and there[0] == 200), (user, ask, there)
            assert THERE.encode() not in there[2]
    assert registry.bridge.repos.repository(LOCAL, repo) == before
    refs = registry.call("ann", "GET", f"/api/{kind.plural}/{owner}/{THERE}/refs?include_prs=1").json
    assert [(ref["name"], ref["targetCommit"]) for ref in refs["branches"]] == [("main", sha)]
    assert {ref["name"] for ref in refs["tags"]} - {"1.0.0"} == {"v1"}
    assert len(refs["pullRequests"]) == 1


@pytest.mark.parametrize("owner", ["ann", "acme"])
def test_no_listing_names_what_is_hidden(registry: Registry, owner: str) -> None:
    listings = [f"/api/{kind.plural}?{query}" for kind in RepoKind for query in (
        "", f"author={owner}", f"search={THERE}", "full=true", "sort=likes", "expand=likes",
    )]  # fmt: skip
    listings += [f"/api/users/{owner}/likes", "/api/users/ann/likes", f"/api/users/{owner}/overview"]
    listings += [f"/api/organizations/{owner}/{each}" for each in (
        "overview", "members", "settings/repositories", "resource-groups",
    )]  # fmt: skip
    listings += ["/packages?limit=500", "/refusals?limit=500", "/api/settings/repositories"]
    for user in OUTSIDERS[owner]:
        for path in listings:
            found = registry.call(user, "GET", path)
            assert found.status in (200, 400, 401, 403, 404), (user, path, found.status)
            assert f"{owner}/{THERE}".encode() not in found.body, (user, path)
    shown = registry.call("ann", "GET", f"/api/models?author={owner}").body
    assert f"{owner}/{THERE}".encode() in shown


def test_what_an_overview_counts_is_what_the_caller_sees(registry: Registry) -> None:
    for user, counted in (("bob", 0), ("", 0), ("ann", 1)):
        for path in ("/api/users/ann/overview", "/api/organizations/acme/overview"):
            found = registry.call(user, "GET", path).json
            counts = [found[key] for key in ("numModels", "numDatasets", "numSpaces")]
            assert counts == [counted] * 3, (user, path)
    assert registry.call("bob", "GET", "/api/users/ann/overview").json["numLikes"] == 0
    assert registry.call("ann", "GET", "/api/users/ann/overview").json["numLikes"] == 6
