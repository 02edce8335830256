"""Where a verdict stands: told to those who push and read before it, at an address that answers."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.doors.uploading import Client, Registry, registry_at
from weighbridge.bridge.organizations import open_organizations
from weighbridge.domain.access import LOCAL, Role
from weighbridge.settings import load_settings

ADDRESS = re.compile(r"The verdict will stand at (http://\S+)")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry_at(tmp_path_factory.mktemp("registry") / "home") as running:
        yield running


def judged(registry: Registry, address: str, user: str = "ann") -> dict[str, str]:
    path = urlsplit(address).path
    while (found := registry.call(user, "GET", path)).json["state"] == "waiting":
        time.sleep(0.05)
    assert found.status == 200
    return dict(found.json)


@pytest.mark.parametrize("xet", [True, False])
def test_the_terminal_names_where_the_verdict_will_stand(
    registry: Registry, tmp_path: Path, xet: bool
) -> None:
    client = Client(registry=registry, home=tmp_path / "ann", xet=xet)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "README.md").write_text("no card\n")
    (tmp_path / "folder" / "w.bin").write_bytes(b"\0\1" * 5000)
    ran = client.hf("upload", f"ann/told{xet}", str(tmp_path / "folder"))
    assert ran.returncode == 0, ran.stderr
    found = ADDRESS.search(ran.stderr)
    assert found, ran.stderr
    assert found[1].startswith(f"{registry.url}/standing/model/")
    verdict = judged(registry, found[1])
    assert (verdict["name"], verdict["state"], verdict["package"]) == (f"ann/told{xet}", "refused", None)
    assert verdict["sentence"]
    refusal = registry.call("ann", "GET", verdict["refusal"])
    assert (refusal.status, refusal.json["commit"]) == (200, verdict["commit"])


def test_python_prints_it_too_and_a_data_set_has_one(registry: Registry, tmp_path: Path) -> None:
    client = Client(registry=registry, home=tmp_path / "ann")
    program = """
import io, logging
told = io.StringIO()
logging.getLogger("huggingface_hub").addHandler(logging.StreamHandler(told))
api.create_repo("data", repo_type="dataset")
api.upload_file(path_or_fileobj=b"a,b", path_in_repo="a.csv", repo_id="ann/data", repo_type="dataset")
result = told.getvalue()
"""
    found = ADDRESS.search(client.python(program))
    assert found
    assert "/standing/dataset/" in found[1]
    assert judged(registry, found[1])["state"] in ("accepted", "refused")


def test_readers_are_told_while_it_is_weighed_and_only_those_who_see_it(registry: Registry) -> None:
    made = registry.call("ann", "POST", "/api/repos/create", {"name": "Told"})
    assert made.status == 200
    body = (
        b'{"key": "header", "value": {"summary": "A file"}}\n'
        b'{"key": "file", "value": {"path": "run.py", "content": "x = 1\\n", "encoding": "utf-8"}}'
    )
    sent = registry.call("ann", "POST", "/api/models/ann/Told/commit/main", body)
    address = ADDRESS.search(sent.headers["x-hf-warning"])
    assert address
    reads = ("/api/models/ann/told", "/ann/told/resolve/main/run.py", "/api/models/ann/Told/tree/main")
    path = urlsplit(address[1]).path
    for read in reads:
        # it may be judged between two of our questions: the word and the state change together
        before = registry.call("ann", "GET", path).json["state"]
        told = registry.call("ann", "GET", read).headers.get("x-hf-warning", "")
        if registry.call("ann", "GET", path).json["state"] == "waiting":
            assert address[1] in told
        assert before == "waiting" or not told
    for user, status in (("bob", 404), ("rita", 404), ("", 404)):
        assert registry.call(user, "GET", path).status == status
        assert "x-hf-warning" not in registry.call(user, "GET", reads[0]).headers
    judged(registry, address[1])
    for read in reads:
        assert "x-hf-warning" not in registry.call("ann", "GET", read).headers


def test_what_is_not_weighed_says_so(registry: Registry) -> None:
    registry.call("ann", "POST", "/api/repos/create", {"name": "bare"})
    head = registry.call("ann", "GET", "/api/models/ann/bare")
    assert "x-hf-warning" not in head.headers
    standing = f"/standing/model/{head.json['sha']}/ann/bare"
    assert registry.call("ann", "GET", standing).json["state"] == "not weighed"
    body = (
        b'{"key": "header", "value": {"summary": "A file"}}\n'
        b'{"key": "file", "value": {"path": "a.txt", "content": "x", "encoding": "utf-8"}}'
    )
    pull = registry.call("bob", "POST", "/api/models/ann/bare/commit/main?create_pr=1", body)
    assert (pull.status, "x-hf-warning" in pull.headers) == (200, False)
    mine = f"/standing/model/{pull.json['commitOid']}/ann/bare"
    assert registry.call("bob", "GET", mine).json["state"] == "not weighed"
    proposed = "/api/models/ann/bare/revision/refs%2Fpr%2F1"
    assert "x-hf-warning" not in registry.call("bob", "GET", proposed).headers
    for name in ("ann/bare", "ann/none"):
        assert registry.call("ann", "GET", f"/standing/model/{'0' * 40}/{name}").status == 404
    assert registry.call("ann", "GET", "/standing/model/main/ann/bare").status == 422


def test_records_of_an_organization_are_its_members(registry: Registry, tmp_path: Path) -> None:
    settings = load_settings({"WEIGHBRIDGE_HOME": str(registry.home), "HOME": str(registry.home)})
    with open_organizations(settings, registry.bridge.repos.now) as organizations:
        organizations.add(LOCAL, "acme")
        organizations.set_member(LOCAL, "acme", "ann", Role.ADMIN)
        organizations.set_member(LOCAL, "acme", "bob", Role.READ)
    made = {"name": "secret", "organization": "acme", "private": True}
    assert registry.call("ann", "POST", "/api/repos/create", made).status == 200
    body = (
        b'{"key": "header", "value": {"summary": "A file"}}\n'
        b'{"key": "file", "value": {"path": "README.md", "content": "no card", "encoding": "utf-8"}}'
    )
    sent = registry.call("ann", "POST", "/api/models/acme/secret/commit/main", body)
    address = ADDRESS.search(sent.headers["x-hf-warning"])
    assert address
    refusal = judged(registry, address[1])["refusal"]

    def listed(user: str) -> bool:
        found = registry.call(user, "GET", "/refusals?limit=500").json["refusals"]
        return any(each["name"] == "acme/secret" for each in found)

    assert (listed("ann"), listed("bob")) == (True, True)
    assert registry.call("bob", "GET", refusal).status == 200
    group = registry.bridge.repos.groups.add(LOCAL, "acme", "Inner", members={"ann": Role.READ})
    registry.bridge.repos.groups.put(LOCAL, registry.bridge.repos.of_namespace(LOCAL, "acme")[0].id, group.id)
    assert (listed("ann"), listed("bob")) == (True, False)
    assert registry.call("bob", "GET", refusal).status == 404


def test_likes_are_audited_once(registry: Registry) -> None:
    registry.call("ann", "POST", "/api/repos/create", {"name": "liked"})
    for method in ("POST", "POST", "DELETE", "DELETE", "POST"):
        assert registry.call("bob", method, "/api/models/ann/liked/like").status == 200
    lines = [line for line in registry.bridge.audit.lines(LOCAL, limit=500) if line.target == "ann/liked"]
    assert [line.verb for line in lines] == ["repo.like", "repo.unlike", "repo.like", "repo.create"]
    assert lines[0].by == "bob"
