"""Whole starts from our own Hub, with the real libraries and tiny models that they really run.

Those of GGUF run wherever llama-cpp-python is; torch takes so long that its are for ``make test-all``.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub_process import hub_process, write_repo
from tests.loaders.environments import ROOT, alone, clean, interpreter, run_in
from tests.runtime.starting import CANARY, card
from tests.tiny_gguf import tiny_gguf
from weighbridge.domain.start_report import STEPS

GGUF = {"MODEL_TYPE": "gguf", "MODEL_ID": "acme/tiny", "MODEL_FILE": "model.Q4_K_M.gguf"}
LORA = {"MODEL_TYPE": "lora", "LORA_ID": "acme/lora", "BASE_MODEL": "acme/base"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models for ``weighbridge hub``."""
    place = tmp_path_factory.mktemp("models")
    write_repo(place, "acme/tiny", {"README.md": card("mit"), "model.Q4_K_M.gguf": tiny_gguf()})
    return place


@pytest.fixture(scope="module")
def adapted(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a Llama and an adapter, as transformers and PEFT save them."""
    made = tmp_path_factory.mktemp("made")
    run_in("torch", "makes_lora", str(made), "acme/base", HF_HUB_OFFLINE="1")
    for name, licence in (("base", "apache-2.0"), ("adapter", "mit")):
        files = {file.name: file.read_bytes() for file in (made / name).iterdir()}
        more = ("acme/base",) if name == "adapter" else ()
        write_repo(
            folder,
            f"acme/{'lora' if name == 'adapter' else name}",
            {**files, "README.md": card(licence, *more)},
        )
    return folder


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    """Our own Hub over the folder."""
    with hub_process(folder) as address:
        yield address


def _started(environment: str, url: str, cache: Path, **wish: str) -> dict[str, Any]:
    said = run_in(environment, "starts", HF_ENDPOINT=url, HF_TOKEN=CANARY, CACHE_DIR=str(cache), **wish)
    assert CANARY not in str(said)
    return said


def test_a_gguf_starts_and_speaks(url: str, tmp_path: Path) -> None:
    said = _started("llama", url, tmp_path / "models", **GGUF)
    assert said["class"] == "Llama"
    assert len(said["said"]) == 8
    assert [step["step"] for step in said["report"]["steps"]] == list(STEPS)
    assert said["report"]["passed"] is True
    again = _started("llama", "http://127.0.0.1:9", tmp_path / "models", **GGUF)
    assert again["said"] == said["said"]


@pytest.mark.heavy
def test_an_adapter_starts_and_speaks_otherwise_than_its_base(
    adapted: Path, url: str, tmp_path: Path
) -> None:
    tuned = _started("torch", url, tmp_path / "models", ALLOWED_LICENSES="mit,apache-2.0", **LORA)
    assert tuned["class"] == "PeftModelForCausalLM"
    assert tuned["identity"]["base"]["repo"] == "acme/base"
    assert sorted(tuned["identity"]["licenses"]) == ["Apache-2.0", "MIT"]
    plain = _started("torch", url, tmp_path / "models", MODEL_TYPE="transformers", MODEL_ID="acme/base")
    assert len(tuned["said"]) == len(plain["said"]) == 8
    assert tuned["said"] != plain["said"]
    again = _started("torch", "http://127.0.0.1:9", tmp_path / "models", **LORA)
    assert again["said"] == tuned["said"]


def test_check_loads_and_makes_one_token_where_that_is_asked(url: str, tmp_path: Path) -> None:
    environ = clean({"HF_ENDPOINT": url, "CACHE_DIR": str(tmp_path / "models"), **GGUF})
    done = subprocess.run(
        [interpreter("llama"), "-m", "weighbridge", "check", "--load"],
        env=environ, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "✓ load" in done.stdout
    assert "said      '" in done.stdout


def test_the_threads_are_those_that_may_be_used(url: str, tmp_path: Path) -> None:
    environ = clean({"HF_ENDPOINT": url, "CACHE_DIR": str(tmp_path / "models"), **GGUF})
    done = subprocess.run(
        [*alone(), interpreter("llama"), "-m", "weighbridge", "check", "--load"],
        env=environ, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert "gguf in memory, 1 threads" in done.stdout, done.stderr
