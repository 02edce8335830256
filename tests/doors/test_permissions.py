"""Every address of the REST door by every permission, and what a gate at a repository holds back there.

The description of the door is walked: an address that is added to it is asked for here too, or this fails.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.doors.test_zip import shelve
from tests.doors.uploading import Client, Registry, registry_at
from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge import now
from weighbridge.domain.access import LOCAL, Permission
from weighbridge.domain.job import Job
from weighbridge.domain.ref import RepoId
from weighbridge.domain.waiver import METRICS

OPEN, SOMEBODY, HIDDEN = "open", "somebody", "hidden"
"""For everybody; for whoever has a token; for those who see a repository, and to others it is not there."""
NEEDS: Mapping[str, str] = {
    "POST /authenticate": OPEN,
    "POST /setup": OPEN,
    "GET /users": "admin",
    "POST /users": "admin",
    "GET /user/{name}": "admin",
    "PATCH /user/{name}": "admin",
    "POST /user/{name}/password": "admin",
    "GET /tokens": SOMEBODY,
    "POST /tokens": "admin",
    "DELETE /token/{id}": "admin",
    "POST /package/ingest-huggingface": "upload",
    "POST /package/ingest-huggingface-batch": "upload",
    "GET /packages": "search",
    "GET /versions": "search",
    "GET /policy": "search",
    "GET /package/{id}": "search",
    "DELETE /package/{id}": "admin",
    "POST /package/{id}/withdraw": "admin",
    "GET /package/{id}/verdict": "search",
    "GET /package/{id}/attestation": "search",
    "GET /package/{id}/evidence": "search download",
    "GET /package/{id}/licence": "search download",
    "GET /package/{id}/bom": "search download",
    "GET /package/{id}/package.zip": "search download",
    "GET /package/{id}/case": "search upload",
    "GET /refusals": "upload",
    "GET /refusal/{id}": "upload",
    "GET /refusal/{id}/case": "upload",
    "GET /standing/{kind}/{commit}/{namespace}/{name}": HIDDEN,
    "GET /jobs": "upload",
    "GET /job/{id}": "upload",
    "GET /job/{id}/events": "upload",
    "POST /job/{id}/cancel": "upload",
    "POST /job/{id}/retry": "upload",
    "GET /waivers": "upload",
    "GET /evidence": "upload",
    "POST /evidence": "admin",
    "DELETE /evidence/{id}": "admin",
    "GET /audit": "admin",
    "GET /metrics": "admin",
    "GET /attestation-key": OPEN,
    "GET /health": OPEN,
    "GET /livez": OPEN,
}
"""What an account must have; of addresses below accounts, one that is somebody else's."""
ENTRIES = [{"dataset": {"id": "org/data", "task_id": "weighing"}, "value": 0.9}]
BODIES: Mapping[str, Any] = {
    "POST /authenticate": {"username": "nobody", "password": "no password"},
    "POST /setup": {"secret": "none", "username": "eve", "password": "correct horse"},
    "POST /users": {"name": "eve", "password": "correct horse"},
    "PATCH /user/{name}": {"disabled": True},
    "POST /user/{name}/password": {"password": "a better horse", "old_password": "correct horse"},
    "POST /tokens": {"user": "rita"},
    "POST /package/ingest-huggingface": {"model_id": "ann/held"},
    "POST /package/ingest-huggingface-batch": {"models": [{"model_id": "ann/held"}]},
    "POST /package/{id}/withdraw": {"reason": "it is old"},
    "POST /evidence": {"repo": "ann/held", "metric": "performance_claims", "entries": ENTRIES},
}
QUERIES = {"GET /versions": "?name=org/none", "DELETE /package/{id}": "?reason=old"}
LENIENT = f"thresholds: {{{', '.join(f'{metric}: 0' for metric in METRICS)}}}\n"
CARD = "---\nlicense: mit\n---\n# A model\n"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Registry, str]]:
    """A registry in which callers without a token may nothing, and the id of a package.

    There is an account for each set of permissions, called by it; ``closed`` and ``revoked`` had all.
    """
    home = tmp_path_factory.mktemp("registry") / "home"
    package = shelve(home).id
    policy = home / "open.yaml"
    policy.write_text(LENIENT)
    with registry_at(home, WEIGHBRIDGE_ANONYMOUS="", WEIGHBRIDGE_POLICY=str(policy)) as running:
        people, tokens = running.bridge.people, dict(running.tokens)
        sets = {word for needed in NEEDS.values() for word in (needed, *needed.split())}
        for name in sorted({*sets, "nothing", "closed", "revoked"} - {OPEN, SOMEBODY, HIDDEN}):
            words = list(Permission) if name in ("closed", "revoked") else name.split()
            account = name.replace(" ", ".")
            people.add_user(
                LOCAL, account, map(Permission, () if name == "nothing" else words), "a long word"
            )
            made, tokens[name] = people.create_token(LOCAL, account)
            if name == "revoked":
                people.revoke_token(LOCAL, made.id)
        people.disable(LOCAL, "closed")
        assert running.call("ann", "POST", "/api/repos/create", {"name": "held"}).status == 200
        tokens["unknown"] = "hf_wbr_" + "x" * 43
        yield replace(running, tokens=tokens), package


