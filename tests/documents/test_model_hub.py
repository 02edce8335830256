"""The document on models of an application is followed, block by block, in the example application."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.documents.blocks import DOCUMENTS, Block, Page, environment
from tests.doors.uploading import Registry, registry_at
from tests.examples.digits_app import HOME, ask
from weighbridge.bridge import now
from weighbridge.bridge.organizations import open_organizations
from weighbridge.domain.access import LOCAL, Role
from weighbridge.settings import VARIABLES, load_settings

GIVEN = Page.read(Path(__file__).parent / "given" / "model_hub.md")
OURS = Page.read(DOCUMENTS / "model-hub.md")
TABLE = OURS.substitutions("Coming from another model hub")
REPO = "acme/digits-models"


def given(heading: str) -> Block:
    """The block below a heading of the document, after our table."""
    (block,) = (block for block in GIVEN.blocks() if block.heading == heading)
    return block.replaced(TABLE)


@dataclass
class Reader:
    """Somebody who follows the document, in a copy of the application."""

    place: Path
    registry: Registry

    def env(self, **changes: str) -> dict[str, str]:
        known = {"HF_ENDPOINT": self.registry.url, "MY_TOKEN": self.registry.tokens["ann"], "PORT": "0"}
        quiet = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "NO_COLOR": "1", "PYTHON": sys.executable}
        small = {"ARGS": "--images 300", "OMP_NUM_THREADS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        return environment(self.place, **known, **quiet, **small, **changes)

    @property
    def app(self) -> Path:
        return self.place / "app"

    @property
    def cache(self) -> Path:
        return self.place / "user" / ".cache" / "huggingface"

    def run(self, block: Block, **changes: str) -> str:
        """The block, to its end."""
        return block.run(cwd=self.app, env=self.env(**changes)).stdout

    @contextmanager
    def serving(self, block: Block, **changes: str) -> Iterator[str]:
        """The block ends in ``make app``: the address that it serves."""
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", block.text], cwd=self.app, env=self.env(**changes),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            address = next((line for line in process.stdout if line.startswith("http://")), None)
            if address is None:
                raise AssertionError(f"{block.text}\n{process.communicate(timeout=600)[1]}")
            yield address.strip()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=600)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    left_out = shutil.ignore_patterns(".venv", "results", "__pycache__")
    shutil.copytree(HOME, tmp_path / "app", ignore=left_out)
    # What the gate thinks of a short training is another question: all that is pushed is shown.
    with registry_at(tmp_path / "registry", WEIGHBRIDGE_SERVE="all") as registry:
        settings = load_settings({"WEIGHBRIDGE_HOME": str(registry.home), "HOME": str(tmp_path)})
        with open_organizations(settings, now) as organizations:
            organizations.add(LOCAL, "acme")
            organizations.set_member(LOCAL, "acme", "ann", Role.ADMIN)
        yield Reader(tmp_path, registry)


def test_every_block_of_the_document_works_in_the_order_of_a_first_day(reader: Reader) -> None:
    with reader.serving(given("Local development")) as url:
        assert "It is an <b>8</b>" in ask(f"{url}/?sample=8").text
        assert "this machine" in ask(f"{url}/health").text

    assert "huggingface" in reader.run(given("Install the client")).lower()
    reader.run(given("Login"))
    assert (reader.cache / "token").read_text() == reader.registry.tokens["ann"]
    upload = given("Upload")
    reader.run(upload.one(f"hf repos create {REPO} --private"))
    assert len(upload.commands()) == 2
    reader.run(upload)
    reader.run(upload.one(f"make upload REPO={REPO}"))  # the embedder and the card as well
    shutil.rmtree(reader.app / "results")

    (reader.cache / "token").unlink()
    refused = given("From a Hub").run(cwd=reader.app, env=reader.env(), code=2)
    assert "does not start" in refused.stderr
    with reader.serving(given("Private repositories"), HF_REPO_ID=REPO) as url:
        assert REPO in ask(f"{url}/health").text
    shown = given("Make it public")
    reader.run(shown.one(shown.text.strip()), HF_TOKEN=reader.registry.tokens["ann"])

    held = reader.cache / "digits"
    assert held.is_dir()
    reader.run(given("Clear the cache"))
    assert not held.exists()
    with reader.serving(given("From a Hub")) as url:  # without a token
        assert "It is an <b>8</b>" in ask(f"{url}/?sample=8").text
        assert REPO in ask(f"{url}/health").text

    code = given("In code")
    path = Path(
        reader.run(Block(code.language, (), f"{code.text}print(model_path)\n", "", code.line)).strip()
    )
    assert path.is_relative_to(held)
    assert path.name == "classifier_deep_mlp.safetensors"

    for block in OURS.blocks("python", "bash"):
        if "no-run" not in block.words:
            reader.run(_of(block), USE_HF_MODELS="true", HF_REPO_ID=REPO)


def _of(block: Block) -> Block:
    """A block of our own page, which names a repository that everybody reads as his own."""
    return block.replaced({"acme/models": REPO})


def test_the_table_is_needed_and_enough() -> None:
    before = "\n".join(block.text for block in GIVEN.blocks())
    after = "\n".join(block.replaced(TABLE).text for block in GIVEN.blocks())
    assert all(old in before for old in TABLE)
    assert not re.search(r"MedGemma|skintag|huggingface-cli|\.pkl|src\.", after)


def test_every_variable_of_the_page_is_read_and_every_default_is_true() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", OURS.text, re.MULTILINE))
    assert {
        "USE_HF_MODELS",
        "HF_REPO_ID",
        "HF_CLASSIFIER_FILE",
        "HF_CONDITION_FILE",
        "HF_TOKEN",
        "HF_HOME",
    } <= set(rows)
    assert set(rows) <= set(VARIABLES)
    plain = load_settings({"HOME": "/home/somebody"})
    assert rows["HF_CLASSIFIER_FILE"] == f"`{plain.classifier_file}`"
    assert rows["HF_CONDITION_FILE"] == f"`{plain.condition_file}`"
    assert plain.hf_home == Path("/home/somebody/.cache/huggingface")
    assert (plain.use_hf_models, plain.model_repo) == (False, "")
