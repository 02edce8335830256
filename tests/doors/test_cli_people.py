"""``weighbridge user`` and ``weighbridge token`` as processes on a home of their own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.warm import run_warm

WORD = "correct horse"


class Machine:
    """Runs the command on one home."""

    def __init__(self, home: Path) -> None:
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "WEIGHBRIDGE_HOME": str(home / "registry"),
        }

    def run(self, *arguments: str, stdin: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
        done = run_warm(arguments, env=self.environ, input=stdin)
        assert done.returncode == code, done.stderr
        return done

    def json(self, *arguments: str, stdin: str = "") -> Any:
        return json.loads(self.run(*arguments, "--json", stdin=stdin).stdout)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_an_account_and_its_tokens(machine: Machine) -> None:
    added = machine.json("user", "add", "ada", "--permission", "upload", "--password-stdin", stdin=WORD)
    assert (added["name"], added["permissions"]) == ("ada", ["upload"])
    made = machine.run("token", "create", "--user", "ada", "--permission", "upload", "--expires", "7")
    secret = made.stdout.strip()
    assert secret.startswith("hf_wbr_")
    assert secret not in made.stderr
    listed = machine.run("token", "list")
    assert secret not in listed.stdout
    assert listed.stdout.splitlines()[1].split()[1:4] == ["ada", "upload", "holds"]
    [token] = machine.json("token", "list", "--user", "ada")
    machine.run("token", "revoke", token["id"])
    machine.run("user", "disable", "ada")
    assert machine.json("token", "list")[0]["revoked_at"] is not None
    assert machine.json("user", "list")[0]["disabled"]


def test_mistakes_have_their_exit_codes(machine: Machine) -> None:
    machine.run("user", "add", "ada", "--password-stdin", stdin=WORD + "\n")
    assert machine.json("user", "list")[0]["permissions"] == ["download", "search"]
    assert "already" in machine.run("user", "add", "ada", "--password-stdin", stdin=WORD, code=5).stderr
    assert "hint: use --password-stdin" in machine.run("user", "passwd", "ada", code=2).stderr
    assert "too short" in machine.run("user", "passwd", "ada", "--password-stdin", stdin="x", code=2).stderr
    machine.run("user", "passwd", "eve", "--password-stdin", stdin=WORD, code=4)
    machine.run("user", "add", "Not A Name", "--password-stdin", stdin=WORD, code=2)
    machine.run("user", "add", "bob", "--permission", "fly", "--password-stdin", stdin=WORD, code=2)
    machine.run("token", "create", "--user", "ada", "--permission", "admin", code=2)
    machine.run("token", "revoke", "nothing", code=4)


def test_an_organization_its_groups_and_its_quota(machine: Machine) -> None:
    for user in ("ada", "bob"):
        machine.json("user", "add", user, "--password-stdin", stdin=WORD)
    machine.run("org", "add", "acme")
    machine.run("org", "member", "acme", "ada", "--role", "read")
    made = machine.json("org", "group", "add", "acme", "Vision", "--description", "Who sees")
    assert (made["organization"], made["name"], made["members"]) == ("acme", "Vision", {})
    machine.run("org", "group", "member", "acme", "Vision", "ada", "--role", "write")
    [listed] = machine.json("org", "group", "list", "acme")
    assert listed == {**made, "members": {"ada": "write"}}
    assert "not a member" in machine.run("org", "group", "member", "acme", "Vision", "bob", code=4).stderr
    assert "no group" in machine.run("org", "group", "delete", "acme", "Nope", code=4).stderr
    machine.run("org", "group", "remove", "acme", made["id"], "ada")
    machine.run("org", "group", "delete", "acme", "Vision")
    assert machine.json("org", "group", "list", "acme") == []
    assert machine.json("quota", "acme", "1000") == {
        "namespace": "acme", "used_bytes": 0, "allowed_bytes": 1000, "own": True
    }  # fmt: skip
    assert "1,000" in machine.run("quota").stdout
    assert machine.json("quota", "acme", "--default")["own"] is False
    assert "no user and no organization" in machine.run("quota", "nobody", "5", code=4).stderr
    machine.run("quota", "acme", "-1", code=2)
