"""``weighbridge info`` on a folder of models that is served as a Hub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.papers import verdict_of
from tests.doors.cli_in_process import Shell
from tests.doors.info_examples import EXAMPLES, GOLDEN, about_of, drawn
from tests.doors.verdict_examples import kept
from tests.hub_process import safetensors
from tests.hub_server import HubRepo, HubServer, serve_hub
from tests.metrics.models import MODELS
from weighbridge.domain.about import Children
from weighbridge.doors.cli.info import about_lines

WEIGHTS = b"\x02\0\0\0\0\0\0\0{}" + b"\0" * 4000
LARGE = {"config.json": b'{"model_type": "bert"}', "model.safetensors": safetensors(64_000)}
CARD = "---\nlicense: {license}\n{more}---\n# A model\n\nIt says something.\n"


def repo(license: str, more: str = "") -> HubRepo:
    made = HubRepo(
        {
            "README.md": CARD.format(license=license, more=more).encode(),
            "config.json": b'{"model_type": "bert"}',
            "model.safetensors": WEIGHTS,
            "pytorch_model.bin": WEIGHTS * 2,
        }
    )
    made.info = {
        "pipeline_tag": "text-generation",
        "library_name": "transformers",
        "cardData": {"license": license},
        "tags": [f"license:{license}"],
        "safetensors": {"total": 1234567},
        "securityRepoStatus": {
            "scansDone": True,
            "filesWithIssues": [{"path": "pytorch_model.bin", "level": "suspicious"}],
        },
    }
    return made


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    repos = {
        "meta/base": repo("llama2"),
        "acme/free": repo("apache-2.0"),
        "acme/derived": repo("mit", "base_model: meta/base\n"),
        "acme/large": HubRepo({"README.md": CARD.format(license="mit", more="").encode(), **LARGE}),
    }
    for name, tag in (("ann/tuned", "base_model:finetune:acme/free"), ("bob/tuned", "base_model:acme/free")):
        repos[name] = repo("apache-2.0", "base_model: acme/free\n")
        tags = ["license:apache-2.0", "base_model:acme/free", tag]  # as the Hub tags them
        repos[name].info |= {"tags": tags, "downloads": 7}
    with serve_hub(repos) as server:
        yield server


@pytest.fixture
def shell(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    home = {"HOME": str(tmp_path), "WEIGHBRIDGE_HOME": str(tmp_path / "registry")}
    hub.forget()
    yield Shell({**home, "WEIGHBRIDGE_UPSTREAM": hub.url}, monkeypatch, capsys)
    hub.forget()


def test_it_tells_the_licence_with_its_base_model_and_the_size(shell: Shell) -> None:
    told = shell.run("info", "acme/derived")[0]
    flat = " ".join(told.split())
    assert "MIT (model); LicenseRef-HF-llama2 (base model meta/base)" in flat
    assert "commercial use conditional" in flat
    assert "above 700 million monthly users" in flat
    assert "[licence.mismatch]" in flat
    assert "4.0 kB to load (safetensors, 1,234,567 parameters)" in flat
    assert "pytorch_model.bin (suspicious)" in flat
    assert "here: not admitted" in flat
    assert max(map(len, told.splitlines())) <= 100
    assert "\x1b" not in told


def test_as_json(hub: HubServer, shell: Shell) -> None:
    told: Any = shell.json("info", "acme/free")
    assert told["licence"]["commercial_use"] == "yes"
    assert told["size"]["load_bytes"] == len(WEIGHTS)
    assert told["formats"] == {"bin": 2 * len(WEIGHTS), "safetensors": len(WEIGHTS)}
    assert told["safety"]["upstream_issues"] == ["pytorch_model.bin (suspicious)"]
    assert hub.asked("*/resolve/*README.md")
    assert not hub.asked("*/resolve/*model.safetensors")


@pytest.mark.parametrize(
    ("repo", "wish", "code"),
    [
        ("acme/free", "commercial", 0),
        ("acme/free", "MIT OR Apache-2.0", 0),
        ("acme/derived", "commercial", 0),
        ("acme/derived", "unconditional", 3),
        ("acme/derived", "MIT", 3),
        ("acme/free", "No-Such-Licence", 2),
        ("acme/none", "commercial", 4),
    ],
)
def test_what_is_required_decides_the_exit_code(shell: Shell, repo: str, wish: str, code: int) -> None:
    told = shell.json("info", repo, "--require", wish, code=code)
    if code == 3:
        error = told["error"]
        assert error["code"] == "license-mismatch"
        assert "meta/base" in error["message"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_reads_as_it_was_approved(name: str) -> None:
    # renew with: python -m tests.doors.info_examples --write
    assert drawn(name) == (GOLDEN / f"info-{name}.txt").read_text()


def test_it_tells_memory_kin_and_what_the_gate_would_say_and_downloads_no_weights(
    hub: HubServer, shell: Shell
) -> None:
    told: Any = shell.json("info", "acme/derived")
    assert 0.3 <= told["memory"]["need_gib"] < 0.31
    assert "1.2 x the bytes of the weights" in told["memory"]["formula"]
    assert told["memory"]["devices"]["jetson_nano"] == {"gib": 3.0, "fits": True}
    assert told["base_models"] == [{"id": "meta/base", "relation": "", "declared_in": "README.md:base_model"}]
    assert told["children"] == {"known": [], "has_more": False, "unknown": "", "counts": {}}
    assert told["gate"]["outcome"] == "refused"
    assert told["gate"]["sentence"].startswith(
        "it would be refused. Model does not meet quality requirements"
    )
    told = shell.json("info", "acme/large")
    held_open = {name for name, one in told["gate"]["metrics"].items() if one["low"] < one["high"]}
    assert "code_quality" in held_open  # it hangs on headers that were not fetched
    assert told["stated_licence"] == "mit"
    assert hub.asked("*/resolve/*/README.md")
    assert not [asked.path for asked in hub.requests if asked.path.endswith((".safetensors", ".bin"))]


def test_what_only_the_weights_can_tell_is_not_called_a_source_that_failed() -> None:
    about = about_of(MODELS["bert"](), verdict_of(MODELS["bert"]()), Children())
    known = next(score for score in about.verdict.scores if score.metric == "license")
    held_open = replace(
        about.verdict, scores=(known, replace(known, metric="code_quality", low=0.2, high=0.8))
    )
    assert replace(about, verdict=held_open).outlook == (
        "it depends on what was not fetched or could not be read: code_quality 0.20..0.80"
    )


def test_its_children_are_those_that_name_it_and_a_list_that_fails_fails_nothing_else(
    hub: HubServer, shell: Shell
) -> None:
    told: Any = shell.json("info", "acme/free")
    assert sorted((one["repo"], one["relation"], one["downloads"]) for one in told["children"]["known"]) == [
        ("ann/tuned", "finetune", 7),
        ("bob/tuned", "", 7),
    ]
    (asked,) = hub.asked("/api/models")
    assert "filter=base_model%3Aacme%2Ffree" in asked.target
    hub.fault("/api/models", status=403, body=b"{}")
    told = shell.json("info", "acme/free")
    assert "does not permit" in told["children"]["unknown"]
    assert told["licence"]["commercial_use"] == "yes"
    hub.forget()
    strange = [
        {"id": 3},
        {"id": "a/b", "tags": [None, "base_model:acme/free"], "downloads": "many"},
        {"id": "../x"},
    ]
    hub.fault("/api/models", body=json.dumps(strange).encode())
    told = shell.json("info", "acme/free")
    assert told["children"]["known"] == [{"repo": "a/b", "relation": "", "downloads": None}]


def test_what_it_says_to_add_to_the_model_list_is_locked_as_it_stands(shell: Shell) -> None:
    told: Any = shell.json("info", "acme/derived")
    out, _ = shell.run("info", "acme/derived")
    assert told["models_yaml"] in f"{out}"
    Path("models.yaml").write_text(f"models:\n{told['models_yaml']}")
    shell.run("lock")
    (locked,) = json.loads(Path("models.lock").read_text())["models"].values()
    assert sorted(file["path"] for file in locked["files"]) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]


_SAID = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = (
    *("cardData", "safetensors", "gguf", "securityRepoStatus", "childrenModelCount", "baseModels", "tags"),
    *("pipeline_tag", "library_name", "gated", "evalResults", "model-index", "downloads"),
)


@settings(max_examples=40, deadline=None)
@given(said=st.dictionaries(st.sampled_from(_FIELDS), _SAID, max_size=8), width=st.integers(40, 120))
def test_whatever_a_hub_says_of_a_model_can_be_shown(said: dict[str, Any], width: int) -> None:
    known = MODELS["whisper"]()
    evidence = replace(known, info={**known.info, **said})
    about = about_of(evidence, kept("gguf"), Children())
    assert "models.yaml" in "\n".join(about_lines(about, width))
    assert json.loads(json.dumps(about.to_json(), default=dict))["commit"] == known.manifest.commit
