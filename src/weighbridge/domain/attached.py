"""Evidence that an operator attaches to a repository: the entries of an ``eval_results`` file.

The fields are those of the Hub's ``.eval_results/*.yaml`` (hub-docs, ``eval_results.yaml``): a list of
``dataset.id``, ``dataset.task_id``, ``value``, and if known ``dataset.revision``, ``source.url``,
``date``, ``verifyToken`` and ``notes``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, JsonObject, child, number
from weighbridge.domain.ref import RepoId
from weighbridge.domain.sources import OperatorNote

NOTE_METRICS = ("performance_claims",)
"""The metrics that read what operators attach."""
MOST_ENTRIES = 200
_MOST_CHARACTERS = 4000
_ENTRY = frozenset({"dataset", "value", "metric", "verifyToken", "date", "source", "notes"})
_DATASET = frozenset({"id", "task_id", "revision", "config", "split"})
_SOURCE = frozenset({"url", "name", "user", "org"})
_HINT = "as in the Hub's eval_results.yaml: a list of entries with dataset.id, dataset.task_id and value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A note, the repository that it speaks of, and its number here."""

    id: str
    repo: RepoId
    note: OperatorNote

    def to_json(self) -> JsonObject:
        """All fields; ``repo`` is the full name."""
        return {
            "id": self.id,
            "kind": self.repo.kind.value,
            "repo": self.repo.full_name,
            **self.note.to_json(),
        }


def checked_metric(metric: str) -> str:
    """A metric for which evidence can be attached.

    Raises:
        Invalid: no metric reads it.
    """
    if metric not in NOTE_METRICS:
        raise Invalid(
            "metric", metric, "reads nothing that is attached", hint=f"one of {', '.join(NOTE_METRICS)}"
        )
    return metric


def checked_entries(document: Json) -> tuple[JsonObject, ...]:
    """The entries of an ``eval_results`` document, every one complete.

    Raises:
        Invalid: it is no list of entries; the message names the entry and the field.
    """
    if isinstance(document, Mapping) and set(document) == {"results"}:
        document = document["results"]
    if not isinstance(document, Sequence) or isinstance(document, str) or not document:
        raise Invalid("eval results", type(document).__name__, "is no list of entries", hint=_HINT)
    if len(document) > MOST_ENTRIES:
        raise Invalid("eval results", len(document), f"are more than {MOST_ENTRIES} entries")
    return tuple(_checked_entry(entry, place) for place, entry in enumerate(document, 1))


def _checked_entry(entry: Json, place: int) -> JsonObject:
    where = f"entry {place}"
    if not isinstance(entry, Mapping):
        raise Invalid(where, entry, "is no object", hint=_HINT)
    _require_known(entry, _ENTRY, where)
    for name, known in (("dataset", _DATASET), ("source", _SOURCE)):
        if name in entry and not isinstance(entry[name], Mapping):
            raise Invalid(f"{where}: {name}", entry[name], "is no object", hint=_HINT)
        _require_known(child(entry, name), known, f"{where}: {name}")
    dataset, source = child(entry, "dataset"), child(entry, "source")
    for field in ("id", "task_id"):
        if not dataset.get(field):
            raise Invalid(f"{where}: dataset.{field}", dataset.get(field), "is missing", hint=_HINT)
    if number(entry, "value") is None:
        raise Invalid(f"{where}: value", entry.get("value"), "is not a number", hint=_HINT)
    url = source.get("url")
    if source and not (isinstance(url, str) and url.startswith(("https://", "http://"))):
        raise Invalid(f"{where}: source.url", url, "is not an http address")
    for holder, prefix in ((entry, ""), (dataset, "dataset."), (source, "source.")):
        for field, value in holder.items():
            if field not in ("dataset", "source", "value"):
                _require_text(value, f"{where}: {prefix}{field}")
    return entry


def _require_known(holder: JsonObject, known: frozenset[str], where: str) -> None:
    unknown = sorted(str(field) for field in holder if field not in known)
    if unknown:
        raise Invalid(
            where, unknown[0], "is not a field of it", hint=f"its fields are {', '.join(sorted(known))}"
        )


def _require_text(value: Json, where: str) -> None:
    if not isinstance(value, str) or not value or len(value) > _MOST_CHARACTERS:
        raise Invalid(where, value, f"is not a text of 1 to {_MOST_CHARACTERS} characters")
