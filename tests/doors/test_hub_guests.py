"""Gated repositories, likes and organizations, through the real client and past it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.uploading import Client, Registry, registry_at
from weighbridge.bridge.organizations import Organizations, open_organizations
from weighbridge.domain.access import LOCAL, Principal, Role
from weighbridge.errors import BadName, Conflict, NotFound, NotPermitted
from weighbridge.settings import load_settings


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry_at(tmp_path_factory.mktemp("registry") / "home", WEIGHBRIDGE_SERVE="all") as running:
        yield running


@pytest.fixture
def organizations(registry: Registry) -> Iterator[Organizations]:
    settings = load_settings({"WEIGHBRIDGE_HOME": str(registry.home), "HOME": str(registry.home)})
    with open_organizations(settings, registry.bridge.repos.now) as opened:
        yield opened


@pytest.fixture
def clients(registry: Registry, tmp_path: Path) -> dict[str, Client]:
    return {
        user: Client(registry=registry, home=tmp_path / user, user=user) for user in ("ann", "bob", "rita")
    }


def test_access_is_asked_for_and_decided(registry: Registry, clients: dict[str, Client]) -> None:
    clients["ann"].python("""
api.create_repo("gated")
api.upload_file(path_or_fileobj=b"secret", path_in_repo="a.txt", repo_id="ann/gated")
api.update_repo_settings("ann/gated", gated="manual")
""")
    fetch = """
result = [said(hf_hub_download, "ann/gated", "a.txt")[0], said(api.auth_check, "ann/gated")[0],
    api.model_info("ann/gated").gated]
"""
    assert clients["bob"].python(fetch) == ["GatedRepoError", "GatedRepoError", "manual"]
    for user in ("bob", "rita"):
        assert registry.call(user, "POST", "/ann/gated/ask-access").json == {"status": "pending"}
        assert registry.call(user, "POST", "/api/models/ann/gated/ask-access").json == {"status": "pending"}
    assert clients["bob"].python(fetch)[0] == "GatedRepoError"
    got = clients["ann"].python("""
names = lambda requests: [(r.username, r.status) for r in requests]
result = [names(api.list_pending_access_requests("ann/gated"))]
api.accept_access_request("ann/gated", "bob")
api.reject_access_request("ann/gated", "rita", rejection_reason="No.")
result += [names(api.list_pending_access_requests("ann/gated")),
    names(api.list_accepted_access_requests("ann/gated")),
    names(api.list_rejected_access_requests("ann/gated"))]
result += [said(api.accept_access_request, "ann/gated", "bob"), said(api.grant_access, "ann/gated", "bob"),
    said(api.grant_access, "ann/gated", "nobody"), said(api.cancel_access_request, "ann/gated", "nobody")]
""")
    assert got[0] == [["bob", "pending"], ["rita", "pending"]]
    assert got[1:4] == [[], [["bob", "accepted"]], [["rita", "rejected"]]]
    assert "accepted already" in got[4][1]
    assert (got[5][0], "has access" in got[5][1]) == ("BadRequestError", True)
    assert (got[6][0], got[7][0]) == ("HfHubHTTPError", "HfHubHTTPError")
    assert clients["bob"].python(fetch) == ["done", "done", "manual"]
    assert clients["rita"].python(fetch)[0] == "GatedRepoError"
    assert registry.call("rita", "POST", "/ann/gated/ask-access").json == {"status": "rejected"}
    clients["ann"].python("""
api.cancel_access_request("ann/gated", "bob")
api.grant_access("ann/gated", "rita")
""")
    file = "/ann/gated/resolve/main/a.txt"
    assert registry.call("bob", "GET", file).headers["x-error-code"] == "GatedRepo"
    assert registry.call("rita", "GET", file).body == b"secret"


def test_a_gate_that_opens_by_itself_still_wants_to_be_asked(
    registry: Registry, clients: dict[str, Client]
) -> None:
    clients["ann"].python("""
api.create_repo("auto", repo_type="dataset")
api.upload_file(path_or_fileobj=b"x", path_in_repo="a.txt", repo_id="ann/auto", repo_type="dataset")
api.update_repo_settings("ann/auto", gated="auto", repo_type="dataset")
""")
    file = "/datasets/ann/auto/resolve/main/a.txt"
    assert registry.call("bob", "GET", file).headers["x-error-code"] == "GatedRepo"
    assert registry.call("", "POST", "/datasets/ann/auto/ask-access").status == 401
    assert registry.call("bob", "POST", "/datasets/ann/auto/ask-access").json == {"status": "accepted"}
    assert registry.call("bob", "GET", file).body == b"x"
    assert registry.call("", "GET", file).status in (401, 403)
    listed = registry.call("ann", "GET", "/api/datasets/ann/auto/user-access-request/accepted").json
    assert [each["user"]["user"] for each in listed] == ["bob"]


def test_only_the_owner_decides(registry: Registry, clients: dict[str, Client]) -> None:
    clients["ann"].python("api.create_repo('door')\napi.update_repo_settings('ann/door', gated='manual')")
    at = "/api/models/ann/door/user-access-request"
    for user, status in (("", 401), ("bob", 403)):
        assert registry.call(user, "GET", f"{at}/pending").status == status
        assert registry.call(user, "POST", f"{at}/grant", {"user": "bob"}).status == status
        assert (
            registry.call(user, "POST", f"{at}/handle", {"user": "bob", "status": "accepted"}).status
            == status
        )
    assert registry.call("ann", "POST", f"{at}/handle", {"user": "bob", "status": "maybe"}).status == 400
    assert registry.call("ann", "POST", f"{at}/handle", {"status": "accepted"}).status == 400
    assert registry.call("ann", "GET", f"{at}/none").status == 404
    clients["ann"].python("api.update_repo_settings('ann/door', gated=False)")
    assert registry.call("bob", "POST", "/ann/door/ask-access").status == 400
    assert registry.call("ann", "GET", f"{at}/pending").status == 400


def test_likes(registry: Registry, clients: dict[str, Client]) -> None:
    clients["ann"].python("api.create_repo('nice')\napi.create_repo('own', private=True)")
    for user in ("ann", "bob", "bob"):
        assert registry.call(user, "POST", "/api/models/ann/nice/like").status == 200
    assert registry.call("ann", "POST", "/api/models/ann/own/like").status == 200
    assert registry.call("bob", "POST", "/api/models/ann/own/like").status == 404
    assert registry.call("", "POST", "/api/models/ann/nice/like").status == 401
    got = clients["bob"].python("""
