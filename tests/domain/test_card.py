"""README.md in parts: where the body begins, and what is said in which section."""

from __future__ import annotations

import pytest

from weighbridge.domain.card import BODY_CHARACTERS, BODY_LINES, Role, parse_card
from weighbridge.domain.markdown import distinct_trigrams, flattened


def said(text: str) -> list[str]:
    return [p.text for section in parse_card(text).sections for p in section.paragraphs]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("---\nlicense: mit\n---\n# Title\n", "# Title"),
        ("\ufeff---\r\nlicense: mit\r\n---\r\n# Title\r\n", "# Title"),
        ("\n\n---\nlicense: mit\n---\nText", "Text"),
        ("# Title\n---\nlicense: mit\n---\n", "# Title"),
        ("---\nlicense: mit\n\n# Title\n\nSome text here.\n\n---\n\nMore.", "# Title"),
        ("---\nlicense: mit\nThe rest is prose\n", "The rest is prose"),
        ("---\nlicense: mit\ntags:\n- a\n", ""),
        ("---\nJust a rule above this.\n", "Just a rule above this."),
        ("---\nlanguage: english\ntags:\n  - a\n...\nText", "Text"),
        ("", ""),
    ],
)
def test_the_body_begins_after_the_front_matter(text: str, first: str) -> None:
    card = parse_card(text)
    assert next(iter(card.lines[card.body - 1 :]), "") == first


def test_lines_are_numbered_as_in_the_file() -> None:
    card = parse_card("---\nlicense: mit\n---\n# Title\n\nText\n")
    assert card.front_line("license") is not None
    assert card.front_line("license").number == 2  # type: ignore[union-attr]
    assert card.sections[0].line == 4
    assert card.sections[0].paragraphs[0].lines[0].number == 6


def test_the_longer_key_is_not_taken_for_the_shorter() -> None:
    card = parse_card("---\nlicense_name: ours\nlicense: other\n---\n")
    assert card.front_line("license").raw == "license: other"  # type: ignore[union-attr]


def test_headings_inside_fences_are_code() -> None:
    card = parse_card("# Title\n```python\n# not a heading\n```\n## Usage\n~~~\n```\n~~~\n")
    assert [s.title for s in card.sections] == ["Title", "Usage"]
    assert card.code[0].code == "# not a heading"
    assert card.code[0].language == "python"
    assert card.code[1].code == "```"


def test_an_unclosed_fence_runs_to_the_end() -> None:
    assert parse_card("```\na\n# b").code[0].code == "a\n# b"


def test_comments_are_dropped_and_fences_keep_them() -> None:
    assert said("a <!-- hidden\n# hidden\n--> b\n<!-- c --> d") == ["a", "b d"]
    assert parse_card("```html\n<!-- kept -->\n```").code[0].code == "<!-- kept -->"
    assert said("shown\n\n<!-- never closed\n\nhidden") == ["shown"]


def test_links_images_tags_and_emphasis_are_flattened() -> None:
    assert (
        flattened("**See** [the `paper`](https://a.b/c_(d)) at https://x.y <br> now")
        == "See the paper at now"
    )
    assert flattened("[![build](https://a/b.svg)](https://a/b)") == "build"


@pytest.mark.parametrize(
    "line",
    [
        "[More Information Needed]",
        "- **Developed by:** [More Information Needed]",
        "- **License:**",
        "**BibTeX:**",
        "More information needed",
        "Use the code below to get started with the model.",
        "-----",
        "<!-- Provide a quick summary -->",
        "![](https://example.org/badge.svg)",
    ],
)
def test_what_a_template_leaves_behind_says_nothing(line: str) -> None:
    assert said(f"# T\n\n{line}\n") == []


def test_a_sentence_that_leads_to_a_list_is_kept() -> None:
    assert said("It knows two words:\n- yes\n- no") == ["It knows two words:", "yes", "no"]


def test_tables_are_read_with_their_lines_and_are_no_prose() -> None:
    card = parse_card("# T\nBefore\n\n| A | B\\|C |\n|:--|---|\n| 1 | **2** |\n\nAfter")
    table = card.sections[0].tables[0]
    assert table.header == ("A", "B\u2223C")
    assert [(line.number, cells) for line, cells in table.rows] == [(6, ("1", "2"))]
    assert said("# T\nBefore\n\n| A |\n|---|\n| 1 |\n\nAfter") == ["Before", "After"]


def test_quotes_are_marked() -> None:
    section = parse_card("> theirs\n> too\n\nours").sections[0]
    assert [(p.text, p.is_quote) for p in section.paragraphs] == [("theirs too", True), ("ours", False)]


def test_sections_have_roles_and_their_parts_inherit_them() -> None:
    card = parse_card(
        "# A model for scores\n\n## Uses\n### Out of scope\n## Evaluation\n### GLUE\n"
        "# Training\n## Misc\n# Results\n"
    )
    assert [s.title for s in card.of(Role.USAGE)] == ["Uses", "Out of scope"]
    assert [s.title for s in card.of(Role.EVALUATION)] == [
        "A model for scores",
        "Evaluation",
        "GLUE",
        "Results",
    ]
    assert [s.title for s in card.of(Role.TRAINING)] == ["Training", "Misc"]
    assert [s.title for s in card.of(Role.INTRO)] == ["A model for scores"]


def test_trigrams_count_what_is_said_once() -> None:
    assert distinct_trigrams(["one two three four"]) == 2
    assert distinct_trigrams(["one two three four", "One, two: THREE four!"]) == 2
    assert distinct_trigrams(["too short"]) == 0
    assert distinct_trigrams(["模型可以回答问题"]) == 6


@pytest.mark.parametrize(
    "hostile",
    [
        "[" * 200_000,
        "[a](" * 50_000,
        "<a" * 100_000,
        "|" * 200_000 + "\n" + "|-" * 100_000,
        "a" + " " * 300_000 + "b",
        "---\n" + "a" * 300_000,
        "---\n" + "a" + " " * 300_000,
        "#" * 300_000,
        "<!--" * 100_000,
        "`" * 300_000,
        "- " * 150_000,
        "*" * 150_000 + "x",
        "> " * 150_000,
        "1" * 300_000 + ".",
    ],
    ids=lambda text: text[:6],
)
def test_a_hostile_card_is_read_like_any_other(hostile: str) -> None:
    """Reading is linear: each of these took minutes where a pattern backtracks."""
    assert parse_card(hostile).lines


@pytest.mark.parametrize("filling", ["\n", "- a\n", "# a\n", "a ", "| a |\n|---|\n"])
def test_a_body_is_read_as_far_as_people_read(filling: str) -> None:
    card = parse_card("# Title\n\nFirst\n\n" + filling * 200_000 + "\nLast words of all\n")
    last = max(line.number for line in card.shown_lines)
    assert last <= BODY_LINES
    assert sum(len(line.raw) + 1 for line in card.shown_lines) <= BODY_CHARACTERS + 1
    assert card.sections[0].title == "Title"
    assert "First" in said("# Title\n\nFirst\n\n" + filling * 200_000)
