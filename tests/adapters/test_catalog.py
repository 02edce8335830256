"""The catalogue on real SQLite, in memory and in a file."""

from __future__ import annotations

import re
import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from tests.catalogs import DATABASES, catalog_place, open_catalog
from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.catalog.migrate import HEAD
from weighbridge.adapters.catalog.passwords import check_password, hash_password
from weighbridge.adapters.catalog.tables import METADATA
from weighbridge.domain.access import AuditLine, Permission, Role, Token, User
from weighbridge.domain.discussion import DiscussionQuery, EventKind
from weighbridge.domain.manifest import FileEntry, Manifest, digests_of
from weighbridge.domain.package import Package, PackageState, Refusal, Version
from weighbridge.domain.policy import Waiver
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.errors import (
    BadInput,
    Conflict,
    NoSuchPackage,
    NotAuthenticated,
    NotFound,
    PackageExists,
    StoreDown,
)

T0 = datetime(2026, 11, 21, 8, 30, 15, 123456, tzinfo=UTC)
GOLDEN = Path(__file__).parent.parent / "golden" / "catalog"


def commit(seed: object) -> str:
    return sha256(str(seed).encode()).hexdigest()[:40]


def package(id: str, name: str = "org/model", version: str = "1.0.0", at: int = 0, **more: object) -> Package:
    repo = RepoId.parse(name, RepoKind(str(more.get("kind", "model"))))
    content = f"content of {id}".encode()
    entry = FileEntry(path="config.json", size_bytes=len(content), digests=digests_of(content))
    return Package(
        id=id,
        version=Version(version),
        manifest=Manifest(repo=repo, commit=str(more.get("commit", commit(id))), files=(entry,)),
        net_score=0.7512,
        metrics={"license": 1.0, "size_score": 0.81},
        evidence_sha256="e" * 64,
        verdict_sha256="d" * 64,
        created_at=T0 + timedelta(minutes=at),
        created_by="ada",
        description="A model.",
    )


def line(verb: str = "package.add", target: str = "org/model@1.0.0") -> AuditLine:
    return AuditLine(at=T0, by="ada", verb=verb, target=target)


def user(name: str = "ada", *permissions: Permission) -> User:
    return User(name=name, permissions=frozenset(permissions or Permission), created_at=T0)


@pytest.fixture(params=["memory", *DATABASES])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(request.param, tmp_path) as opened:
        yield opened


