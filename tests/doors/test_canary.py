"""Every secret that a registry is given, through a whole life of it, and then looked for everywhere."""

from __future__ import annotations

import gzip
import json
import os
import secrets
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

from tests.doors.test_oidc import config, issuing
from tests.hub_server import HubServer, serve_hub
from tests.made_models import ONE_PERSON, train
from tests.postgres import postgres_database
from tests.registry_process import RegistryProcess, running
from tests.s3 import SECRET, s3_server
from tests.torture.killing import environment, run
from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.catalog.tables import METADATA
from weighbridge.doors.demo.models import MADE

PRIVATE = frozenset({"setup-secret", "signing.key", "attestation.key"})
"""Files of the home that are meant to hold a secret; nobody but their owner may read them."""


@dataclass
class Life:
    """The secrets by what they are, and everything that was seen of a life with them."""

    secrets: dict[str, str] = field(default_factory=dict)
    seen: dict[str, bytes] = field(default_factory=dict)

    def give(self, what: str, secret: str = "") -> str:
        """A secret that is looked for from now on."""
        self.secrets[what] = secret or f"canary-{secrets.token_hex(16)}"
        return self.secrets[what]

    def found(self) -> list[tuple[str, str]]:
        """Which secret was seen where, plain or as it stands in an address."""
        return [
            (what, where)
            for what, secret in self.secrets.items()
            for where, content in self.seen.items()
            if secret.encode() in content or quote(secret, safe="").encode() in content
        ]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, life: Life) -> Iterator[Mapping[str, str]]:
    """A database whose password is one of the secrets."""
    if request.param == "sqlite":
        yield {}
        return
    with postgres_database() as url:
        role, password = f"canary_{secrets.token_hex(4)}", life.give("database password")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD '{password}'")
        given = make_url(url).set(username=role, password=password)
        yield {"WEIGHBRIDGE_DATABASE_URL": given.render_as_string(hide_password=False)}
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"REASSIGN OWNED BY {role} TO CURRENT_USER")
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")


@pytest.fixture
def life() -> Life:
    return Life()


def test_no_secret_is_anywhere_but_where_it_is_meant_to_be(
    life: Life, database: Mapping[str, str], tmp_path: Path
) -> None:
    home, log = tmp_path / "home", tmp_path / "log"
    (tmp_path / "policy.yaml").write_text(ONE_PERSON)
    with (
        issuing() as issuer,
        serve_hub(train(tmp_path / "made").repos()) as hub,
        s3_server(tmp_path / "s3") as s3,
    ):
        (tmp_path / "oidc.json").write_text(config(issuer))
        life.give("key of the bucket", SECRET)
        env = {
            **environment(home, WEIGHBRIDGE_UPSTREAM=hub.url, HF_TOKEN=life.give("upstream token")),
            "WEIGHBRIDGE_POLICY": str(tmp_path / "policy.yaml"),
            "WEIGHBRIDGE_OIDC": str(tmp_path / "oidc.json"),
            "WEIGHBRIDGE_LOG": "json",
            "WEIGHBRIDGE_METRICS": "on",
            "WEIGHBRIDGE_STORE_URL": "s3://models/registry",
            **s3.environ,
            **database,
        }
        with running("serve", {**env, "WEIGHBRIDGE_ADMIN_PASSWORD": ""}, log) as server:
            _live(life, server, hub, issuer.token(groups=["platform"]), home)
            commands(life, env, tmp_path)
            hub.fault("*", status=500, body=f"it is {life.secrets['upstream token']}".encode())
            life.seen["a Hub that tells it back"] = json.dumps(server.ingest("org/another")).encode()
            s3.kill()
            life.seen["a bucket that is away"] = json.dumps(server.ingest(MADE, version="9.0.0")).encode()
            s3.start()
            processes(life)
        life.seen["addresses asked of the Hub"] = json.dumps(
            [f"{asked.method} {asked.path}" for asked in hub.requests]
        ).encode()
        life.seen["log"] = log.read_bytes()
        files(life, home)
        rows(life, database.get("WEIGHBRIDGE_DATABASE_URL") or f"sqlite:///{home / 'catalog.sqlite3'}")
    for verb in (
        "user.set-up",
        "user.first-seen",
        "login.failed",
        "ingest",
        "download",
        "repo.create",
        "backup",
    ):
        assert f'"verb": "{verb}"'.encode() in life.seen["table audit"], "so much was done"
    assert b'"name": "corp:ada"' in life.seen["table users"]
    assert len(life.secrets) >= 8
    assert life.found() == []


