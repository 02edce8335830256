"""Accounts over the real catalogue: logging in, tokens, the first start."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.catalog.tries import MOST
from weighbridge.adapters.catalog.tries import TRIES as TABLE
from weighbridge.bridge.people import People
from weighbridge.bridge.tries import TRIES, TRIES_FROM_ONE_PLACE, WAIT
from weighbridge.domain.access import LOCAL, Permission, Principal
from weighbridge.errors import (
    BadInput,
    BadName,
    Conflict,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    TooManyTries,
)
from weighbridge.settings import Settings

EVERYTHING = frozenset(Permission)
WORD = "correct horse"


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, time: timedelta) -> None:
        self.at += time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalog() -> Iterator[Catalog]:
    opened = Catalog.open("sqlite://")
    yield opened
    opened.close()


@pytest.fixture
def people(catalog: Catalog, clock: Clock, tmp_path: Path) -> People:
    return People(catalog, Settings(home=tmp_path / "home", anonymous=()), clock)


def open_account(people: People, name: str = "ada", *permissions: Permission) -> None:
    people.add_user(LOCAL, name, permissions or EVERYTHING, WORD)


class TestLogIn:
    def test_a_password_gives_a_token_that_speaks_for_its_user(self, people: People) -> None:
        open_account(people, "ada", Permission.UPLOAD)
        secret = people.authenticate("ada", WORD)
        assert secret.startswith("hf_wbr_")
        assert len(secret) == 50
        assert people.principal(secret) == Principal(
            name="ada", permissions=frozenset({Permission.UPLOAD}), is_session=True
        )
        assert people.authenticate("ada", WORD) != secret

    def test_a_wrong_name_and_a_wrong_password_look_alike(self, people: People) -> None:
        open_account(people)
        told = set()
        for name, word in (("ada", "wrong password"), ("eve", WORD), ("", ""), ("ada", "")):
            with pytest.raises(NotAuthenticated) as caught:
                people.authenticate(name, word)
            told.add((str(caught.value), caught.value.hint))
        assert len(told) == 1

    def test_a_token_ends_after_thirty_days(self, people: People, clock: Clock) -> None:
        open_account(people)
        secret = people.authenticate("ada", WORD)
        clock.pass_by(timedelta(days=30) - timedelta(seconds=1))
        assert people.principal(secret).name == "ada"
        clock.pass_by(timedelta(seconds=1))
        with pytest.raises(NotAuthenticated):
            people.principal(secret)

    @pytest.mark.parametrize(
        "secret", ["", "hf_wbr_", "hf_wbr_" + "x" * 43, "hf_abc", "Bearer hf_wbr_x", "\ud800"]
    )
    def test_what_is_no_token_is_refused_and_not_anonymous(self, people: People, secret: str) -> None:
        with pytest.raises(NotAuthenticated):
            people.principal(secret)

    def test_secrets_are_not_kept(self, people: People, catalog: Catalog) -> None:
        open_account(people)
        secret = people.authenticate("ada", WORD)
        with catalog._reading() as connection:
            rows = [
                str(row)
                for table in ("users", "tokens", "audit")
                for row in connection.exec_driver_sql(f"SELECT * FROM {table}")
            ]
        assert not [row for row in rows if WORD in row or secret in row or secret[4:] in row]

    def test_use_is_noted_by_the_hour(self, people: People, clock: Clock) -> None:
        open_account(people)
        secret = people.authenticate("ada", WORD)
        first = clock.at
        people.principal(secret)
        clock.pass_by(timedelta(minutes=59))
        people.principal(secret)
        assert people.tokens(LOCAL)[0].last_used_at == first
        clock.pass_by(timedelta(minutes=1))
        people.principal(secret)
        assert people.tokens(LOCAL)[0].last_used_at == clock.at


class TestGuessing:
    def fail(self, people: People, name: str, times: int = TRIES) -> None:
        for _ in range(times):
            with pytest.raises(NotAuthenticated, match="wrong user name or password"):
                people.authenticate(name, "a wrong password")

    @pytest.mark.parametrize("name", ["ada", "nobody"])
    def test_after_five_failures_a_name_waits(self, people: People, clock: Clock, name: str) -> None:
        open_account(people)
        self.fail(people, name)
        clock.pass_by(timedelta(seconds=10))
        with pytest.raises(TooManyTries) as caught:
            people.authenticate(name, WORD)
        assert caught.value.retry_after_s == 20
        clock.pass_by(WAIT)
        self.fail(people, name, 1)
        with pytest.raises(TooManyTries):
            people.authenticate(name, WORD)

    def test_servers_count_together_and_a_restart_forgets_nothing(self, tmp_path: Path, clock: Clock) -> None:
        place = tmp_path / "catalog.sqlite3"
        with closing(Catalog.open(place)) as first, closing(Catalog.open(place)) as second:
            servers = [People(one, Settings(home=tmp_path), clock) for one in (first, second)]
            open_account(servers[0])
            self.fail(servers[0], "ada", 3)
            self.fail(servers[1], "ada", 2)
            for server in servers:
                with pytest.raises(TooManyTries):
                    server.authenticate("ada", WORD)
        with closing(Catalog.open(place)) as again:
            people = People(again, Settings(home=tmp_path), clock)
            with pytest.raises(TooManyTries):
                people.authenticate("ada", WORD)
            clock.pass_by(WAIT)
            assert people.authenticate("ada", WORD)
            self.fail(people, "ada", TRIES - 1)

    def test_an_address_that_guesses_at_many_names_waits_and_an_account_of_its_own_is_no_help(
        self, people: People, catalog: Catalog, clock: Clock
    ) -> None:
        open_account(people)
        open_account(people, "eve")
        for number in range(TRIES_FROM_ONE_PLACE):
            with pytest.raises(NotAuthenticated, match="wrong user name or password"):
                people.authenticate(f"name{number}", "a wrong password", "192.0.2.7")
            if number % 10 == 5:
                assert people.authenticate("eve", WORD, "192.0.2.7")
        with pytest.raises(TooManyTries):
            people.authenticate("ada", WORD, "192.0.2.7")
        assert people.authenticate("ada", WORD, "192.0.2.8")
        clock.pass_by(WAIT)
        assert people.authenticate("ada", WORD, "192.0.2.7")

    def test_strangers_who_never_stop_guessing_lock_nobody_out_at_home(
        self, people: People, clock: Clock
    ) -> None:
        open_account(people)
        assert people.authenticate("ada", WORD, "192.0.2.7")
        for _ in range(10):
            for address in ("198.51.100.1", "198.51.100.2"):
                with pytest.raises((NotAuthenticated, TooManyTries)):
                    people.authenticate("ada", "a wrong password", address)
            clock.pass_by(timedelta(seconds=1))
        with pytest.raises(TooManyTries):
            people.authenticate("ada", WORD, "203.0.113.5")
        assert people.authenticate("ada", WORD, "192.0.2.7")
        with pytest.raises(TooManyTries):  # that it went well at home opens nothing elsewhere
            people.authenticate("ada", WORD, "198.51.100.1")
        for _ in range(TRIES):  # at home one guesses no more often than elsewhere
            with pytest.raises(NotAuthenticated, match="wrong user name or password"):
                people.authenticate("ada", "a wrong password", "192.0.2.7")
        with pytest.raises(TooManyTries):
            people.authenticate("ada", WORD, "192.0.2.7")
        clock.pass_by(WAIT)
        assert people.authenticate("ada", WORD, "192.0.2.7")

    def test_after_thirty_days_an_address_is_like_any_other(self, people: People, clock: Clock) -> None:
        open_account(people)
        assert people.authenticate("ada", WORD, "192.0.2.7")
        clock.pass_by(timedelta(days=30))
        self.fail(people, "ada")
        with pytest.raises(TooManyTries):
            people.authenticate("ada", WORD, "192.0.2.7")

    def test_no_flood_of_names_makes_an_address_forgotten(
        self, people: People, catalog: Catalog, clock: Clock
    ) -> None:
        open_account(people)
        assert people.authenticate("ada", WORD, "192.0.2.7")
        clock.pass_by(timedelta(seconds=1))
        with catalog._writing() as connection:
            for number in range(MOST):
                row = TABLE.insert().values(key=f"{number}", failures=1, last_at=clock.at)
                connection.execute(row)
        self.fail(people, "ada")
        assert people.authenticate("ada", WORD, "192.0.2.7")
        with catalog._reading() as connection:
            rows = connection.exec_driver_sql("SELECT failures FROM tries").scalars().all()
        assert (len(rows), rows.count(0)) == (MOST + 1, 1)

    def test_what_is_remembered_of_failures_is_bounded_and_names_nobody(
        self, people: People, catalog: Catalog, clock: Clock
    ) -> None:
        for number in range(20):
            self.fail(people, f"a password typed as a name {number}", 1)
            clock.pass_by(timedelta(minutes=10))
        with catalog._reading() as connection:
            rows = connection.exec_driver_sql("SELECT * FROM tries").all()
        assert 5 <= len(rows) <= 7, "what is older than an hour is forgotten"
        assert "password" not in str(rows)

    def test_others_and_tokens_go_on(self, people: People) -> None:
        open_account(people)
        open_account(people, "bob")
        secret = people.authenticate("ada", WORD)
        self.fail(people, "ada")
        assert people.authenticate("bob", WORD)
        assert people.principal(secret).name == "ada"

    def test_success_forgets_the_failures(self, people: People) -> None:
        open_account(people)
        for _ in range(3):
            self.fail(people, "ada", TRIES - 1)
            assert people.authenticate("ada", WORD)

    def test_a_burst_goes_past_the_limit_by_no_more_than_runs_at_once(self, people: People) -> None:
        open_account(people)

        def guess(number: int) -> str:
            with pytest.raises((NotAuthenticated, TooManyTries)) as caught:
                people.authenticate("ada", f"guess number {number}")
            return str(caught.value)

        with ThreadPoolExecutor(16) as pool:
            told = list(pool.map(guess, range(24)))
        assert told.count("wrong user name or password") <= TRIES + 3

    def test_many_may_log_in_at_once(self, people: People) -> None:
        open_account(people)
        with ThreadPoolExecutor(16) as pool:
            assert len(set(pool.map(lambda _: people.authenticate("ada", WORD), range(16)))) == 16


class TestPermissions:
    @pytest.mark.parametrize("call", ["add", "users", "user", "password", "disable", "create", "tokens"])
    @pytest.mark.parametrize(
        ("by", "error"),
        [
            (Principal(name="bob", permissions=EVERYTHING - {Permission.ADMIN}), NotPermitted),
            (Principal(name="anonymous", is_anonymous=True), NotAuthenticated),
        ],
        ids=["without admin", "anonymous"],
    )
    def test_accounts_are_for_administrators(
        self, people: People, call: str, by: Principal, error: type[Exception]
    ) -> None:
        open_account(people)
        calls = {
            "add": lambda: people.add_user(by, "eve", EVERYTHING, WORD),
            "users": lambda: people.users(by),
            "password": lambda: people.set_password(by, "ada", "another password"),
            "disable": lambda: people.disable(by, "ada"),
            "create": lambda: people.create_token(by, "ada"),
            "tokens": lambda: people.tokens(by),
            "user": lambda: people.user(by, "ada"),
        }
        with pytest.raises(error):
            calls[call]()
        assert [user.name for user in people.users(LOCAL)] == ["ada"]
        assert people.authenticate("ada", WORD)

    def test_a_token_may_do_a_part_of_what_its_user_may(self, people: People) -> None:
        open_account(people, "ada", Permission.SEARCH, Permission.UPLOAD)
        token, secret = people.create_token(LOCAL, "ada", [Permission.UPLOAD], 7)
        assert people.principal(secret).permissions == {Permission.UPLOAD}
        assert token.expires_at == token.created_at + timedelta(days=7)
        whole, secret = people.create_token(LOCAL, "ada")
        assert whole.expires_at is None
        assert people.principal(secret).permissions == {Permission.SEARCH, Permission.UPLOAD}
        for wanted in (Permission.ADMIN, Permission.DOWNLOAD):
            with pytest.raises(BadInput, match=wanted.value):
                people.create_token(LOCAL, "ada", [wanted])
        for days in (0, -1, 100_000):
            with pytest.raises(BadInput):
                people.create_token(LOCAL, "ada", None, days)
        with pytest.raises(NotFound):
            people.create_token(LOCAL, "eve")

    def test_an_administrators_token_may_be_less(self, people: People) -> None:
        open_account(people, "ada", Permission.ADMIN)
        _, secret = people.create_token(LOCAL, "ada", [Permission.DOWNLOAD])
        assert people.principal(secret).permissions == {Permission.DOWNLOAD}

    def test_revoking_and_disabling_count_at_once(self, people: People) -> None:
        open_account(people)
        token, secret = people.create_token(LOCAL, "ada")
        people.revoke_token(LOCAL, token.id)
        with pytest.raises(NotAuthenticated):
            people.principal(secret)
        _, secret = people.create_token(LOCAL, "ada")
        people.disable(LOCAL, "ada")
        with pytest.raises(NotAuthenticated):
            people.principal(secret)
        with pytest.raises(NotAuthenticated, match="wrong user name or password"):
            people.authenticate("ada", WORD)
        with pytest.raises(BadInput, match="disabled"):
            people.create_token(LOCAL, "ada")

    def test_of_two_admins_who_close_each_other_one_stays(self, people: People) -> None:
        open_account(people, "ada")
        open_account(people, "eve")
        ada, eve = (people.principal(people.authenticate(name, WORD)) for name in ("ada", "eve"))
        people.disable(ada, "eve")
        with pytest.raises(Conflict, match="'ada' is the last account with admin"):
            people.disable(eve, "ada")  # she was let in before her account was closed
        people.disable(LOCAL, "ada")
        assert all(user.disabled for user in people.users(LOCAL))

    def test_a_new_password_replaces_the_old_one_and_its_sessions(self, people: People) -> None:
        open_account(people)
        session = people.authenticate("ada", WORD)
        _, ci = people.create_token(LOCAL, "ada")
        people.set_password(LOCAL, "ada", "another password")
        with pytest.raises(NotAuthenticated):
            people.authenticate("ada", WORD)
        with pytest.raises(NotAuthenticated):
            people.principal(session)
        assert people.principal(ci).name == "ada"
        assert people.authenticate("ada", "another password")

    @pytest.mark.parametrize("change", ["password", "closing"])
    def test_an_account_that_changes_while_somebody_logs_in_gives_no_session(
        self, people: People, catalog: Catalog, clock: Clock, tmp_path: Path, change: str
    ) -> None:
        open_account(people)
        asked = []

        def meanwhile() -> datetime:
            asked.append(clock.at)
            if len(asked) == 2:  # the password was found right, and the token is not made yet
                if change == "password":
                    people.set_password(LOCAL, "ada", "another password")
                else:
                    people.disable(LOCAL, "ada")
            return clock.at

        other = People(catalog, Settings(home=tmp_path / "home", anonymous=()), meanwhile)
        with pytest.raises(NotAuthenticated, match="wrong user name or password"):
            other.authenticate("ada", WORD)
        assert len(asked) >= 2
        assert people.tokens(LOCAL) == ()

    def test_every_change_is_in_the_audit(self, people: People, catalog: Catalog) -> None:
        open_account(people)
        token, _ = people.create_token(LOCAL, "ada")
        people.revoke_token(LOCAL, token.id)
        people.set_password(LOCAL, "ada", "another password")
        people.authenticate("ada", "another password")
        people.disable(LOCAL, "ada")
        assert [(entry.by, entry.verb, entry.target) for entry in reversed(catalog.audit_lines())] == [
            ("local", "user.add", "ada"),
            ("local", "token.create", "ada"),
            ("local", "token.revoke", token.id),
            ("local", "user.password", "ada"),
            ("ada", "token.create", "ada"),
            ("local", "user.disable", "ada"),
        ]


class TestNamesAndPasswords:
    @pytest.mark.parametrize(
        "name", ["", "Ada", "a b", "ada\n", "-ada", "anonymous", "local", "a" * 65, "ad\u0430"]
    )
    def test_names_that_cannot_be(self, people: People, name: str) -> None:
        with pytest.raises(BadName):
            people.add_user(LOCAL, name, EVERYTHING, WORD)
        assert people.users(LOCAL) == ()

    def test_a_name_is_given_once(self, people: People) -> None:
        open_account(people)
        people.disable(LOCAL, "ada")
        with pytest.raises(Conflict):
            open_account(people)

    @pytest.mark.parametrize("word", ["", "7 chars", "x" * 1025])
    def test_passwords_that_cannot_be(self, people: People, word: str) -> None:
        with pytest.raises(BadInput) as caught:
            people.add_user(LOCAL, "ada", EVERYTHING, word)
        assert not word or word not in str(caught.value)
        assert people.users(LOCAL) == ()


class TestAnonymous:
    def test_nobody_may_what_the_settings_say(self, catalog: Catalog, clock: Clock, tmp_path: Path) -> None:
        people = People(catalog, Settings(home=tmp_path, anonymous=("search",)), clock)
        assert people.principal(None) == Principal(
            name="anonymous", permissions=frozenset({Permission.SEARCH}), is_anonymous=True
        )

    def test_who_says_who_it_is_may_at_least_what_everybody_may(
        self, catalog: Catalog, clock: Clock, tmp_path: Path
    ) -> None:
        people = People(catalog, Settings(home=tmp_path, anonymous=("download",)), clock)
        open_account(people, "ada", Permission.UPLOAD)
        permissions = people.principal(people.authenticate("ada", WORD)).permissions
        assert permissions == {Permission.DOWNLOAD, Permission.UPLOAD}

    @pytest.mark.parametrize("word", ["admin", "everything"])
    def test_not_everything_can_be_given_away(
        self, catalog: Catalog, clock: Clock, tmp_path: Path, word: str
    ) -> None:
        with pytest.raises(BadInput, match="WEIGHBRIDGE_ANONYMOUS"):
            People(catalog, Settings(home=tmp_path, anonymous=(word,)), clock)


class TestFirstStart:
    def test_a_one_time_secret_opens_the_first_account(self, people: People, tmp_path: Path) -> None:
        note = people.first_start()
        path = tmp_path / "home" / "setup-secret"
        secret = path.read_text().strip()
        assert str(path) in note
        assert secret not in note
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [file.name for file in path.parent.iterdir()] == ["setup-secret"]
        for wrong in ("", "x", secret[:-1], secret + "x", "\ud800"):
            with pytest.raises(NotAuthenticated):
                people.set_up(wrong, "ada", WORD)
        token = people.set_up(secret, "ada", WORD)
        assert people.principal(token).permissions == EVERYTHING
        assert not path.exists()
        with pytest.raises(NotAuthenticated):
            people.set_up(secret, "eve", WORD)
        assert people.first_start() == ""

    def test_a_bad_name_or_password_does_not_use_the_secret_up(self, people: People, tmp_path: Path) -> None:
        people.first_start()
        secret = (tmp_path / "home" / "setup-secret").read_text().strip()
        with pytest.raises(BadInput):
            people.set_up(secret, "ada", "short")
        with pytest.raises(BadName):
            people.set_up(secret, "not a name", WORD)
        assert people.set_up(secret, "ada", WORD)

    def test_of_many_with_the_secret_one_wins(self, people: People, tmp_path: Path) -> None:
        people.first_start()
        secret = (tmp_path / "home" / "setup-secret").read_text().strip()

        def take(number: int) -> bool:
            try:
                people.set_up(secret, f"user{number}", WORD)
            except NotAuthenticated:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(take, range(8))) == 1
        assert len(people.users(LOCAL)) == 1

    def test_starting_again_keeps_the_secret(self, people: People, tmp_path: Path) -> None:
        people.first_start()
        secret = (tmp_path / "home" / "setup-secret").read_text()
        people.first_start()
        assert (tmp_path / "home" / "setup-secret").read_text() == secret

    def test_without_a_secret_nothing_can_be_set_up(self, people: People) -> None:
        with pytest.raises(NotAuthenticated):
            people.set_up("", "ada", WORD)
        assert people.users(LOCAL) == ()

    def test_an_account_of_the_command_line_ends_the_set_up(self, people: People, tmp_path: Path) -> None:
        people.first_start()
        secret = (tmp_path / "home" / "setup-secret").read_text().strip()
        open_account(people)
        assert not (tmp_path / "home" / "setup-secret").exists()
        (tmp_path / "home" / "setup-secret").write_text(secret)  # as from a backup
        with pytest.raises(NotAuthenticated):
            people.set_up(secret, "eve", WORD)

    def test_the_password_of_the_settings_opens_admin_once(
        self, catalog: Catalog, clock: Clock, tmp_path: Path
    ) -> None:
        settings = Settings(home=tmp_path, admin_password="admin123")
        people = People(catalog, settings, clock)
        assert "admin123" not in people.first_start()
        assert people.principal(people.authenticate("admin", "admin123")).permissions == EVERYTHING
        people.set_password(LOCAL, "admin", "a better password")
        assert People(catalog, settings, clock).first_start() == ""
        with pytest.raises(NotAuthenticated):
            people.authenticate("admin", "admin123")
        assert list(tmp_path.iterdir()) == []

    def test_a_short_password_of_the_settings_is_refused(
        self, catalog: Catalog, clock: Clock, tmp_path: Path
    ) -> None:
        with pytest.raises(BadInput):
            People(catalog, Settings(home=tmp_path, admin_password="admin"), clock).first_start()
        assert catalog.users() == ()
