"""The runtime's document is followed, variable by variable and block by block, and so is our own page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from tests.documents.blocks import DOCUMENTS, Block, Page, environment
from tests.hub_process import hub_process, write_repo
from tests.loaders.environments import ROOT, interpreter, run_in
from tests.runtime.starting import ADAPTER, BASE, card
from tests.tiny_gguf import tiny_gguf
from weighbridge import errors
from weighbridge.bridge.runtime import start
from weighbridge.domain.start_report import STEPS
from weighbridge.settings import VARIABLES

GIVEN = Page.read(Path(__file__).parent / "given" / "runtime.md")
OURS = Page.read(DOCUMENTS / "runtime.md")
TABLE = OURS.substitutions("Coming from code of your own")
TAG = "v0.1.0"
MODEL, LORA, LLAMA = "org/commerce-slm-eco-bst-acc", "org/commerce-slm-lora", "meta-llama/Llama-3-Instruct-8B"
SAYS = "\nprint(llm('weigh', max_tokens=4, temperature=0)['choices'][0]['text'])\n"
DIFFERS = """
ids = tok('weigh', return_tensors='pt', return_token_type_ids=False)
print(tok.decode(model.generate(**ids, max_new_tokens=4, do_sample=False)[0]))
"""


def variables(type: str) -> dict[str, str]:
    """The document's own environment, after the table."""
    (block,) = GIVEN.blocks("bash")
    lines = block.replaced(TABLE).commands()
    given = dict(line.split("=", 1) for line in lines)
    assert given["MODEL_TYPE"] == "gguf|lora"
    return {**given, "MODEL_TYPE": type}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made models under the document's names."""
    place = tmp_path_factory.mktemp("hub")
    write_repo(place, MODEL, {"README.md": card("apache-2.0", LLAMA), "model.Q4_K_M.gguf": tiny_gguf()})
    recorded = f'{{"base_model_name_or_path": "{LLAMA}", "peft_type": "LORA"}}'.encode()
    write_repo(
        place, LORA, {**ADAPTER, "adapter_config.json": recorded, "README.md": card("apache-2.0", LLAMA)}
    )
    write_repo(place, LLAMA, {**BASE, "README.md": card("llama3")})
    return place


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter and a base that can be run, under the document's names."""
    made, folder = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("real")
    run_in("torch", "makes_lora", str(made), LLAMA, HF_HUB_OFFLINE="1")
    for name, repo in (("base", LLAMA), ("adapter", LORA)):
        write_repo(folder, repo, {file.name: file.read_bytes() for file in (made / name).iterdir()})
    return folder


@contextmanager
def tagged(folder: Path, *repos: str) -> Iterator[str]:
    """Our own Hub, with the document's tag on every model."""
    with hub_process(folder, "--write") as url:
        for repo in repos:
            HfApi(url, token="hf_any").create_tag(repo, tag=TAG, exist_ok=True)
        yield url


@pytest.fixture
def hub(folder: Path) -> Iterator[str]:
    """A Hub of models that pass every check and cannot be run, but for the GGUF."""
    with tagged(folder, MODEL, LORA, LLAMA) as url:
        yield url


@pytest.mark.parametrize(("type", "name"), [("gguf", MODEL), ("lora", LORA)])
def test_the_documents_variables_pass_the_checklist(hub: str, tmp_path: Path, type: str, name: str) -> None:
    environ = environment(tmp_path, HF_ENDPOINT=hub, CACHE_DIR=str(tmp_path / "models"), **variables(type))
    done = start(environ, into_memory=False)
    identity = done.report.identity
    assert identity is not None
    assert (identity.model.repo, identity.model.version) == (name, TAG)
    assert done.folder == tmp_path / "models" / name / TAG  # the document's /models/<id>/<version>/
    assert [step.name for step in done.report.steps] == list(STEPS)


