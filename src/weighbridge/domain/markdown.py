"""The part of GitHub's Markdown that a model card is read by: headings, prose, code, tables.

Not a renderer: it keeps, for everything it finds, the line of the file where it stands, so that a
signal can quote it. HTML comments are dropped, and so is what card templates put into an empty
card: neither says anything of the model. Every step is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

CELL_LIMIT = 100
"""Cells of one table row that are read."""
_LINK = re.compile(
    r"!?\[([^\[\]]{0,500})\](?:\([^()]{0,1000}(?:\([^()]{0,500}\)[^()]{0,500})?\)|\[[^\[\]]{0,200}\])"
)
_TAG = re.compile(r"<[A-Za-z/!?][^<>]{0,1000}>")
_URL = re.compile(r"https?://\S+")
_BULLET = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+")
_RULE_CELL = re.compile(r":?-+:?")
_BREAK = re.compile(r"[-=*_\s]+")
_EMPTY_FIELD = re.compile(r"[^*:]{1,80}:")
_NOT_SAID = re.compile(r"\[?(?:more information needed|needs more information)\]?\.?", re.IGNORECASE)
_TEMPLATE_LINES = re.compile(
    r"""
    users \s \(both \s direct \s and \s downstream\) \s should \s be \s made \s aware .*
    | use \s the \s code \s below \s to \s get \s started \s with \s the \s model\.?
    | this \s is \s the \s model \s card \s of \s a .{1,40} model \s that \s has \s been \s pushed .*
    | this \s model \s?card \s aims \s to \s be \s a \s base \s template .*
    | this \s model \s card \s has \s been \s generated \s automatically .*
    | (?:you \s)? should \s probably \s proofread \s and \s complete \s it .*
    | carbon \s emissions \s can \s be \s estimated \s using .*
    | (?:bibtex|apa) : ?
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Sentences of the card templates of huggingface_hub, transformers (Trainer) and peft."""
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]+"
)
"""Characters that show nothing: between two letters they make no other word."""
_NOTE = re.compile(r" {0,3}\[[^\[\]]{1,200}\]:\s{0,10}(?:<>|#)(?:\s|$)")
"""A definition that leads nowhere, ``[//]: # (...)``: the way to write a comment in Markdown."""
_DEFINITION = re.compile(r" {0,3}\[[^\[\]^]{1,200}\]:\s{0,10}\S+")
"""Where a link of the text leads; a title behind it is shown to nobody."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
"""A word; in Chinese and Japanese, which write no spaces, a character."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file: its number from 1, as it stands, and as a reader sees it."""

    number: int
    raw: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Lines that belong together: running prose, or one item of a list."""

    lines: tuple[Line, ...]
    is_quote: bool = False

    @property
    def text(self) -> str:
        """The lines as a reader sees them, joined by spaces."""
        return " ".join(line.text for line in self.lines)

    def line_at(self, offset: int) -> Line:
        """The line that holds the character ``offset`` of ``text``."""
        for line in self.lines:
            if offset <= len(line.text):
                return line
            offset -= len(line.text) + 1
        return self.lines[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeBlock:
    """A fenced block: its language in lower case (may be empty) and its lines."""

    language: str
    lines: tuple[Line, ...]

    @property
    def code(self) -> str:
        """The lines as they stand, without the fence."""
        return "\n".join(line.raw for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A pipe table: the header's cells, and each further row with its line."""

    header: tuple[str, ...]
    header_line: Line
    rows: tuple[tuple[Line, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What stands beneath one heading, up to the next; level 0 is the text before any heading."""

    title: str
    level: int
    line: int
    paragraphs: tuple[Paragraph, ...]
    code: tuple[CodeBlock, ...]
    tables: tuple[Table, ...]


def split_lines(text: str) -> list[str]:
    """The lines of a file written on any system; a byte order mark is dropped."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def words(text: str) -> list[str]:
    """The words in lower case, without punctuation and without characters that show nothing."""
    return _WORD.findall((text if text.isascii() else _INVISIBLE.sub("", text)).lower())


def distinct_trigrams(texts: Iterable[str]) -> int:
    """How much is said: the number of different runs of three words. Repetition earns nothing."""
    seen: set[tuple[str, str, str]] = set()
    for text in texts:
        found = words(text)
        seen.update(zip(found, found[1:], found[2:], strict=False))
    return len(seen)


def flattened(line: str) -> str:
    """One line as a reader sees it: link texts without addresses, no tags, no emphasis."""
    for _ in range(2):  # a badge is an image inside a link
        line = _LINK.sub(r"\1", line)
    line = _URL.sub("", _TAG.sub("", line))
    return " ".join(line.replace("**", "").replace("__", "").replace("`", "").split())


def parse_markdown(lines: Sequence[str], first: int = 1) -> tuple[Section, ...]:
    """The sections of a text whose first line has the number ``first``."""
    sections: list[Section] = []
    title, level, at, draft = "", 0, first, _Draft()
    for kind, line in _classified(lines, first):
        if kind == "heading":
            sections.append(draft.section(title, level, at))
            marks = len(line.raw.lstrip()) - len(line.raw.lstrip().lstrip("#"))
            title, level, at, draft = line.text.strip("# \t"), marks, line.number, _Draft()
        else:
            draft.take(kind, line)
    sections.append(draft.section(title, level, at))
    return tuple(s for s in sections if s.level or s.paragraphs or s.code or s.tables)


def _classified(lines: Sequence[str], first: int) -> Iterator[tuple[str, Line]]:
    """Each line with what it is: ``fence``, ``code``, ``heading`` or ``text``."""
    fence, in_comment = "", False
    for number, raw in enumerate(lines, first):
        if fence:
            closing = raw.strip()
            if closing.startswith(fence) and not closing.strip(fence[0]):
                fence = ""
                yield "end", Line(number, raw, "")
            else:
                yield "code", Line(number, raw, raw)
            continue
        visible, in_comment = _without_comments(raw, in_comment)
        visible = _without_titles(visible)
        opening = visible.lstrip()
        if opening.startswith(("```", "~~~")):
            fence = opening[: len(opening) - len(opening.lstrip(opening[0]))]
            if opening[0] == "`" and "`" in opening[len(fence) :]:
                fence = ""  # inline code that begins with three ticks
            else:
                yield "fence", Line(number, raw, opening[len(fence) :].strip())
                continue
        yield _kind(visible), Line(number, raw, visible)


def _kind(visible: str) -> str:
    marks = len(visible.lstrip()) - len(visible.lstrip().lstrip("#"))
    indent = len(visible) - len(visible.lstrip())
    if 1 <= marks <= 6 and indent <= 3 and visible.lstrip()[marks : marks + 1] in ("", " ", "\t"):
        return "heading"
    return "text"


def without_comments(line: str) -> str:
    """A line without the HTML comments that stand in it."""
    return _without_comments(line, in_comment=False)[0]


def _without_titles(line: str) -> str:
    """A line without what stands in a link's definition besides where it leads."""
    if "]:" not in line:
        return line
    definition = _DEFINITION.match(line)
    return "" if _NOTE.match(line) else definition[0] if definition else line


def _without_comments(raw: str, in_comment: bool) -> tuple[str, bool]:
    kept: list[str] = []
    at = 0
    while at <= len(raw):
        if in_comment:
            end = raw.find("-->", at)
            if end < 0:
                return "".join(kept), True
            at, in_comment = end + 3, False
        start = raw.find("<!--", at)
        if start < 0:
            return "".join(kept) + raw[at:], False
        kept.append(raw[at:start])
        at, in_comment = start + 4, True
    return "".join(kept), in_comment


class _Draft:
    """Collects the lines of one section."""

    def __init__(self) -> None:
        self.paragraphs: list[Paragraph] = []
        self.code: list[CodeBlock] = []
        self.tables: list[Table] = []
        self._text: list[Line] = []
        self._code: list[Line] = []
        self._language: str | None = None

    def take(self, kind: str, line: Line) -> None:
        if kind == "text":
            self._text.append(line)
        elif kind == "fence":
            self._flush()
            self._language = _language(line.text)
        elif kind == "code":
            self._code.append(line)
        else:
            self._end_code()

    def section(self, title: str, level: int, at: int) -> Section:
        self._flush()
        self._end_code()
        return Section(
            title=flattened(title),
            level=level,
            line=at,
            paragraphs=tuple(self.paragraphs),
            code=tuple(self.code),
            tables=tuple(self.tables),
        )

    def _end_code(self) -> None:
        if self._language is not None:
            self.code.append(CodeBlock(language=self._language, lines=tuple(self._code)))
        self._code, self._language = [], None

    def _flush(self) -> None:
        lines, self._text = self._text, []
        rest: list[Line] = []
        at = 0
        while at < len(lines):
            if _begins_table(lines, at):
                self.paragraphs += _paragraphs(rest)
                rest = []
                end = at + 2
                while end < len(lines) and "|" in lines[end].text:
                    end += 1
                rows = tuple((line, _cells(line.text)) for line in lines[at + 2 : end])
                self.tables.append(Table(header=_cells(lines[at].text), header_line=lines[at], rows=rows))
                at = end
            else:
                rest.append(lines[at])
                at += 1
        self.paragraphs += _paragraphs(rest)


def _language(info: str) -> str:
    first = info.strip("{}. ").replace(",", " ").split()
    return first[0].strip("{}.").lower() if first else ""


def _begins_table(lines: Sequence[Line], at: int) -> bool:
    if at + 1 >= len(lines) or "|" not in lines[at].text or "-" not in lines[at + 1].text:
        return False
    rule = lines[at + 1].text
    return "|" in rule and all(_RULE_CELL.fullmatch(cell) for cell in _cells(rule))


def _cells(line: str) -> tuple[str, ...]:
    row = line.strip().replace("\\|", "\u2223")
    row = row.removeprefix("|").removesuffix("|")
    return tuple(flattened(cell) for cell in row.split("|", CELL_LIMIT)[:CELL_LIMIT])


def _paragraphs(lines: Sequence[Line]) -> list[Paragraph]:
    found: list[Paragraph] = []
    open_lines: list[Line] = []
    quoted = False

    def close() -> None:
        if open_lines:
            found.append(Paragraph(lines=tuple(open_lines), is_quote=quoted))
            open_lines.clear()

    for line in lines:
        is_quote = line.text.lstrip().startswith(">")
        said = _informative(line.text.lstrip("> \t") if is_quote else line.text)
        if not said or is_quote != quoted or _BULLET.match(line.text):
            close()
        quoted = is_quote
        if said:
            open_lines.append(Line(line.number, line.raw, said))
    close()
    return found


def _informative(line: str) -> str:
    """What the line says, or nothing where it is blank, a rule or a template's."""
    bullet = _BULLET.match(line)
    said = _NOT_SAID.sub("", flattened(line[bullet.end() :] if bullet else line)).strip()
    if _BREAK.fullmatch(said) or _TEMPLATE_LINES.fullmatch(said):
        return ""
    blank_field = len(said) <= 120 and _EMPTY_FIELD.fullmatch(said) and _looks_like_field(line)
    return "" if blank_field else said


def _looks_like_field(line: str) -> bool:
    """Whether an empty ``X:`` is a field left blank, and not a sentence that leads to a list."""
    return bool(_BULLET.match(line)) or line.lstrip().startswith("**") or bool(_NOT_SAID.search(line))
