"""Bills of materials: each is valid CycloneDX 1.6, by the strict validator of the standard's own library."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.domain.papers import package_of, verdict_of
from tests.metrics.models import LLAMA_PARENT, MODELS
from weighbridge.domain.bom import Result, bill_of, purl
from weighbridge.domain.evidence import Evidence
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.licence_table import ROWS
from weighbridge.metrics.licence_terms import licence_terms
from weighbridge.metrics.results import stated_results

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)


def bill(evidence: Evidence, address: str = "https://huggingface.co") -> dict[str, Any]:
    verdict = verdict_of(evidence)
    made = bill_of(
        package_of(evidence, verdict),
        evidence,
        verdict,
        licence_terms(evidence),
        stated_results(evidence),
        tool_version="0.1.0",
        address=address,
    )
    return dict(json.loads(json.dumps(made)))


def require_valid(made: dict[str, Any]) -> None:
    assert VALIDATOR.validate_str(json.dumps(made)) is None


@pytest.mark.parametrize("name", MODELS)
def test_the_bill_of_every_model_is_valid(name: str) -> None:
    evidence = MODELS[name]()
    made = bill(evidence)
    require_valid(made)
    component = made["metadata"]["component"]
    assert component["type"] == "machine-learning-model"
    assert component["purl"] == purl(evidence.repo.full_name, evidence.manifest.commit)
    files = [part for part in made["components"] if part["type"] == "file"]
    assert {part["name"]: part.get("hashes", [{}])[0].get("content") for part in files} == {
        entry.path: entry.sha256 for entry in evidence.manifest.files
    }
    assert {part["bom-ref"] for part in made["components"]} == set(made["dependencies"][0]["dependsOn"])


@pytest.mark.parametrize("id", sorted(row[0] for row in ROWS))
def test_every_licence_of_the_table_can_stand_in_a_bill(id: str) -> None:
    bert = replace(next(iter(MODELS.values()))(), texts={})
    head, _, name = id.partition(":")
    front = {**(bert.front_matter or {}), "license": head, **({"license_name": name} if name else {})}
    made = bill(replace(bert, front_matter=front))
    require_valid(made)
    assert made["metadata"]["component"]["licenses"][0]["license"]["acknowledgement"] == "declared"


def test_the_same_package_has_the_same_bill_and_another_one_another() -> None:
    first, second = (MODELS[name]() for name in list(MODELS)[:2])
    assert bill(first) == bill(first)
    assert bill(first)["serialNumber"] != bill(second)["serialNumber"]
    assert bill(first)["serialNumber"] != bill(first, address="https://hub.test")["serialNumber"]


def test_base_models_are_its_pedigree() -> None:
    derived = next(e for e in (make() for make in MODELS.values()) if e.parents)
    made = bill(derived)
    ancestors = made["metadata"]["component"]["pedigree"]["ancestors"]
    assert [a["purl"].partition("@")[0] for a in ancestors] == [purl(p.id, None) for p in derived.parents]
    assert all(a["type"] == "machine-learning-model" for a in ancestors)


def test_stated_results_and_data_sets_are_in_the_model_card() -> None:
    told = next(e for e in (make() for make in MODELS.values()) if stated_results(e) and e.data_sets)
    card = bill(told)["metadata"]["component"]["modelCard"]
    first: Result = stated_results(told)[0]
    assert card["quantitativeAnalysis"]["performanceMetrics"][0]["type"] == first.metric
    assert card["quantitativeAnalysis"]["performanceMetrics"][0]["value"] == first.value
    assert {one["ref"] for one in card["modelParameters"]["datasets"]} == {
        f"data-set:{data.id}" for data in told.data_sets
    }


def test_what_is_hosted_here_points_to_no_hub() -> None:
    assert (
        "externalReferences" not in bill(next(iter(MODELS.values()))(), address="")["metadata"]["component"]
    )


def test_a_package_url_escapes_what_could_be_read_otherwise() -> None:
    assert purl("gpt2", "a" * 40) == f"pkg:huggingface/gpt2@{'a' * 40}"
    assert purl("org/a?b#c@d", None) == "pkg:huggingface/org/a%3Fb%23c%40d"


HOSTILE = [
    "</script>&amp;<x>",
    "\x00\x1b[2J\u202e",
    '{"a": 1}',
    "]]>",
    "MIT OR",
    "LicenseRef-1",
    "../..",
    "a/b/c",
    "#?%\\ ",
    "é" * 3000,
]


@pytest.mark.parametrize("said", HOSTILE)
def test_whatever_strangers_write_the_bill_is_valid(said: str) -> None:
    metric = {"type": said, "value": 1e308}
    result = {"task": {"type": said}, "dataset": {"type": said, "name": said}, "metrics": [metric, metric]}
    front: JsonObject = {
        "license": [said, said, "mit"],
        "license_name": said,
        "datasets": [said, said],
        "pipeline_tag": said,
        "model-index": [{"results": [result]}],
    }
    info: JsonObject = {
        "pipeline_tag": said,
        "safetensors": {"total": 1e300},
        "tags": [said, f"license:{said}", f"dataset:{said}"],
        "cardData": {"license": [said, "mit", "mit"]},
        "sha": said,
    }
    parent = replace(LLAMA_PARENT, id=said, relation=said, declared_in=said, info=info)
    made = bill(replace(MODELS["bert"](), front_matter=front, info=info, parents=(parent,)))
    require_valid(made)
