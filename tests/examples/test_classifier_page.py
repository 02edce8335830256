"""The classifier application's page in a real Chromium: picked, uploaded, dropped, and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from digits.pictures import load_parts
from digits.web import Samples
from tests.browser import Tab, browser, needs_chromium
from tests.examples.digits_app import application, drawn, shared_base, trained_once

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("app")
    (place / "results").mkdir()
    (place / "results" / "cache").symlink_to(trained_once(shared_base(tmp_path_factory)))
    with application(place) as url:
        yield url


@pytest.fixture
def tab() -> Iterator[Tab]:
    with browser() as opened:
        yield opened


@pytest.fixture
def six(tmp_path: Path) -> Path:
    samples = Samples(load_parts()[1])
    file = tmp_path / "a six.png"
    file.write_bytes(drawn(samples.images[samples.digits.index(6)][0]))
    return file


def test_a_picked_sample_is_answered_with_bars_and_the_models_that_did(page: str, tab: Tab) -> None:
    tab.go(page)
    assert tab.text("#answer-title") == "Nothing to see yet"
    tab.click('.samples a[href^="/?sample=8#"]')
    assert tab.text("#answer-title") == "It is an 8"
    longest = "[...document.querySelectorAll('.bars')].map(b => Math.max(...[...b.querySelectorAll('rect')]"
    widths = tab.script(f"{longest}.map(r => r.getBoundingClientRect().width)))")
    assert all(width > 100 for width in widths)
    assert tab.text(".best dt") == "yes"
    assert "classifier_deep_mlp.safetensors" in tab.text("footer table")
    assert tab.complaints == []


def test_a_chosen_and_a_dropped_picture_are_looked_at_at_once(page: str, tab: Tab, six: Path) -> None:
    tab.go(page)
    tab.choose("#picture", six)
    assert tab.text("#answer-title") == "It is a 6"
    assert "a six.png" in tab.text(".verdict p")
    tab.go(page)
    tab.drop("#upload", six)
    assert tab.text("#answer-title") == "It is a 6"
    assert tab.complaints == []


def test_what_is_no_picture_is_told_on_the_page(page: str, tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("not a picture")
    tab.go(page)
    tab.choose("#picture", tmp_path / "notes.png")
    assert "no PNG or JPEG" in tab.text("[role=alert]")
    assert tab.text("#answer-title") == "Nothing to see yet"


def test_it_works_without_scripts(page: str, tab: Tab) -> None:
    tab.without_scripts()
    tab.go(f"{page}/?sample=3")
    tab.ask("Emulation.setScriptExecutionDisabled", value=False)
    assert tab.text("#answer-title") == "It is a 3"
    assert tab.text("#upload button") == "Look at it"
    assert "drop it here" not in tab.text("#upload")


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_sticks_out_of_any_window(page: str, tab: Tab, width: int) -> None:
    tab.resize(width, 800)
    tab.go(f"{page}/?sample=25")
    assert tab.script("document.documentElement.scrollWidth") <= width


def test_every_control_has_a_name_for_those_who_do_not_see_it(page: str, tab: Tab) -> None:
    tab.go(f"{page}/?sample=2")
    tree = tab.ask("Accessibility.getFullAXTree")["nodes"]
    controls = [n for n in tree if n.get("role", {}).get("value") in ("link", "button", "image", "textbox")]
    assert len(controls) > 60
    unnamed = [n["role"]["value"] for n in controls if not n.get("ignored") and not n["name"]["value"]]
    assert unnamed == []
    assert tab.script("document.documentElement.lang") == "en"
    assert tab.script("document.querySelectorAll('h1').length") == 1
