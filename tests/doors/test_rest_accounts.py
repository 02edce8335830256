"""Who may log in, how often, and what is written of it, by real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.doors.asgi_server import Answer, serving
from tests.doors.test_rest import WORD, Registry
from tests.doors.uploading import registry_at
from weighbridge.bridge.tries import TRIES, TRIES_FROM_ONE_PLACE
from weighbridge.domain.access import LOCAL
from weighbridge.domain.audit import AuditQuery
from weighbridge.doors.proxies import client_address
from weighbridge.doors.rest import rest_app


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    made = Registry(tmp_path)
    made.open_accounts()
    with serving(rest_app(made.bridge, [ip_network("192.0.2.0/24")])) as url:
        made.url = url
        yield made
    made.bridge.close()


def log_in(registry: Registry, name: str, word: str, **headers: str) -> Answer:
    return registry.call("POST", "/authenticate", {"username": name, "password": word}, **headers)


def test_who_guesses_is_told_to_wait(registry: Registry) -> None:
    assert [log_in(registry, "una", "a wrong one").status for _ in range(TRIES)] == [401] * TRIES
    waits = log_in(registry, "una", WORD)
    assert (waits.status, waits.json["code"]) == (429, "too-many-tries")
    assert 1 <= int(waits.headers["retry-after"]) <= 30
    assert "una" not in waits.json["detail"]
    assert log_in(registry, "rita", WORD).status == 200


def test_an_address_waits_by_what_trusted_proxies_say_of_it(registry: Registry) -> None:
    def guess(number: int, sent: str) -> int:
        return log_in(registry, f"name{number}", "a wrong one", **{"X-Forwarded-For": sent}).status

    guesses = [guess(number, f"10.0.0.{number}, 203.0.113.9") for number in range(TRIES_FROM_ONE_PLACE)]
    assert guesses == [401] * TRIES_FROM_ONE_PLACE
    assert guess(99, "10.9.9.9, 203.0.113.9, 192.0.2.1") == 429, "what the client wrote itself is no help"
    assert log_in(registry, "una", WORD, **{"X-Forwarded-For": "203.0.113.10"}).status == 200
    assert log_in(registry, "una", WORD).status == 200


@pytest.mark.parametrize(
    ("peer", "sent", "address"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "10.1.1.1", "203.0.113.9"),
        ("192.0.2.1", "10.1.1.1", "10.1.1.1"),
        ("192.0.2.1", "10.1.1.1, not an address", ""),
        ("192.0.2.1", "", "192.0.2.1"),
        ("127.0.0.1", "", ""),
        ("::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "", "203.0.113.9"),
        ("", "", ""),
    ],
)
def test_where_a_request_came_from(peer: str, sent: str, address: str) -> None:
    headers = [(b"x-forwarded-for", sent.encode())] if sent else []
    scope = {"client": (peer, 1) if peer else None, "headers": headers}
    assert client_address(scope, [ip_network("192.0.2.0/24")]) == address


def test_failed_log_ins_are_in_the_audit_and_what_was_typed_is_not(registry: Registry) -> None:
    log_in(registry, "una", "a secret one", **{"X-Forwarded-For": "203.0.113.9"})
    log_in(registry, "my password, by mistake", "una")
    audited = registry.call("GET", "/audit?verb=login.failed", by="admin")
    assert [(line["by"], line["target"], line["detail"]) for line in audited.json["lines"]] == [
        ("anonymous", "", "from this machine"),
        ("anonymous", "una", "from 203.0.113.9"),
    ]
    assert b"secret" not in audited.body
    assert registry.call("GET", "/audit?verb=login.failed&unknown=1", by="admin").status == 422
    assert registry.call("GET", "/audit", by="una").status == 403


def test_downloads_by_every_door_are_in_the_audit(tmp_path: Path) -> None:
    with registry_at(tmp_path, WEIGHBRIDGE_SERVE="all") as there:
        header = {"key": "header", "value": {"summary": "first"}}
        file = {"key": "file", "value": {"path": "config.json", "content": "{}"}}
        assert there.call("ann", "POST", "/api/repos/create", {"name": "ann/small"}).status == 200
        lines = b"\n".join(json.dumps(each).encode() for each in (header, file))
        made = there.call("ann", "POST", "/api/models/ann/small/commit/main", lines)
        sha = made.json["commitOid"]
        for user, headers in (("rita", {}), ("rita", {"Range": "bytes=0-0"}), ("", {})):
            assert there.call(user, "GET", "/ann/small/resolve/main/config.json", **headers).status < 300
        there.call("rita", "HEAD", "/ann/small/resolve/main/config.json")
        there.bridge.audit.flush()
        lines = there.bridge.audit.lines(LOCAL, about=AuditQuery(verb="download", target="ann/small"))
        assert sorted((line.by, line.target, line.detail) for line in lines) == [
            ("anonymous", f"ann/small@{sha}", "bytes=2 requests=1 path=config.json"),
            ("rita", f"ann/small@{sha}", "bytes=3 requests=2 path=config.json"),
        ]
