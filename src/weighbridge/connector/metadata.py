"""What is known of one model, under the names of the connector's document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, mended
from weighbridge.domain.model_entry import Depth, EntryFile, ModelEntry
from weighbridge.domain.ref import RepoId


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class ModelMetadata:
    """One model.

    Attributes:
        model_id: ``org/name``.
        author: the namespace, where the Hub names nobody else.
        downloads: of the last 30 days.
        license: the identifier in the card's data, else in the ``license:`` tag.
        model_size: in bytes: what the repository takes on the Hub, else its weight files, else what its
            parameters take in their data types; None where the Hub says none of these.
        created_at, last_modified: as the Hub writes dates; empty where it does not say.
        siblings: the files, each with ``rfilename`` and, where it is known, ``size`` in bytes. A search
            does not list them.
        card_data: the YAML of the model card.
        cached_at: when the Hub said all this; one without a zone is local time.
        is_stale: older than was wished for, and given because the Hub did not answer.
    """

    model_id: str
    author: str = ""
    downloads: int = 0
    likes: int = 0
    tags: list[str] = field(default_factory=list)
    pipeline_tag: str | None = None
    library_name: str | None = None
    license: str | None = None
    model_size: int | None = None
    created_at: str = ""
    last_modified: str = ""
    siblings: list[dict[str, Json]] = field(default_factory=list)
    card_data: dict[str, Json] | None = None
    cached_at: datetime = field(default_factory=_now)
    is_stale: bool = False

    @property
    def age(self) -> timedelta:
        """How long ago the Hub said so; never less than nothing."""
        return max(_now() - _in_utc(self.cached_at), timedelta(0))

    def is_expired(self, ttl_hours: float = 24) -> bool:
        """Whether it is older than so many hours, or from so far ahead that a clock was wrong."""
        return abs(_now() - _in_utc(self.cached_at)).total_seconds() >= ttl_hours * 3600

    def to_dict(self) -> dict[str, Json]:
        """All attributes, fit for JSON; ``cached_at`` in ISO 8601."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**values, "cached_at": self.cached_at.isoformat()}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> ModelMetadata:
        """Read what ``to_dict`` gave; what is missing is not known, what is further is passed over.

        Raises:
            ValueError: there is no ``model_id``, or a value is of another type.
        """
        values = {each.name: data[each.name] for each in fields(cls) if each.name in data}
        if isinstance(values.get("cached_at"), str):
            values["cached_at"] = datetime.fromisoformat(str(values["cached_at"]))
        for name, value in values.items():
            if not isinstance(value, _TYPES[name]) or (isinstance(value, bool) and name != "is_stale"):
                raise Invalid("metadata", f"{name}={value!r}", "is of another type")
        if not values.get("model_id"):
            raise Invalid("metadata", sorted(map(str, data))[:20], "has no model_id")
        return cls(**values)  # type: ignore[arg-type]  # each was looked at above


_TEXT_OR_NOTHING = (str, type(None))
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "model_id": str,
    "author": str,
    "downloads": int,
    "likes": int,
    "tags": list,
    "pipeline_tag": _TEXT_OR_NOTHING,
    "library_name": _TEXT_OR_NOTHING,
    "license": _TEXT_OR_NOTHING,
    "model_size": (int, type(None)),
    "created_at": str,
    "last_modified": str,
    "siblings": list,
    "card_data": (dict, type(None)),
    "cached_at": datetime,
    "is_stale": bool,
}


def metadata_of(entry: ModelEntry, *, is_stale: bool = False) -> ModelMetadata:
    """An entry of the index as metadata."""
    return ModelMetadata(
        model_id=entry.repo.full_name,
        author=entry.author,
        downloads=entry.downloads or 0,
        likes=entry.likes or 0,
        tags=list(entry.tags),
        pipeline_tag=entry.pipeline_tag,
        library_name=entry.library,
        license=entry.licence,
        model_size=entry.size_bytes,
        created_at=_spelled(entry.created_at),
        last_modified=_spelled(entry.last_modified),
        siblings=[_sibling(file) for file in entry.files or ()],
        card_data=None if entry.card is None else dict(entry.card),
        cached_at=entry.fetched_at,
        is_stale=is_stale,
    )


def entry_of(metadata: ModelMetadata) -> ModelEntry:
    """Metadata as an entry of the index. What the index has no room for (a date that is none) is left out.

    Without files it counts as a row of a list, which takes nothing away from what is known at length.

    Raises:
        Invalid: the id is not one of a repository, or the card's data is nothing that JSON can hold.
    """
    files = [[str(each.get("rfilename", "")), each.get("size")] for each in metadata.siblings]
    source: dict[str, Json] = {
        "repo": RepoId.parse(metadata.model_id).full_name,
        "kind": "model",
        "depth": (Depth.WHOLE if files else Depth.LISTED).value,
        "fetched_at": _in_utc(metadata.cached_at).isoformat(),
        "files": files or None,
        "author": metadata.author,
        "downloads": metadata.downloads,
        "likes": metadata.likes,
        "tags": metadata.tags,
        "pipeline_tag": metadata.pipeline_tag,
        "library": metadata.library_name,
        "licence": metadata.license,
        "size_bytes": metadata.model_size,
        "created_at": metadata.created_at,
        "last_modified": metadata.last_modified,
        "card": metadata.card_data,
    }
    try:
        sound = mended(source)
        json.dumps(sound, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise Invalid("metadata", metadata.model_id, f"is nothing that JSON can hold ({error})") from error
    return ModelEntry.from_json(sound if isinstance(sound, Mapping) else {})


def _in_utc(date: datetime) -> datetime:
    try:
        return date.astimezone(UTC)
    except (OverflowError, ValueError):  # the first or the last day of the calendar
        return date.replace(tzinfo=UTC)


def _sibling(file: EntryFile) -> dict[str, Json]:
    sized: dict[str, Json] = {} if file.size_bytes is None else {"size": file.size_bytes}
    return {"rfilename": file.path, **sized}


def _spelled(date: datetime | None) -> str:
    """A date as the Hub writes it."""
    if date is None:
        return ""
    return date.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
