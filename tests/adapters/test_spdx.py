"""What a list of SPDX expressions permits."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.adapters.spdx import permitted
from weighbridge.domain.licence_table import ROWS
from weighbridge.errors import BadInput


def test_alternatives_are_each_permitted() -> None:
    assert permitted(["Apache-2.0 OR (MIT OR bsd-3-clause)", "MIT"]) == ("Apache-2.0", "MIT", "BSD-3-Clause")


def test_an_exception_belongs_to_its_licence() -> None:
    spelled = "GPL-2.0-only WITH Classpath-exception-2.0"
    assert permitted([spelled]) == (spelled,)


@pytest.mark.parametrize("spdx", sorted({row[2] for row in ROWS} - {"NOASSERTION"}))
def test_every_licence_of_the_table_can_be_permitted(spdx: str) -> None:
    assert [one.lower() for one in permitted([spdx])] == [spdx.lower()]


@pytest.mark.parametrize(
    "spelled", ["", "  ", "Apache-2.0 AND MIT", "No-Such-Licence", "MIT OR", "((", "x" * 2000]
)
def test_what_is_no_list_of_alternatives_is_refused_with_a_hint(spelled: str) -> None:
    with pytest.raises(BadInput) as caught:
        permitted([spelled])
    assert caught.value.hint


@given(st.text(max_size=40))
def test_any_text_is_permitted_or_refused(spelled: str) -> None:
    with suppress(BadInput):
        assert permitted([spelled])
