"""The model manager's document is followed, command by command, and so is our own page on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents.blocks import DOCUMENTS, Block, Page, environment
from tests.hub_process import TINY, hub_process, write_repo
from weighbridge.model_manager import ModelManager

ROOT = DOCUMENTS.parent
GIVEN = Page.read(Path(__file__).parent / "given" / "model_manager.md")
OURS = Page.read(DOCUMENTS / "model-manager.md")
TABLE = OURS.substitutions("Coming from another model manager")
LISTS = sorted((ROOT / "config" / "model_manager").glob("*.yaml"))
CLASSIFIER = "category_classifier_modernbert-base_model"
MINILM = {"config.json": b"{}", "vocab.txt": b"a\n", "model.safetensors": TINY["model.safetensors"]}
ADAPTER = {
    "adapter_config.json": b'{"peft_type": "LORA", "base_model_name_or_path": "bert-base-uncased"}',
    "adapter_model.safetensors": TINY["model.safetensors"],
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Hub with a made model under every name that a list or a page asks for."""
    folder = tmp_path_factory.mktemp("hub")
    specs = {s.repo_id: s for path in LISTS for s in ModelManager.from_config(path).config.models}
    for name, spec in specs.items():
        write_repo(folder, name, MINILM if spec.files else ADAPTER if "lora" in name else TINY)
    write_repo(folder, "org/model-name", TINY)
    with hub_process(folder) as address:
        yield address


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A project's folder, as a reader of the page has it."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path


def env_of(place: Path, hub: str) -> dict[str, str]:
    return environment(place, HF_ENDPOINT=hub)


def test_the_shipped_lists_resolve(place: Path, hub: str) -> None:
    assert [path.name for path in LISTS] == ["models.lora.yaml", "models.minimal.yaml", "models.yaml"]
    for path in LISTS:
        command = f"python -m weighbridge.model_manager --config config/model_manager/{path.name}"
        OURS.blocks()[0].one(command).run(cwd=place, env=env_of(place, hub))
    ids = {s.id for path in LISTS for s in ModelManager.from_config(path).config.models}
    laid_out = {path.name for path in (place / "models").iterdir() if path.name != ".weighbridge"}
    assert laid_out == ids


def test_every_command_of_the_document_works(place: Path, hub: str) -> None:
    for block in GIVEN.blocks("bash"):
        if block.heading == "Development":
            continue
        for command in block.replaced(TABLE).commands():
            said = block.one(command).run(cwd=place, env=env_of(place, hub))
            assert said.stdout, command
    minimal = {path.name for path in (place / "models").iterdir()} - {".weighbridge"}
    assert {CLASSIFIER, "all-MiniLM-L12-v2"} <= minimal


def test_each_command_of_the_document_does_what_it_says(place: Path, hub: str) -> None:
    every, _, one, listed, verified, cleaned, _, one_cleaned, *_ = (
        block for command in GIVEN.blocks("bash")[0].replaced(TABLE).commands()
        for block in [GIVEN.blocks("bash")[0].one(command)]
    )  # fmt: skip
    env, models = env_of(place, hub), place / "models"
    one.run(cwd=place, env=env)
    assert [p.name for p in models.iterdir() if p.name != ".weighbridge"] == [CLASSIFIER]
    shown = listed.run(cwd=place, env=env).stdout.splitlines()[1:]
    assert [line.split()[1] for line in shown].count("missing") == len(shown) - 1
    every.run(cwd=place, env=env)
    assert all(line.split()[1] == "held" for line in listed.run(cwd=place, env=env).stdout.splitlines()[1:])
    damaged = models / CLASSIFIER / "config.json"
    content = damaged.read_bytes()
    damaged.unlink()
    damaged.write_bytes(bytes(len(content)))
    assert f"{CLASSIFIER}/config.json" in verified.run(cwd=place, env=env, code=7).stderr
    every.run(cwd=place, env=env)
    assert damaged.read_bytes() == content
    one_cleaned.run(cwd=place, env=env)
    assert not damaged.exists()
    cleaned.run(cwd=place, env=env)
    assert [p.name for p in models.iterdir()] == [".weighbridge"]


@pytest.mark.parametrize("block", GIVEN.blocks("python"), ids=lambda block: block.id)
def test_the_code_of_the_document_runs(place: Path, hub: str, block: Block) -> None:
    said = block.replaced(TABLE).run(cwd=place, env=env_of(place, hub)).stdout
    folder = str(place / "models" / CLASSIFIER)
    assert said.startswith("{'")
    assert f"'{CLASSIFIER}': '{folder}'" in said
    assert f"Model cached at: {folder}" in said


@pytest.mark.parametrize("page", [GIVEN, OURS], ids=["given", "ours"])
def test_the_list_that_is_shown_is_one(place: Path, hub: str, page: Page) -> None:
    (shown,) = page.blocks("yaml")
    (place / "models.yaml").write_text(shown.text)
    command = "python -m weighbridge.model_manager --config models.yaml"
    shown.one(command).run(cwd=place, env=env_of(place, hub))
    names = sorted(path.name for path in (place / "models" / "custom-name").iterdir())
    assert names == ["config.json", "model.safetensors"]


def test_the_tests_of_the_document_run() -> None:
    (block,) = (block for block in GIVEN.blocks("bash") if block.heading == "Development")
    first, again = block.replaced(TABLE).commands()
    said = block.one(f"{first} -p no:cacheprovider").run(cwd=ROOT, env=environment(ROOT)).stdout
    assert int(said.rpartition(" passed")[0].split()[-1]) > 30
    said = block.one(f"{again} --collect-only").run(cwd=ROOT, env=environment(ROOT)).stdout
    assert "tests/doors/test_model_manager.py" in said


def test_our_page_works_from_top_to_bottom(place: Path, hub: str) -> None:
    for block in OURS.blocks("bash", "python"):
        said = block.run(cwd=place, env=env_of(place, hub))
        assert said.stdout or block.language == "python", block.text


def test_the_table_is_needed_and_enough() -> None:
    before = "\n".join(block.text for block in GIVEN.blocks())
    after = "\n".join(block.replaced(TABLE).text for block in GIVEN.blocks("bash", "python"))
    assert all(old in before for old in TABLE)
    assert "-m model_manager" not in after
    assert "src/model_manager" not in after
