"""The terms of a model (its own, its base models', its data sets'), and what a policy says to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from weighbridge.domain.evidence import DataSet, Evidence, Parent, Source, SourceState, Text
from weighbridge.domain.licence import Licence, licence_of
from weighbridge.domain.licence_table import ROWS
from weighbridge.domain.licence_wish import LicenceWish, outside
from weighbridge.domain.licences_in_force import terms_of
from weighbridge.domain.manifest import FileEntry, Manifest, digests_of
from weighbridge.domain.obligations import obligations_of
from weighbridge.domain.ref import RepoId
from weighbridge.domain.terms import Terms

READ = Source(state=SourceState.READ)
CONTENT = b"x"


def evidence(
    license: object = "apache-2.0", *, texts: Mapping[str, str] | None = None, **more: object
) -> Evidence:
    entries = tuple(
        FileEntry(path=path, size_bytes=1, digests=digests_of(CONTENT)) for path in {"a.bin", *(texts or {})}
    )
    front = {} if license is None else {"license": license}
    return Evidence(
        manifest=Manifest(repo=RepoId.parse("yard/model"), commit="a" * 40, files=entries),
        sources={"data_sets": READ},
        texts={path: Text(content=content, sha256="0" * 64) for path, content in (texts or {}).items()},
        front_matter={**front, **{k: v for k, v in more.items() if k.startswith("license_")}},  # type: ignore[dict-item]
        parents=tuple(more.get("parents", ())),  # type: ignore[arg-type]
        data_sets=tuple(more.get("data_sets", ())),  # type: ignore[arg-type]
    )


def parent(id: str, license: str | None) -> Parent:
    info = {"cardData": {"license": license}} if license else {}
    return Parent(id=id, relation="finetune", declared_in="README.md:base_model", source=READ, info=info)


def data(id: str, license: str) -> DataSet:
    return DataSet(
        id=id, declared_in="README.md:datasets", source=READ, info={"cardData": {"license": license}}
    )


def terms(of: Evidence, known: Mapping[str, Licence | None] | None = None) -> Terms:
    return terms_of(of, known or {})


def rules(of: Terms) -> set[str]:
    return {remark.rule for remark in of.remarks}


def known(path: str, id: str) -> dict[str, Licence | None]:
    return {path: licence_of(id)}


def test_the_least_free_licence_of_the_line_counts() -> None:
    found = terms(evidence("mit", parents=[parent("meta/base", "llama2"), parent("x/y", "cc-by-nc-4.0")]))
    assert found.use("commercial_use") == "no"
    assert [row.id for row in found.effective] == ["cc-by-nc-4.0", "llama2", "mit"]
    assert "licence.mismatch" in rules(found)
    assert {one.kind for one in found.obligations} >= {"user limit", "no commercial use", "notice"}


def test_data_sets_count_for_commercial_use_and_can_be_left_out() -> None:
    found = terms(evidence("mit", data_sets=[data("org/nc", "cc-by-nc-4.0")]))
    assert (found.use("commercial_use"), found.use("redistribution")) == ("no", "yes")
    assert LicenceWish(commercial="required").faults(found) == (
        "cc-by-nc-4.0 (of the data set org/nc) forbids commercial use",
    )
    assert LicenceWish(commercial="required", with_data=False).faults(found) == ()


def test_a_base_model_without_a_licence_makes_nothing_certain() -> None:
    found = terms(evidence("mit", parents=[parent("who/knows", None)]))
    assert found.use("commercial_use") == "unknown"
    assert "licence.unknown-base" in rules(found)
    assert LicenceWish(commercial="required").faults(found) == (
        "no licence is known of the base model who/knows",
    )
    assert LicenceWish().faults(found) == ()


def test_a_label_without_a_text_and_a_text_that_says_otherwise_are_two_remarks() -> None:
    assert rules(terms(evidence("mit"))) == {"licence.label-without-text"}
    text = {"LICENSE": "..."}
    assert rules(terms(evidence("mit", texts=text), known("LICENSE", "mit"))) == set()
    assert rules(terms(evidence("mit", texts=text), known("LICENSE", "gpl-3.0"))) == {"licence.mismatch"}
    linked = evidence("mit", license_link="https://example.org/mit")
    assert rules(terms(linked)) == set()


def test_the_traps_of_two_labels() -> None:
    business = {"LICENSE": "Business Source License 1.1"}
    assert "licence.boost" in rules(terms(evidence("bsl-1.0")))
    assert "licence.mismatch" in rules(terms(evidence("bsl-1.0", texts=business), {"LICENSE": None}))
    assert "licence.version" in rules(terms(evidence("gpl-3.0")))
    wish = LicenceWish(spdx=("BUSL-1.1",))
    assert wish.faults(terms(evidence("bsl-1.0"))) == ("BSL-1.0 is none of BUSL-1.1",)


def test_no_licence_allows_nothing() -> None:
    found = terms(evidence(None))
    assert found.use("commercial_use") == "unknown"
    assert rules(found) == {"licence.none"}
    assert LicenceWish(commercial="required").faults(found) == ("no licence is stated",)


def test_the_text_says_what_the_card_leaves_open() -> None:
    found = terms(evidence("other", texts={"LICENSE": "..."}), known("LICENSE", "gemma"))
    assert [row.id for row in found.effective] == ["gemma"]


@pytest.mark.parametrize(
    ("wish", "license", "fits"),
    [
        (LicenceWish(commercial="required"), "llama3.1", True),
        (LicenceWish(commercial="unconditional"), "llama3.1", False),
        (LicenceWish(commercial="unconditional"), "apache-2.0", True),
        (LicenceWish(commercial="required"), "cc-by-nc-4.0", False),
        (LicenceWish(commercial="required"), "unknown", False),
        (LicenceWish(spdx=("apache-2.0", "MIT")), "mit", True),
        (LicenceWish(spdx=("Apache-2.0",)), "mit", False),
        (LicenceWish(categories=("permissive", "public-domain")), "cc0-1.0", True),
        (LicenceWish(categories=("permissive",)), "openrail", False),
    ],
)
def test_what_a_policy_allows(wish: LicenceWish, license: str, fits: bool) -> None:
    faults = wish.faults(terms(evidence(license)))
    assert (faults == ()) is fits


def test_a_less_free_text_is_in_force_as_well_and_a_freer_one_is_not() -> None:
    text = {"LICENSE": "..."}
    stricter = terms(evidence("apache-2.0", texts=text), known("LICENSE", "cc-by-nc-4.0"))
    assert stricter.use("commercial_use") == "no"
    assert LicenceWish(commercial="required").faults(stricter) == ("cc-by-nc-4.0 forbids commercial use",)
    freer = terms(evidence("cc-by-nc-4.0", texts=text), known("LICENSE", "mit"))
    assert [row.id for row in freer.effective] == ["cc-by-nc-4.0"]
    assert [held.licence.id for held in freer.against] == ["mit"]


def test_base_models_and_data_sets_that_could_not_be_looked_up_are_doubts() -> None:
    named = evidence("mit")
    away = Source(state=SourceState.UNREACHABLE, reason="no network")
    alone = replace(
        named,
        sources={"parents": away, "data_sets": away},
        front_matter={"license": "mit", "base_model": "meta/base", "datasets": ["org/data"]},
    )
    found = terms(alone)
    assert (found.unknown, found.unread, found.unread_data) == (("meta/base",), ("meta/base",), ("org/data",))
    assert found.use("commercial_use") == "unknown"
    assert LicenceWish(commercial="required").doubts(found) == (
        "the licence of the base model meta/base could not be read",
        "the licence of the data set org/data could not be read",
    )
    assert len(LicenceWish(commercial="required", with_data=False).doubts(found)) == 1
    assert outside(["mit"], found) == ("the licence of the base model meta/base could not be read",)


@pytest.mark.parametrize(
    ("allowed", "model", "base", "clauses"),
    [
        (["Apache-2.0"], "apache-2.0", "mit", ("mit (of the base model x/y) is none of Apache-2.0",)),
        (["apache-2.0", "MIT"], "apache-2.0", "mit", ()),
        (["permissive"], "apache-2.0", "mit", ()),
        (["Permissive", "llama2"], "mit", "llama2", ()),
        (["permissive"], "mit", "llama2", ("llama2 (of the base model x/y) is none of permissive",)),
        (["GPL-3.0-only"], "gpl-3.0", "gpl-3.0", ()),
        (["our-own-terms"], "Our-Own-Terms", "our-own-terms", ("no licence is known of the base model x/y",)),
        (["mit"], "mit", None, ("no licence is known of the base model x/y",)),
        ([], "mit", "mit", ("the list of licences is empty, so that none is allowed",)),
    ],
)
def test_the_licences_that_are_allowed_at_a_start_hold_for_the_whole_line(
    allowed: list[str], model: str, base: str | None, clauses: tuple[str, ...]
) -> None:
    data_set = data("org/nc", "cc-by-nc-4.0")
    found = terms(evidence(model, parents=[parent("x/y", base)], data_sets=[data_set]))
    assert outside(allowed, found) == clauses


@pytest.mark.parametrize("id", sorted(row[0] for row in ROWS))
def test_every_licence_that_asks_for_something_says_what(id: str) -> None:
    licence = licence_of(id)
    assert licence
    kinds = {one.kind for one in obligations_of(licence)}
    free = licence.commercial_use == licence.redistribution == licence.derivatives == "yes"
    assert kinds or free
    if "attribution" in licence.notes:
        assert "attribution" in kinds


@pytest.mark.parametrize(
    ("id", "kind", "words"),
    [
        ("apache-2.0", "notice", "NOTICE"),
        ("cc-by-4.0", "attribution", "authors"),
        ("llama2", "user limit", "700 million"),
        ("llama3.3", "user limit", "700 million"),
        ("other:qwen", "user limit", "100 million"),
        ("other:modified-mit", "revenue limit", "20 million USD"),
        ("gemma", "use policy", "use policy"),
        ("creativeml-openrail-m", "use policy", "pass them on"),
        ("agpl-3.0", "network use", "network"),
        ("cc-by-nd-4.0", "no derivatives", "quantised"),
    ],
)
def test_what_well_known_licences_ask_for(id: str, kind: str, words: str) -> None:
    licence = licence_of(id)
    assert licence
    assert words in {one.kind: one.text for one in obligations_of(licence)}[kind]
