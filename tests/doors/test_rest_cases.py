"""Cases and the policy over HTTP: who may have them, what they are worth, and what leaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.test_cases import same
from tests.doors.asgi_server import Answer, call, serving
from tests.doors.test_rest import WORD, is_problem
from tests.hub_server import serve_hub
from tests.made_models import train
from weighbridge.bridge import Bridge, open_bridge
from weighbridge.bridge.scoring import score_again
from weighbridge.domain.access import LOCAL, Permission
from weighbridge.domain.package import IngestRequest
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.doors.demo.models import MADE
from weighbridge.doors.rest import rest_app
from weighbridge.errors import Rejected
from weighbridge.settings import Settings, load_settings

POLICY = """
default_threshold: 0.4
models:
  - {name: acme/*, thresholds: {bus_factor: 0.2}, author: ann, reason: the plan for acme}
"""
PAPERS = ("", "/bom", "/attestation", "/licence", "/evidence", "/verdict", "/case")
WORSE = "made/blocked"
EVERYBODY = (None, "sam", "dora", "rita", "una", "admin")
GRANTED = {
    "sam": {Permission.SEARCH},
    "dora": {Permission.DOWNLOAD},
    "rita": {Permission.SEARCH, Permission.DOWNLOAD},
    "una": set(Permission) - {Permission.ADMIN},
    "admin": set(Permission),
}


class Office:
    """A registry with a package, a refused model and an account of each kind, called over HTTP."""

    def __init__(self, bridge: Bridge, settings: Settings, url: str) -> None:
        self.bridge, self.settings, self.url = bridge, settings, url
        for name, granted in GRANTED.items():
            bridge.people.add_user(LOCAL, name, frozenset(granted), WORD)
        self.tokens = {name: bridge.people.create_token(LOCAL, name)[1] for name in GRANTED}
        self.package = bridge.packages.ingest(LOCAL, self.request(MADE)).package.id
        with pytest.raises(Rejected) as refused:
            bridge.packages.ingest(LOCAL, self.request(WORSE))
        self.refusal = str(refused.value.refusal_id)

    @staticmethod
    def request(name: str) -> IngestRequest:
        return IngestRequest(ref=ModelRef(repo=RepoId.parse(name)))

    def ask(self, path: str, by: str | None, method: str = "GET", body: Any = None) -> Answer:
        headers = {} if by is None else {"Authorization": f"Bearer {self.tokens[by]}"}
        return call(self.url, method, path, body, headers)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    made = train(folder / "made")
    (folder / "policy.yaml").write_text(POLICY)
    repos = {**made.repos()}
    repos[WORSE] = type(repos[MADE])({**made.model, "run.sh": b"\x7fELF" + bytes(100)})
    with serve_hub(repos) as hub:
        settings = load_settings(
            {
                "WEIGHBRIDGE_HOME": str(folder / "home"),
                "WEIGHBRIDGE_UPSTREAM": hub.url,
                "WEIGHBRIDGE_POLICY": str(folder / "policy.yaml"),
                "WEIGHBRIDGE_ANONYMOUS": "search",
                "HOME": str(folder),
            }
        )
        bridge = open_bridge(settings)
        with serving(rest_app(bridge)) as url:
            yield Office(bridge, settings, url)
        bridge.close()


@pytest.mark.parametrize("kind", ["package", "refusal"])
def test_a_case_that_came_over_http_gives_the_stored_verdict_again(
    kind: str, office: Office, tmp_path: Path
) -> None:
    id = office.package if kind == "package" else office.refusal
    answer = office.ask(f"/{kind}/{id}/case", "una")
    assert answer.status == 200
    assert answer.json["case_format"] == 1
    file = tmp_path / "case.json"
    turned = json.loads(answer.body, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    stored = (
        office.bridge.packages.verdict(LOCAL, id)
        if kind == "package"
        else office.bridge.packages.refusal(LOCAL, id)[1]
    )
    for written in (answer.body, json.dumps(turned, indent=3).encode()):
        file.write_bytes(written)
        assert same(score_again(file, office.settings), stored)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/package/{package}", set(EVERYBODY)),
        ("/package/{package}/verdict", set(EVERYBODY)),
        ("/package/{package}/evidence", {"dora", "rita", "una", "admin"}),
        ("/package/{package}/bom", {"dora", "rita", "una", "admin"}),
        ("/package/{package}/licence", {"dora", "rita", "una", "admin"}),
        ("/package/{package}/case", {"una", "admin"}),
        ("/refusal/{refusal}", {"una", "admin"}),
        ("/refusal/{refusal}/case", {"una", "admin"}),
        ("/refusals", {"una", "admin"}),
        ("/audit", {"admin"}),
        ("/policy", set(EVERYBODY)),
        ("/attestation-key", set(EVERYBODY)),
    ],
)
def test_each_paper_is_for_those_who_may_read_it(path: str, allowed: set[str | None], office: Office) -> None:
    path = path.format(package=office.package, refusal=office.refusal)
    found = {by: office.ask(path, by) for by in EVERYBODY}
    assert {by for by, answer in found.items() if answer.status == 200} == allowed
    for by in set(EVERYBODY) - allowed:
        is_problem(found[by], 401 if by is None else 403)


def test_the_policy_tells_of_single_models_only_those_who_may_upload(office: Office) -> None:
    asked, told = office.ask("/policy", "una").json, office.ask("/policy", "rita").json
    assert (asked["default_threshold"], told["default_threshold"]) == (0.4, 0.4)
    assert asked["overrides"][0]["models"] == "acme/*"
    assert told["overrides"] == []
    assert "the plan for acme" not in office.ask("/policy", None).body.decode()
    stored = office.ask(f"/package/{office.package}/verdict", "una").json
    assert len(stored["policy_sha256"]) == len(asked["sha256"]) == 64


IDS = [
    "0",
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "a%00b",
    "%F0%9F%9A%9B",
    "'; drop table packages; --",
    "A" * 64,
]


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("kind", ["package", "refusal"])
def test_an_id_that_is_none_is_not_found_and_says_nothing_more(kind: str, id: str, office: Office) -> None:
    path = id.replace(" ", "%20").replace("'", "%27").replace(";", "%3B")
    for paper in PAPERS if kind == "package" else ("", "/case"):
        is_problem(office.ask(f"/{kind}/{path}{paper}", "admin"), 404)
    is_problem(office.ask(f"/{kind}/{'A' * 65}", "admin"), 422)


def test_other_methods_are_refused_as_problems(office: Office) -> None:
    for method in ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "POST"):
        for path in (f"/package/{office.package}/case", "/policy", f"/refusal/{office.refusal}/case"):
            answer = office.ask(path, "admin", method)
            assert answer.status == 405
            assert answer.headers["allow"] == "GET"
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"reason": 5}', b'{"reason": ""}']
)
def test_what_is_no_withdrawal_changes_nothing(body: bytes, office: Office) -> None:
    path = f"/package/{office.package}/withdraw"
    is_problem(office.ask(path, "admin", "POST", body), 422)
    is_problem(office.ask(path, "una", "POST", b'{"reason": "x"}'), 403)
    is_problem(office.ask(path, None, "POST", b'{"reason": "x"}'), 401)
    is_problem(office.ask("/package/nothing/withdraw", "una", "POST", b'{"reason": "x"}'), 403)
    assert office.ask(f"/package/{office.package}", None).json["state"] == "active"