def ask(there: tuple[Registry, str], user: str, route: str, id: str = "") -> int:
    registry, package = there
    method, path = route.split()
    path = path.replace("{id}", id or package).replace("{kind}", "model").replace("{commit}", "1" * 40)
    path = path.replace("{name}", id or "rita").replace("{namespace}", "ann") + QUERIES.get(route, "")
    return registry.call(user, method, path, BODIES.get(route)).status


def test_every_address_is_in_the_table(there: tuple[Registry, str]) -> None:
    paths = there[0].call("", "GET", "/openapi.json").json["paths"]
    assert {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods} == set(NEEDS)


@pytest.mark.parametrize("route", NEEDS)
def test_an_address_is_for_those_who_have_what_it_needs(there: tuple[Registry, str], route: str) -> None:
    needed = NEEDS[route]
    if needed == OPEN:
        assert ask(there, "", route) == (401 if route in BODIES else 200)
        return
    for user in ("closed", "revoked", "unknown"):
        assert ask(there, user, route) == 401, user
    if needed == HIDDEN:
        assert {ask(there, user, route) for user in ("", "nothing", "upload", "admin")} == {404}
        return
    assert ask(there, "", route) == 401
    words = set(needed.split())
    for user in ("nothing", "search", "download", "upload", "search download", "search upload"):
        allowed = needed == SOMEBODY or words <= set(user.split())
        status = ask(there, user, route)
        assert (status not in (401, 403)) if allowed else (status == 403), (user, status)
    # what is changed for good is asked for by names that nothing has
    assert ask(there, "admin", route, "" if route.startswith("GET") else "none") not in (401, 403)


def pushed(registry: Registry, name: str, files: dict[str, str], *, private: bool = False) -> str:
    """Where the package of a new repository of ann's stands; it is waited for."""
    wish = {"name": name, "private": private}
    assert registry.call("ann", "POST", "/api/repos/create", wish).status == 200
    lines: list[dict[str, Any]] = [{"key": "header", "value": {"summary": "Mine"}}]
    for path, text in files.items():
        lines.append({"key": "file", "value": {"path": path, "content": text, "encoding": "utf-8"}})
    body = "\n".join(map(json.dumps, lines)).encode()
    commit = registry.call("ann", "POST", f"/api/models/ann/{name}/commit/main", body).json["commitOid"]
    standing = f"/standing/model/{commit}/ann/{name}"
    while (found := registry.call("ann", "GET", standing).json)["state"] == "waiting":
        time.sleep(0.05)
    assert found["state"] == "accepted", found
    return str(found["package"])


