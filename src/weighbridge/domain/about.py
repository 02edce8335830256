"""A model at a glance, before anything large of it is fetched: licence, size, formats, safety."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from weighbridge.domain.evidence import Evidence, weight_format
from weighbridge.domain.json_values import JsonObject, child, number, objects, text
from weighbridge.domain.package import Package
from weighbridge.domain.terms import Terms
from weighbridge.domain.weights import deployable


@dataclass(frozen=True, kw_only=True)
class About:
    """A revision of the upstream, what its licences allow, and its packages here, newest first."""

    evidence: Evidence
    terms: Terms
    packages: Sequence[Package] = ()

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
            "licence": self.terms.to_json(),
            "size": {
                "all_bytes": self.evidence.manifest.total_bytes,
                "load_bytes": best.size_bytes,
                "load_format": best.format,
                "parameters": self.parameters,
            },
            "formats": dict(self.formats),
            "safety": {
                "upstream_issues": None if issues is None else list(issues),
                "packages": [package.to_json() for package in self.packages],
            },
        }
