"""Answers that the Hub door gives again: never one that no longer holds."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.adapters.test_hub_catalog import FIRST, SECOND, Registry
from tests.doors.asgi_server import Answer, call, serving
from tests.hub_process import TINY, hub_process, write_repo
from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge.hub import HubDesk
from weighbridge.bridge.people import People
from weighbridge.domain.access import LOCAL, Permission
from weighbridge.domain.ref import RepoKind
from weighbridge.doors.hub import hub_app
from weighbridge.settings import load_settings

INFO, TREE = "/api/models/acme/tiny", "/api/models/acme/tiny/tree/main"
FILE = "/acme/tiny/resolve/main/config.json"


class Clock:
    """The house's one clock, for a test to move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class House:
    """A registry at one door; ``another`` is its database as another process has it open."""

    def __init__(self, home: Path) -> None:
        database = f"sqlite:///{home}/catalog.sqlite3"
        self.catalog, self.another = Catalog.open(database), Catalog.open(database)
        self.registry = Registry(self.catalog, home)
        self.registry.admit("1.0.0", FIRST)
        self.registry.admit("1.1.0", SECOND, b'{"second": true}')
        self.clock = Clock()
        settings = load_settings({"WEIGHBRIDGE_HOME": str(home), "WEIGHBRIDGE_ANONYMOUS": ""})
        self.people = People(self.catalog, settings, self.clock)
        self.elsewhere = People(self.another, settings, self.clock)
        self.people.add_user(LOCAL, "ann", frozenset({Permission.DOWNLOAD}), "correct horse battery")
        self.token, self.secret = self.people.create_token(LOCAL, "ann", days=1)
        self.desk = HubDesk(self.registry.hub, self.people, watch=lambda repo: self.catalog.watch())
        self.url = ""

    def ask(self, path: str, method: str = "GET", secret: str | None = "", **more: str) -> Answer:
        given = self.secret if secret == "" else secret
        headers: Mapping[str, str] = {"Authorization": f"Bearer {given}"} if given else {}
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return call(self.url, method, path, None, {**headers, **named})


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    with closing(house.catalog), closing(house.another), serving(hub_app(house.desk)) as url:
        house.url = url
        yield house


def warm(house: House) -> None:
    for _ in range(3):
        for path in (INFO, TREE, FILE):
            assert house.ask(path).status == house.ask(path, "HEAD").status == 200


def test_what_another_process_withdraws_is_gone_with_the_next_request(house: House) -> None:
    warm(house)
    assert house.ask(FILE).headers["x-repo-commit"] == SECOND
    house.another.withdraw("1.1.0", "a backdoor", house.registry.line("withdraw"))
    got = house.ask(FILE)
    assert (got.headers["x-repo-commit"], got.body) == (FIRST, b"{}")
    assert house.ask(FILE, "HEAD").headers["x-repo-commit"] == FIRST
    assert house.ask(INFO).json["sha"] == FIRST
    house.another.withdraw("1.0.0", "another", house.registry.line("withdraw"))
    assert [house.ask(path).status for path in (INFO, TREE, FILE)] == [403, 403, 403]


def test_what_is_accepted_is_there_with_the_next_request(house: House) -> None:
    warm(house)
    house.registry.admit("1.2.0", "3" * 40, b'{"third": true}')
    assert house.ask(FILE).body == b'{"third": true}'
    assert house.ask(INFO).json["sha"] == "3" * 40


def test_a_revoked_token_opens_nothing_that_it_opened_before(house: House) -> None:
    warm(house)
    house.elsewhere.revoke_token(LOCAL, house.token.id)
    assert [house.ask(path).status for path in (INFO, TREE, FILE)] == [401, 401, 401]


def test_a_disabled_user_is_out_at_once(house: House) -> None:
    warm(house)
    house.elsewhere.disable(LOCAL, "ann")
    assert house.ask(FILE, "HEAD").status == 401


def test_what_one_caller_may_see_is_not_shown_to_another(house: House) -> None:
    warm(house)
    for secret in (None, "hf_wbr_unknown", house.secret + "x"):
        assert [house.ask(path, secret=secret).status for path in (INFO, TREE, FILE)] == [401, 401, 401]
    warm(house)


def test_an_expired_token_is_refused_within_a_second(house: House) -> None:
    warm(house)
    house.clock.now += timedelta(days=2)
    while (got := house.ask(FILE)).status == 200:  # the answers of the second before
        pass
    assert got.status == 401


def test_an_answer_is_kept_for_one_question_only(house: House) -> None:
    warm(house)
    whole = house.ask(FILE)
    etag = whole.headers["etag"]
    for _ in range(2):
        assert house.ask(FILE, Range="bytes=0-3").body == whole.body[:4]
        assert house.ask(FILE, Range="bytes=4-5").body == whole.body[4:6]
        assert house.ask(FILE, If_None_Match=etag).status == 304
        assert house.ask(FILE, Range="bytes=0-3", If_Range='"old"').status == 200
        assert house.ask(FILE, "HEAD").body == b""
        assert house.ask(f"{INFO}?expand=cardData").json.keys() == {"id", "cardData"}
        assert house.ask(FILE, X_Request_Id="one").headers["x-request-id"] == "one"
        assert house.ask(FILE, X_Amzn_Trace_Id="two").headers["x-request-id"] == "two"
        assert "x-request-id" not in house.ask(FILE).headers


def test_a_file_that_the_store_lost_is_not_promised(house: House) -> None:
    warm(house)
    path = house.desk.file(
        house.people.principal(house.secret), RepoKind.MODEL, "acme/tiny", "main", "config.json"
    ).path
    assert path is not None
    path.unlink()
    assert house.ask(FILE).status == 500


def test_a_folder_that_changes_is_served_as_it_is(tmp_path: Path) -> None:
    root = write_repo(tmp_path, "acme/tiny", TINY)
    with hub_process(tmp_path) as url:
        first = call(url, "GET", INFO).json["sha"]
        stop = threading.Event()

        def keep_warm() -> None:
            while not stop.is_set():
                assert call(url, "HEAD", FILE).status == 200

        with ThreadPoolExecutor(1) as pool:
            warming = pool.submit(keep_warm)
            try:
                for number in range(3):
                    content = b'{"version": %d, "x": "%s"}' % (number, b"y" * number)
                    stop.wait(1.2)  # settled: from here on answers are kept
                    (tmp_path / "draft").write_bytes(content)
                    (tmp_path / "draft").replace(root / "config.json")
                    while call(url, "GET", INFO).json["sha"] == first:
                        pass
                    got = call(url, "GET", FILE)
                    assert got.body == content
                    first = got.headers["x-repo-commit"]
                    assert call(url, "GET", INFO).json["sha"] == first
            finally:
                stop.set()
            warming.result(600)