def test_the_gate_of_a_repository_holds_at_every_door(there: tuple[Registry, str]) -> None:
    registry, secret = there[0], "a word for those who were let in"
    package = pushed(registry, "gated", {"README.md": CARD, "words.txt": secret, "config.json": "{}"})
    insides = [f"{package}/{each}" for each in ("package.zip", "evidence", "case")]
    assert [registry.call("bob", "GET", path).status for path in insides] == [200, 200, 200]
    settings = "/api/models/ann/gated/settings"
    assert registry.call("ann", "PUT", settings, {"gated": "manual"}).status == 200
    hub = "/ann/gated/resolve/main/words.txt"
    for user in ("bob", "search upload", "search download"):
        for path in (*insides, hub):
            found = registry.call(user, "GET", path)
            assert (found.status, secret.encode() in found.body) == (403, False), (user, path)
        assert registry.call(user, "HEAD", insides[0]).status == 403
    assert registry.call("bob", "GET", insides[0]).json["code"] == "gated"
    # what is said of it, and what its files are called, is no secret: the Hub door tells it too
    for path in ("", "/verdict", "/bom", "/licence", "/attestation"):
        assert registry.call("bob", "GET", f"{package}{path}").status == 200
    assert registry.call("bob", "POST", "/ann/gated/ask-access").status == 200
    assert registry.call("bob", "GET", insides[0]).status == 403
    decision = {"user": "bob", "status": "accepted"}
    handle = "/api/models/ann/gated/user-access-request/handle"
    assert registry.call("ann", "POST", handle, decision).status == 200
    for user in ("ann", "bob", "admin"):
        assert [registry.call(user, "GET", path).status for path in (*insides, hub)] == [200] * 4, user
    rejection = {"user": "bob", "status": "rejected"}
    assert registry.call("ann", "POST", handle, rejection).status == 200
    assert registry.call("bob", "GET", insides[0]).status == 403


@pytest.fixture
def scoped(tmp_path: Path) -> Iterator[Registry]:
    """A registry in which everybody may search and download, and tokens of ann's that may one thing each."""
    tmp_path.joinpath("open.yaml").write_text(LENIENT)
    with registry_at(tmp_path / "home", WEIGHBRIDGE_POLICY=str(tmp_path / "open.yaml")) as running:
        tokens = dict(running.tokens)
        for word in ("", "search", "download", "upload"):
            allowed = map(Permission, word.split())
            tokens[f"ann {word}"] = running.bridge.people.create_token(LOCAL, "ann", allowed)[1]
        yield replace(running, tokens=tokens)


def test_a_machines_token_ends_itself_and_no_others(scoped: Registry) -> None:
    held = scoped.call("ann", "GET", "/tokens").json["tokens"]
    mine = next(each["id"] for each in held if each["permissions"] == ["search"] and not each["is_session"])
    for each in (*(other["id"] for other in held if other["id"] != mine), "none"):
        assert scoped.call("ann search", "DELETE", f"/token/{each}").status == 403
    assert scoped.call("ann search", "DELETE", f"/token/{mine}").status == 204
    assert scoped.call("ann search", "GET", "/tokens").status == 401
    left = scoped.call("ann", "GET", "/tokens").json["tokens"]
    assert [each["id"] for each in left if each["revoked_at"]] == [mine]
    other = next(each["id"] for each in left if each["permissions"] == ["download"])
    assert scoped.call("ann", "DELETE", f"/token/{other}").status == 204


