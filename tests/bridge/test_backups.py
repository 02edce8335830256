"""A registry in one file, and out of it again: the same bytes, accounts and audit, on either database."""

from __future__ import annotations

import random
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from huggingface_hub import HfApi, snapshot_download

from tests.bridge.test_repos import ANN, REPO, judged, model, put, small
from tests.catalogs import DATABASES, catalog_place
from tests.doors.asgi_server import serving
from tests.hub_server import HubServer
from tests.made_models import ONE_PERSON
from tests.torture.killing import Moments, broken_blobs, environment, run, seed, start, tree
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.catalog.tables import METADATA
from weighbridge.adapters.progress import SilentReporter
from weighbridge.bridge import now, open_bridge
from weighbridge.bridge.backups import BackedUp, Restored, back_up, restore
from weighbridge.domain.access import LOCAL, Permission
from weighbridge.domain.package import IngestRequest
from weighbridge.domain.ref import ModelRef
from weighbridge.doors.demo.models import MADE
from weighbridge.doors.hub import hub_app
from weighbridge.errors import BadBundle, BadInput, Conflict, NotFound, StoreDown
from weighbridge.settings import Settings, load_settings

POINTS = [pytest.param(5, id="five"), pytest.param(50, id="fifty", marks=pytest.mark.torture)]
"""At each of them a back-up is killed, and a restoring."""
Rows = dict[str, list[tuple[object, ...]]]
PASSWORD = "a password for tests"


@dataclass(frozen=True)
class Source:
    """A registry with a mirrored and a hosted model and an account, its back-up, and what was in it."""

    settings: Settings
    backup: Path
    done: BackedUp
    token: str
    rows: Rows


def settings_of(place: Path, **more: str) -> Settings:
    place.mkdir(exist_ok=True)
    environ = {"WEIGHBRIDGE_HOME": str(place / "home"), "HOME": str(place), **more}
    return load_settings(environ)


def rows_of(url: str) -> Rows:
    """Every row that a back-up holds, as values of Python; not the lines that tell of back-ups themselves."""
    catalog = Catalog.open(url)
    try:
        with catalog._reading() as connection:
            tables = [table for table in METADATA.sorted_tables if table.name not in ("workers", "tries")]
            queries = {table.name: table.select().order_by(*table.primary_key) for table in tables}
            return {
                name: [
                    tuple(row)
                    for row in connection.execute(query)
                    if name != "audit" or row.verb not in ("backup", "restore")
                ]
                for name, query in queries.items()
            }
    finally:
        catalog.close()


def audited(url: str) -> list[tuple[str, str, str]]:
    """What the newest lines of the audit say."""
    catalog = Catalog.open(url)
    try:
        return [(line.verb, line.target, line.detail) for line in catalog.audit_lines(5)]
    finally:
        catalog.close()


