"""The model card: README.md as metrics read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from weighbridge.domain.evidence import Evidence
from weighbridge.domain.markdown import CodeBlock, Line, Section, parse_markdown, split_lines

CARD_PATH = "README.md"
BODY_LINES, BODY_CHARACTERS = 20_000, 400_000
"""A card's body is read up to here: nobody reads further, and every metric walks over all of it."""


class Role(StrEnum):
    """What a section is about, read from its heading."""

    INTRO = "intro"
    DESCRIPTION = "description"
    USAGE = "usage"
    EVALUATION = "evaluation"
    TRAINING = "training"


_ROLES = (
    (
        Role.EVALUATION,
        re.compile(r"evaluat|results?\b|performance|benchmark|metric|leaderboard|scores?\b|accuracy|compar"),
    ),
    (Role.TRAINING, re.compile(r"train|fine-?tun|hyper-?param|preprocess|procedure|\bdata(sets?)?\b")),
    (
        Role.USAGE,
        re.compile(
            r"\bus(e|es|age|ing)\b|how to|get(ting)? started|quick ?start|example|inference|\brun(ning)?\b|"
            r"load(ing)?\b|prompt|\binputs?\b|\boutputs?\b|demo\b|tutorial|deploy|\btry\b"
        ),
    ),
    (
        Role.DESCRIPTION,
        re.compile(
            r"descri|detail|overview|introduc|summary|about|abstract|background|architecture|highlight|"
            r"feature|what is|model information|model specification|model type|\bmodel$"
        ),
    ),
)
_YAML_KEY = re.compile(r"""["']?[\w][\w .+/-]{0,80}["']?\s*:(?:\s|$)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """README.md in parts. ``lines`` are all its lines, the first has the number 1.

    ``body`` is the number of the first line after the front matter. ``roles`` holds, for each
    section, what it is about; a section whose own heading does not say inherits it.
    """

    lines: tuple[str, ...]
    body: int
    sections: tuple[Section, ...]
    roles: tuple[frozenset[Role], ...]

    def of(self, *wanted: Role) -> tuple[Section, ...]:
        """The sections with one of these roles, in the order of the file."""
        return tuple(s for s, roles in zip(self.sections, self.roles, strict=True) if roles & set(wanted))

    @property
    def code(self) -> tuple[CodeBlock, ...]:
        """Every fenced block."""
        return tuple(block for section in self.sections for block in section.code)

    @property
    def shown_lines(self) -> tuple[Line, ...]:
        """Every line that a reader sees, headings left out: prose, code and tables, but no comments."""
        found = []
        for section in self.sections:
            found += [line for paragraph in section.paragraphs for line in paragraph.lines]
            found += [line for block in section.code for line in block.lines]
            for table in section.tables:
                found += [table.header_line, *(line for line, _ in table.rows)]
        return tuple(sorted(found, key=lambda line: line.number))

    @property
    def front_lines(self) -> tuple[Line, ...]:
        """Every line of the front matter that says something, its fences included."""
        front = enumerate(self.lines[: self.body - 1], 1)
        return tuple(Line(number, raw, said) for number, raw in front if (said := raw.strip()))

    def front_line(self, key: str) -> Line | None:
        """The line of the front matter that holds ``key``, or None where there is none."""
        front = enumerate(self.lines[: self.body - 1], 1)
        holding = [Line(number, raw, raw.strip()) for number, raw in front if key in raw]
        for line in holding:
            bare = line.text.lstrip("'\"").removeprefix(key).lstrip("'\" ")
            if line.text.lstrip("'\"").startswith(key) and bare.startswith(":"):
                return line
        return next(iter(holding), None)


def card_of(evidence: Evidence) -> Card:
    """The card of a revision; an empty one where there is no README.md."""
    return parse_card(evidence.content(CARD_PATH) or "")


@lru_cache(maxsize=8)
def parse_card(text: str) -> Card:
    """Read README.md; any text is a card. Several metrics ask for the same one, hence the cache."""
    lines = split_lines(text)
    body = body_start(lines)
    sections = parse_markdown(_bounded(lines[body - 1 : body - 1 + BODY_LINES]), body)
    return Card(lines=tuple(lines), body=body, sections=sections, roles=_roles(sections))


def _bounded(lines: list[str]) -> list[str]:
    """As many of the lines as hold BODY_CHARACTERS; one that is longer by itself is cut."""
    kept, left = [], BODY_CHARACTERS
    for line in lines:
        if left <= 0:
            break
        kept.append(line[:left])
        left -= len(line) + 1
    return kept


def body_start(lines: list[str]) -> int:
    """The number (from 1) of the first line after the front matter.

    Front matter that is never closed ends where it stops looking like YAML, so that it does not
    swallow the card: a later ``---`` is a rule of the body then.
    """
    at = 0
    while at < len(lines) and not lines[at].strip():
        at += 1
    if at >= len(lines) or lines[at].rstrip() != "---":
        return 1
    heading = None
    for index in range(at + 1, len(lines)):
        line = lines[index]
        if line.rstrip() in ("---", "..."):
            return index + 2
        if not _looks_like_yaml(line):
            return (heading if heading is not None else index) + 1
        if line.startswith("#") and not lines[index - 1].strip():
            heading = index if heading is None else heading
        elif line.strip() and not line.startswith("#"):
            heading = None
    return (heading if heading is not None else len(lines)) + 1


def _looks_like_yaml(line: str) -> bool:
    return (
        not line.strip()
        or line[0] in " \t#{}[]"
        or line.rstrip() == "-"
        or line.startswith("- ")
        or _YAML_KEY.match(line[:200]) is not None
    )


def _roles(sections: tuple[Section, ...]) -> tuple[frozenset[Role], ...]:
    found: list[frozenset[Role]] = []
    open_roles: list[tuple[int, frozenset[Role]]] = []
    titled = False
    for section in sections:
        while open_roles and open_roles[-1][0] >= section.level:
            open_roles.pop()
        title = section.title.lower()
        own = frozenset(role for role, pattern in _ROLES if pattern.search(title))
        if section.level == 0 or (section.level == 1 and not titled):
            titled = titled or section.level == 1
            found.append(frozenset({Role.INTRO}) | (own & {Role.EVALUATION}))
            continue
        roles = own or (open_roles[-1][1] if open_roles else frozenset())
        open_roles.append((section.level, roles))
        found.append(roles)
    return tuple(found)
