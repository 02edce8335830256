"""What discovery knows of one repository of one Hub, read without trust out of the Hub's JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from weighbridge.domain.evidence import weight_format
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, child, mended, number, objects, text, texts, whole
from weighbridge.domain.ref import RepoId, RepoKind, is_commit
from weighbridge.domain.repo import ModelInfo

TIME_TO_LIVE = timedelta(hours=24)
"""How long what a Hub said counts as fresh, unless somebody says otherwise."""
MOST_TAGS, MOST_FILES = 500, 10_000
"""How many tags and files of one repository are remembered."""
LONGEST_TEXT = 500
"""A tag, a name or a file's path of more characters is none."""
LARGEST_CARD_BYTES = 256 * 1024
"""A card's data that is larger as JSON is not remembered."""
_DESCRIBING = ("model_name", "model_summary", "model_description", "description", "summary")
_DTYPE_BITS = {
    "F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16,
    "U16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "I8": 8, "U8": 8, "BOOL": 8, "F4": 4, "I4": 4, "U4": 4,
}  # fmt: skip


class Depth(StrEnum):
    """How much was asked: a row of a list, or the repository itself."""

    LISTED = "listed"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFile:
    """A file as discovery knows it; ``size_bytes`` None: the Hub did not say."""

    path: str
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One repository, as a Hub described it at ``fetched_at``. None everywhere: it did not say.

    Attributes:
        author: the namespace, where the Hub names nobody else.
        commit: what the default branch meant then.
        downloads: of the last 30 days.
        trending: the Hub's trending score, which only lists have.
        licence: the identifier, from the card's data, else from the ``license:`` tag.
        size_bytes: what the repository takes on the Hub, else its weight files, else what its
            parameters take in their data types. Never a count of parameters.
        parameters: how many there are, as the Hub read them out of the weights.
        files: perhaps without sizes.
        card: the card's data (its YAML).
    """

    repo: RepoId
    fetched_at: datetime
    depth: Depth
    author: str = ""
    commit: str | None = None
    downloads: int | None = None
    likes: int | None = None
    trending: float | None = None
    tags: tuple[str, ...] = ()
    pipeline_tag: str | None = None
    library: str | None = None
    licence: str | None = None
    size_bytes: int | None = None
    parameters: int | None = None
    gated: bool = False
    private: bool = False
    created_at: datetime | None = None
    last_modified: datetime | None = None
    files: tuple[EntryFile, ...] | None = None
    card: JsonObject | None = None

    @classmethod
    def from_hub_json(
        cls, raw: JsonObject, *, fetched_at: datetime, depth: Depth, kind: RepoKind = RepoKind.MODEL
    ) -> ModelEntry | None:
        """Read a row of ``GET /api/models``, or the answer of ``GET /api/models/{repo}``.

        A field of a wrong type is not there. Without a repository's name there is no entry: None.
        """
        try:
            repo = RepoId.parse(text(raw, "id") or text(raw, "modelId") or "", kind)
        except Invalid:
            return None
        card = _card(raw)
        tags = tuple(_short(texts(raw, "tags"), MOST_TAGS))
        commit = text(raw, "sha")
        known = ModelInfo(repo=repo, commit=commit or "", raw={"tags": tags, "cardData": card or {}})
        files = _files(raw)
        return cls(
            repo=repo,
            fetched_at=fetched_at,
            depth=depth,
            author=_word(raw, "author") or repo.namespace,
            commit=commit if commit and is_commit(commit) else None,
            downloads=_count(raw, "downloads"),
            likes=_count(raw, "likes"),
            trending=number(raw, "trendingScore"),
            tags=tags,
            pipeline_tag=_word(raw, "pipeline_tag"),
            library=_word(raw, "library_name"),
            licence=next(iter(_short((known.license or "",), 1)), None),
            size_bytes=_size(raw, files or ()),
            parameters=_count(child(raw, "safetensors"), "total") or _count(child(raw, "gguf"), "total"),
            gated=raw.get("gated") in (True, "auto", "manual"),
            private=raw.get("private") is True,
            created_at=_date(raw, "createdAt"),
            last_modified=_date(raw, "lastModified"),
            files=files,
            card=card,
        )

    @property
    def description(self) -> str:
        """What the card says in words, in one line; often nothing."""
        said = (text(self.card or {}, key) or "" for key in _DESCRIBING)
        return " ".join(" ".join(said).split())

    def merged(self, older: ModelEntry) -> ModelEntry:
        """This newer entry, with what only the older one knows.

        A row of a list leaves what was asked for whole as it is, and as old as it is: only counts
        and the date of the last change are the list's.
        """
        downloads = older.downloads if self.downloads is None else self.downloads
        likes = older.likes if self.likes is None else self.likes
        trending = older.trending if self.trending is None else self.trending
        last_modified = self.last_modified or older.last_modified
        if self.depth is Depth.WHOLE:
            return self if self.trending == trending else replace(self, trending=trending)
        if older.depth is Depth.WHOLE:
            return replace(
                older, downloads=downloads, likes=likes, trending=trending, last_modified=last_modified
            )
        return replace(
            self,
            downloads=downloads,
            likes=likes,
            trending=trending,
            commit=self.commit or older.commit,
            tags=self.tags or older.tags,
            pipeline_tag=self.pipeline_tag or older.pipeline_tag,
            library=self.library or older.library,
            licence=self.licence if self.tags or self.card is not None else older.licence,
            size_bytes=self.size_bytes or older.size_bytes,
            parameters=self.parameters or older.parameters,
            created_at=self.created_at or older.created_at,
            last_modified=last_modified,
            files=older.files if self.files is None else self.files,
            card=older.card if self.card is None else self.card,
        )

    def age(self, now: datetime) -> timedelta:
        """How long ago the Hub said so; a clock that was set back makes nothing younger than new."""
        return max(now - self.fetched_at, timedelta(0))

    def is_expired(self, now: datetime, time_to_live: timedelta = TIME_TO_LIVE) -> bool:
        """Whether it is too old to count as fresh, or from so far ahead that a clock was wrong."""
        return abs(now - self.fetched_at) >= time_to_live

    def to_json(self) -> JsonObject:
        """All fields, dates in ISO 8601; ``from_json`` reads it."""
        return {
            "repo": self.repo.full_name,
            "kind": self.repo.kind.value,
            "fetched_at": self.fetched_at.isoformat(),
            "depth": self.depth.value,
            "author": self.author,
            "commit": self.commit,
            "downloads": self.downloads,
            "likes": self.likes,
            "trending": self.trending,
            "tags": list(self.tags),
            "pipeline_tag": self.pipeline_tag,
            "library": self.library,
            "licence": self.licence,
            "size_bytes": self.size_bytes,
            "parameters": self.parameters,
            "gated": self.gated,
            "private": self.private,
            "created_at": None if self.created_at is None else self.created_at.isoformat(),
            "last_modified": None if self.last_modified is None else self.last_modified.isoformat(),
            "files": None if self.files is None else [[file.path, file.size_bytes] for file in self.files],
            "card": self.card,
        }

    @classmethod
    def from_json(cls, source: JsonObject) -> ModelEntry:
        """Read what ``to_json`` gave.

        Raises:
            Invalid: it is nothing that ``to_json`` gives.
        """
        fetched_at, files = _date(source, "fetched_at"), source.get("files")
        try:
            if fetched_at is None:
                raise ValueError("no date")
            return cls(
                repo=RepoId.parse(text(source, "repo") or "", RepoKind(text(source, "kind") or "")),
                fetched_at=fetched_at,
                depth=Depth(text(source, "depth") or ""),
                author=text(source, "author") or "",
                commit=text(source, "commit"),
                downloads=whole(source, "downloads"),
                likes=whole(source, "likes"),
                trending=number(source, "trending"),
                tags=texts(source, "tags"),
                pipeline_tag=text(source, "pipeline_tag"),
                library=text(source, "library"),
                licence=text(source, "licence"),
                size_bytes=whole(source, "size_bytes"),
                parameters=whole(source, "parameters"),
                gated=source.get("gated") is True,
                private=source.get("private") is True,
                created_at=_date(source, "created_at"),
                last_modified=_date(source, "last_modified"),
                files=tuple(_pair(file) for file in files) if isinstance(files, list) else None,
                card=child(source, "card") if isinstance(source.get("card"), Mapping) else None,
            )
        except ValueError as error:
            raise Invalid("entry", str(source.get("repo")), "was not written by this program") from error


def _pair(file: object) -> EntryFile:
    match file:
        case [str(path), int(size)]:
            return EntryFile(path=path, size_bytes=size)
        case [str(path), None]:
            return EntryFile(path=path)
    raise ValueError("no file")


def _short(found: Iterable[str], most: int) -> Iterable[str]:
    """The first of the texts that are fit to be kept; halves of surrogate pairs are replaced."""
    fit = (str(mended(each)) for each in found if 0 < len(each) <= LONGEST_TEXT)
    return (each for each, _ in zip(dict.fromkeys(fit), range(most), strict=False))


def _word(raw: JsonObject, key: str) -> str | None:
    return next(iter(_short((text(raw, key) or "",), 1)), None)


def _count(raw: JsonObject, key: str) -> int | None:
    found = whole(raw, key)
    return found if found is not None and found >= 0 else None


def _date(raw: JsonObject, key: str) -> datetime | None:
    """A date as the Hub writes it; one without a zone is UTC."""
    spelled = text(raw, key) or ""
    try:
        found = datetime.fromisoformat(spelled)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _card(raw: JsonObject) -> JsonObject | None:
    """The card's data, if it can be written as JSON again and is not out of all proportion."""
    data = raw.get("cardData")
    if not isinstance(data, Mapping):
        return None
    try:
        sound = mended(data)
        size = len(json.dumps(sound, allow_nan=False))
    except (ValueError, TypeError, RecursionError):
        return None
    return sound if isinstance(sound, Mapping) and size <= LARGEST_CARD_BYTES else None


def _files(raw: JsonObject) -> tuple[EntryFile, ...] | None:
    if not isinstance(raw.get("siblings"), list):
        return None
    named = ((_word(row, "rfilename"), row) for row in objects(raw, "siblings")[:MOST_FILES])
    return tuple(EntryFile(path=path, size_bytes=_size_of(row)) for path, row in named if path)


def _size_of(row: JsonObject) -> int | None:
    lfs = _count(child(row, "lfs"), "size")
    return _count(row, "size") if lfs is None else lfs


def _size(raw: JsonObject, files: Iterable[EntryFile]) -> int | None:
    if used := _count(raw, "usedStorage"):
        return used
    if weights := sum(file.size_bytes or 0 for file in files if weight_format(file.path)):
        return weights
    counts = child(child(raw, "safetensors"), "parameters")
    if not counts or not all(dtype in _DTYPE_BITS for dtype in counts):
        return None
    return sum(_DTYPE_BITS[dtype] * (_count(counts, dtype) or 0) for dtype in counts) // 8 or None