def _live(life: Life, server: RegistryProcess, hub: HubServer, foreign: str, home: Path) -> None:
    """Set up, log in rightly and wrongly, take in, read, push, fail: all answers are kept."""
    answers: list[object] = []
    setup = life.give("set-up secret", (home / "setup-secret").read_text().strip())
    password = life.give("password")

    def ask(method: str, path: str, body: object = None, token: str = "") -> object:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = server._ask(method, path, body, headers)
        answers.append(
            [path.replace(token, "...") if token else path, answer[:1], answer[1], dict(answer[2])]
        )
        return answer[1]

    made = server._ask("POST", "/setup", {"secret": setup, "username": "ada", "password": password}, {})
    token = life.give("session token", made[1]["token"])
    server._token = token
    other = server._ask("POST", "/authenticate", {"username": "ada", "password": password}, {})
    life.give("second session token", other[1]["token"])
    life.give("token of an issuer", foreign)
    life.give("signature of it", foreign.rpartition(".")[2])
    for typed in ({"username": password, "password": "x"}, {"username": "ada", "password": f"{password}x"}):
        ask("POST", "/authenticate", typed)
    ask("POST", "/setup", {"secret": setup, "username": "eve", "password": password})
    ask("POST", "/package/ingest-huggingface", {"model_id": MADE}, token)
    ask("POST", "/package/ingest-huggingface", {"model_id": "org/absent"}, token)
    for who in (token, foreign, "", foreign[:-4] + "aaaa"):
        for path in (
            "/packages",
            "/audit",
            "/jobs",
            "/metrics",
            "/health",
            "/api/whoami-v2",
            f"/api/models/{MADE}",
        ):
            ask("GET", path, token=who)
    ask("GET", f"/{MADE}/resolve/main/README.md", token=token)
    ask("GET", f"/packages?after={token}", token=token)
    ask("POST", "/api/repos/create", {"name": "ada/words"}, token)
    ask("POST", "/api/repos/create", {"name": "ada/words"}, foreign)
    life.seen["answers"] = json.dumps(answers, default=str).encode()


def commands(life: Life, env: Mapping[str, str], place: Path) -> None:
    """Those of an operator, with what they print; a back-up is looked into, its keys left out."""
    calls = [
        ["user", "list"], ["audit", "--limit", "500"], ["token", "list"], ["package", "list"], ["gc"],
        ["backup", str(place / "x.backup")], ["rescan"], ["ingest", "org/absent"],
    ]  # fmt: skip
    for call in calls:
        done = run(call, dict(env), place)
        life.seen[f"weighbridge {' '.join(call)}"] = f"{done.stdout}{done.stderr}".encode()
    audited = life.seen["weighbridge audit --limit 500"].decode()
    assert "login.failed" in audited
    assert f"{MADE}@" in audited
    with tarfile.open(place / "x.backup") as archive:
        for member in archive.getmembers():
            content = archive.extractfile(member)
            life.seen[f"back-up: {member.name}"] = content.read() if content else b""


def processes(life: Life) -> None:
    """What anybody on the machine sees of what runs."""
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        if command.parent.name != str(os.getpid()):
            try:
                life.seen[f"process {command.parent.name}"] = command.read_bytes()
            except OSError:
                continue  # it ended


def files(life: Life, home: Path) -> None:
    """Every file of the home; those that are meant to hold a secret must be closed to others."""
    for path in home.rglob("*"):
        if not path.is_file():
            continue
        if path.name in PRIVATE:
            assert path.stat().st_mode & 0o077 == 0, path
            continue
        content = path.read_bytes()
        life.seen[f"file {path.relative_to(home)}"] = (
            gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        )


def rows(life: Life, url: str) -> None:
    """Every row of the catalogue, as text."""
    catalog = Catalog.open(url)
    try:
        with catalog._reading() as connection:
            for table in METADATA.sorted_tables:
                found = [dict(row._mapping) for row in connection.execute(table.select())]
                life.seen[f"table {table.name}"] = json.dumps(found, default=str).encode()
    finally:
        catalog.close()
    if url.startswith("postgresql"):  # the engine of jobs has tables of its own there
        with psycopg.connect(url) as connection:
            there = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT LIKE 'pg%'"
            for schema, table in connection.execute(there).fetchall():
                named = SQL("SELECT t::text FROM {} t").format(Identifier(schema, table))
                life.seen[f"{schema}.{table}"] = str(connection.execute(named).fetchall()).encode()
