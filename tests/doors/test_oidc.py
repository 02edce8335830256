"""Tokens of another issuer at both doors: a real small issuer over HTTP, and those who would be it."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.doors.uploading import Registry, registry_at
from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.issuers_file import parse_issuers
from weighbridge.adapters.oidc import ASKED_AGAIN_S, KEYS_LAST_S, Issuers
from weighbridge.bridge import now
from weighbridge.bridge.people import People
from weighbridge.domain.access import LOCAL, AuditLine, Permission, can
from weighbridge.domain.audit import AuditQuery
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.issuer import Issuer as Named
from weighbridge.domain.issuer import Vouched, vouched
from weighbridge.domain.json_values import Json
from weighbridge.errors import BadConfig, BadInput, HubDown, IssuerDown, NotAuthenticated
from weighbridge.settings import Settings

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEYS = {
    "RS256": RSA,
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
PUBLIC = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(algorithm: str, key: Any, kid: str) -> dict[str, Any]:
    makers = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}
    made: dict[str, Any] = makers[algorithm].to_jwk(key.public_key(), as_dict=True)
    return {**made, "kid": kid, "use": "sig"}


class Issuer:
    """What it answers may be changed at any time; ``asked`` is every path that it was asked for."""

    def __init__(self) -> None:
        self.url, self.asked, self.status = "", list[str](), 200
        self.keys = [jwk(name, key, name) for name, key in KEYS.items()]
        self.description: dict[str, Any] = {}

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(path)
        if self.status in (302, 307):
            return self.status, {"Location": f"{self.url}/elsewhere"}, b""
        if path == "/.well-known/openid-configuration":
            told = {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.description}
            return self.status, {}, json.dumps(told).encode()
        return self.status, {}, json.dumps({"keys": self.keys}).encode()

    def token(
        self, algorithm: str = "RS256", key: Any = None, head: dict[str, Any] | None = None, **more: Any
    ) -> str:
        at = int(time.time())
        claims = {"iss": self.url, "aud": "weighbridge", "sub": "ada", "iat": at, "exp": at + 600, **more}
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"kid": algorithm, **(head or {})}
        header = {name: value for name, value in header.items() if value is not None}
        return jwt.encode(claims, key or KEYS[algorithm], algorithm=algorithm, headers=header)


@contextmanager
def issuing() -> Iterator[Issuer]:
    issuer = Issuer()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = issuer.answer(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()


def config(issuer: Issuer, **more: object) -> str:
    said = {
        "issuer": issuer.url,
        "audience": "weighbridge",
        "everyone": ["search", "download"],
        "groups": {"makers": ["upload"], "platform": ["admin"]},
        **more,
    }
    return json.dumps({"corp": said})


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as made:
        yield made


@pytest.fixture(scope="module")
def registry(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    home = tmp_path_factory.mktemp("registry")
    (home / "oidc.yaml").write_text(config(issuer))
    with registry_at(home, WEIGHBRIDGE_OIDC=str(home / "oidc.yaml"), WEIGHBRIDGE_ANONYMOUS="") as there:
        yield there


def asks(registry: Registry, token: str, path: str = "/packages") -> tuple[int, str]:
    answer = registry.call("", "GET", path, Authorization=f"Bearer {token}")
    assert token.encode() not in answer.body
    return answer.status, answer.body.decode()


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_token_counts_at_both_doors_and_allows_what_its_groups_may(
    issuer: Issuer, registry: Registry, algorithm: str
) -> None:
    token = issuer.token(algorithm, groups=["makers", "others"])
    assert asks(registry, token)[0] == 200
    assert asks(registry, token, "/audit")[0] == 403
    assert asks(registry, issuer.token(algorithm, groups="platform"), "/audit")[0] == 200
    status, said = asks(registry, token, "/api/whoami-v2")
    assert (status, json.loads(said)["name"]) == (200, "corp:ada")
    assert registry.call("", "GET", "/packages").status == 401


def test_somebody_is_noted_at_first_sight_and_can_be_shut_out(issuer: Issuer, registry: Registry) -> None:
    people = registry.bridge.people
    for _ in range(3):
        assert asks(registry, issuer.token(sub="eve"))[0] == 200
    about = AuditQuery(verb="user.first-seen", by="corp:eve")
    (line,) = registry.bridge.audit.lines(LOCAL, about=about)
    assert line.detail == f"vouched for as {issuer.url} eve"
    people.disable(LOCAL, "corp:eve")
    for path in ("/packages", "/api/whoami-v2"):
        assert asks(registry, issuer.token(sub="eve"), path)[0] == 401
    with pytest.raises(BadInput, match="another issuer"):
        people.create_token(LOCAL, "corp:eve")
    with pytest.raises(BadInput, match="another issuer"):
        people.set_password(LOCAL, "corp:eve", "correct horse")
    with pytest.raises(NotAuthenticated):
        people.authenticate("corp:eve", "")


def test_who_was_shut_out_does_not_come_back_by_another_name(tmp_path: Path) -> None:
    with issuing() as issuer:
        (tmp_path / "oidc.json").write_text(config(issuer, name_claim="login"))
        with registry_at(tmp_path, WEIGHBRIDGE_OIDC=str(tmp_path / "oidc.json")) as there:
            for login in ("eve", "eva"):  # people change their names at many issuers themselves
                assert asks(there, issuer.token(sub="1", login=login))[0] == 200
            assert asks(there, issuer.token(sub="2", login="una"))[0] == 200
            there.bridge.people.disable(LOCAL, "corp:eve")
            for login in ("eve", "eva", "ewa"):
                assert asks(there, issuer.token(sub="1", login=login))[0] == 401, login
            assert asks(there, issuer.token(sub="2", login="una"))[0] == 200
            closed = {user.name: user.disabled for user in there.bridge.people.users(LOCAL)}
            assert (closed["corp:eva"], closed["corp:una"], closed["ann"]) == (True, False, False)
            assert "corp:ewa" not in closed


def test_whom_an_issuer_vouches_for_does_not_end_the_set_up(tmp_path: Path) -> None:
    issuer = Vouched(name="corp:ada", origin="https://login.test 1", permissions=frozenset())
    catalog = Catalog.open("sqlite://")
    with closing(catalog):
        people = People(catalog, Settings(home=tmp_path), now)
        assert "POST /setup" in people.first_start()
        line = AuditLine(at=now(), by=issuer.name, verb="user.first-seen", target=issuer.name)
        catalog.vouch(issuer, line)
        assert "POST /setup" in people.first_start(), "nobody can log in yet"
        secret = (tmp_path / "setup-secret").read_text().strip()
        admin = people.principal(people.set_up(secret, "ann", "correct horse"))
        assert can(admin, Permission.ADMIN)
        assert people.first_start() == ""


def none_of(issuer: Issuer) -> str:
    head, claims, _ = issuer.token().split(".")
    del head
    bare = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{bare}.{claims}."


def by_public_key(issuer: Issuer) -> str:
    """The old confusion: the public key of RS256, which everybody has, as the secret of HS256."""
    import hmac

    def spelled(content: object) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=")

    at = int(time.time())
    claims = {"iss": issuer.url, "aud": "weighbridge", "sub": "ada", "exp": at + 600}
    signed = spelled({"alg": "HS256", "kid": "RS256"}) + b"." + spelled(claims)
    mac = base64.urlsafe_b64encode(hmac.new(PUBLIC, signed, sha256).digest()).rstrip(b"=")
    return (signed + b"." + mac).decode()


OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ATTACKS: dict[str, Callable[[Issuer], str]] = {
    "no signature": none_of,
    "public key as a shared secret": by_public_key,
    "somebody else's key": lambda it: it.token(key=OTHER),
    "key in the header": lambda it: it.token(key=OTHER, head={"jwk": jwk("RS256", OTHER, "RS256")}),
    "address of a key": lambda it: it.token(
        key=OTHER, head={"jku": f"{it.url}/evil", "x5u": f"{it.url}/evil"}
    ),
    "kid that is a path": lambda it: it.token(key=OTHER, head={"kid": "../../../dev/null"}),
    "kid of another algorithm": lambda it: it.token(head={"kid": "ES256"}),
    "extension": lambda it: it.token(head={"crit": ["exp"]}),
    "expired": lambda it: it.token(exp=int(time.time()) - 120),
    "no end": lambda it: it.token(exp=None),
    "not yet": lambda it: it.token(nbf=int(time.time()) + 600),
    "made tomorrow": lambda it: it.token(iat=int(time.time()) + 86_400),
    "other audience": lambda it: it.token(aud="another"),
    "no audience": lambda it: it.token(aud=None),
    "other issuer": lambda it: it.token(iss="https://login.example.com"),
    "issuer with a slash more": lambda it: it.token(iss=f"{it.url}/"),
    "no subject": lambda it: it.token(sub=None),
    "subject that is no name": lambda it: it.token(sub="../ann"),
    "a notice of a log-out": lambda it: it.token(
        events={"http://schemas.openid.net/event/backchannel-logout": {}}
    ),
    "huge": lambda it: it.token(more="x" * 20_000),
    "deep": lambda it: f"{base64.urlsafe_b64encode(b'[' * 9000).decode()}.e30.e30",
    "cut": lambda it: it.token()[:-8],
    "words": lambda it: "a.b.c",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_does_not_count_is_refused_at_both_doors(
    issuer: Issuer, registry: Registry, attack: str
) -> None:
    token = ATTACKS[attack](issuer)
    status, said = asks(registry, token)
    assert (status, json.loads(said)["code"]) == (401, "not-authenticated")
    assert asks(registry, token, "/api/whoami-v2")[0] == 401
    assert not [path for path in issuer.asked if path not in ("/.well-known/openid-configuration", "/keys")]


def test_a_name_that_the_issuer_gives_to_somebody_else_is_refused(tmp_path: Path) -> None:
    with issuing() as issuer:
        (tmp_path / "oidc.json").write_text(config(issuer, name_claim="login"))
        with registry_at(tmp_path, WEIGHBRIDGE_OIDC=str(tmp_path / "oidc.json")) as there:
            assert asks(there, issuer.token(sub="1", login="Ann"))[0] == 200
            assert asks(there, issuer.token(sub="1", login="ann"))[0] == 200
            assert asks(there, issuer.token(sub="2", login="ann"))[0] == 401
            assert asks(there, issuer.token(sub="3"))[0] == 401, "the claim is not there"


GROUPS = {"platform": [Permission.ADMIN], "platform guests": [], "reach": [Permission.UPLOAD]}


@pytest.mark.parametrize(
    ("claim", "said", "allowed"),
    [
        ("groups", "platform", {"admin"}),
        ("groups", "platform guests", set()),
        ("groups", ["platform guests", "reach"], {"upload"}),
        ("scope", "openid reach", {"upload"}),
        ("scp", ["reach", 7, None, ["platform"]], {"upload"}),
        ("groups", {"platform": True}, set()),
        ("groups", None, set()),
        ("groups", 7, set()),
    ],
)
def test_groups_are_read_as_they_are_spelled(claim: str, said: object, allowed: set[str]) -> None:
    groups = {name: frozenset(may) for name, may in GROUPS.items()}
    named = Named(label="corp", url="https://login.test", audience="a", groups_claim=claim, groups=groups)
    assert vouched(named, {"sub": "1", claim: cast("Json", said)}).permissions == allowed


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"email": "ann@acme.test", "email_verified": False}, "not verified"),
        ({"email": "ann@acme.test", "email_verified": "false"}, "not verified"),
        ({"email": "ann@acme.test", "email_verified": None}, "not verified"),
        ({"email": None}, "no name"),
        ({"email": ["ann@acme.test"]}, "no name"),
        ({"email": "\u212aate@acme.test"}, "no name"),
        ({"email": ""}, "no name"),
        ({}, "no name"),
        ({"email": "ann@acme.test", "email_verified": True}, ""),
        ({"email": "ann@acme.test"}, ""),
    ],
)
def test_an_address_that_nobody_verified_is_no_name(claims: dict[str, Json], told: str) -> None:
    named = Named(label="corp", url="https://login.test", audience="a", name_claim="email")
    if not told:
        assert vouched(named, {"sub": "1", **claims}).name == "corp:ann@acme.test"
        return
    with pytest.raises(Invalid, match=told):
        vouched(named, {"sub": "1", **claims})


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def made(issuer: Issuer, clock: Clock, **more: object) -> Issuers:
    from weighbridge.adapters.hub_http.document import fetch_document

    named = parse_issuers("oidc.yaml", config(issuer, **more))
    return Issuers(named, lambda address, most: fetch_document(address, most, environ={}), clock)


def test_new_keys_are_found_old_ones_go_and_nobody_can_have_the_issuer_asked_often() -> None:
    with issuing() as issuer:
        clock = Clock()
        issuers = made(issuer, clock)
        assert issuers.vouched(issuer.token()).name == "corp:ada"
        assert len(issuer.asked) == 2
        issuer.keys = [jwk("RS256", OTHER, "new")]
        new = issuer.token(key=OTHER, head={"kid": "new"})
        for number in range(20):
            with pytest.raises(NotAuthenticated):
                issuers.vouched(issuer.token(head={"kid": f"guess {number}"}))
        with pytest.raises(NotAuthenticated):
            issuers.vouched(new)
        assert len(issuer.asked) == 2, "asked a moment ago"
        clock.at += ASKED_AGAIN_S
        assert issuers.vouched(new).name == "corp:ada"
        with pytest.raises(NotAuthenticated):
            issuers.vouched(issuer.token())
        assert issuers.vouched(issuer.token(key=OTHER, head={"kid": None})).name == "corp:ada"
        clock.at += KEYS_LAST_S
        issuer.keys = []
        with pytest.raises(NotAuthenticated):
            issuers.vouched(new)


@pytest.mark.parametrize("fault", ["status", "redirect", "other issuer", "other host", "no keys", "gone"])
def test_an_issuer_that_gives_no_keys_is_down_for_its_tokens_only(fault: str) -> None:
    with issuing() as issuer:
        token = issuer.token()
        issuer.status = {"status": 500, "redirect": 302}.get(fault, 200)
        if fault == "other issuer":
            issuer.description = {"issuer": "https://login.example.com"}
        if fault == "other host":
            issuer.description = {"jwks_uri": issuer.url.replace("127.0.0.1", "localhost") + "/keys"}
        if fault == "no keys":
            issuer.keys = {}  # type: ignore[assignment]  # what a broken issuer says
        clock = Clock()
        issuers = made(issuer, clock)
        if fault != "gone":
            for _ in range(3):
                with pytest.raises(IssuerDown):
                    issuers.vouched(token)
            assert len(issuer.asked) <= 2, "not asked again at once, and no redirect was followed"
            assert "/elsewhere" not in issuer.asked
    with pytest.raises(IssuerDown):
        issuers.vouched(token)


def test_an_issuer_that_is_down_is_503_and_other_tokens_count(tmp_path: Path) -> None:
    with issuing() as issuer:
        (tmp_path / "oidc.yaml").write_text(config(issuer))
        token = issuer.token()
    with registry_at(tmp_path, WEIGHBRIDGE_OIDC=str(tmp_path / "oidc.yaml")) as there:
        for path in ("/packages", "/api/whoami-v2"):
            answer = there.call("", "GET", path, Authorization=f"Bearer {token}")
            assert (answer.status, "retry-after" in answer.headers) == (503, True)
            assert there.call("ann", "GET", path).status == 200


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("corp: {issuer: 'http://login.example.com', audience: a}", "https://"),
        ("corp: {issuer: 'https://login.example.com'}", "audience"),
        ("Corp: {issuer: 'https://login.example.com', audience: a}", "label"),
        ("corp: {issuer: 'https://l.example', audience: a, algorithms: [HS256]}", "algorithms"),
        ("corp: {issuer: 'https://l.example', audience: a, algorithms: [none]}", "algorithms"),
        ("corp: {issuer: 'https://l.example', audience: a, everyone: [root]}", "must be some of"),
        ("corp: {issuer: 'https://l.example', audience: a, extra: 1}", "unknown key"),
        ("corp: {issuer: 'https://u:p@l.example', audience: a}", "credentials"),
        (
            "a: {issuer: 'https://l.example', audience: a}\nb: {issuer: 'https://l.example', audience: b}",
            "twice",
        ),
        ("[]", "must be a mapping"),
    ],
)
def test_mistakes_in_the_file_are_told_with_their_place(text: str, told: str) -> None:
    with pytest.raises(BadConfig, match=told):
        parse_issuers("oidc.yaml", text)


def test_a_document_is_bounded(issuer: Issuer) -> None:
    from weighbridge.adapters.hub_http.document import fetch_document

    with pytest.raises(HubDown, match="more than 10 bytes"):
        fetch_document(f"{issuer.url}/keys", 10, environ={})
