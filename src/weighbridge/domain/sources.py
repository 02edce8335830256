"""The sources of evidence: what was captured of each, and whether it could be read.

The three states are never confused: ``read``, ``absent`` (it was asked, and there is none) and
``unreachable`` (it could not be asked).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from weighbridge.domain.json_values import JsonObject, number, objects, text, texts, whole
from weighbridge.domain.repo import Commit, DiscussionHead, Owner, OwnerKind

SOURCES = (
    "info",
    "details",
    "texts",
    "headers",
    "parents",
    "commits",
    "discussions",
    "owner",
    "data_sets",
    "registry",
)
"""Every source, by the name that evidence and refusals use."""


class SourceState(StrEnum):
    """Whether a source could be read."""

    READ = "read"
    ABSENT = "absent"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The state of one source and, where it was not read, why."""

    state: SourceState
    reason: str = ""

    def to_json(self) -> JsonObject:
        """Both fields."""
        return {"state": self.state.value, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Another registry, whose bundle brought the evidence: the id of its key, and the Hub that it asked."""

    keyid: str
    hub: str = ""

    def to_json(self) -> JsonObject:
        """Both fields."""
        return {"keyid": self.keyid, "hub": self.hub}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A small text file of the repository, and the sha256 of the whole file."""

    content: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """A model that this one says it was made from.

    ``info`` is the Hub's own answer for it and ``weight_bytes`` its deployable weights; both are
    None where the Hub could not be asked or does not have it (``source`` says which).
    ``net_score`` is that of its newest package in this registry, None where it has none;
    ``card`` is the text of its README.md, against which copied results are held.
    """

    id: str
    relation: str
    declared_in: str
    source: Source
    info: JsonObject | None = None
    weight_bytes: int | None = None
    net_score: float | None = None
    card: str = ""

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "id": self.id,
            "relation": self.relation,
            "declared_in": self.declared_in,
            **self.source.to_json(),
            "info": self.info,
            "weight_bytes": self.weight_bytes,
            "net_score": self.net_score,
            "card": self.card,
        }


_NO_DATA = frozenset({"readme.md", ".gitattributes", ".gitignore", "license", "license.txt", "license.md"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A data set that the model names, as the Hub has it.

    ``info`` is the Hub's answer and ``card`` the text of its README.md; ``files`` are the paths
    of its files, at most a thousand.
    """

    id: str
    declared_in: str
    source: Source
    info: JsonObject | None = None
    card: str = ""
    files: tuple[str, ...] = ()

    @property
    def is_there(self) -> bool:
        """Whether the Hub has it with something in it besides its card."""
        read = self.source.state is SourceState.READ
        return read and any(path.rpartition("/")[2].lower() not in _NO_DATA for path in self.files)

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "id": self.id,
            "declared_in": self.declared_in,
            **self.source.to_json(),
            "info": self.info,
            "card": self.card,
            "files": list(self.files),
        }


class Likeness(StrEnum):
    """How another model in the registry, or in the shipped list, resembles this one."""

    SAME_WEIGHTS = "same weights"
    SAME_CARD = "same card"
    SAME_TOKEN = "same token"
    LIKE_NAME = "like name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resemblance:
    """What was found to be that of another repository.

    ``degree`` is in [0, 1]: 1 for equal weights and tokens, the estimated Jaccard similarity of the
    cards' word trigrams, and 1 - (edit distance / length) of names. ``subject`` is the file's path,
    the beginning of the token's sha256, or the name.
    """

    likeness: Likeness
    repo: str
    subject: str
    degree: float = 1.0

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "likeness": self.likeness.value,
            "repo": self.repo,
            "subject": self.subject,
            "degree": self.degree,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorNote:
    """What an operator attached for one metric: parsed entries of an ``eval_results`` file.

    ``by`` and ``at`` (``YYYY-MM-DDTHH:MM:SSZ``) are who said so and when; the audit has both.
    """

    metric: str
    by: str
    at: str
    entries: tuple[JsonObject, ...]

    def to_json(self) -> JsonObject:
        """All fields."""
        return {"metric": self.metric, "by": self.by, "at": self.at, "entries": list(self.entries)}


def origin_from_json(source: JsonObject) -> Origin | None:
    """Read what ``Origin.to_json`` wrote; None where there is none."""
    keyid = text(source, "keyid")
    return Origin(keyid=keyid, hub=text(source, "hub") or "") if keyid else None


def source_from_json(source: JsonObject) -> Source:
    """Read what ``Source.to_json`` wrote."""
    state = SourceState(text(source, "state") or "unreachable")
    return Source(state=state, reason=text(source, "reason") or "")


def parent_from_json(source: JsonObject) -> Parent:
    """Read what ``Parent.to_json`` wrote."""
    info, net = source.get("info"), number(source, "net_score")
    return Parent(
        id=text(source, "id") or "",
        relation=text(source, "relation") or "",
        declared_in=text(source, "declared_in") or "",
        source=source_from_json(source),
        info=info if isinstance(info, Mapping) else None,
        weight_bytes=whole(source, "weight_bytes"),
        net_score=None if net is None else float(net),
        card=text(source, "card") or "",
    )


def data_set_from_json(source: JsonObject) -> DataSet:
    """Read what ``DataSet.to_json`` wrote."""
    info = source.get("info")
    return DataSet(
        id=text(source, "id") or "",
        declared_in=text(source, "declared_in") or "",
        source=source_from_json(source),
        info=info if isinstance(info, Mapping) else None,
        card=text(source, "card") or "",
        files=texts(source, "files"),
    )


def resemblance_from_json(source: JsonObject) -> Resemblance:
    """Read what ``Resemblance.to_json`` wrote."""
    degree = number(source, "degree")
    return Resemblance(
        likeness=Likeness(text(source, "likeness") or ""),
        repo=text(source, "repo") or "",
        subject=text(source, "subject") or "",
        degree=1.0 if degree is None else float(degree),
    )


def operator_note_from_json(source: JsonObject) -> OperatorNote:
    """Read what ``OperatorNote.to_json`` wrote."""
    return OperatorNote(
        metric=text(source, "metric") or "",
        by=text(source, "by") or "",
        at=text(source, "at") or "",
        entries=tuple(objects(source, "entries")),
    )


def commit_to_json(commit: Commit) -> JsonObject:
    """What judging reads of a commit."""
    return {
        "id": commit.id,
        "title": commit.title,
        "authors": list(commit.authors),
        "created_at": commit.created_at,
    }


def commit_from_json(source: JsonObject) -> Commit:
    """Read what ``commit_to_json`` wrote.

    Raises:
        Invalid: it has no commit id.
    """
    return Commit(
        id=text(source, "id") or "",
        title=text(source, "title") or "",
        authors=texts(source, "authors"),
        created_at=text(source, "created_at") or "",
    )


def discussion_from_json(source: JsonObject) -> DiscussionHead:
    """Read what ``DiscussionHead.to_json`` wrote."""
    return DiscussionHead(
        number=whole(source, "number") or 0,
        title=text(source, "title") or "",
        author=text(source, "author") or "",
        status=text(source, "status") or "",
        is_pull=source.get("is_pull") is True,
    )


def owner_from_json(source: JsonObject) -> Owner | None:
    """Read what ``Owner.to_json`` wrote; None of an empty object."""
    kind = text(source, "kind")
    if kind not in set(OwnerKind):
        return None
    return Owner(
        name=text(source, "name") or "",
        kind=OwnerKind(kind),
        members=whole(source, "members"),
        is_verified=source.get("is_verified") is True,
    )
