"""Whatever stands in the metadata of a model, its card stays a card, with the text as data."""

from __future__ import annotations

import ast
import json
from typing import Any

import yaml
from huggingface_hub import ModelCard
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from weighbridge.adapters.front_matter import front_matter
from weighbridge.adapters.hub_client.cards import metadata_of, require_readable
from weighbridge.adapters.own_card_text import completed_card, written_card
from weighbridge.domain.json_values import Json, mended
from weighbridge.domain.made_model import Documents, Said, made_model
from weighbridge.domain.own_card import OwnCard, StatedLicence, own_card
from weighbridge.domain.ref import RepoId

ATTACKS = (
    "---", "\n---\n", "\n...\n", "\r\n---\r\nlicense: mit", ": ", " #", "- ", "? ", "!!binary |",
    "&a", "*a",
    "!!python/object/apply:os.system", "%YAML 1.1\n", "{", "}", "[", "]", "|", ">", "'", '"',
    "\\", "\\n", "\t",
    "\0", "\x85", "\u2028", "\ufeff", "\u202e", "```", "````", "\n```\n", "~~~", "`", "``", "# ",
    "\n# x\n",
    "\n===\n", "> ", "1. ", "1) ", "* ", "+ ", "    code", "<script>", "</details>", "<!--",
    "-->", "<https://x>",
    "[a](b)", "![a](b)", "[a]: b", "| a | b |\n|---|---|\n", "**", "__", "_", "~~", "&lt;",
    "&#35;", "$$", "no",
    "yes", "null", "~", "1e3", "0x1F", "0o17", "012", "1_000", "12:30:00", "2024-01-01", ".inf",
    ".nan", "<<", "=",
    "@x", '")\nimport os\n', "\'\'\'", '\"\"\"', "\\u0022", "{{ x }}", "{% x %}", "text", " ",
    "\n", "\n\n",
)  # fmt: skip
FREE = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NASTY = st.lists(st.sampled_from(ATTACKS) | FREE, max_size=5).map("".join)
VALUES = st.recursive(
    NASTY | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NASTY, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(NASTY, VALUES, max_size=4)
METRICS = st.dictionaries(NASTY, NASTY | st.floats(), max_size=3)
WORDS = st.lists(NASTY, max_size=3).map(tuple)
BASES = st.sampled_from([(), ("org/base",), ("org/base", "a.b_c/D-1")])
OF_CONFIGS = ("peft_type", "r", "lora_alpha", "task_type", "target_modules", "peft_version",
              "base_model_name_or_path", "model_type", "architectures", "transformers_version")  # fmt: skip
OF_HEADS = ("architecture", "file_type", "context_length", "base_model")
CONFIGS = st.fixed_dictionaries({}, optional=dict.fromkeys(OF_CONFIGS, VALUES))
HEADS = st.fixed_dictionaries({}, optional=dict.fromkeys(OF_HEADS, VALUES))
STATES = st.fixed_dictionaries({"log_history": st.lists(OBJECTS | VALUES, max_size=3) | VALUES})
MARKDOWN = MarkdownIt("commonmark").enable("table").enable("strikethrough")
QUIET = {"text", "softbreak", "strong_open", "strong_close", "text_special"}
BLOCKS = {"heading_open", "heading_close", "inline", "fence", "bullet_list_open", "bullet_list_close",
          "list_item_open", "list_item_close", "paragraph_open", "paragraph_close"}  # fmt: skip
SECTIONS = ["Model Details", "Training Configuration", "Merge Configuration", "Evaluation Metrics", "Usage",
            "License"]  # fmt: skip


@st.composite
def cards(draw: st.DrawFn) -> OwnCard:
    """A card of a model all of whose metadata are hostile."""
    found = Documents(
        paths=draw(WORDS),
        adapter=plain(draw(st.just({}) | CONFIGS)),
        config=plain(draw(st.just({}) | CONFIGS)),
        trainer_state=plain(draw(st.just({}) | STATES)),
        training_args=plain(draw(OBJECTS)),
        results=plain(draw(OBJECTS)),
        merge=plain(draw(st.just({}) | OBJECTS)),
        gguf={path: plain(head) for path, head in draw(st.dictionaries(NASTY, HEADS, max_size=2)).items()},
    )
    said = Said(
        base_models=draw(BASES), datasets=draw(WORDS), description=draw(NASTY), adapter_type=draw(NASTY),
        training=plain(draw(OBJECTS)), metrics=plain(draw(METRICS)),
        evaluated_on=draw(NASTY), languages=draw(WORDS), task=draw(NASTY), card_tags=draw(WORDS),
    )  # fmt: skip
    licence = StatedLicence(id=draw(NASTY), name=draw(NASTY), link=draw(NASTY), inherited_from=draw(NASTY))
    return own_card(RepoId.parse("ann/__mine__.x"), found, said, made_model(found, said), licence)


def plain(value: Any) -> Any:
    """As a parser would give it."""
    return mended(value)


@given(cards())
@settings(max_examples=40)
def test_the_metadata_say_what_was_said_to_every_reader(card: OwnCard) -> None:
    fields = metadata_of(card)
    text = written_card(fields, card.body)
    assert front_matter(text) == (fields or None, "")
    if not fields:
        assert text == card.body
        return
    block, _, body = text.removeprefix("---\n").partition("\n---\n")
    assert yaml.safe_load(block) == fields
    assert body == f"\n{card.body}"
    require_readable(text)
    assert ModelCard(text).text == body


@given(cards())
@settings(max_examples=40)
def test_the_text_holds_its_sections_and_no_other_markdown(card: OwnCard) -> None:
    tokens = MARKDOWN.parse(card.body)
    assert {token.type for token in tokens} <= BLOCKS
    inner = {child.type for token in tokens for child in token.children or ()}
    assert inner <= QUIET
    titles = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    assert titles[0].replace("\\", "") == "ann/__mine__.x"
    assert titles[1:] == [name for name in SECTIONS if name in titles]
    fences = [(token.info, token.content) for token in tokens if token.type == "fence"]
    assert [info for info, _ in fences] in (["python"], ["json", "python"])
    for info, content in fences:
        assert ast.parse(content).body if info == "python" else json.loads(content)


OLD = ("", "a: 1\n", "# note\nlicense: mit # x\n", "tags:\n- x\n", "d: |\n  text\n   more\n")


@given(st.sampled_from(OLD), FREE, cards())
@settings(max_examples=40)
def test_a_card_that_is_there_stays_to_the_last_character(front: str, body: str, card: OwnCard) -> None:
    head, tail = f"---\n{front}", f"---\n{body}"
    fields: dict[str, Json] = dict(metadata_of(card))
    text, added = completed_card(head + tail, fields)
    theirs, mine = front_matter(f"{head}#\n{tail}")[0] or {}, front_matter(f"{text}")[0] or {}
    assert added == {key: value for key, value in fields.items() if key not in theirs}
    assert mine == {**fields, **theirs} if added else text == head + tail
    assert text.startswith(head)
    assert text.endswith(tail)
