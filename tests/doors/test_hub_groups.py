"""Groups of an organization: who is in one has its repositories, and nobody else but the admins."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.doors.uploading import Client, Registry, registry_at
from weighbridge.bridge.organizations import open_organizations
from weighbridge.domain.access import LOCAL, Permission, Role
from weighbridge.settings import load_settings

WRITER = (Permission.SEARCH, Permission.DOWNLOAD, Permission.UPLOAD)
ROLES = {"ann": Role.ADMIN, "bob": Role.WRITE, "rita": Role.READ, "carl": Role.READ, "dora": Role.READ}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """ann governs acme; bob writes there; rita, carl and dora read; nora is a stranger who may upload."""
    home = tmp_path_factory.mktemp("registry") / "home"
    with registry_at(home, WEIGHBRIDGE_SERVE="all") as running:
        tokens = dict(running.tokens)
        for name in ("carl", "dora", "nora"):
            running.bridge.people.add_user(LOCAL, name, WRITER, "correct horse")
            tokens[name] = running.bridge.people.authenticate(name, "correct horse")
        with open_organizations(
            load_settings({"WEIGHBRIDGE_HOME": str(home), "HOME": str(home)}), running.bridge.repos.now
        ) as organizations:
            for organization in ("acme", "other"):
                organizations.add(LOCAL, organization)
            for user, role in ROLES.items():
                organizations.set_member(LOCAL, "acme", user, role)
        yield Registry(url=running.url, home=home, bridge=running.bridge, tokens=tokens)


def group(registry: Registry, name: str, **roles: str) -> str:
    users = [{"user": user, "role": role} for user, role in roles.items()]
    body = {"name": name, "description": "Some", "users": users}
    made = registry.call("ann", "POST", "/api/organizations/acme/resource-groups", body)
    assert made.status == 200, made.json
    assert {each["user"]: each["role"] for each in made.json["users"]} == roles
    return str(made.json["id"])


def test_a_repository_is_made_in_a_group_by_the_real_client(registry: Registry, tmp_path: Path) -> None:
    id = group(registry, "Vision", carl="contributor", dora="read")
    carl = Client(registry=registry, home=tmp_path / "carl", user="carl")
    made = carl.python(f"""
api.create_repo("acme/eyes", private=True, resource_group_id="{id}")
api.upload_file(path_or_fileobj=b"x", path_in_repo="a.txt", repo_id="acme/eyes")
result = [api.model_info("acme/eyes", expand="resourceGroup").resource_group,
    said(api.create_repo, "acme/none")[0], said(api.create_repo, "acme/none", resource_group_id="nope")]
