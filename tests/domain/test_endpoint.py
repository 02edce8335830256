"""The address of a Hub, its origin, and what a token may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.endpoint import checked_token, hub_address, origin_of, redacted
from weighbridge.domain.invalid import Invalid


@pytest.mark.parametrize(
    ("text", "address", "origin"),
    [
        ("https://huggingface.co", "https://huggingface.co", "https://huggingface.co"),
        ("https://HuggingFace.co/", "https://huggingface.co", "https://huggingface.co"),
        ("https://hub.acme.test:443/", "https://hub.acme.test", "https://hub.acme.test"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://acme.test/hub/", "https://acme.test/hub", "https://acme.test"),
        ("http://[::1]:8000", "http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_has_one_spelling_and_an_origin(text: str, address: str, origin: str) -> None:
    assert hub_address(text) == address
    assert origin_of(text) == origin
    assert hub_address(address) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", "huggingface.co", "ftp://hub", "https://", "https://a b", "http://h:99999", "https://h\n.test"),
        *(
            "https://hub.test\\.evil.test",
            "https://hub.test\\@evil.test",
            "https://hub%2etest",
            "https://[::1%25a]",
        ),
        *("https://me:hf_canary@hub.test", "https://hub.test?token=hf_canary", "https://hub.test#hf_canary"),
    ],
)
def test_what_is_no_address_is_refused_and_no_secret_is_shown(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        hub_address(text)
    assert "hf_canary" not in str(refused.value)


def test_the_scheme_and_the_port_are_part_of_an_origin() -> None:
    places = {"http://a.test", "https://a.test", "https://a.test:8443", "https://b.test"}
    assert {origin_of(place) for place in places} == places


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=200))
def test_a_token_may_have_any_shape(token: str) -> None:
    assert checked_token(f"  {token}\n") == token


@pytest.mark.parametrize(
    "token", ["", "  \n", "hf_a b", "hf_a\tb", "hf_a\nb", "hf_a\x00", "hf_\u00fc", "x" * 5000]
)
def test_what_cannot_stand_in_a_header_is_no_token_and_is_not_shown(token: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_token(token)
    assert "hf_a" not in str(refused.value)
    assert refused.value.hint


def test_a_token_is_taken_out_of_a_text_wherever_it_stands() -> None:
    assert redacted("hf_x and hf_x again", "hf_x") == "*** and *** again"
    assert redacted("nothing here", None) == "nothing here"