result = [[u.username for u in api.list_repo_likers("ann/nice")], api.list_liked_repos().models,
    api.list_liked_repos("ann").models, api.model_info("ann/nice").likes]
api.unlike("ann/nice")
result += [api.list_liked_repos().total, api.model_info("ann/nice").likes]
""")
    assert got == [["bob", "ann"], ["ann/nice"], ["ann/nice"], 2, 0, 1]
    assert registry.call("bob", "GET", "/api/users/nobody/likes").status == 404
    assert len(registry.call("ann", "GET", "/api/users/ann/likes").json) == 2


def test_an_organization_is_a_namespace_that_its_members_share(
    registry: Registry, clients: dict[str, Client], organizations: Organizations
) -> None:
    organizations.add(LOCAL, "acme")
    assert clients["ann"].python("result = said(api.create_repo, 'acme/m')[0]") == "HfHubHTTPError"
    organizations.set_member(LOCAL, "acme", "ann", Role.WRITE)
    organizations.set_member(LOCAL, "acme", "bob", Role.CONTRIBUTOR)
    organizations.set_member(LOCAL, "acme", "rita", Role.READ)
    made = clients["ann"].python("""
api.create_repo("acme/m", private=True)
api.upload_file(path_or_fileobj=b"x", path_in_repo="a.txt", repo_id="acme/m")
result = [[(o["name"], o["roleInOrg"]) for o in api.whoami()["orgs"]]]
result += [[r.id for r in api.list_user_repos("acme")]]
""")
    assert made == [[["acme", "write"]], ["acme/m"]]
    theirs = clients["bob"].python("""
result = [said(api.upload_file, path_or_fileobj=b"y", path_in_repo="b.txt", repo_id="acme/m")[0]]
api.create_repo("acme/own")
api.upload_file(path_or_fileobj=b"y", path_in_repo="b.txt", repo_id="acme/own")
result += [Path(hf_hub_download("acme/m", "a.txt")).read_text()]
result += [sorted(r.id for r in api.list_models(author="acme"))]
""")
    assert theirs == ["HfHubHTTPError", "x", ["acme/m", "acme/own"]]
    assert registry.call("rita", "GET", "/acme/m/resolve/main/a.txt").body == b"x"
    assert registry.call("rita", "PUT", "/api/models/acme/m/settings", {"private": False}).status == 403
    clients["ann"].python("api.delete_repo('acme/own')")
    organizations.set_member(LOCAL, "acme", "rita", None)
    assert registry.call("rita", "GET", "/acme/m/resolve/main/a.txt").status == 404
    assert registry.call("rita", "GET", "/api/organizations/acme/settings/repositories").status == 403


def test_who_names_members(registry: Registry, organizations: Organizations) -> None:
    organizations.add(LOCAL, "guild")
    organizations.set_member(LOCAL, "guild", "ann", Role.ADMIN)
    ann = registry.bridge.people.principal(registry.tokens["ann"])
    organizations.set_member(ann, "guild", "bob", Role.READ)
    assert organizations.listed(LOCAL)["guild"] == {"ann": Role.ADMIN, "bob": Role.READ}
    bob = registry.bridge.people.principal(registry.tokens["bob"])
    for act in (
        lambda: organizations.set_member(bob, "guild", "bob", Role.ADMIN),
        lambda: organizations.set_member(ann, "ann", "bob", Role.ADMIN),
        lambda: organizations.add(ann, "mine"),
        lambda: organizations.listed(Principal(name="ann")),
    ):
        with pytest.raises(NotPermitted):
            act()
    with pytest.raises(NotFound):
        organizations.set_member(ann, "guild", "nobody", Role.READ)
    with pytest.raises(NotFound):
        organizations.set_member(ann, "guild", "rita", None)
    for name, error in (("guild", Conflict), ("ann", Conflict), ("No Name", BadName), ("local", BadName)):
        with pytest.raises(error):
            organizations.add(LOCAL, name)
    with pytest.raises(Conflict):
        registry.bridge.people.add_user(LOCAL, "guild", [], "correct horse")