""")
    assert made[0] == {"id": id, "name": "Vision", "numUsers": 2}
    assert made[1] == "HfHubHTTPError"
    assert "may not make repositories in a group 'nope' of 'acme'" in made[2][1]
    file = "/acme/eyes/resolve/main/a.txt"
    seen = {user: registry.call(user, "GET", file).status for user in ("ann", "carl", "dora", "bob", "rita")}
    assert seen == {"ann": 200, "carl": 200, "dora": 200, "bob": 404, "rita": 404}
    commit = "/api/models/acme/eyes/preupload/main"
    body = {"files": [{"path": "b.txt", "size": 1, "sample": ""}]}
    wrote = {user: registry.call(user, "POST", commit, body).status for user in ("carl", "dora", "bob")}
    assert wrote == {"carl": 200, "dora": 403, "bob": 404}
    stored = registry.call("dora", "GET", "/api/organizations/acme/settings/repositories").json
    assert "acme/eyes" in [each["id"] for each in stored]
    stored = registry.call("bob", "GET", "/api/organizations/acme/settings/repositories").json
    assert "acme/eyes" not in [each["id"] for each in stored]


def test_a_public_repository_of_a_group_is_read_by_all_and_written_by_its_members(registry: Registry) -> None:
    id = group(registry, "Public", dora="write")
    body = {"name": "open", "organization": "acme", "resourceGroupId": id}
    assert registry.call("bob", "POST", "/api/repos/create", body).status == 403
    assert registry.call("nora", "POST", "/api/repos/create", body).status == 403
    assert registry.call("dora", "POST", "/api/repos/create", body).status == 200
    for user in ("", "nora", "bob", "dora"):
        assert registry.call(user, "GET", "/api/models/acme/open").status == 200
    assert "resourceGroup" not in registry.call("bob", "GET", "/api/models/acme/open").json
    change = {"private": False}
    changed = {
        user: registry.call(user, "PUT", "/api/models/acme/open/settings", change).status
        for user in ("nora", "bob", "dora")
    }
    assert changed == {"nora": 403, "bob": 403, "dora": 200}


def test_repositories_move_in_and_out_by_those_who_govern_both(registry: Registry) -> None:
    first, second = (
        group(registry, "First", carl="admin"),
        group(registry, "Second", carl="write", rita="read"),
    )
    made = {"name": "moving", "organization": "acme", "private": True, "resourceGroupId": first}
    assert registry.call("carl", "POST", "/api/repos/create", made).status == 200
    at = "/api/models/acme/moving/resource-group"

    def put(user: str, id: str | None) -> Any:
        return registry.call(user, "POST", at, {"resourceGroupId": id})

    assert put("carl", second).status == 403
    assert put("bob", None).status == 404
    assert put("ann", second).json["name"] == "Second"
    assert registry.call("rita", "GET", at).json["id"] == second
    assert put("carl", None).status == 403
    assert registry.call("bob", "GET", "/api/models/acme/moving").status == 404
    assert put("ann", None).json is None
    assert registry.call("bob", "GET", "/api/models/acme/moving").status == 200
    assert put("ann", "nope").status == 404
    assert put("ann", first).status == 200
    renamed = {"fromRepo": "acme/moving", "toRepo": "acme/moved", "type": "model"}
    assert registry.call("carl", "POST", "/api/repos/move", renamed).status == 200
    assert registry.call("carl", "GET", "/api/models/acme/moved/resource-group").json["id"] == first
    away = {"fromRepo": "acme/moved", "toRepo": "carl/moved", "type": "model"}
    assert registry.call("carl", "POST", "/api/repos/move", away).status == 200
    assert registry.call("carl", "GET", "/api/models/carl/moved/resource-group").json is None
    deletion = registry.call("ann", "DELETE", f"/api/organizations/acme/resource-groups/{first}")
    assert deletion.status == 200


def test_who_says_who_is_in_a_group(registry: Registry) -> None:
    id = group(registry, "Roles", carl="admin", dora="write")
    base = f"/api/organizations/acme/resource-groups/{id}"
    rita = {"users": [{"user": "rita", "role": "write"}]}
    for user, status in (("", 401), ("nora", 403), ("bob", 404), ("dora", 403), ("carl", 200)):
        assert registry.call(user, "POST", f"{base}/users", rita).status == status
    assert registry.call("carl", "PATCH", f"{base}/users/rita", {"role": "read"}).status == 200
    assert registry.call("carl", "DELETE", base).status == 403
    shown = registry.call("rita", "GET", base).json
    assert {each["user"]: each["role"] for each in shown["users"]} == {
        "carl": "admin", "dora": "write", "rita": "read"
    }  # fmt: skip
    assert registry.call("carl", "DELETE", f"{base}/users/rita").status == 200
    assert registry.call("carl", "DELETE", f"{base}/users/rita").status == 404
    assert registry.call("rita", "GET", base).status == 404
    for users in ([{"user": "nora", "role": "read"}], [{"user": "rita", "role": "king"}], []):
        assert registry.call("carl", "POST", f"{base}/users", {"users": users}).status in (400, 404)
    both = {"users": [{"user": "rita", "role": "read"}, {"user": "nora", "role": "read"}]}
    assert registry.call("carl", "POST", f"{base}/users", both).status == 404
    assert "rita" not in str(registry.call("carl", "GET", base).json)  # all or nothing
    names = {each["name"] for each in registry.call("carl", "GET", base.rpartition("/")[0]).json}
    assert names == {"Vision", "First", "Second", "Roles"} & names
    assert "Roles" in names
    assert registry.call("nora", "GET", "/api/organizations/acme/resource-groups").status == 403
    assert registry.call("nora", "GET", "/api/organizations/none/resource-groups").status == 403


def test_who_leaves_the_organization_leaves_its_groups(registry: Registry) -> None:
    id = group(registry, "Leaving", dora="admin")
    made = {"name": "kept", "organization": "acme", "private": True, "resourceGroupId": id}
    assert registry.call("dora", "POST", "/api/repos/create", made).status == 200
    settings = load_settings({"WEIGHBRIDGE_HOME": str(registry.home), "HOME": str(registry.home)})
    with open_organizations(settings, registry.bridge.repos.now) as organizations:
        organizations.set_member(LOCAL, "acme", "dora", None)
        assert registry.call("dora", "GET", "/api/models/acme/kept").status == 404
        organizations.set_member(LOCAL, "acme", "dora", Role.READ)
    assert registry.call("dora", "GET", "/api/models/acme/kept").status == 404
    refused = registry.call("ann", "DELETE", f"/api/organizations/acme/resource-groups/{id}")
    assert (refused.status, "'acme/kept' still" in refused.json["error"]) == (409, True)


def test_what_cannot_be_a_group_and_what_is_there_already(registry: Registry) -> None:
    at = "/api/organizations/acme/resource-groups"
    assert registry.call("ann", "POST", at, {"name": "Twice"}).status == 200
    for body, status in (
        ({"name": "Twice"}, 409),
        ({"name": ""}, 400),
        ({"name": "a\nb"}, 400),
        ({"name": "N", "users": [{"user": "nora", "role": "read"}]}, 404),
        ({"name": "N", "repos": [{"type": "model", "name": "acme/none"}]}, 404),
        ({"name": "N", "repos": [{"type": "model", "name": "../x"}]}, 400),
    ):
        assert registry.call("ann", "POST", at, body).status == status
    assert "N" not in {each["name"] for each in registry.call("ann", "GET", at).json}
    assert registry.call("ann", "POST", "/api/organizations/ann/resource-groups", {"name": "N"}).status == 404
    assert registry.call("bob", "POST", at, {"name": "N"}).status == 403


def test_what_was_done_to_groups_is_audited(registry: Registry) -> None:
    id = group(registry, "Audited", carl="read")
    base = f"/api/organizations/acme/resource-groups/{id}"
    assert registry.call("ann", "POST", "/api/repos/create", {"name": "acme/seen"}).status == 200
    at = "/api/models/acme/seen/resource-group"
    assert registry.call("ann", "POST", at, {"resourceGroupId": id}).status == 200
    assert registry.call("ann", "POST", at, {"resourceGroupId": None}).status == 200
    assert registry.call("ann", "DELETE", f"{base}/users/carl").status == 200
    assert registry.call("ann", "DELETE", base).status == 200
    lines = registry.bridge.audit.lines(LOCAL, limit=500)
    done = [(line.verb, line.detail) for line in lines if line.target in ("acme/Audited", "acme/seen")]
    assert done == [
        ("group.delete", ""),
        ("group.member", "carl removed"),
        ("repo.group", "none"),
        ("repo.group", "acme/Audited"),
        ("repo.create", ""),
        ("group.add", ""),
    ]


def test_a_digest_is_no_ticket_into_another_group(registry: Registry) -> None:
    """What one group was sent is not there for the rest of the organization."""
    content = b"of one group" * 1000
    digest = sha256(content).hexdigest()
    id = group(registry, "Sender", carl="write")
    made = {"name": "sent", "organization": "acme", "private": True, "resourceGroupId": id}
    assert registry.call("carl", "POST", "/api/repos/create", made).status == 200
    mine = {"name": "thief", "organization": "acme"}
    assert registry.call("bob", "POST", "/api/repos/create", mine).status == 200
    wanted = {"operation": "upload", "objects": [{"oid": digest, "size": len(content)}]}

    def action(user: str, repo: str) -> str:
        got = registry.call(user, "POST", f"/acme/{repo}.git/info/lfs/objects/batch", wanted).json
        return str(got["objects"][0].get("actions", {}).get("upload", {}).get("href", ""))

    parts = urlsplit(action("carl", "sent"))
    assert registry.call("", "PUT", f"{parts.path}?{parts.query}", content).status == 200
    assert action("carl", "sent") == ""
    assert action("bob", "thief")
    value = {"path": "w.bin", "algo": "sha256", "oid": digest, "size": len(content)}
    lines = [{"key": "header", "value": {"summary": "Mine"}}, {"key": "lfsFile", "value": value}]
    body = "\n".join(json.dumps(line) for line in lines).encode()
    refused = registry.call("bob", "POST", "/api/models/acme/thief/commit/main", body)
    assert (refused.status, "was not sent" in refused.json["error"]) == (400, True)
    assert registry.call("carl", "POST", "/api/models/acme/sent/commit/main", body).status == 200
    used = registry.bridge.repos.quotas.of("acme").used_bytes
    assert used >= len(content)  # a group has no room of its own: the organization pays


def test_evidence_of_one_group_quotes_no_card_of_another(registry: Registry) -> None:
    ids = {name: group(registry, name, carl="write") for name in ("Quoted", "Quoting")}

    def push(repo: str, card: str) -> str:
        value = {"path": "README.md", "content": card, "encoding": "utf-8"}
        lines = [{"key": "header", "value": {"summary": "A card"}}, {"key": "file", "value": value}]
        body = "\n".join(json.dumps(line) for line in lines).encode()
        sent = registry.call("carl", "POST", f"/api/models/acme/{repo}/commit/main", body)
        assert sent.status == 200, sent.json
        return str(sent.json["commitOid"])

    for repo, name in (("base", "Quoted"), ("tuned", "Quoting"), ("sibling", "Quoted")):
        made = {"name": repo, "organization": "acme", "private": True, "resourceGroupId": ids[name]}
        assert registry.call("carl", "POST", "/api/repos/create", made).status == 200
    push("base", "---\nlicense: mit\ntags: [very-secret-word]\n---\n")
    quoted = {}
    for repo in ("tuned", "sibling"):
        commit = push(repo, "---\nlicense: mit\nbase_model: acme/base\n---\n")
        path = f"/standing/model/{commit}/acme/{repo}"
        while (standing := registry.call("ann", "GET", path).json)["state"] == "waiting":
            time.sleep(0.05)
        packages, record = registry.bridge.packages, (standing["refusal"] or standing["package"]).split("/")
        kept = (
            packages.refusal(LOCAL, record[2])[0]
            if standing["refusal"]
            else packages.package(LOCAL, record[2])
        )
        name = kept.evidence_sha256
        evidence = (registry.home / "blobs-v1" / "sha256" / name[:2] / name).read_bytes()
        quoted[repo] = b"very-secret-word" in evidence
    assert quoted == {"tuned": False, "sibling": True}


def test_a_token_that_may_not_upload_changes_no_group(registry: Registry) -> None:
    groups = "/api/organizations/acme/resource-groups"
    id = group(registry, "Ears", carl="read")
    assert registry.call("ann", "POST", "/api/repos/create", {"name": "acme/ears"}).status == 200
    moved = "/api/models/acme/ears/resource-group"
    reading = registry.bridge.people.create_token(LOCAL, "ann", [Permission.SEARCH, Permission.DOWNLOAD])[1]
    for method, path, body in (
        ("POST", groups, {"name": "Mine", "users": [{"user": "dora", "role": "admin"}]}),
        ("POST", f"{groups}/{id}/users", {"users": [{"user": "dora", "role": "admin"}]}),
        ("PATCH", f"{groups}/{id}/users/carl", {"role": "admin"}),
        ("DELETE", f"{groups}/{id}/users/carl", None),
        ("DELETE", f"{groups}/{id}", None),
        ("POST", moved, {"resourceGroupId": id}),
    ):
        refused = registry.call("", method, path, body, Authorization=f"Bearer {reading}")
        assert (refused.status, b"upload" in refused.body) == (403, True), (method, path, refused.body)
    found = {each["name"]: each for each in registry.call("ann", "GET", groups).json}
    assert "Mine" not in found
    assert [(each["user"], each["role"]) for each in found["Ears"]["users"]] == [("carl", "read")]
    assert found["Ears"]["repos"] == []