def test_what_everybody_may_opens_nothing_private_to_a_token(scoped: Registry) -> None:
    secret = "a word that is nobody else's"
    package = pushed(scoped, "mine", {"README.md": CARD, "words.txt": secret}, private=True)
    insides = [f"{package}/{each}" for each in ("package.zip", "evidence")]
    insides += [f"/ann/mine/{call}/main/words.txt" for call in ("resolve", "raw")]
    batch = {"operation": "download", "objects": [{"oid": "5" * 64, "size": 1}]}
    for path in insides:
        found = {
            word: scoped.call(f"ann {word}", "GET", path) for word in ("", "search", "upload", "download")
        }
        assert [each.status for each in found.values()] == [404, 403, 403, 200], path
        assert secret.encode() not in b"".join(found[word].body for word in ("", "search", "upload"))
    lfs = "/ann/mine.git/info/lfs/objects/batch"
    asked = [scoped.call(f"ann {word}", "POST", lfs, batch).status for word in ("", "search", "download")]
    assert asked == [404, 403, 200]
    for word, named in (("", False), ("search", True), ("download", True)):
        listed = scoped.call(f"ann {word}", "GET", "/api/models?author=ann")
        assert (b"ann/mine" in listed.body) == named
        assert (b"ann/mine" in scoped.call(f"ann {word}", "GET", "/packages").body) == named
    # what is for everybody is for these tokens too
    public = pushed(scoped, "ours", {"README.md": CARD, "words.txt": "x"})
    for word in ("", "search", "upload"):
        assert scoped.call(f"ann {word}", "GET", "/ann/ours/resolve/main/words.txt").status == 200
        assert scoped.call(f"ann {word}", "GET", f"{public}/package.zip").status == 200


def test_a_followed_job_is_followed_no_longer_than_its_token_counts(scoped: Registry) -> None:
    waiting = Job(
        id="waits",
        verb="ingest",
        repo=RepoId.parse("org/model"),
        revision="main",
        commit="1" * 40,
        wish={},
        wish_key="1" * 64,
        by="ann",
        created_at=now(),
    )
    with closing(Catalog.open(f"sqlite:///{scoped.home / 'catalog.sqlite3'}")) as catalog:
        catalog.add_job(waiting)  # nobody performs it, so it would be followed for ever
    made, secret = scoped.bridge.people.create_token(LOCAL, "ann", [Permission.UPLOAD])
    connection = HTTPConnection(scoped.url.removeprefix("http://"), timeout=120)
    with closing(connection):
        connection.request("GET", "/job/waits/events", headers={"Authorization": f"Bearer {secret}"})
        answer = connection.getresponse()
        assert answer.status == 200
        scoped.bridge.people.revoke_token(LOCAL, made.id)
        told = answer.read()  # until the server ends it
    assert b"event: job\n" not in told, "that would say that the job is over"
    assert scoped.call("ann upload", "GET", "/job/waits").json["state"] == "queued"


def test_a_token_that_may_only_upload_pushes_to_what_is_private(scoped: Registry, tmp_path: Path) -> None:
    pushes = """
api.create_repo("ann/new", private=True)
sent = api.upload_file(path_or_fileobj=b"words", path_in_repo="a.txt", repo_id="ann/new")
result = sent.oid == api.model_info("ann/new").sha
"""
    client = Client(registry=scoped, home=tmp_path / "client", user="ann upload")
    assert client.python(pushes) is True
    path = "/ann/new/resolve/main/a.txt"
    assert scoped.call("ann", "GET", path).body == b"words"
    refused = scoped.call("ann upload", "GET", path)
    assert (refused.status, refused.headers["x-error-message"]) == (
        403,
        "'ann' lacks the permission 'download' for 'ann/new'",
    )


def test_who_may_nothing_is_not_told_who_has_an_account(there: tuple[Registry, str]) -> None:
    registry = there[0]
    for call in ("overview", "likes"):
        for user, status in (("", 401), ("nothing", 403)):
            there_and_not = [
                registry.call(user, "GET", f"/api/users/{name}/{call}") for name in ("ann", "zed")
            ]
            assert [answer.status for answer in there_and_not] == [status] * 2
            assert there_and_not[0].body == there_and_not[1].body
        assert registry.call("search", "GET", f"/api/users/ann/{call}").status == 200
        assert registry.call("search", "GET", f"/api/users/closed/{call}").status == 404
