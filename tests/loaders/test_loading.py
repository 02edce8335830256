"""Each loader beside the library that it calls, with tiny models that are really run."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.loaders.environments import run_in
from tests.loaders.programs.orders import order
from tests.tiny_gguf import tiny_gguf
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.loading import Prompt
from weighbridge.errors import MissingExtra
from weighbridge.loaders import LOADERS

SOURCE = Path(sys.modules["weighbridge.loaders"].__path__[0])


def test_a_gguf_says_what_llama_cpp_says_of_it(tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(tiny_gguf())
    said = run_in("llama", "loads_gguf", str(tmp_path))
    assert (said["kind"], said["is_llama"]) == ("gguf", True)
    assert said["said"] == said["own"] != ""
    assert said["together"] == [said["own"]]
    sampled = said["sampled"]
    assert isinstance(sampled, list)
    assert sampled[0] == sampled[1]
    assert said["stopped"] == ""
    assert "exceed" in str(said["too_long"])
    assert "llama.cpp cannot load 'cut.gguf'" in str(said["cut"])


@pytest.mark.heavy
def test_an_adapter_says_what_peft_says_of_it(tmp_path: Path) -> None:
    said = run_in("torch", "loads_torch", str(tmp_path), HF_HUB_OFFLINE="1")
    assert (said["kind"], said["is_peft"]) == ("lora", True)
    rows = said["rows"]
    assert isinstance(rows, list)
    assert rows[1] == rows[0] + 1
    assert said["tuned"] == said["itself"] != said["plain"]
    sampled = said["sampled"]
    assert isinstance(sampled, list)
    assert sampled[0] == sampled[1]
    plain = str(said["plain"])
    assert said["stopped"] == plain[: plain.index(plain[-1])]
    assert "transformers cannot load" in str(said["pickled"])
    assert "none is given" in str(said["no_base"])
    assert "PEFT cannot put" in str(said["no_adapter"])
    assert "trained for" in str(said["too_long"])
    assert said["beamed"] == said["plain"]
    odd = said["odd"]
    assert isinstance(odd, list)
    assert [reason.split(" ", 1)[0] for reason in odd] == ["transformers"] * 4 + ["PEFT"]


@pytest.mark.parametrize(
    ("kind", "library"), [("gguf", "llama_cpp"), ("lora", "peft"), ("transformers", "torch")]
)
def test_a_missing_library_names_the_extra(
    kind: str, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # None in the table of modules is how Python itself says that there is none.
    for name in ("llama_cpp", "torch", "peft"):
        monkeypatch.setitem(sys.modules, name, None)
    (tmp_path / "tiny.gguf").write_bytes(b"GGUF")
    with pytest.raises(MissingExtra) as caught:
        LOADERS[kind].load(order(tmp_path, "tiny.gguf", base=tmp_path))
    extra = "gguf" if kind == "gguf" else "lora"
    assert caught.value.hint == f"pip install 'weighbridge[{extra}]'"


def test_loaders_import_their_libraries_only_when_they_load() -> None:
    foreign = {"torch", "transformers", "peft", "accelerate", "llama_cpp", "joblib", "sklearn"}
    early = [
        f"{path.name}: {alias}"
        for path in SOURCE.glob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
        if alias.split(".")[0] in foreign
    ]
    assert early == []


@pytest.mark.parametrize(
    "what",
    [
        {"max_tokens": 0},
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"seed": -1},
        {"stop": ("\ud800",)},
        {"stop": ("",)},
    ],
)
def test_a_prompt_that_cannot_be_is_refused(what: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match=next(iter(what))):
        Prompt(text="x", **what)


def test_a_prompt_that_is_no_text_is_refused() -> None:
    with pytest.raises(Invalid, match="not valid Unicode"):
        Prompt(text="half of a pair: \udc00")
