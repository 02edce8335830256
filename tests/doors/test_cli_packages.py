"""``weighbridge package`` as a process on a home that holds packages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.adapters.test_catalog import line, package
from tests.doors.test_cli_people import Machine
from weighbridge.adapters.catalog import Catalog


def filled(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    catalog = Catalog.open(tmp_path / "registry" / "catalog.sqlite3")
    for number, name in enumerate(("org/bert", "org/bert", "org/llama")):
        made = replace(package(f"p{number}", name, f"1.{number}.0", number), licence="mit")
        catalog.add(made, [], line())
    catalog.close()
    return machine


def test_packages_are_listed_searched_and_paged(tmp_path: Path) -> None:
    machine = filled(tmp_path)
    shown = machine.run("package", "list", "--limit", "2")
    assert [row.split()[0] for row in shown.stdout.splitlines()] == [
        "PACKAGE",
        "org/llama@1.2.0",
        "org/bert@1.1.0",
    ]
    assert "2 of 3; the next page: --after p1" in shown.stderr
    found = machine.json(
        "package", "list", "--q", "BERT", "--minimum", "license=0.9", "--licence", "permissive"
    )
    assert ([one["package_id"] for one in found["packages"]], found["total"]) == (["p1", "p0"], 2)
    machine.run("package", "list", "--minimum", "license", code=2)
    machine.run("package", "list", "--minimum", "colour=1", code=2)


def test_the_versions_of_a_name(tmp_path: Path) -> None:
    machine = filled(tmp_path)
    assert (
        machine.run("package", "versions", "org/bert").stdout.splitlines()[-1] == "latest 1.1.0, next 1.2.0"
    )
    assert machine.json("package", "versions", "Org/Bert")["latest"] == "1.1.0"
    machine.run("package", "versions", "org/none", code=4)


def test_a_package_is_deleted_once_it_is_meant(tmp_path: Path) -> None:
    machine = filled(tmp_path)
    asked = machine.run("package", "delete", "org/bert@1.1.0", "--reason", "leaks", code=2)
    assert "give --yes" in asked.stderr
    machine.run("package", "delete", "org/bert", "--reason", "leaks", "--yes", code=2)
    machine.run("package", "delete", "org/bert@9.0.0", "--reason", "leaks", "--yes", code=4)
    assert machine.json("package", "list", "--state", "deleted")["packages"] == []
    done = machine.run("package", "delete", "org/bert@1.1.0", "--reason", "leaks", "--yes")
    assert done.stdout == "deleted org/bert@1.1.0: leaks\n"
    again = machine.json("package", "delete", "org/bert@1.1.0", "--reason", "more")
    assert (again["state"], again["state_reason"]) == ("deleted", "leaks")
    assert (
        machine.run("package", "versions", "org/bert").stdout.splitlines()[-1] == "latest 1.0.0, next 1.2.0"
    )
