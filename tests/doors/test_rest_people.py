"""Accounts and tokens by real HTTP: who may change whose, and what is never told."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.doors.asgi_server import Answer
from tests.doors.test_rest import WORD, Registry, is_problem, registry
from weighbridge.bridge.tries import TRIES
from weighbridge.domain.access import LOCAL, AuditLine, Permission
from weighbridge.domain.audit import AuditQuery
from weighbridge.domain.issuer import Vouched

__all__ = ["registry"]
NEW = "a much better horse"


def log_in(registry: Registry, name: str, word: str = WORD) -> Answer:
    """A session, which ``by=name`` then goes on with."""
    answer = registry.call("POST", "/authenticate", {"username": name, "password": word})
    if answer.status == 200:
        registry.tokens[name] = answer.json["token"]
    return answer


def pages(registry: Registry, path: str, key: str, by: str) -> list[dict[str, Any]]:
    """All that a list holds, two at a time."""
    found, after = [], ""
    while True:
        page = registry.call("GET", f"{path}{'&' if '?' in path else '?'}limit=2{after}", by=by).json
        assert len(page[key]) <= 2
        found += page[key]
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


def test_an_admin_opens_lists_and_closes_accounts(registry: Registry) -> None:
    wanted = {"name": "bob", "password": WORD, "permissions": ["upload"]}
    made = registry.call("POST", "/users", wanted, by="admin")
    assert (made.status, made.json["permissions"], made.json["disabled"]) == (201, ["upload"], False)
    assert WORD.encode() not in made.body
    is_problem(registry.call("POST", "/users", wanted, by="admin"), 409)
    eve = registry.call("POST", "/users", {"name": "eve", "password": WORD}, by="admin")
    assert eve.json["permissions"] == ["download", "search"]
    listed = pages(registry, "/users", "users", "admin")
    assert [user["name"] for user in listed] == ["admin", "bob", "eve", "rita", "una"]
    assert listed[1] == made.json == registry.call("GET", "/user/bob", by="admin").json
    assert log_in(registry, "bob").status == 200
    assert registry.call("GET", "/user/bob", by="bob").json == made.json
    closed = registry.call("PATCH", "/user/bob", {"disabled": True}, by="admin")
    assert (closed.status, closed.json) == (200, {**made.json, "disabled": True})
    is_problem(registry.call("GET", "/user/bob", by="bob"), 401)
    assert log_in(registry, "bob").status == 401
    told = registry.bridge.audit.lines(LOCAL, about=AuditQuery(by="admin"))
    assert [(line.verb, line.target) for line in told[:3]] == [
        ("user.disable", "bob"),
        ("user.add", "eve"),
        ("user.add", "bob"),
    ]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/users", None),
        ("POST", "/users", {"name": "bob", "password": WORD}),
        ("GET", "/user/rita", None),
        ("PATCH", "/user/rita", {"disabled": True}),
        ("POST", "/user/rita/password", {"password": NEW, "old_password": WORD}),
        ("GET", "/tokens?user=rita", None),
        ("POST", "/tokens", {"user": "rita"}),
    ],
)
def test_who_is_no_admin_has_no_hand_in_the_accounts_of_others(
    registry: Registry, method: str, path: str, body: Any
) -> None:
    is_problem(registry.call(method, path, body), 401)
    log_in(registry, "una")
    is_problem(registry.call(method, path, body, by="una"), 403)
    assert [user.name for user in registry.people.users(LOCAL) if not user.disabled] == [
        "admin",
        "rita",
        "una",
    ]
    assert log_in(registry, "rita").status == 200


def test_what_cannot_be_an_account_is_refused_by_name(registry: Registry) -> None:
    for body, status in (
        ({"name": "Bob", "password": WORD}, 400),
        ({"name": "anonymous", "password": WORD}, 400),
        ({"name": "bob", "password": "short"}, 422),
        ({"name": "bob", "password": WORD, "permissions": ["everything"]}, 422),
        ({"name": "bob", "password": WORD, "admin": True}, 422),
    ):
        told = is_problem(registry.call("POST", "/users", body, by="admin"), status)
        assert WORD not in str(told)
    for change in ({"disabled": False}, {"disabled": 1}, {}, {"disabled": True, "name": "bob"}):
        is_problem(registry.call("PATCH", "/user/una", change, by="admin"), 422)
    is_problem(registry.call("PATCH", "/user/nobody", {"disabled": True}, by="admin"), 404)
    is_problem(registry.call("GET", "/user/nobody", by="admin"), 404)
    is_problem(registry.call("GET", "/users?after=%00", by="admin"), 422)
    assert registry.call("GET", "/user/una", by="admin").json["disabled"] is False


def test_nobody_closes_the_own_account_and_the_last_admin_stays(registry: Registry) -> None:
    own = registry.call("PATCH", "/user/admin", {"disabled": True}, by="admin")
    assert "own account" in is_problem(own, 409)["detail"]
    registry.people.add_user(LOCAL, "zoe", {Permission.ADMIN}, WORD)
    log_in(registry, "zoe")
    assert registry.call("PATCH", "/user/admin", {"disabled": True}, by="zoe").status == 200
    is_problem(registry.call("PATCH", "/user/zoe", {"disabled": True}, by="zoe"), 409)
    is_problem(registry.call("GET", "/users", by="admin"), 401)
    assert registry.call("GET", "/users", by="zoe").status == 200


def test_one_changes_the_own_password_with_the_old_one(registry: Registry) -> None:
    path, machine = "/user/una/password", registry.tokens["una"]
    log_in(registry, "una")
    is_problem(registry.call("POST", path, {"password": NEW}, by="una"), 422)
    wrong = registry.call("POST", path, {"password": NEW, "old_password": NEW}, by="una")
    is_problem(wrong, 403, "the old password is wrong")
    is_problem(registry.call("POST", path, {"password": "short", "old_password": WORD}, by="una"), 422)
    done = registry.call("POST", path, {"password": NEW, "old_password": WORD}, by="una")
    assert (done.status, done.body) == (204, b"")
    is_problem(registry.call("GET", "/tokens", by="una"), 401)
    registry.tokens["una"] = machine
    assert registry.call("GET", "/tokens", by="una").status == 200, "tokens of machines stay"
    assert log_in(registry, "una").status == 401
    assert log_in(registry, "una", NEW).status == 200
    assert registry.call("POST", path, {"password": WORD}, by="admin").status == 204
    assert log_in(registry, "una").status == 200
    is_problem(registry.call("POST", "/user/nobody/password", {"password": NEW}, by="admin"), 404)


def test_who_holds_a_token_and_guesses_the_password_is_told_to_wait(registry: Registry) -> None:
    guess = {"password": NEW, "old_password": "a wrong one"}
    answers = [registry.call("POST", "/user/una/password", guess, by="una") for _ in range(TRIES + 1)]
    assert [answer.status for answer in answers] == [403] * TRIES + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert log_in(registry, "una").status == 429, "it counts together with logging in"


def test_one_makes_lists_and_revokes_tokens_of_ones_own(registry: Registry) -> None:
    log_in(registry, "una")
    made = registry.call("POST", "/tokens", {"permissions": ["search"], "expires_days": 7}, by="una")
    assert made.status == 201
    assert (made.json["user"], made.json["permissions"], made.json["is_session"]) == (
        "una",
        ["search"],
        False,
    )
    registry.tokens["ci"] = made.json["token"]
    assert registry.call("GET", "/packages", by="ci").status == 200
    is_problem(registry.call("GET", "/refusals", by="ci"), 403)
    listed = pages(registry, "/tokens", "tokens", "una")
    assert listed == pages(registry, "/tokens?user=una", "tokens", "admin")
    assert [token["user"] for token in listed] == ["una"] * 3
    assert made.json["id"] in {token["id"] for token in listed}
    for page in (registry.call("GET", "/tokens", by="una"), registry.call("GET", "/tokens", by="admin")):
        assert b"hf_wbr_" not in page.body
    everybodys = {token["user"] for token in pages(registry, "/tokens", "tokens", "admin")}
    assert everybodys == {"admin", "una", "rita"}
    place = f"/token/{made.json['id']}"
    is_problem(registry.call("DELETE", place), 401)
    is_problem(registry.call("DELETE", place, by="rita"), 403)
    assert log_in(registry, "rita").status == 200
    is_problem(registry.call("DELETE", place, by="rita"), 404)
    assert registry.call("GET", "/packages", by="ci").status == 200
    gone = registry.call("DELETE", place, by="una")
    assert (gone.status, gone.body) == (204, b"")
    assert registry.call("DELETE", place, by="una").status == 204
    is_problem(registry.call("GET", "/packages", by="ci"), 401)
    is_problem(registry.call("DELETE", "/token/000000000000", by="admin"), 404)
    is_problem(registry.call("GET", "/tokens?after=000000000000", by="admin"), 422)
    told = registry.bridge.audit.lines(LOCAL, about=AuditQuery(by="una"))
    assert [line.verb for line in told[:2]] == ["token.revoke", "token.create"]


def test_no_token_may_more_than_who_makes_it(registry: Registry) -> None:
    log_in(registry, "rita")
    for more in (["upload"], ["search", "admin"]):
        told = is_problem(registry.call("POST", "/tokens", {"permissions": more}, by="rita"), 403)
        assert more[-1] in told["detail"]
    whole = registry.call("POST", "/tokens", {}, by="rita")
    assert (whole.status, whole.json["permissions"]) == (201, ["download", "search"])
    assert whole.json["expires_at"] is None
    told = is_problem(
        registry.call("POST", "/tokens", {"user": "rita", "permissions": ["upload"]}, by="admin"), 422
    )
    assert "upload" in told["detail"]
    # the token of a machine that an admin lost may not make itself the admin again
    _, secret = registry.people.create_token(LOCAL, "admin", [Permission.UPLOAD])
    registry.tokens["ci"] = secret
    for wanted in ({}, {"permissions": ["admin"]}, {"permissions": ["search"]}):
        is_problem(registry.call("POST", "/tokens", wanted, by="ci"), 403, "a token makes no other tokens")
    for days in (0, 36501, True, "7"):
        is_problem(registry.call("POST", "/tokens", {"expires_days": days}, by="admin"), 422)
    is_problem(registry.call("POST", "/tokens", {"user": "nobody"}, by="admin"), 404)


def test_an_admin_makes_and_revokes_tokens_of_others(registry: Registry) -> None:
    made = registry.call("POST", "/tokens", {"user": "rita", "expires_days": 1}, by="admin")
    assert (made.status, made.json["user"], made.json["permissions"]) == (201, "rita", ["download", "search"])
    registry.tokens["ci"] = made.json["token"]
    assert registry.call("GET", "/user/rita", by="ci").status == 200
    assert registry.call("DELETE", f"/token/{made.json['id']}", by="admin").status == 204
    is_problem(registry.call("GET", "/user/rita", by="ci"), 401)
    registry.call("PATCH", "/user/rita", {"disabled": True}, by="admin")
    is_problem(registry.call("POST", "/tokens", {"user": "rita"}, by="admin"), 422)


def test_an_account_of_another_issuer_is_closed_here_and_its_secrets_are_there(registry: Registry) -> None:
    eve = Vouched(name="corp:eve@x.org", origin="https://login|1", permissions=frozenset())
    seen = AuditLine(at=datetime.now(UTC), by=eve.name, verb="user.first-seen", target=eve.name)
    registry.catalog.vouch(eve, seen)
    names = [user["name"] for user in pages(registry, "/users", "users", "admin")]
    assert names == ["admin", eve.name, "rita", "una"]
    is_problem(registry.call("POST", f"/user/{eve.name}/password", {"password": NEW}, by="admin"), 422)
    is_problem(registry.call("POST", "/tokens", {"user": eve.name}, by="admin"), 422)
    closed = registry.call("PATCH", f"/user/{eve.name}", {"disabled": True}, by="admin")
    assert (closed.status, closed.json["disabled"]) == (200, True)


def test_no_password_and_no_secret_is_logged(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    registry.call("POST", "/users", {"name": "bob", "password": NEW}, by="admin")
    registry.call("POST", "/users", {"name": "bob", "password": NEW}, by="admin")
    secret = registry.call("POST", "/tokens", {"user": "bob"}, by="admin").json["token"]
    registry.call("POST", "/user/bob/password", {"password": NEW, "old_password": NEW, "x": NEW}, by="admin")
    lines = registry.bridge.audit.lines(LOCAL, about=AuditQuery())
    told = caplog.text + "".join(f"{line.target} {line.detail}" for line in lines)
    assert "bob" in told
    assert NEW not in told
    assert secret not in told
