"""The licence table and the comparison of texts."""

from __future__ import annotations

import pytest

from weighbridge.domain.licence import (
    PERMISSIVENESS,
    Category,
    bigrams_of,
    licence_of,
    similarity,
    stated_by_parent,
    stated_in_front_matter,
    stated_in_tags,
)
from weighbridge.domain.licence_table import ROWS


def test_every_row_has_a_class_of_the_policy() -> None:
    assert len({row[0] for row in ROWS}) == len(ROWS)
    assert {Category(row[3]) for row in ROWS} <= set(PERMISSIVENESS)


@pytest.mark.parametrize("id", ["apache-2.0", "Apache-2.0", " APACHE-2.0 "])
def test_identifiers_are_found_in_any_case(id: str) -> None:
    licence = licence_of(id)
    assert licence is not None
    assert licence.spdx == "Apache-2.0"


def test_an_spdx_identifier_is_found_too_but_not_noassertion() -> None:
    assert licence_of("GPL-3.0-only") == licence_of("gpl-3.0")
    assert licence_of("NOASSERTION") is None
    assert licence_of("") is None


def test_bsl_is_boost() -> None:
    licence = licence_of("bsl-1.0")
    assert licence is not None
    assert licence.category is Category.PERMISSIVE


@pytest.mark.parametrize(
    ("front", "ids"),
    [
        ({"license": "MIT"}, ["mit"]),
        ({"license": ["mit", "apache-2.0"]}, ["mit", "apache-2.0"]),
        ({"license": "other", "license_name": "Qwen Research"}, ["other:qwen-research"]),
        ({"license": "other", "license_name": "llama3.1"}, ["llama3.1"]),
        ({"license": "other", "license_name": "ours"}, ["other"]),
        ({"license": "ours"}, ["ours"]),
        ({"license": None}, []),
        ({"license": 7}, []),
        ({"license": [None, "", " "]}, []),
    ],
)
def test_what_front_matter_states(front: dict[str, object], ids: list[str]) -> None:
    assert [licence.id for licence in stated_in_front_matter(front)] == ids  # type: ignore[arg-type]


def test_tags_and_a_parents_record() -> None:
    assert [row.id for row in stated_in_tags(["b", "license:mit", "license:apache-2.0"])] == [
        "apache-2.0",
        "mit",
    ]
    assert [row.id for row in stated_by_parent({"cardData": {"license": "llama2"}, "tags": []})] == ["llama2"]
    assert [row.id for row in stated_by_parent({"cardData": None, "tags": ["license:mit"]})] == ["mit"]
    assert stated_by_parent({}) == ()


def test_similarity_is_one_for_the_same_words_and_zero_for_others() -> None:
    text = "Permission is hereby granted, free of charge"
    assert similarity(bigrams_of(text), bigrams_of(text.upper().replace(" ", "\n"))) == 1.0
    assert similarity(bigrams_of(text), bigrams_of("nothing in common")) == 0.0
    assert similarity(bigrams_of(""), bigrams_of("")) == 0.0


def test_holders_lines_do_not_count_and_sentences_on_copyright_do() -> None:
    held = "Copyright (c) 2024 The Yard\nYou may use it."
    assert bigrams_of(held) == bigrams_of("You may use it.")
    assert bigrams_of("Copyright licences are granted.").total() == 3