class TestPackages:
    def test_a_package_comes_back_as_it_was(self, catalog: Catalog) -> None:
        waiver = Waiver(
            metric="performance_claims",
            repo="org/model",
            reason="we measured it ourselves",
            author="ada",
            commit=commit("a"),
            expires=date(2027, 1, 31),
        )
        catalog.add(package("a"), [waiver], line())
        assert catalog.package("a") == package("a")
        assert catalog.waivers("a") == (waiver,)
        assert [(found.verb, found.by, found.at) for found in catalog.audit_lines()] == [
            ("package.add", "ada", T0)
        ]

    def test_an_instant_in_another_zone_is_the_same_instant(self, catalog: Catalog) -> None:
        at = datetime(2026, 6, 1, 23, 30, tzinfo=timezone(timedelta(hours=-9)))
        catalog.add(replace(package("a"), created_at=at), [], line())
        assert catalog.package("a").created_at == at
        assert catalog.package("a").created_at.tzinfo is UTC

    def test_an_unknown_package_is_not_found(self, catalog: Catalog) -> None:
        with pytest.raises(NoSuchPackage):
            catalog.package("nothing")

    @pytest.mark.parametrize(
        "second",
        [
            package("b", version="1.0.0"),
            package("b", version="1.0.0", name="Org/Model"),
            package("b", version="2.0.0", commit=commit("a")),
        ],
        ids=["same version", "same version in other letters", "same commit"],
    )
    def test_a_taken_version_or_commit_is_refused_and_nothing_changes(
        self, catalog: Catalog, second: Package
    ) -> None:
        catalog.add(package("a"), [], line())
        repo, sha = second.manifest.repo, second.manifest.commit
        with pytest.raises(PackageExists):
            catalog.require_free(repo, sha, second.version)
        waiver = Waiver(metric="license", repo="org/model", reason="r", author="a")
        with pytest.raises(PackageExists):
            catalog.add(second, [waiver], line())
        assert [found.id for found in catalog.packages()] == ["a"]
        assert catalog.waivers("b") == ()
        assert len(catalog.audit_lines()) == 1

    def test_the_same_name_of_another_kind_is_another_name(self, catalog: Catalog) -> None:
        catalog.add(package("a"), [], line())
        catalog.add(package("b", kind="dataset", commit=commit("a")), [], line())
        assert catalog.repos(RepoKind.DATASET) == (RepoId.parse("org/model", RepoKind.DATASET),)

    def test_a_withdrawn_package_keeps_its_version_and_frees_its_commit(self, catalog: Catalog) -> None:
        catalog.add(package("a"), [], line())
        catalog.withdraw("a", "a worm was found", line("package.withdraw"))
        assert catalog.package("a").state is PackageState.WITHDRAWN
        assert catalog.package("a").state_reason == "a worm was found"
        repo = RepoId.parse("org/model")
        with pytest.raises(PackageExists):
            catalog.require_free(repo, commit("other"), Version("1.0.0"))
        catalog.require_free(repo, commit("a"), Version("1.1.0"))
        catalog.require_free(repo, commit("a"), None)
        assert catalog.versions(repo) == (Version("1.0.0"),)
        assert catalog.repos(RepoKind.MODEL) == ()
        assert catalog.audit_lines()[0].verb == "package.withdraw"
        with pytest.raises(Conflict):
            catalog.withdraw("a", "again", line())
        with pytest.raises(NoSuchPackage):
            catalog.withdraw("b", "unknown", line())

    def test_recording_the_same_package_again_changes_nothing(self, catalog: Catalog) -> None:
        catalog.add(package("a"), [], line())
        catalog.add(package("a"), [], line())
        assert len(catalog.packages()) == len(catalog.audit_lines()) == 1

    def test_pages_are_newest_first_and_miss_nothing(self, catalog: Catalog) -> None:
        # Three at each minute: the cursor must tell equal times apart.
        for number in range(9):
            catalog.add(package(f"p{number}", version=f"1.{number}.0", at=number // 3), [], line())
        seen: list[str] = []
        after = None
        while page := catalog.packages(limit=2, after=after):
            seen += [found.id for found in page]
            after = page[-1].id
        assert seen == [f"p{number}" for number in (8, 7, 6, 5, 4, 3, 2, 1, 0)]
        with pytest.raises(BadInput):
            catalog.packages(after="nothing")

    def test_filters(self, catalog: Catalog) -> None:
        catalog.add(package("a", at=1), [], line())
        catalog.add(package("b", at=2, version="1.1.0"), [], line())
        catalog.add(package("c", at=3, name="org/other"), [], line())
        catalog.add(package("d", at=4, kind="dataset"), [], line())
        catalog.withdraw("a", "old", line())

        def ids(**wanted: object) -> list[str]:
            return [found.id for found in catalog.packages(**wanted)]  # type: ignore[arg-type]

        assert ids(kind=RepoKind.MODEL) == ["c", "b", "a"]
        assert ids(name="ORG/model") == ["d", "b", "a"]
        assert ids(state=PackageState.ACTIVE) == ["d", "c", "b"]
        assert ids(name="org/model", kind=RepoKind.MODEL, state=PackageState.WITHDRAWN) == ["a"]
        assert [found.id for found in catalog.packages_of(RepoId.parse("Org/model"))] == ["b", "a"]
        assert catalog.repos(RepoKind.MODEL) == (RepoId.parse("org/model"), RepoId.parse("org/other"))

    def test_two_spellings_of_a_name_are_one_repository(self, catalog: Catalog) -> None:
        catalog.add(package("a", name="Org/Model"), [], line())
        catalog.add(package("b", at=2, name="org/model", version="1.1.0"), [], line())
        assert catalog.repos(RepoKind.MODEL) == (RepoId.parse("org/model"),)

    def test_of_many_at_once_exactly_one_gets_the_version(self, catalog: Catalog) -> None:
        def add(number: int) -> bool:
            try:
                catalog.add(package(f"p{number}"), [], line())
            except PackageExists:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(add, range(16))) == 1
        assert len(catalog.packages()) == len(catalog.audit_lines()) == 1


class TestRefusals:
    def refusal(self, id: str, at: int = 0) -> Refusal:
        return Refusal(
            id=id,
            ref=ModelRef.parse("org/model@main"),
            commit=commit(id),
            outcome="refused",
            sentence="Failed metrics: License (0.00 < 0.50)",
            evidence_sha256="e" * 64,
            verdict_sha256="d" * 64,
            created_at=T0 + timedelta(minutes=at),
            created_by="ada",
        )

    def test_refusals_are_kept_and_paged(self, catalog: Catalog) -> None:
        for number in range(3):
            catalog.add_refusal(self.refusal(f"r{number}", number), line("package.refuse"))
        catalog.add_refusal(self.refusal("r0"), line("package.refuse"))
        assert [found.id for found in catalog.refusals(limit=2)] == ["r2", "r1"]
        assert [found.id for found in catalog.refusals(limit=2, after="r1")] == ["r0"]
        other = ModelRef.parse("org/other")
        catalog.add_refusal(replace(self.refusal("r3", 3), ref=other), line("package.refuse"))
        same = RepoId.parse("Org/Other")
        assert [found.id for found in catalog.refusals(repo=same)] == ["r3"]
        assert catalog.refusals(repo=replace(same, kind=RepoKind.DATASET)) == ()
        assert [found.id for found in catalog.refusals(2, "r2", repo=RepoId.parse("org/model"))] == [
            "r1",
            "r0",
        ]
        assert catalog.refusal("r1") == self.refusal("r1", 1)
        assert len(catalog.audit_lines()) == 4
        with pytest.raises(NotFound):
            catalog.refusal("r9")


class TestAccounts:
    def token(self, id: str = "t1", **more: object) -> Token:
        fields: dict[str, object] = {
            "id": id,
            "user": "ada",
            "permissions": frozenset({Permission.UPLOAD}),
            "created_at": T0,
            "expires_at": T0 + timedelta(days=30),
        }
        return Token(**{**fields, **more})  # type: ignore[arg-type]

    def test_a_user_comes_back_without_the_hash(self, catalog: Catalog) -> None:
        catalog.add_user(user("ada", Permission.SEARCH), "the hash", line("user.add", "ada"))
        assert catalog.user("ada") == user("ada", Permission.SEARCH)
        assert catalog.users() == (user("ada", Permission.SEARCH),)
        assert catalog.password_hash("ada") == "the hash"
        assert catalog.password_hash("bob") is None
        with pytest.raises(Conflict):
            catalog.add_user(user("ada"), "another hash", line())
        assert catalog.password_hash("ada") == "the hash"
        assert len(catalog.audit_lines()) == 1
        with pytest.raises(NotFound):
            catalog.user("bob")

    def test_a_token_is_found_by_its_digest_with_its_user(self, catalog: Catalog) -> None:
        catalog.add_user(user(), "hash", line())
        catalog.add_token(self.token(), "a" * 64, line())
        assert catalog.token("a" * 64) == (self.token(), user())
        assert catalog.token("b" * 64) is None
        catalog.used("t1", T0 + timedelta(hours=1))
        assert catalog.tokens("ada")[0].last_used_at == T0 + timedelta(hours=1)
        with pytest.raises(NotFound):
            catalog.add_token(self.token("t2", user="bob"), "c" * 64, line())

    def test_revoking_keeps_the_first_date(self, catalog: Catalog) -> None:
        catalog.add_user(user(), "hash", line())
        catalog.add_token(self.token(), "a" * 64, line())
        catalog.revoke("t1", line("token.revoke"))
        catalog.revoke("t1", replace(line("token.revoke"), at=T0 + timedelta(days=1)))
        assert catalog.tokens()[0].revoked_at == T0
        with pytest.raises(NotFound):
            catalog.revoke("t9", line())

    def test_a_new_password_ends_sessions_only(self, catalog: Catalog) -> None:
        catalog.add_user(user(), "hash", line())
        catalog.add_token(self.token("session", is_session=True), "a" * 64, line())
        catalog.add_token(self.token("ci"), "b" * 64, line())
        catalog.set_password("ada", "new hash", line("user.password"))
        assert {t.id: t.revoked_at for t in catalog.tokens("ada")} == {"session": T0, "ci": None}
        assert catalog.password_hash("ada") == "new hash"
        with pytest.raises(NotFound):
            catalog.set_password("bob", "hash", line())

    def test_a_disabled_user_has_no_password_any_more(self, catalog: Catalog) -> None:
        catalog.add_user(user(), "hash", line())
        catalog.disable("ada", line("user.disable"))
        assert catalog.password_hash("ada") is None
        assert catalog.user("ada").disabled
        with pytest.raises(NotFound):
            catalog.disable("bob", line())

    def test_the_audit_is_paged_by_its_own_number(self, catalog: Catalog) -> None:
        for number in range(3):
            catalog.add_user(user(f"u{number}"), "hash", line("user.add", f"u{number}"))
        first = catalog.audit_lines(limit=2)
        assert [found.target for found in first] == ["u2", "u1"]
        assert [found.target for found in catalog.audit_lines(after=first[-1].id)] == ["u0"]
        with pytest.raises(BadInput):
            catalog.audit_lines(after="x")


class TestPasswords:
    def test_only_the_password_fits(self) -> None:
        hashed = hash_password("correct horse")
        check_password(hashed, "correct horse")
        assert hashed.startswith("$argon2id$")
        for wrong_hash, word in ((hashed, "wrong horse"), (None, "correct horse"), ("", "x"), ("junk", "x")):
            with pytest.raises(NotAuthenticated):
                check_password(wrong_hash, word)

    def test_nobody_cannot_log_in_even_with_the_stand_in_password(self) -> None:
        with pytest.raises(NotAuthenticated):
            check_password(None, "nobody has this password")


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    (tmp_path / "empty").mkdir()
    with catalog_place(request.param, tmp_path / "empty") as place:
        yield place


class TestDatabase:
    def test_what_was_added_is_there_after_opening_again(self, url: str) -> None:
        first = Catalog.open(url)
        first.add(package("a"), [], line())
        first.close()
        second = Catalog.open(url)
        assert second.package("a") == package("a")
        second.close()

    def test_many_may_start_at_once(self, url: str) -> None:
        with ThreadPoolExecutor(6) as pool:
            catalogs = list(pool.map(lambda _: Catalog.open(url), range(6)))
        catalogs[0].add(package("a"), [], line())
        assert [len(catalog.packages()) for catalog in catalogs] == [1] * 6
        for catalog in catalogs:
            catalog.close()

    def test_a_newer_database_is_left_alone(self, url: str) -> None:
        with closing(Catalog.open(url)) as catalog, catalog._writing() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(StoreDown, match="newer Weighbridge"):
            Catalog.open(url)

    def test_errors_do_not_repeat_values(self, url: str) -> None:
        catalog = Catalog.open(url)
        with catalog._writing() as connection:
            connection.exec_driver_sql("ALTER TABLE users RENAME TO gone")
        with pytest.raises(StoreDown) as caught:
            catalog.add_user(user(), "the-secret-hash", line())
        assert re.search("no such table|does not exist", str(caught.value))
        assert "the-secret-hash" not in str(caught.value) + str(caught.value.__cause__)
        catalog.close()

    def test_a_writer_waits_until_the_one_before_has_ended(self, url: str) -> None:
        order: list[str] = []
        with closing(Catalog.open(url)) as first, closing(Catalog.open(url)) as second:
            with ThreadPoolExecutor(1) as pool, first._writing():
                begun = pool.submit(lambda: (second.add(package("a"), [], line()), order.append("second")))
                # a reader waits for nobody
                assert first.packages() == second.packages() == ()
                order.append("first")
            begun.result()
            assert order == ["first", "second"]
            assert [found.id for found in first.packages()] == ["a"]

    def test_the_steps_make_the_tables_that_the_code_uses(self, url: str) -> None:
        with closing(Catalog.open(url)) as catalog, catalog._reading() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, METADATA) == []
            assert context.get_current_revision() == HEAD


