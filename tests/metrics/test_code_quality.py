"""What one must execute or parse to use a model, and how sound it is."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest

from tests.metrics.making import AWAY, config, evidence_of
from tests.metrics.models import gguf, gpt2, real_minilm, sst2
from weighbridge.domain.evidence import Evidence
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Score, Signal, Status
from weighbridge.metrics import METRICS
from weighbridge.metrics._python_files import complexities, python_files

BERT = config(model_type="bert", transformers_version="4.40.0")
TIDY = '''"""Weigh trucks."""


def weigh(truck: str) -> int:
    """The weight in kilograms."""
    return len(truck)
'''


def judged(evidence: Evidence) -> Score:
    return METRICS["code_quality"](evidence, Policy())


def signal(evidence: Evidence, id: str) -> Signal:
    return next(s for s in judged(evidence).signals if s.id == id)


@pytest.mark.parametrize(
    ("files", "value"),
    [
        (["model.safetensors"], 1.0),
        (["model.gguf"], 1.0),
        (["model.onnx", "model.pkl"], 1.0),
        (["model.keras"], 0.6),
        (["pytorch_model.bin"], 0.3),
        (["model.joblib"], 0.3),
        (["readme.txt"], 0.0),
    ],
)
def test_formats_that_only_hold_numbers_are_safe(files: list[str], value: float) -> None:
    assert signal(evidence_of("yard/s", sizes=dict.fromkeys(files, 9)), "safe_serialisation").value == value


@pytest.mark.parametrize(
    ("sizes", "texts", "value"),
    [
        ({"model.safetensors": 9}, {"config.json": BERT}, 1.0),
        ({"model.safetensors": 9}, {"config.json": "{"}, 0.333333),
        ({"model.safetensors": 9}, {"config.json": BERT, "tokenizer_config.json": "{,"}, 0.666667),
        ({"model-00001-of-00002.safetensors": 9}, {"config.json": BERT}, 0.666667),
        ({"model.pkl": 9}, {}, 0.0),
        ({"model.onnx": 9}, {}, 1.0),
        ({"model.Q4_K_M.gguf": 9}, {}, 1.0),
    ],
)
def test_configuration_is_there_parses_and_names_the_kind(
    sizes: dict[str, int], texts: dict[str, str], value: float
) -> None:
    assert signal(evidence_of("yard/s", sizes=sizes, texts=texts), "config_integrity").value == value


def python(*sources: str, **configs: str) -> Evidence:
    texts = {f"file{n}.py": source for n, source in enumerate(sources)}
    return evidence_of("yard/s", sizes={"model.safetensors": 9}, texts={**texts, **configs})


def grade(source: str) -> float:
    return python_files(python(source))[0].grade


def test_what_a_known_library_runs_is_no_code_of_the_model() -> None:
    named = evidence_of("yard/s", sizes={"a.safetensors": 1}, info={"library_name": "transformers"})
    assert signal(named, "executed_code").value == 1.0
    assert signal(evidence_of("yard/s", sizes={"a.bin": 1}), "executed_code").value == 0.5
    away = evidence_of("yard/s", sizes={"a.bin": 1}, sources={"info": AWAY})
    assert (signal(away, "executed_code").least, signal(away, "executed_code").most) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("library", "reason"),
    [
        ("", "only transformers runs, no code of the repository"),
        ("library_name: Keras", "only keras runs, no code of the repository"),
        ("library_name: numpy", "no known library is named"),
    ],
)
def test_a_model_type_says_nothing_where_the_card_names_another_library(library: str, reason: str) -> None:
    texts = {"config.json": '{"model_type": "pooling"}', "README.md": f"---\n{library}\n---\n# A\n"}
    named = evidence_of("yard/s", sizes={"a.safetensors": 1}, texts=texts)
    assert signal(named, "executed_code").reason == reason


def test_tidy_code_is_worth_as_much_as_none() -> None:
    assert grade(TIDY) == 1.0


@pytest.mark.parametrize(
    "worse",
    [
        TIDY.replace('    """The weight in kilograms."""\n', ""),
        TIDY.replace(" -> int", "").replace(": str", ""),
        TIDY + "try:\n    pass\nexcept:\n    pass\n",
        TIDY + "x = '" + "a" * 200 + "'\n",
        TIDY + "\ndef f(x: int) -> int:\n    '''F.'''\n" + "    if x: x = 1\n" * 16 + "    return x\n",
    ],
)
def test_what_lowers_a_grade(worse: str) -> None:
    assert 0.35 < grade(worse) < 1.0


@pytest.mark.parametrize(
    "danger",
    [
        "import os\nos.system('ls')",
        "from os import system",
        "import subprocess",
        "from socket import socket",
        "eval('1')",
        "import pickle\npickle.load(open('x', 'rb'))",
    ],
)
def test_code_that_runs_commands_is_worth_half(danger: str) -> None:
    assert grade(TIDY + danger + "\n") <= 0.5
    assert grade(TIDY + "import re\nre.compile('x')\n") == 1.0


def test_a_doctest_does_not_hide_the_code_around_it() -> None:
    hiding = f'"""Weigh.\n\n>>> 1 + 1\n2\n"""\nimport subprocess\n{TIDY}'
    assert grade(hiding) <= 0.5


def test_code_that_is_broken_or_too_long_to_capture_is_worth_nothing() -> None:
    assert grade("def (:\n") == 0.0
    long = evidence_of("yard/s", sizes={"model.safetensors": 9, "huge.py": 9_000_000})
    assert python_files(long)[0].grade == 0.0
    assert signal(long, "executed_code").value == 0.0


def test_code_that_the_loader_runs_is_worth_a_fifth_less() -> None:
    remote = config(model_type="s", auto_map={"AutoModel": "file0.S"})
    assert signal(python(TIDY, **{"config.json": remote}), "executed_code").value == 0.8
    elsewhere = evidence_of("yard/s", sizes={"a.bin": 1}, texts={"config.json": remote})
    assert signal(elsewhere, "executed_code").value == 0.0


def test_examples_are_counted_by_those_that_parse() -> None:
    text = "# S\n```python\nimport torch\nprint(torch)\n```\n```python\nimport torch\nprint(\n```\n"
    assert signal(evidence_of("yard/s", texts={"README.md": text}), "examples_parse").value == 0.5


@pytest.mark.parametrize(
    ("texts", "value"),
    [
        ({"requirements.txt": "torch\ntransformers>=4.40"}, 1.0),
        ({"requirements.txt": "torch"}, 0.0),
        ({"README.md": "# S\n\nTransformers 4.24.0\n"}, 1.0),
        ({"README.md": "# S\n<!-- Transformers 4.24.0 -->\n"}, 0.0),
        ({"config.json": BERT}, 1.0),
        ({"generation_config.json": config(transformers_version="4.40.0")}, 0.5),
        ({"README.md": "# S"}, 0.0),
    ],
)
def test_versions(texts: dict[str, str], value: float) -> None:
    assert signal(evidence_of("yard/s", sizes={"a.bin": 1}, texts=texts), "versions_stated").value == value


def test_a_gguf_repository_is_not_asked_for_versions() -> None:
    assert signal(gguf(), "versions_stated").status is Status.NOT_APPLICABLE
    assert judged(gguf()).low == 1.0


def test_what_the_scanners_block_caps_it() -> None:
    score = judged(replace(sst2(), blocked={"model.safetensors": "safetensors.header"}))
    assert score.high == 0.2
    assert "safetensors.header" in score.caps[0].reason
    assert score.caps[0].how_to_improve


@pytest.mark.parametrize(
    ("level", "high"), [("unsafe", 0.2), ("suspicious", 0.2), ("caution", 1.0), ("safe", 1.0)]
)
def test_the_hubs_scanners_can_only_take_away(level: str, high: float) -> None:
    status = {"scansDone": True, "filesWithIssues": [{"path": "pytorch_model.bin", "level": level}]}
    assert judged(replace(sst2(), info={**sst2().info, "securityRepoStatus": status})).high == high
    assert judged(gpt2()).low == judged(replace(gpt2(), info={**gpt2().info, "securityRepoStatus": {}})).low


def test_a_word_of_the_hubs_scanners_that_could_not_be_read_holds_nothing_up() -> None:
    away = replace(sst2(), sources={**sst2().sources, "details": AWAY})
    assert judged(away).low == judged(sst2()).low


def test_a_header_that_is_none_caps_it_and_one_that_nobody_read_may() -> None:
    broken = replace(real_minilm(), headers={"model.safetensors": {"error": "not JSON"}})
    assert judged(broken).high == 0.2
    early = judged(replace(real_minilm(), sources={**real_minilm().sources, "headers": AWAY}))
    assert (early.low, early.high) == (0.2, judged(real_minilm()).low)


def test_small_neat_files_hide_no_large_one() -> None:
    ugly = "import subprocess\n" + "def f(a, b):\n    return subprocess.run(a)\n" * 200
    alone = signal(python(ugly), "executed_code").value
    padded = signal(python(*[TIDY] * 49, ugly), "executed_code").value
    assert alone is not None
    assert padded is not None
    assert padded < (alone + 1) / 2
    assert {file.path for file in python_files(python(*[TIDY] * 60, ugly))} >= {"file60.py"}


def test_code_beyond_what_is_read_is_worth_nothing() -> None:
    long = TIDY * (190_000 // len(TIDY))
    grades = [file.grade for file in python_files(python(*[long] * 5))]
    assert [grade > 0 for grade in grades] == [True, True, True, False, False]


def test_the_decisions_of_a_nested_function_are_its_own_and_those_around_it() -> None:
    nested = "".join(f"{'  ' * n}def f{n}(a):\n{'  ' * n}  if a and a: pass\n" for n in range(40))
    found = {function.name: decisions for function, decisions in complexities(ast.parse(nested))}
    assert found == {f"f{n}": 1 + 2 * (40 - n) for n in range(40)}
