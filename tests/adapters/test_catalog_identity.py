"""Fingerprints and operator evidence in the catalogue."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.test_catalog import GOLDEN, line, package
from tests.adapters.test_catalog_hosted import begin
from tests.catalogs import DATABASES, open_catalog
from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.catalog.tables import FINGERPRINTS, PACKAGES
from weighbridge.domain.access import SEES_ALL, Sight
from weighbridge.domain.attached import Attached
from weighbridge.domain.ref import RepoId
from weighbridge.domain.resemblance import Fingerprint, Mark
from weighbridge.domain.sources import OperatorNote
from weighbridge.errors import NotFound

ANN = RepoId.parse("ann/copy")
SAME = Fingerprint(mark=Mark.WEIGHTS, value="a" * 64, subject="model.safetensors")
CARD = Fingerprint(mark=Mark.CARD, value="c" * 64, subject="the signature")
BANDS = tuple(Fingerprint(mark=Mark.BAND, value=f"{n:016x}") for n in range(20))
PIECES = tuple(Fingerprint(mark=Mark.NAME, value=f"{n:016x}") for n in range(3))


@pytest.fixture(params=DATABASES)
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(request.param, tmp_path) as opened:
        yield opened


def names(catalog: Catalog, *wanted: Fingerprint, sight: Sight = SEES_ALL) -> list[tuple[str, Mark]]:
    return [(m.repo, m.fingerprint.mark) for m in catalog.matches(ANN, wanted, sight)]


class TestMatches:
    def test_who_shares_weights_a_card_or_a_name_is_found_by_it(self, catalog: Catalog) -> None:
        catalog.add(package("a", "org/first"), [], line(), prints=[SAME])
        catalog.add(package("b", "org/second"), [], line(), prints=[CARD, *BANDS])
        catalog.add(package("c", "org/third"), [], line(), prints=PIECES)
        assert names(catalog, SAME, *BANDS[:1], *PIECES[:1]) == [
            ("org/first", Mark.WEIGHTS),
            ("org/second", Mark.CARD),
            ("org/third", Mark.NAME),
        ]
        assert names(catalog, Fingerprint(mark=Mark.TOKEN, value=SAME.value)) == []
        assert names(catalog) == []

    def test_a_model_does_not_resemble_its_own_versions(self, catalog: Catalog) -> None:
        catalog.add(package("a", "Ann/Copy"), [], line(), prints=[SAME, *PIECES])
        assert names(catalog, SAME, *PIECES) == []

    def test_a_former_name_is_its_own_and_others_are_told_todays(self, catalog: Catalog) -> None:
        first = begin(catalog, "k", RepoId.parse("bob/old"))
        kept = package("a", "bob/old", commit=first.commit.id)
        catalog.add(kept, [], line(), prints=[SAME, *PIECES], hosted=True)
        new = RepoId.parse("org/new")
        catalog.rename_repository("k", new, line("repo.move"))
        assert catalog.matches(new, [SAME, *PIECES], SEES_ALL) == ()
        assert names(catalog, SAME) == [("org/new", Mark.WEIGHTS)]
        assert catalog.net_score_of(new, SEES_ALL) == 0.7512

    def test_a_withdrawn_package_is_still_known(self, catalog: Catalog) -> None:
        catalog.add(package("a", "org/bad"), [], line(), prints=[SAME])
        catalog.withdraw("a", "malware", line("withdraw"))
        assert names(catalog, SAME) == [("org/bad", Mark.WEIGHTS)]

    def test_a_private_repository_is_not_named_to_others(self, catalog: Catalog) -> None:
        first = begin(catalog, "k", RepoId.parse("bob/secret"), private=True)
        secret = package("a", "bob/secret", commit=first.commit.id)
        catalog.add(secret, [], line(), prints=[SAME, *PIECES], hosted=True)
        assert names(catalog, SAME, *PIECES, sight=Sight()) == []
        assert catalog.net_score_of(RepoId.parse("bob/secret"), Sight()) is None
        bob = Sight(namespaces=frozenset({"bob"}))
        assert names(catalog, SAME, sight=bob) == [("bob/secret", Mark.WEIGHTS)]

    def test_thousands_of_packages_are_not_read_through(self, catalog: Catalog) -> None:
        catalog.add(package("a", "org/first"), [], line(), prints=[SAME, CARD, *BANDS, *PIECES])
        _fill(catalog, 2000)
        with catalog._writing() as connection:
            connection.exec_driver_sql("ANALYZE")
            explain = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
            plan = connection.exec_driver_sql(
                f"{explain} SELECT name FROM fingerprints f JOIN packages p ON p.id = f.package_id"
                " WHERE f.mark = 'band' AND f.value IN ('a', 'b')"
            ).all()
        assert not [step for step in plan if "SCAN" in str(step) or "Seq Scan" in str(step)]
        assert [m.repo for m in catalog.matches(ANN, [SAME, *BANDS, *PIECES], SEES_ALL)] == ["org/first"] * 3

    def test_fingerprints_are_written_once_and_may_come_later(self, catalog: Catalog) -> None:
        catalog.add(package("a", "org/first"), [], line())
        assert not catalog.is_fingerprinted("a")
        catalog.fingerprint("a", [SAME])
        catalog.fingerprint("a", [CARD])
        assert catalog.is_fingerprinted("a")
        assert names(catalog, SAME) == [("org/first", Mark.WEIGHTS)]


class TestNetScore:
    def test_it_is_that_of_the_newest_package_that_is_served(self, catalog: Catalog) -> None:
        catalog.add(package("a", "org/model"), [], line())
        assert catalog.net_score_of(RepoId.parse("ORG/model"), Sight()) == 0.7512
        catalog.withdraw("a", "old", line("withdraw"))
        assert catalog.net_score_of(RepoId.parse("org/model"), Sight()) is None


class TestNotes:
    def test_a_note_comes_back_with_who_and_when_and_is_in_the_audit(self, catalog: Catalog) -> None:
        entry = {"dataset": {"id": "org/data", "task_id": "test"}, "value": 0.91}
        note = OperatorNote(
            metric="performance_claims", by="ada", at="2026-11-21T08:30:15Z", entries=(entry,)
        )
        catalog.attach(Attached(id="n1", repo=RepoId.parse("Org/model"), note=note), line("evidence"))
        assert catalog.notes_of(RepoId.parse("org/Model")) == (note,)
        assert catalog.notes_of(RepoId.parse("org/other")) == ()
        assert [each.id for each in catalog.attached()] == ["n1"]
        assert [each.verb for each in catalog.audit_lines()] == ["evidence"]


class TestNotesOfHosted:
    """Evidence belongs to a repository and not to its name."""

    def attached(self, catalog: Catalog, id: str, name: str) -> None:
        note = OperatorNote(metric="performance_claims", by=id, at="2026-11-21T08:30:15Z", entries=())
        catalog.attach(Attached(id=id, repo=RepoId.parse(name), note=note), line("evidence"))

    def of(self, catalog: Catalog, name: str, sight: Sight = SEES_ALL) -> list[str]:
        return [each.id for each in catalog.attached(RepoId.parse(name), sight=sight)]

    def test_it_follows_a_new_name_and_not_who_takes_the_old_one(self, catalog: Catalog) -> None:
        begin(catalog, "k", RepoId.parse("ann/first"))
        self.attached(catalog, "n", "Ann/First")
        catalog.rename_repository("k", RepoId.parse("ann/second"), line("repo.move"))
        assert self.of(catalog, "ann/second") == self.of(catalog, "ann/first") == ["n"]
        assert [each.repo.full_name for each in catalog.attached()] == ["ann/second"]
        catalog.delete_repository("k", "gone", line("repo.delete"))
        for key, name in (("other", "ann/first"), ("third", "ann/second")):
            begin(catalog, key, RepoId.parse(name))
            assert self.of(catalog, name) == []

    def test_what_was_attached_before_is_that_of_the_first_who_has_the_name(self, catalog: Catalog) -> None:
        self.attached(catalog, "n", "ann/later")
        self.attached(catalog, "m", "org/mirror")
        begin(catalog, "k", RepoId.parse("ann/later"))
        catalog.rename_repository("k", RepoId.parse("ann/moved"), line("repo.move"))
        assert (self.of(catalog, "ann/moved"), self.of(catalog, "org/mirror")) == (["n"], ["m"])

    def test_that_of_a_private_repository_is_hidden_under_every_name(self, catalog: Catalog) -> None:
        begin(catalog, "k", RepoId.parse("ann/secret"), private=True)
        self.attached(catalog, "n", "ann/secret")
        catalog.rename_repository("k", RepoId.parse("ann/still"), line("repo.move"))
        assert catalog.attached(sight=Sight()) == ()
        assert self.of(catalog, "ann/secret", Sight()) == []
        assert [each.id for each in catalog.attached(sight=Sight(namespaces=frozenset({"ann"})))] == ["n"]

    def test_it_is_removed_once(self, catalog: Catalog) -> None:
        self.attached(catalog, "n", "org/mirror")
        assert catalog.note("n").note.by == "n"
        catalog.detach("n", line("evidence.remove"))
        assert self.of(catalog, "org/mirror") == []
        with pytest.raises(NotFound):
            catalog.note("n")
        with pytest.raises(NotFound):
            catalog.detach("n", line("evidence.remove"))
        assert [each.verb for each in catalog.audit_lines()] == ["evidence.remove", "evidence"]


@pytest.mark.parametrize(
    "dump", [p for p in sorted(GOLDEN.glob("*.sql")) if p.stem >= "0007"], ids=lambda path: path.stem
)
def test_origins_are_read_as_shipped(tmp_path: Path, dump: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.executescript(dump.read_text())
    connection.close()
    catalog = Catalog.open(f"sqlite:///{path}")
    found = {
        name: [str(origin) for origin in catalog.origins_of(RepoId.parse(name), SEES_ALL)]
        for name in ("ada/copy", "ada/mirror", "ann/small", "org/model")
    }
    assert found == {"ada/copy": ["ann/small"], "ada/mirror": ["org/model"], "ann/small": [], "org/model": []}
    assert [each.id for each in catalog.attached(RepoId.parse("ada/copy"))] == ["note2"]
    catalog.close()


def test_older_evidence_is_given_to_the_repository_that_has_its_name(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.executescript((GOLDEN / "0006.sql").read_text())
        connection.execute("UPDATE operator_notes SET name = 'Ann/small', name_key = 'ann/small'")
    connection.close()
    catalog = Catalog.open(f"sqlite:///{path}")
    catalog.rename_repository("k1", RepoId.parse("ann/other"), line("repo.move"))
    assert [each.repo.full_name for each in catalog.attached(RepoId.parse("ann/other"))] == ["ann/other"]
    catalog.close()


@pytest.mark.parametrize(
    "dump", [p for p in sorted(GOLDEN.glob("*.sql")) if p.stem >= "0006"], ids=lambda path: path.stem
)
def test_fingerprints_and_notes_are_read_as_shipped(tmp_path: Path, dump: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.executescript(dump.read_text())
    connection.close()
    catalog = Catalog.open(f"sqlite:///{path}")
    assert names(catalog, SAME) == [("org/model", Mark.WEIGHTS)]
    (note,) = catalog.notes_of(RepoId.parse("org/model"))
    assert (note.by, note.entries[0]["value"]) == ("ada", 0.91)
    catalog.close()


def _fill(catalog: Catalog, count: int) -> None:
    """Many other packages, written past the catalogue: it would sync the disk for each."""
    drawn = random.Random(1)  # rows, not secrets
    with catalog._writing() as connection:
        first = dict(connection.execute(PACKAGES.select().limit(1)).one()._mapping)
        rows = [{**first, "id": f"p{n}", "name": f"o{n}/m", "name_key": f"o{n}/m"} for n in range(count)]
        connection.execute(PACKAGES.insert(), rows)
        prints = [
            {"mark": mark, "value": f"{drawn.getrandbits(64):016x}", "package_id": row["id"], "subject": ""}
            for row in rows
            for mark in ("band",) * 20 + ("name",) * 3
        ]
        connection.execute(FINGERPRINTS.insert(), prints)
