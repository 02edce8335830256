"""Examples, explanations and files, as ``ramp_up_time`` grades them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.metrics.making import AWAY, READ, config, evidence_of
from tests.metrics.models import TOKENIZER, gguf, phi, real_minilm
from weighbridge.domain.card import parse_card
from weighbridge.domain.evidence import Evidence
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import RepoId
from weighbridge.domain.score import Signal, Status
from weighbridge.metrics import METRICS
from weighbridge.metrics._examples import best_example, parsed

REPO = RepoId.parse("yard/model")


def signal(evidence: Evidence, id: str) -> Signal:
    return next(s for s in METRICS["ramp_up_time"](evidence, Policy()).signals if s.id == id)


def grade(code: str, language: str = "python") -> float:
    best = best_example(parse_card(f"# A model\n\n```{language}\n{code}\n```\n"), REPO)
    return best.grade if best else 0.0


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("pipe = pipeline('fill-mask', model='yard/model')", 1.0),
        ("m = AutoModel.from_pretrained('YARD/Model')", 1.0),
        ("m = AutoModel.from_pretrained('model')", 1.0),
        ("name = 'hf-hub:yard/model'\nm = timm.create_model(name)", 1.0),
        ("m = AutoModel.from_pretrained('yard/model-large')", 0.7),
        ("m = AutoModel.from_pretrained('yard/model.en')", 0.7),
        ("m = joblib.load('model.joblib')", 0.7),
        ("import numpy as np\nprint(np.zeros(3))", 0.5),
        ("m = AutoModel.from_pretrained('yard/model'", 0.3),
        ("# nothing\n'just a text'", 0.0),
        ("[More Information Needed]", 0.0),
    ],
)
def test_a_python_block_is_graded_by_what_it_shows(code: str, value: float) -> None:
    assert grade(code) == value


def test_prompts_outputs_and_notebook_commands_do_not_break_an_example() -> None:
    session = ">>> p = pipeline(model='yard/model')\n>>> for x in p('a'):\n...     print(x)\n{'score': 0.1\n"
    assert grade(session) == 1.0
    assert grade("!pip install transformers\n%time\np = pipeline(model='yard/model')") == 1.0
    assert grade("    p = pipeline(model='yard/model')", "py") == 1.0


@pytest.mark.parametrize(
    ("language", "code", "value"),
    [
        ("bash", "llama-cli -hf yard/model -p hello", 1.0),
        ("bash", "ollama run hf.co/yard/model", 1.0),
        ("", "./main -m model.Q4_K_M.gguf -p hello", 0.7),
        ("bash", "pip install transformers", 0.0),
        ("", "pip install -U sentence-transformers", 0.0),
        ("", "from transformers import pipeline\npipeline(model='yard/model')", 1.0),
        ("js", "const pipe = await pipeline('fill-mask', 'yard/model');", 0.5),
        ("json", '{"model": "yard/model"}', 0.0),
        ("bibtex", "@misc{yard/model}", 0.0),
    ],
)
def test_blocks_in_other_languages(language: str, code: str, value: float) -> None:
    assert grade(code, language) == value


def test_code_that_would_break_a_parser_only_does_not_parse() -> None:
    for hostile in ("(" * 9_000, "-" * 15_000 + "1", "a" + ".b" * 9_000, "x = '\x00'", "f'{" * 3_000, "\\"):
        assert grade(hostile) in (0.0, 0.3, 0.5)
    assert parsed("def f(:") is None


def test_the_best_example_is_quoted_where_it_loads() -> None:
    proof = signal(real_minilm(), "quickstart").proofs[0]
    assert "SentenceTransformer('sentence-transformers/all-MiniLM-L6-v2')" in proof.excerpt
    assert proof.locator.startswith("line ")


def test_the_hub_derives_a_quick_start_only_from_complete_files() -> None:
    info = {"pipeline_tag": "fill-mask", "library_name": "transformers"}
    texts = {"config.json": config(model_type="bert")}
    whole = evidence_of("yard/m", sizes={"model.safetensors": 5, **TOKENIZER}, texts=texts, info=info)
    partial = evidence_of("yard/m", sizes={"model.safetensors": 5}, texts=texts, info=info)
    assert signal(whole, "quickstart").value == 0.4
    assert signal(partial, "quickstart").value == 0.0


@pytest.mark.parametrize(
    ("sizes", "texts", "value"),
    [
        ({"model.safetensors": 5, **TOKENIZER}, {"config.json": '{"model_type": "bert"}'}, 1.0),
        ({"model.safetensors": 5}, {"config.json": '{"model_type": "bert"}'}, 0.6),
        ({"model.safetensors": 5}, {"config.json": '{"labels": ["yes", "no"]}'}, 1.0),
        ({"model.pkl": 5}, {}, 0.0),
        ({"model.onnx": 5}, {}, 0.8),
        ({}, {"config.json": "{}"}, 0.0),
        ({"a-00001-of-00003.gguf": 5, "a-00003-of-00003.gguf": 5}, {}, 0.0),
        ({"adapter_model.safetensors": 5}, {"adapter_config.json": "{}"}, 1.0),
        ({"other.safetensors": 5}, {"adapter_config.json": "{}"}, 0.4),
        (
            {"unet/diffusion_pytorch_model.safetensors": 5},
            {"model_index.json": '{"_class_name": "P", "unet": ["d", "U"], "vae": ["d", "V"]}'},
            0.4,
        ),
    ],
)
def test_loads_as_is_asks_for_what_its_kind_needs(
    sizes: dict[str, int], texts: dict[str, str], value: float
) -> None:
    assert signal(evidence_of("yard/m", sizes=sizes, texts=texts), "loads_as_is").value == value


def test_a_missing_shard_is_named() -> None:
    evidence = phi()
    kept = replace(evidence.manifest, files=tuple(f for f in evidence.files if "00002-of" not in f.path))
    found = signal(replace(evidence, manifest=kept), "loads_as_is")
    assert found.value == 0.0
    assert "model-00002-of-00002.safetensors" in found.reason


@pytest.mark.parametrize(
    ("texts", "info", "value"),
    [
        ({}, {"widgetData": [{"text": "hello"}]}, 1.0),
        ({"config.json": '{"id2label": {"0": "NEGATIVE", "1": "POSITIVE"}}'}, {}, 1.0),
        ({"config.json": '{"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}'}, {}, 0.0),
        ({"tokenizer_config.json": '{"chat_template": "{{ x }}"}'}, {}, 1.0),
        ({"chat_template.jinja": "{{ x }}"}, {}, 1.0),
        ({}, {"pipeline_tag": "fill-mask"}, 0.4),
        ({"README.md": "```python\nimport x\n```"}, {"pipeline_tag": "fill-mask"}, 0.7),
        ({"README.md": "---\npipeline_tag: fill-mask\nwidget:\n- text: hi\n---\n"}, {}, 1.0),
        ({}, {"widgetData": None, "pipeline_tag": 7}, 0.0),
    ],
)
def test_io_contract(texts: dict[str, str], info: dict[str, object], value: float) -> None:
    assert signal(evidence_of("yard/m", texts=texts, info=info), "io_contract").value == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "texts", [{"config.json": '{"auto_map": {"AutoModel": "m.C"}}'}, {"modeling_yard.py": "class C: ..."}]
)
def test_code_of_the_repository_costs(texts: dict[str, str]) -> None:
    assert signal(evidence_of("yard/m", texts=texts), "no_custom_code").value == 0.2


@pytest.mark.parametrize(("gated", "value"), [(False, 1.0), (None, 1.0), ("auto", 0.7), ("manual", 0.4)])
def test_access(gated: object, value: float) -> None:
    evidence = evidence_of("yard/m", sizes={"a.bin": 1}, info={"gated": gated})  # type: ignore[dict-item]
    assert signal(evidence, "access").value == value


def test_saying_it_twice_explains_nothing_more() -> None:
    once = "# T\n\nIt weighs a truck by the sum of what its wheels press on the plate.\n"
    one = evidence_of("yard/m", texts={"README.md": once})
    twice = evidence_of("yard/m", texts={"README.md": once + "\n" + once + "\n" + once})
    assert signal(one, "explains_use").value == signal(twice, "explains_use").value != 0.0


def test_a_hub_that_is_down_makes_only_its_own_signals_unknown() -> None:
    away = replace(gguf(), info={}, sources={"info": AWAY, "texts": READ, "headers": READ, "parents": READ})
    score = METRICS["ramp_up_time"](away, Policy())
    assert {s.id for s in score.signals if s.status is Status.UNKNOWN} == {"io_contract", "access"}
    assert score.low < METRICS["ramp_up_time"](gguf(), Policy()).low <= score.high
