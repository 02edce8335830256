"""A model at a glance, before anything large of it is fetched.

What it may be used for, what it needs, what is known and claimed of it, its kin, and what the gate
would say of it now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from weighbridge.domain.base_models import base_models_of
from weighbridge.domain.evidence import Evidence, weight_format
from weighbridge.domain.json_values import Json, JsonObject, child, number, objects, text, whole
from weighbridge.domain.list_entry import list_entry
from weighbridge.domain.package import Package
from weighbridge.domain.repo import ModelInfo
from weighbridge.domain.scan import Severity
from weighbridge.domain.terms import Terms
from weighbridge.domain.verdict import Outcome, Verdict
from weighbridge.domain.weights import deployable


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What must lie in memory to run it, in GiB, and which target devices of the policy have that.

    ``need_gib`` is None where there is nothing to run or it is not known; ``why`` says so, or of what
    the need is made. ``formula`` is how it was computed.
    """

    need_gib: float | None
    why: str
    formula: str
    devices: Mapping[str, float]

    def fits(self, device: str) -> bool | None:
        """Whether a device has at least what is needed; None where that is not known."""
        return None if self.need_gib is None else self.need_gib <= self.devices[device]

    def to_json(self) -> JsonObject:
        """All of it."""
        devices = {name: {"gib": gib, "fits": self.fits(name)} for name, gib in self.devices.items()}
        need = None if self.need_gib is None else round(self.need_gib, 3)
        return {"need_gib": need, "why": self.why, "formula": self.formula, "devices": devices}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedClaim:
    """A result that is stated of the model: where, how well it is backed, and why it may not count."""

    metric: str
    dataset: str
    split: str
    value: float | None
    where: str
    backing: str
    not_counted: str = ""

    def to_json(self) -> JsonObject:
        """All of it."""
        return {
            "metric": self.metric,
            "dataset": self.dataset,
            "split": self.split,
            "value": self.value,
            "where": self.where,
            "backing": self.backing,
            "not_counted": self.not_counted,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A model that says it was made from this one."""

    repo: str
    relation: str
    downloads: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Children:
    """The most downloaded ones that the Hub lists; ``unknown`` says why it could not be asked."""

    known: Sequence[Child] = ()
    has_more: bool = False
    unknown: str = ""

    def to_json(self) -> JsonObject:
        """All of it."""
        known: list[Json] = [
            {"repo": one.repo, "relation": one.relation, "downloads": one.downloads} for one in self.known
        ]
        return {"known": known, "has_more": self.has_more, "unknown": self.unknown}


@dataclass(frozen=True, kw_only=True)
class About:
    """A revision of the upstream, what its licences allow, and its packages here, newest first.

    ``verdict`` is what the gate would say of it now: its weights were neither fetched nor scanned, so
    what hangs on them is open. ``revision`` is what was asked for. ``scans`` say of the newest packages,
    by their id, what the scanners found here when they were let in.
    """

    evidence: Evidence
    revision: str
    terms: Terms
    verdict: Verdict
    memory: Memory
    claims: Sequence[StatedClaim] = ()
    children: Children = Children()
    packages: Sequence[Package] = ()
    scans: Mapping[str, Severity] = field(default_factory=dict)

    @property
    def stated_licence(self) -> str | None:
        """As the Hub spells it."""
        return ModelInfo(
            repo=self.evidence.repo, commit=self.evidence.manifest.commit, raw=self.evidence.info
        ).license

    @property
    def outlook(self) -> str:
        """What the gate would say now, as a sentence."""
        if self.verdict.outcome is Outcome.ACCEPTED:
            return "nothing that is known keeps it out; its files are fetched and scanned before it is let in"
        if self.verdict.outcome is Outcome.REFUSED:
            return f"it would be refused. {self.verdict.sentence()}"
        open_ = ", ".join(
            [*(failure.sentence() for failure in self.verdict.failures), *self.verdict.doubtful]
        )
        return f"it depends on what was not fetched or could not be read: {open_}"

    @property
    def parameters(self) -> int | None:
        """How many there are, as the Hub read them out of the weights; None where it does not say."""
        info = self.evidence.info
        said = number(child(info, "safetensors"), "total") or number(child(info, "gguf"), "total")
        return int(said) if said else None

    @property
    def formats(self) -> Mapping[str, int]:
        """Bytes by weight format, the largest first."""
        found: dict[str, int] = {}
        for entry in self.evidence.files:
            if format := weight_format(entry.path):
                found[format] = found.get(format, 0) + entry.size_bytes
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    @property
    def children_counts(self) -> Mapping[str, int]:
        """How many models say they were made from this one, by relation, as the Hub counted them."""
        counted = child(self.evidence.info, "childrenModelCount")
        counts = {relation: whole(counted, relation) or 0 for relation in sorted(counted)}
        return {relation: count for relation, count in counts.items() if count > 0}

    @property
    def upstream_issues(self) -> tuple[str, ...] | None:
        """The files that the Hub's own scanners complain of; None where it has not scanned or says nothing.

        That it complains of none is no proof: it never admits anything here.
        """
        status = child(self.evidence.info, "securityRepoStatus")
        if status.get("scansDone") is not True:
            return None
        return tuple(
            f"{text(found, 'path')} ({text(found, 'level') or 'no level'})"
            for found in objects(status, "filesWithIssues")
        )

    def to_json(self) -> JsonObject:
        """All of it; sizes in bytes."""
        best = deployable(self.evidence.files)
        info = self.evidence.info
        issues = self.upstream_issues
        return {
            "name": self.evidence.repo.full_name,
            "kind": self.evidence.repo.kind.value,
            "commit": self.evidence.manifest.commit,
            "task": text(info, "pipeline_tag"),
            "library": text(info, "library_name"),
            "gated": bool(info.get("gated")),
            "stated_licence": self.stated_licence,
            "licence": self.terms.to_json(),
            "size": {
                "all_bytes": self.evidence.manifest.total_bytes,
                "load_bytes": best.size_bytes,
                "load_format": best.format,
                "parameters": self.parameters,
            },
            "memory": self.memory.to_json(),
            "formats": dict(self.formats),
            "safety": {
                "upstream_issues": None if issues is None else list(issues),
                "packages": [
                    {**p.to_json(), "scan": self.scans[p.id].word if p.id in self.scans else None}
                    for p in self.packages
                ],
            },
            "base_models": [
                {"id": one.id, "relation": one.relation, "declared_in": one.declared_in}
                for one in base_models_of(self.evidence)
            ],
            "children": {**self.children.to_json(), "counts": dict(self.children_counts)},
            "claims": [claim.to_json() for claim in self.claims],
            "gate": {
                "outcome": self.verdict.outcome.value,
                "sentence": self.outlook,
                "net_score": self.verdict.net_score,
                "metrics": {
                    score.metric: {
                        "low": score.low,
                        "high": score.high,
                        "threshold": self.verdict.policy.threshold(score.metric),
                    }
                    for score in self.verdict.scores
                },
                "failures": self.verdict.failures_json(),
                "warnings": list(self.verdict.warnings),
            },
            "models_yaml": list_entry(self.evidence, self.revision),
        }