class TestFile:
    def test_folders_are_made(self, tmp_path: Path) -> None:
        path = tmp_path / "deep" / "er" / "catalog.sqlite3"
        Catalog.open(f"sqlite:///{path}").close()
        assert path.exists()

    def test_the_file_is_private_and_durable(self, tmp_path: Path) -> None:
        path = tmp_path / "catalog.sqlite3"
        catalog = Catalog.open(f"sqlite:///{path}")
        catalog.add(package("a"), [], line())
        for file in tmp_path.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        with catalog._reading() as connection:
            pragmas = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            ]
        assert pragmas == ["wal", 2, 1, 20_000]
        catalog.close()

    def test_what_is_no_database_is_said(self, tmp_path: Path) -> None:
        path = tmp_path / "catalog.sqlite3"
        path.write_text("this is not a database, but a text that is long enough to be read as one" * 20)
        with pytest.raises(StoreDown, match="not a database"):
            Catalog.open(f"sqlite:///{path}")
        (tmp_path / "file").write_text("")
        with pytest.raises(StoreDown):
            Catalog.open(f"sqlite:///{tmp_path / 'file' / 'catalog.sqlite3'}")

    @pytest.mark.parametrize(
        "url", ["nonsense", "mysql9://u:secret@h/d", "postgresql+nodriver://u:secret@h/d"]
    )
    def test_a_url_that_cannot_be_used_is_said_without_its_password(self, url: str) -> None:
        with pytest.raises(BadInput) as caught:
            Catalog.open(url)
        assert "secret" not in str(caught.value) + caught.value.hint


