"""The bill of materials of a model: CycloneDX 1.6 JSON (cyclonedx.org/docs/1.6/json).

The package URL is of the type ``huggingface`` (package-url/purl-spec, types/huggingface): the
version is the commit. The serial number is derived from all the rest, so that the same package
always has the same bill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from weighbridge.domain.card import card_of
from weighbridge.domain.evidence import Evidence, Parent
from weighbridge.domain.json_values import Json, JsonObject, child, digest_of, number, text, texts
from weighbridge.domain.licence import stated_by_parent
from weighbridge.domain.package import Package
from weighbridge.domain.ref import RepoKind, is_commit
from weighbridge.domain.terms import Terms, Whose
from weighbridge.domain.verdict import Verdict

NOT_IN_SPDX_1_6 = ("OpenMDW-1.0",)
"""Identifiers of the licence table that the list in CycloneDX 1.6 does not have: they go by name."""
_PROSE_LIMIT = 1000
_USES = ("intended use", "uses", "direct use", "use cases", "intended uses")
_LIMITS = ("limitation", "bias", "risk", "out-of-scope", "caveat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A result that the card states as data: what was measured on what, and the number as it stands."""

    metric: str
    value: str
    dataset: str = ""
    split: str = ""


def bill_of(
    package: Package,
    evidence: Evidence,
    verdict: Verdict,
    terms: Terms,
    results: Sequence[Result],
    *,
    tool_version: str,
    address: str = "",
) -> JsonObject:
    """The bill of one package. ``address`` is the Hub that it came from, empty where it is hosted here."""
    files = [_file(entry.path, entry.sha256, entry.size_bytes) for entry in package.manifest.files]
    data = [_data_set(id) for id in _data_set_ids(evidence)]
    bill: dict[str, Json] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": package.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tools": {
                "components": [{"type": "application", "name": "weighbridge", "version": tool_version}]
            },
            "component": _model(package, evidence, verdict, terms, results, address),
        },
        "components": [*files, *data],
        "dependencies": [
            {"ref": "model", "dependsOn": [str(part["bom-ref"]) for part in (*files, *data)]},
        ],
    }
    return {**bill, "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'sha256:{digest_of(bill)}')}"}


def purl(full_name: str, commit: str | None) -> str:
    """The package URL of a model: ``pkg:huggingface/org/name@commit``; without ``@`` of no commit."""
    named = "/".join(quote(part, safe="") for part in full_name.split("/"))
    return f"pkg:huggingface/{named}@{commit}" if commit else f"pkg:huggingface/{named}"


def _model(
    package: Package,
    evidence: Evidence,
    verdict: Verdict,
    terms: Terms,
    results: Sequence[Result],
    address: str,
) -> JsonObject:
    repo, commit = package.manifest.repo, package.manifest.commit
    is_model = repo.kind is RepoKind.MODEL
    made: dict[str, Json] = {
        "bom-ref": "model",
        "type": "machine-learning-model" if is_model else "data",
        **({"group": repo.namespace, "supplier": {"name": repo.namespace}} if repo.namespace else {}),
        "name": repo.name,
        "version": commit,
        "description": package.description or f"{repo.full_name} {package.version}",
        "licenses": _licences(terms),
        "properties": _properties(package, verdict, terms),
    }
    if is_model:
        made["purl"] = purl(repo.full_name, commit)
        made["modelCard"] = _model_card(evidence, results)
    else:
        made["data"] = [{"type": "dataset", "name": repo.full_name}]
    if evidence.parents:
        line = (*evidence.parents, *evidence.ancestors)
        made["pedigree"] = {"ancestors": [_ancestor(parent) for parent in line]}
    if address:
        page = f"{address.rstrip('/')}/{'' if is_model else repo.kind.plural + '/'}{repo.full_name}"
        made["externalReferences"] = [
            {"type": "distribution", "url": f"{page}/tree/{commit}"},
            {"type": "documentation", "url": page},
        ]
    return {key: value for key, value in made.items() if value != []}


def _licences(terms: Terms) -> list[Json]:
    found: list[Json] = []
    for holding in terms.of(Whose.MODEL):
        stated = holding.stated_in in ("README.md", "tags")
        named = _licence_name(holding.licence.spdx, holding.licence.name)
        one: JsonObject = {"license": {**named, "acknowledgement": "declared" if stated else "concluded"}}
        if one not in found:
            found.append(one)
    return found


