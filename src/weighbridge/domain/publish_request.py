"""What somebody asks to be published, and what came of it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from weighbridge.domain.hashed_file import HashedFile
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, JsonObject
from weighbridge.domain.made_model import Said
from weighbridge.domain.publication import LeftOut
from weighbridge.domain.ref import ModelRef, RepoId, is_commit
from weighbridge.domain.verdict import Verdict

MAIN = "main"
LONGEST_TEXT, LONGEST_WORD, MANY = 20_000, 500, 200
_NO_PAGE = re.compile(r"(?!https?://[^\s/])[a-z][a-z0-9+.-]*:", re.IGNORECASE)
"""An address that leads to no page of the web; without a scheme it is a path in the repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRequest:
    """A folder and the repository that is to hold it.

    Attributes:
        said: what the maker says of the model, for its card.
        private: a repository that has to be made is private; one that is there must be.
        include: patterns of files that go out although they are on no list.
        revision: the branch; made from main where it is not there.
        message: the commit's message, its first line the title; empty for one of ours.
        create_pr: open a pull request against main instead of changing it.
        tag: a git tag for the commit; empty for none.
        replace_card: write the card anew, whatever stands in README.md.
        gate: refuse what the registry's gate would certainly refuse, not only what is blocked.
        dry_run: send nothing.
    """

    folder: Path
    repo: RepoId
    said: Said = field(default_factory=Said)
    private: bool = False
    include: tuple[str, ...] = ()
    revision: str = MAIN
    message: str = ""
    create_pr: bool = False
    tag: str = ""
    replace_card: bool = False
    gate: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        if not self.repo.namespace:
            raise Invalid("repository", self.repo.name, "does not say whose it is", hint="write org/name")
        for name in filter(None, (self.revision, self.tag)):
            ModelRef(repo=self.repo, revision=name)
        if is_commit(self.revision):
            raise Invalid("revision", self.revision, "is a commit: only a branch can be published to")
        if self.create_pr and self.revision != MAIN:
            raise Invalid(
                "revision", self.revision, "cannot get a pull request: the Hub opens them against main"
            )
        if self.create_pr and self.tag:
            raise Invalid("tag", self.tag, "cannot be put on a pull request, which may be refused")
        if self.tag and self.tag in (self.revision, MAIN):
            raise Invalid("tag", self.tag, "is the name of a branch")
        _require_bounds(self)


def _require_bounds(request: PublishRequest) -> None:
    said = request.said
    if (name := said.license_name or said.license_link) and not said.license:
        raise Invalid("name or link of a licence", name, "is of no licence", hint="give --license other too")
    if _NO_PAGE.match(said.license_link):
        link = said.license_link
        raise Invalid("link of a licence", link, "leads to no page", hint="https://... or LICENSE")
    if len(said.description) > LONGEST_TEXT or len(request.message) > LONGEST_TEXT:
        raise Invalid(
            "text", said.description or request.message, f"is longer than {LONGEST_TEXT} characters"
        )
    words = (*said.base_models, *said.datasets, *said.card_tags, *said.languages, *said.metrics, said.task,
             said.adapter_type, said.license, said.license_name, said.license_link,
             said.evaluated_on)  # fmt: skip
    if long := next((word for word in words if len(word) > LONGEST_WORD), None):
        raise Invalid("word", long, f"is longer than {LONGEST_WORD} characters")
    if len(words) > MANY or len(request.include) > MANY:
        raise Invalid("request", len(words), f"holds more than {MANY} words")


class News(StrEnum):
    """What a file is to the repository that it goes to."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What was published, or would be. ``commit`` is empty after a dry run.

    ``changed`` says whether there is a new commit, or would be: the same once more is none. ``news`` says
    of each file whether the repository had it. ``card`` is the card as
    it goes out, ``added`` the metadata that were added to one that was there (None where the card is
    new). ``warnings`` hold nothing up: somebody should read them.
    """

    repo: RepoId
    url: str
    commit: str
    files: tuple[HashedFile, ...]
    news: Mapping[str, News]
    left_out: tuple[LeftOut, ...]
    card: str
    added: JsonObject | None
    verdict: Verdict
    warnings: tuple[str, ...]
    is_new: bool
    changed: bool
    pull_request: str = ""

    @property
    def total_bytes(self) -> int:
        """The sum of all file sizes."""
        return sum(file.size_bytes for file in self.files)

    def to_json(self) -> JsonObject:
        """Everything; of the verdict what a reader asks for first."""
        return {
            "repo": self.repo.full_name,
            "url": self.url,
            "commit": self.commit or None,
            "pull_request": self.pull_request or None,
            "new": self.is_new,
            "changed": self.changed,
            "files": [{**file.to_json(), "state": self.news[file.path].value} for file in self.files],
            "left_out": [one.to_json() for one in self.left_out],
            "card": self.card,
            "added": self.added,
            "gate": {
                "outcome": self.verdict.outcome.value,
                "sentence": self.verdict.sentence(),
                "metrics": {score.metric: [score.low, score.high] for score in self.verdict.all_scores},
                "unsafe_files": [file.to_json() for file in self.verdict.unsafe],
            },
            "warnings": list(self.warnings),
        }


def said_metrics(pairs: Iterable[str]) -> Mapping[str, Json]:
    """Metrics as they are spelled on a command line: ``accuracy=0.85``.

    Raises:
        Invalid: one has no name or no value, or is given twice.
    """
    found: dict[str, Json] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name.strip() and equals and value.strip()):
            raise Invalid("metric", pair, "is not NAME=VALUE", hint="as in --metric accuracy=0.85")
        if name.strip() in found:
            raise Invalid("metric", pair, "is given twice")
        found[name.strip()] = _number(value.strip())
    return found


def _number(spelled: str) -> int | float | str:
    try:
        value = float(spelled)
        return (
            int(spelled)
            if spelled.lstrip("+-").isdigit() and len(spelled) < 18
            else value
            if math.isfinite(value)
            else spelled
        )
    except ValueError:
        return spelled