class TestSchema:
    def test_postgresql_takes_the_tables(self) -> None:
        dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
        spelled = [str(CreateTable(table).compile(dialect=dialect)) for table in METADATA.sorted_tables]
        spelled += [
            str(CreateIndex(index).compile(dialect=dialect))
            for table in METADATA.sorted_tables
            for index in table.indexes
        ]
        text = "\n".join(spelled)
        assert "TIMESTAMP WITH TIME ZONE" in text
        assert "WHERE state = 'active'" in text

    @pytest.mark.parametrize("dump", sorted(GOLDEN.glob("*.sql")), ids=lambda path: path.stem)
    def test_every_catalogue_ever_shipped_opens(self, tmp_path: Path, dump: Path) -> None:
        path = tmp_path / "catalog.sqlite3"
        with sqlite3.connect(path) as connection:
            connection.executescript(dump.read_text())
        connection.close()
        catalog = Catalog.open(f"sqlite:///{path}")
        assert [(p.name, p.version.text, p.state.value) for p in catalog.packages()] == [
            ("org/model", "1.1.0", "active"),
            ("org/model", "1.0.0", "withdrawn"),
        ]
        assert catalog.waivers(catalog.packages()[0].id)[0].metric == "performance_claims"
        assert catalog.refusals()[0].sentence.startswith("Model does not meet quality requirements")
        found = catalog.token(sha256(b"wbr_golden").hexdigest())
        assert found is not None
        assert (found[0].user, found[1].permissions) == ("ada", frozenset(Permission))
        check_password(catalog.password_hash("ada"), "correct horse")
        assert [entry.verb for entry in catalog.audit_lines()][-1] == "user.add"
        catalog.close()

    @pytest.mark.parametrize(
        "dump", [p for p in sorted(GOLDEN.glob("*.sql")) if p.stem >= "0002"], ids=lambda path: path.stem
    )
    def test_every_hosted_repository_ever_shipped_is_read(self, tmp_path: Path, dump: Path) -> None:
        path = tmp_path / "catalog.sqlite3"
        with sqlite3.connect(path) as connection:
            connection.executescript(dump.read_text())
        connection.close()
        catalog = Catalog.open(f"sqlite:///{path}")
        repository = catalog.hosted(RepoId.parse("ANN/tiny"))
        assert repository is not None
        assert (repository.id.full_name, repository.private) == ("ann/small", False)
        refs = catalog.hosted_refs(repository.key)
        assert refs.tags["v1"] == refs.branches["main"]
        revision = catalog.revision(repository, refs.branches["main"])
        assert revision is not None
        assert (revision.commit.title, list(revision.manifest.by_path)) == ("A card", ["README.md"])
        assert catalog.unjudged() == [(repository, revision.commit.id)]
        assert catalog.is_mirrored(RepoId.parse("Org/model"))
        catalog.close()

    @pytest.mark.parametrize(
        "dump", [p for p in sorted(GOLDEN.glob("*.sql")) if p.stem >= "0003"], ids=lambda path: path.stem
    )
    def test_people_around_repositories_are_read_as_shipped(self, tmp_path: Path, dump: Path) -> None:
        path = tmp_path / "catalog.sqlite3"
        with sqlite3.connect(path) as connection:
            connection.executescript(dump.read_text())
        connection.close()
        catalog = Catalog.open(f"sqlite:///{path}")
        repository = catalog.hosted(RepoId.parse("ann/small"))
        assert repository is not None
        count, (pull, talk) = catalog.discussions(repository.key, DiscussionQuery())
        assert (count, pull.title, talk.title, pull.ref) == (2, "Best", "Why?", "refs/pr/2")
        assert [event.kind for event in catalog.events(pull)] == [EventKind.COMMIT, EventKind.TITLE]
        assert catalog.hosted_refs(repository.key).pulls == {"refs/pr/2": catalog.events(pull)[0].commit}
        assert catalog.is_let_in(repository.key, "ada")
        assert catalog.likers(repository.key) == ("ada",)
        assert catalog.organizations() == {"acme": {"ada": Role.WRITE}}
        catalog.close()

    @pytest.mark.parametrize(
        "dump", [p for p in sorted(GOLDEN.glob("*.sql")) if p.stem >= "0004"], ids=lambda path: path.stem
    )
    def test_groups_and_quotas_are_read_as_shipped(self, tmp_path: Path, dump: Path) -> None:
        path = tmp_path / "catalog.sqlite3"
        with sqlite3.connect(path) as connection:
            connection.executescript(dump.read_text())
        connection.close()
        catalog = Catalog.open(f"sqlite:///{path}")
        (group,) = catalog.groups_in("acme")
        assert (group.full_name, group.members) == ("acme/Vision", {"ada": Role.CONTRIBUTOR})
        assert [each.id.full_name for each in group.repositories] == ["acme/eyes"]
        assert catalog.memberships("ada")[1] == {("g1", Role.CONTRIBUTOR)}
        assert [(q.namespace, q.used_bytes, q.own) for q in catalog.quotas()] == [
            ("acme", 4, True),
            ("ann", 7, False),
        ]
        catalog.close()

    @pytest.mark.parametrize(
        "dump", [p for p in sorted(GOLDEN.glob("*.sql")) if p.stem >= "0005"], ids=lambda path: path.stem
    )
    def test_downloads_are_read_as_shipped(self, tmp_path: Path, dump: Path) -> None:
        path = tmp_path / "catalog.sqlite3"
        with sqlite3.connect(path) as connection:
            connection.executescript(dump.read_text())
        connection.close()
        catalog = Catalog.open(f"sqlite:///{path}")
        repository = catalog.hosted(RepoId.parse("ann/small"))
        assert repository is not None
        assert catalog.downloads(repository.key, date(2026, 11, 1)) == (3, 7)
        catalog.close()

    @pytest.mark.parametrize("dump", ["0002", "0003"])
    def test_what_is_used_is_counted_when_the_tables_are_made(self, tmp_path: Path, dump: str) -> None:
        path = tmp_path / "catalog.sqlite3"
        with sqlite3.connect(path) as connection:
            connection.executescript((GOLDEN / f"{dump}.sql").read_text())
        connection.close()
        catalog = Catalog.open(f"sqlite:///{path}")
        repository = catalog.hosted(RepoId.parse("ann/small"))
        assert repository is not None
        assert (catalog.quota("Ann").used_bytes, catalog.used_by(repository)) == (7, 7)
        catalog.close()