def test_a_licence_that_does_not_match_fails_fast(hub: str, tmp_path: Path) -> None:
    environ = environment(tmp_path, HF_ENDPOINT=hub, ALLOWED_LICENSES="apache-2.0", **variables("gguf"))
    with pytest.raises(
        errors.StartFailed, match="llama3 \\(of the base model meta-llama/Llama-3-Instruct-8B"
    ):
        start(environ, into_memory=False)


def _block(heading: str) -> Block:
    (block,) = (block for block in GIVEN.blocks("python") if heading in block.heading)
    return block


def _environ(place: Path, hub: str, given: Mapping[str, str]) -> dict[str, str]:
    more = {"PYTHONPATH": str(ROOT / "src"), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    return environment(place, HF_ENDPOINT=hub, **more, **given)


def test_the_gguf_code_of_the_document_runs_as_it_is(hub: str, tmp_path: Path) -> None:
    block = _block("GGUF")
    code = Block(block.language, block.words, block.text + SAYS, block.heading, block.line)
    said = code.run(cwd=tmp_path, env=_environ(tmp_path, hub, variables("gguf")), python=interpreter("llama"))
    assert len(said.stdout.strip()) == 4


@pytest.mark.heavy
def test_the_lora_code_of_the_document_runs_as_it_is(real: Path, tmp_path: Path) -> None:
    block = _block("LoRA")
    code = Block(block.language, block.words, block.text + DIFFERS, block.heading, block.line)
    with tagged(real, LORA, LLAMA) as hub:
        environ = _environ(tmp_path, hub, variables("lora"))
        said = code.run(cwd=tmp_path, env=environ, python=interpreter("torch"))
    assert said.stdout.strip().removeprefix("<s>").startswith("weigh")


def test_the_code_of_our_page_runs(hub: str, tmp_path: Path) -> None:
    (block,) = OURS.blocks("python")
    environ = _environ(tmp_path, hub, variables("gguf"))
    block.run(cwd=tmp_path, env=environ, python=interpreter("llama"))
    failed = block.run(
        cwd=tmp_path, env={**environ, "MODEL_FILE": "no.gguf"}, python=interpreter("llama"), code=1
    )
    assert "resolve: MODEL_FILE 'no.gguf' is no file of" in failed.stderr


def test_the_commands_of_our_page_run(hub: str, tmp_path: Path) -> None:
    (block,) = (block for block in OURS.blocks("bash") if "no-run" not in block.words)
    check, load = block.commands()
    environ = environment(tmp_path, HF_ENDPOINT=hub, **variables("gguf"))
    said = block.one(check).run(cwd=tmp_path, env=environ).stdout
    assert [line.split("  ")[0] for line in said.splitlines()[:6]] == [f"✓ {name}" for name in STEPS[:6]]
    # Where the extra is not installed, it says so; test_real_models.py loads.
    done = block.one(load).run(cwd=tmp_path, env=environ, code=None)
    assert done.returncode == 0 or "pip install 'weighbridge[gguf]'" in done.stderr


def test_every_variable_of_the_document_is_explained(hub: str) -> None:
    explained = set(
        re.findall(r"`([A-Z][A-Z_0-9]+)`", OURS.text.split("## The environment")[1].split("## ")[0])
    )
    assert set(variables("gguf")) | {"HF_TOKEN"} <= explained
    assert explained - {"HF_TOKEN", "MODEL_SHA256"} <= set(VARIABLES)
    ours = {name for name in VARIABLES if name.startswith(("MODEL_", "LORA_", "BASE_", "ALLOW"))} | {
        "CACHE_DIR"
    }
    assert ours <= explained


def test_every_step_and_error_of_our_page_is_one() -> None:
    table = OURS.text.split("## The checklist")[1].split("`StartFailed`")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("|")][2:]
    assert tuple(row[1].strip() for row in rows) == STEPS
    named = {name for row in rows for name in re.findall(r"`([A-Z][a-z]\w+)`", row[3])}
    assert {name for name in named if not hasattr(errors, name)} == set()