@pytest.fixture(scope="module")
def source(upstream: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Source:
    place = tmp_path_factory.mktemp("source")
    (place / "policy.yaml").write_text(ONE_PERSON)
    settings = settings_of(
        place, WEIGHBRIDGE_UPSTREAM=upstream.url, WEIGHBRIDGE_POLICY=str(place / "policy.yaml")
    )
    bridge = open_bridge(settings)
    try:
        bridge.packages.ingest(LOCAL, IngestRequest(ref=ModelRef.parse(MADE)))
        bridge.papers.public_key()
        bridge.people.add_user(LOCAL, "ann", frozenset(Permission), PASSWORD)
        token = bridge.people.authenticate("ann", PASSWORD)
        bridge.repos.create(ANN, REPO)
        repo = upstream.repos[MADE]
        files = {path: file.content for path, file in repo.commits[repo.head].items()}
        judged(bridge, put(bridge, *model(bridge, files)))
        garbage = FolderBlobs(settings.home, durable=True).add(b"named by nothing")
    finally:
        bridge.close()
    backup = place / "registry.backup"
    done = back_up(settings, backup, SilentReporter(), now, with_keys=True)
    assert garbage.encode() not in backup.read_bytes()
    return Source(settings, backup, done, token, rows_of(settings.catalog_url))


def restored(source: Source, place: Path, **more: str) -> tuple[Settings, Restored]:
    settings = settings_of(place, **more)
    return settings, restore(settings, source.backup, SilentReporter(), now)


@pytest.mark.parametrize("database", DATABASES)
def test_a_restored_registry_is_the_one_that_was_backed_up(
    database: str, source: Source, upstream: HubServer, tmp_path: Path
) -> None:
    with catalog_place(database, tmp_path) as url:
        settings, done = restored(source, tmp_path / "new", WEIGHBRIDGE_DATABASE_URL=url)
        assert rows_of(settings.catalog_url) == source.rows
        assert audited(settings.catalog_url)[0][:2] == ("restore", "registry.backup")
        assert audited(source.settings.catalog_url)[0] == (
            "backup",
            "registry.backup",
            f"sha256={source.done.sha256}",
        )
        assert done.rows == sum(map(len, source.rows.values()))
        assert (done.contents, source.done.lacking) == (source.done.contents, ())
        assert done.policy is not None
        assert done.policy.read_text() == ONE_PERSON
        for name in ("attestation.key", "signing.key"):
            assert (settings.home / name).read_bytes() == (source.settings.home / name).read_bytes()
            assert (settings.home / name).stat().st_mode & 0o777 == 0o600
        bridge = open_bridge(settings)
        try:
            with serving(hub_app(bridge.hub)) as address:
                for name in (MADE, REPO.full_name):
                    got = snapshot_download(
                        name, endpoint=address, token=source.token, cache_dir=tmp_path / "cache",
                        local_dir=tmp_path / name,
                    )  # fmt: skip
                    files = {p: c for p, c in tree(Path(got)).items() if not p.startswith(".cache/")}
                    repo = upstream.repos[MADE]
                    wanted = {path: file.content for path, file in repo.commits[repo.head].items()}
                    assert files.items() >= wanted.items()
                assert HfApi(endpoint=address, token=source.token).whoami()["name"] == "ann"
            assert bridge.people.authenticate("ann", PASSWORD)
            put(bridge, small("later.txt"))  # numbers of later rows do not collide with restored ones
            again = tmp_path / "again.backup"
            assert back_up(settings, again, SilentReporter(), now, with_keys=False).lacking == ()
        finally:
            bridge.close()


def test_the_file_is_its_owners_alone_and_holds_keys_only_where_they_are_asked_for(
    source: Source, tmp_path: Path
) -> None:
    keys = [(source.settings.home / name).read_bytes() for name in ("attestation.key", "signing.key")]
    place = tmp_path / "plain.backup"
    done = back_up(source.settings, place, SilentReporter(), now, with_keys=False)
    assert (done.with_keys, source.done.with_keys) == (False, True)
    assert [key in place.read_bytes() for key in keys] == [False, False]
    assert [key in source.backup.read_bytes() for key in keys] == [True, True]
    assert {path.stat().st_mode & 0o777 for path in (place, source.backup)} == {0o600}
    assert [path.name for path in tmp_path.iterdir()] == ["plain.backup"]
    with tarfile.open(source.backup) as tar:
        names = tar.getnames()
    assert len([name for name in names if name.startswith("blobs/")]) == source.done.contents


def test_only_an_empty_registry_is_restored_into(source: Source, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="in use"):
        restore(source.settings, source.backup, SilentReporter(), now)
    settings = settings_of(tmp_path / "other")
    open_bridge(settings).close()  # an empty catalogue, and a key of its own
    with pytest.raises(Conflict, match="another key"):
        restore(settings, source.backup, SilentReporter(), now)
    (settings.home / "signing.key").unlink()
    restore(settings, source.backup, SilentReporter(), now)
    assert rows_of(settings.catalog_url) == source.rows


@pytest.mark.parametrize("where", [0.0, 0.02, 0.3, 0.6, 0.9, 0.999, 1.0])
def test_a_damaged_back_up_restores_nothing(where: float, source: Source, tmp_path: Path) -> None:
    content = bytearray(source.backup.read_bytes())
    at = min(int(where * len(content)), len(content) - 1)
    content[at] ^= 1
    bad = tmp_path / "bad.backup"
    settings = settings_of(tmp_path / "new")
    cut = source.backup.read_bytes()[:at] + b""
    for damaged in (bytes(content), cut, source.backup.read_bytes() + b"."):
        bad.write_bytes(damaged)
        with pytest.raises((BadBundle, BadInput)):
            restore(settings, bad, SilentReporter(), now)
        assert not any(rows_of(settings.catalog_url).values())
    with pytest.raises(NotFound):
        restore(settings, tmp_path / "absent", SilentReporter(), now)


def test_lost_and_changed_contents_are_told(source: Source, tmp_path: Path) -> None:
    settings, _ = restored(source, tmp_path / "new")
    names = sorted(path for path in (settings.home / "blobs-v1").glob("sha256/*/*"))
    kept = names[0].read_bytes()
    names[0].unlink()
    place = tmp_path / "two.backup"
    done = back_up(settings, place, SilentReporter(), now, with_keys=False)
    assert done.lacking == (names[0].name,)
    names[0].write_bytes(b"x" * len(kept))
    with pytest.raises(BadBundle, match="other bytes"):
        back_up(settings, tmp_path / "three.backup", SilentReporter(), now, with_keys=False)
    assert not (tmp_path / "three.backup").exists()
    with pytest.raises(StoreDown):
        back_up(settings, tmp_path / "absent" / "x.backup", SilentReporter(), now, with_keys=False)


@pytest.mark.parametrize("points", POINTS)
def test_a_killed_back_up_or_restore_leaves_all_or_nothing(
    points: int, source: Source, tmp_path: Path
) -> None:
    rng = random.Random(seed())
    empty: Rows = {name: [] for name in source.rows}
    log, target = tmp_path / "log", tmp_path / "x.backup"
    of_backups, of_restores = Moments(rng), Moments(rng)
    for point in range(points):
        env = environment(source.settings.home)
        of_backups.kill(start(["backup", str(target)], env, tmp_path, log))
        if target.exists():
            with tarfile.open(target) as tar:
                assert len(tar.getnames()) > source.done.contents
        home = tmp_path / f"h{point}"
        env = environment(home)
        of_restores.kill(start(["restore", str(source.backup)], env, tmp_path, log))
        url = f"sqlite:///{home / 'catalog.sqlite3'}"
        found = rows_of(url)
        assert found in (empty, source.rows)
        assert broken_blobs(home) == []
        if found == empty:
            done = run(["restore", str(source.backup)], env, tmp_path)
            assert done.returncode == 0, done.stderr
        assert rows_of(url) == source.rows
    assert of_backups.caught > 0
    assert of_restores.caught > 0
