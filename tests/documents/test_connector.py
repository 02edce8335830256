"""The connector's document is followed, block by block, and so is our own page on it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.documents.blocks import DOCUMENTS, Block, Page, environment
from tests.doors.trained_folders import lora
from tests.hub_process import TINY, hub_process, write_repo

ROOT = DOCUMENTS.parent
GIVEN = Page.read(Path(__file__).parent / "given" / "connector.md")
OURS = Page.read(DOCUMENTS / "connector.md")
TABLE = OURS.substitutions("Coming from another connector")
LLAMA = "meta-llama/Llama-2-7b-hf"
ABOUT = {"downloads": 12, "tags": ["text-generation", "pytorch"], "pipeline_tag": "text-generation"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Hub with a made model under the name that the document uses; it takes uploads with any token."""
    folder = tmp_path_factory.mktemp("hub")
    write_repo(folder, LLAMA, TINY, ABOUT)
    with hub_process(folder, "--write") as address:
        yield address


def given(*headings: str) -> list[Block]:
    """The Python blocks below these headings, after our table."""
    found = {block.heading: block.replaced(TABLE) for block in GIVEN.blocks("python")}
    return [found[heading] for heading in headings]


def asked(place: Path, hub: str, blocks: Sequence[Block], more: str = "", **environ: str) -> str:
    """What one program prints that has these blocks in one coroutine, as in a notebook."""
    body = "\n".join([*(block.text for block in blocks), more])
    text = (
        f"import asyncio\n\n\nasync def main():\n{textwrap.indent(body, '    ')}\n\n\nasyncio.run(main())\n"
    )
    block = Block("python", (), text, blocks[0].heading, blocks[0].line)
    return block.run(cwd=place, env=environment(place, HF_ENDPOINT=hub, **environ)).stdout


def test_every_block_of_the_document_works_in_its_order(tmp_path: Path, hub: str) -> None:
    names = [block.heading for block in GIVEN.blocks("python")]
    lora(tmp_path / "output" / "adapter")
    said = asked(
        tmp_path,
        hub,
        given(*names),
        "assert is_connected is True\nassert (model_path / 'config.json').is_file()\nassert all_cached == []",
    )
    size = sum(map(len, TINY.values()))
    for line in (
        f"{LLAMA}: 12 downloads",
        f"Model: {LLAMA}",
        "License: apache-2.0",
        f"Size: {size} bytes",
        "Library: transformers",
        f"Adapter uploaded to: {hub}/username/my-adapter",
        "Compatible: True",
        "Using cached metadata",
    ):
        assert line in said
    cache = tmp_path / "user" / ".cache" / "huggingface" / "hub"
    assert f"Model downloaded to: {cache}" in said
    with urlopen(f"{hub}/username/my-adapter/resolve/main/README.md", timeout=600) as answer:
        card = answer.read().decode()
    for line in (
        f"base_model: {LLAMA}",
        "license: apache-2.0",
        "Fine-tuned on Alpaca dataset",
        "## Model Details",
        "## Training Configuration",
        "## Evaluation Metrics",
        "## Usage",
        "PeftModel.from_pretrained",
        "## License",
    ):
        assert line in card


def test_what_was_cached_is_there_offline_in_another_process(tmp_path: Path, hub: str) -> None:
    asked(tmp_path, hub, given("Connection", "Get model metadata"))
    connection, offline = given("Connection", "Offline operation")
    made = replace(connection, text=connection.text.partition("# Connect")[0])
    assert "Using cached metadata" in asked(tmp_path, hub, [made, offline], HF_HUB_OFFLINE="1")
    trying = replace(
        made,
        text=made.text
        + "try:\n    await connector.connect({'token': 'x'})\nexcept ConnectionError:\n    pass\n",
    )
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    assert "Not available offline" in asked(fresh, hub, [trying, offline], HF_HUB_OFFLINE="1")


def test_our_page_works_from_top_to_bottom(tmp_path: Path, hub: str) -> None:
    lora(tmp_path / "output" / "adapter")
    said = asked(tmp_path, hub, OURS.blocks("python"))
    assert f"{hub}/username/my-adapter" in said
    assert f"{LLAMA} 12 apache-2.0" in said
    assert "True transformers can load its files" in said
    assert "models--meta-llama--Llama-2-7b-hf" in said


def test_the_tests_of_the_document_are_where_the_table_says() -> None:
    blocks = [block.replaced(TABLE) for block in GIVEN.blocks("bash") if block.heading == "Testing"]
    named = [word for block in blocks for word in block.text.split() if word.startswith("tests/")]
    assert len(named) == 3
    assert all((ROOT / path).is_file() for path in named)


def test_the_table_is_needed_and_enough() -> None:
    before = "\n".join(block.text for block in GIVEN.blocks())
    after = "\n".join(block.replaced(TABLE).text for block in GIVEN.blocks())
    assert all(old in before for old in TABLE)
    for gone in ("plugins.", "backend/", "aiohttp", "Path("):
        assert gone not in after
