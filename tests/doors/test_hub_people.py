"""Profiles of users and organizations, and what repositories hold, through the real client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.uploading import Client, Registry, registry_at
from weighbridge.bridge.organizations import open_organizations
from weighbridge.domain.access import LOCAL, Role
from weighbridge.settings import load_settings


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    home = tmp_path_factory.mktemp("registry") / "home"
    with registry_at(home, WEIGHBRIDGE_SERVE="all") as running:
        settings = load_settings({"WEIGHBRIDGE_HOME": str(home), "HOME": str(home)})
        with open_organizations(settings, running.bridge.repos.now) as organizations:
            organizations.add(LOCAL, "acme")
            organizations.set_member(LOCAL, "acme", "ann", Role.WRITE)
            organizations.set_member(LOCAL, "acme", "rita", Role.READ)
        yield running


def test_users_and_organizations_are_told_of(registry: Registry, tmp_path: Path) -> None:
    Client(registry=registry, home=tmp_path / "ann").python("""
api.create_repo("acme/m")
api.create_repo("acme/secret", private=True)
api.create_repo("acme/d", repo_type="dataset")
api.create_repo("own")
""")
    assert registry.call("rita", "POST", "/api/models/ann/own/like").status == 200
    told = """
user, org = api.get_user_overview("Rita"), api.get_organization_overview("acme")
result = [
    [user.username, user.user_type, user.num_likes, user.num_models, [o.name for o in user.orgs]],
    [org.name, org.num_users, org.num_models, org.num_datasets, org.num_spaces],
    [(m.username, m.role) for m in api.list_organization_members("acme")],
    said(api.get_user_overview, "nobody")[0], said(api.get_organization_overview, "ann")[0],
    [(o["name"], o["roleInOrg"]) for o in api.whoami()["orgs"]],
]
"""
    seen = {
        user: Client(registry=registry, home=tmp_path / user, user=user).python(told)
        for user in ("rita", "bob")
    }
    for user, models, orgs in (("rita", 2, [["acme", "read"]]), ("bob", 1, [])):
        assert seen[user] == [
            ["rita", "user", 1, 0, ["acme"]],
            ["acme", 2, models, 1, 0],
            [["ann", "write"], ["rita", "read"]],
            "HfHubHTTPError",
            "HfHubHTTPError",
            orgs,
        ]
    assert registry.call("", "GET", "/api/users/rita/overview").json["orgs"] == []
    assert registry.call("", "GET", "/api/organizations/acme/members").status == 401
    assert registry.call("", "GET", "/api/organizations/none/members").status == 401
    registry.bridge.people.disable(LOCAL, "bob")
    assert registry.call("ann", "GET", "/api/users/bob/overview").status == 404


def test_storage_is_what_repositories_hold(registry: Registry, tmp_path: Path) -> None:
    client = Client(registry=registry, home=tmp_path / "ann")
    held = client.python("""
for name in ("one", "two"):
    api.create_repo(name)
    api.upload_file(path_or_fileobj=b"x" * 98_497, path_in_repo="a.txt", repo_id=f"ann/{name}")
api.upload_file(path_or_fileobj=b"y" * 100_000, path_in_repo="a.txt", repo_id="ann/two")
result = {r.id: [r.storage, r.storage_percent] for r in api.list_user_repos()}
""")
    assert held["ann/one"] == [100_000, 50.0]
    assert held["ann/two"] == [200_000, 100.0]  # the content of one, too: history counts
    assert registry.call("ann", "GET", "/api/models/ann/two").json["usedStorage"] == 200_000
    assert registry.call("rita", "GET", "/api/organizations/acme/settings/repositories").status == 200
