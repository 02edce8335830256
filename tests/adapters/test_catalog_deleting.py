"""What a deleted package leaves in the catalogue, on every database."""

from __future__ import annotations

from datetime import date
from hashlib import sha256

import pytest

from tests.adapters.test_catalog import catalog, line, package
from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.package import Package, PackageState
from weighbridge.domain.policy import Waiver
from weighbridge.domain.ref import RepoId
from weighbridge.domain.resemblance import Fingerprint, Mark
from weighbridge.errors import NoSuchPackage, PackageExists

__all__ = ["catalog"]
DIGEST = sha256(b"some weights").hexdigest()


def files(package: Package) -> set[str]:
    return {file.sha256 or "" for file in package.manifest.files}


def admit(catalog: Catalog, made: Package, *waivers: Waiver) -> Package:
    weights = Fingerprint(mark=Mark.WEIGHTS, value=DIGEST, subject="model.safetensors")
    catalog.add(made, waivers, line(), prints=[weights])
    return made


def test_its_files_are_named_no_more_and_all_else_is(catalog: Catalog) -> None:
    gone, left = admit(catalog, package("a")), admit(catalog, package("b", "org/other"))
    catalog.delete_package("a", "leaks", line("package.delete"))
    named = catalog.named()
    assert named.contents.isdisjoint(files(gone))
    assert files(left) <= named.contents
    assert DIGEST in named.contents
    assert {gone.evidence_sha256, gone.verdict_sha256} <= named.contents
    assert named.commits == {left.manifest.commit}
    assert catalog.contents().isdisjoint(files(gone))
    assert {gone.evidence_sha256, *files(left)} <= catalog.contents()
    catalog.delete_package("b", "leaks", line("package.delete"))
    assert DIGEST not in catalog.named().contents


def test_it_keeps_its_version_and_its_first_reason_and_frees_its_commit(catalog: Catalog) -> None:
    gone = admit(catalog, package("a"))
    catalog.delete_package("a", "leaks", line("package.delete"))
    catalog.delete_package("a", "another reason", line("package.delete"))
    kept = catalog.package("a")
    assert (kept.state, kept.state_reason, kept.manifest) == (PackageState.DELETED, "leaks", gone.manifest)
    assert [each.verb for each in catalog.audit_lines()] == ["package.delete", "package.add"]
    with pytest.raises(PackageExists):
        catalog.add(package("b"), [], line())
    catalog.add(package("b", version="1.1.0", commit=gone.manifest.commit), [], line())
    assert files(gone).isdisjoint(catalog.named().contents)
    with pytest.raises(NoSuchPackage):
        catalog.delete_package("c", "unknown", line())


def test_waivers_are_told_page_by_page_with_what_they_admitted(catalog: Catalog) -> None:
    given = [
        Waiver(metric="license", repo="org/model", reason="bought", author="ada"),
        Waiver(metric="bus_factor", repo="org/model", reason="ours", author="bob", expires=date(2027, 1, 1)),
    ]
    admit(catalog, package("a"), *given)
    admit(
        catalog, package("b", "org/other"), Waiver(metric="license", repo="org/other", reason="r", author="a")
    )
    catalog.delete_package("a", "leaks", line("package.delete"))
    told = catalog.admittances()
    assert [(each.package_id, each.state.value) for each in told] == [
        ("b", "active"),
        ("a", "deleted"),
        ("a", "deleted"),
    ]
    assert [each.waiver for each in told[1:]] == given[::-1]
    first = catalog.admittances(limit=2)
    assert (*first, *catalog.admittances(limit=2, after=first[-1].id)) == told
    assert catalog.admittances(RepoId.parse("ORG/Other")) == told[:1]