def _licence_name(spdx: str, name: str) -> dict[str, Json]:
    is_listed = spdx != "NOASSERTION" and not spdx.startswith("LicenseRef-") and spdx not in NOT_IN_SPDX_1_6
    return {"id": spdx} if is_listed else {"name": name}


def _properties(package: Package, verdict: Verdict, terms: Terms) -> list[Json]:
    told = [
        ("package", package.id),
        ("package-version", package.version.text),
        ("verdict", verdict.outcome.value),
        ("net-score", f"{verdict.net_score:.4f}"),
        *((f"score:{score.metric}", f"{score.low:.4f}") for score in verdict.scores),
        *(("waived", f"{waiver.metric}: {waiver.reason}") for waiver in verdict.waived),
        ("scan", verdict.scan.verdict.word),
        ("scan-rules", verdict.scan.rules),
        ("policy-sha256", verdict.policy.sha256),
        ("commercial-use", terms.use("commercial_use")),
        *(("obligation", f"{one.licence}: {one.text}") for one in terms.obligations),
    ]
    return [{"name": f"weighbridge:{name}", "value": value} for name, value in told]


def _model_card(evidence: Evidence, results: Sequence[Result]) -> JsonObject:
    config = evidence.json_of("config.json")
    parameters: dict[str, Json] = {
        "task": text(evidence.info, "pipeline_tag") or text(evidence.front_matter or {}, "pipeline_tag"),
        "architectureFamily": text(config, "model_type"),
        "modelArchitecture": next(iter(texts(config, "architectures")), None),
        "datasets": [{"ref": f"data-set:{id}"} for id in _data_set_ids(evidence)],
    }
    card: dict[str, Json] = {"modelParameters": {k: v for k, v in parameters.items() if v}}
    if results:
        card["quantitativeAnalysis"] = {"performanceMetrics": [_measured(result) for result in results]}
    considerations = {
        "useCases": _prose(evidence, _USES),
        "technicalLimitations": _prose(evidence, _LIMITS),
    }
    if any(considerations.values()):
        card["considerations"] = {k: v for k, v in considerations.items() if v}
    count = _parameter_count(evidence)
    if count:
        card["properties"] = [{"name": "weighbridge:parameters", "value": str(count)}]
    return card


def _measured(result: Result) -> JsonObject:
    where = " ".join(part for part in (result.dataset, result.split) if part)
    return {"type": result.metric, "value": result.value, **({"slice": where} if where else {})}


def _prose(evidence: Evidence, titles: Sequence[str]) -> Sequence[Json]:
    """The paragraphs beneath headings that speak of something, shortened."""
    return [
        paragraph.text[:_PROSE_LIMIT]
        for section in card_of(evidence).sections
        if section.title and any(word in section.title.lower() for word in titles)
        for paragraph in section.paragraphs
        if paragraph.text.strip()
    ][:10]


def _parameter_count(evidence: Evidence) -> int:
    stated = number(child(evidence.info, "safetensors"), "total")
    if stated:
        return int(stated)
    return sum(int(number(header, "parameters") or 0) for header in evidence.headers.values())


def _ancestor(parent: Parent) -> JsonObject:
    info = parent.info or {}
    sha = None if info.get("private") else text(info, "sha")
    group, _, name = parent.id.rpartition("/")
    licences = [row for row in stated_by_parent(info) if row.is_resolved]
    made: dict[str, Json] = {
        "type": "machine-learning-model",
        **({"group": group} if group else {}),
        "name": name or parent.id,
        "purl": purl(parent.id, sha if sha and is_commit(sha) else None),
        "licenses": [{"license": _licence_name(row.spdx, row.name)} for row in licences],
        "properties": [
            {"name": "weighbridge:declared-in", "value": parent.declared_in},
            *([{"name": "weighbridge:relation", "value": parent.relation}] if parent.relation else []),
        ],
    }
    return {key: value for key, value in made.items() if value != []}


def _file(path: str, sha256: str | None, size_bytes: int) -> dict[str, Json]:
    return {
        "bom-ref": f"file:{path}",
        "type": "file",
        "name": path,
        **({"hashes": [{"alg": "SHA-256", "content": sha256}]} if sha256 else {}),
        "properties": [{"name": "weighbridge:size_bytes", "value": str(size_bytes)}],
    }


def _data_set(id: str) -> dict[str, Json]:
    return {
        "bom-ref": f"data-set:{id}",
        "type": "data",
        "name": id,
        "data": [{"type": "dataset", "name": id}],
    }


def _data_set_ids(evidence: Evidence) -> tuple[str, ...]:
    return tuple(sorted({data.id for data in evidence.data_sets}))
