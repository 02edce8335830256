"""Foreign text inside Markdown, so that it is read as the text that it is (CommonMark 0.31, GFM).

Whatever a metadata field holds, it opens no fence, no heading, no list, no link and no HTML.
"""

from __future__ import annotations

import json
import re
import unicodedata

from weighbridge.domain.json_values import Json

_ACTIVE = re.compile(r"[\\`*\[\]<>~|&$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""An underscore within a word is none of emphasis (GFM 6.4)."""
_AT_START = re.compile(r"[#=+-]")
_ORDINAL = re.compile(r"(\d{1,9})([.)])(?: |$)")
_BREAKS = re.compile(r"\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_RUNS = re.compile(r"`+")


def inline(text: str) -> str:
    """The text in one line, with every character escaped that Markdown would act on."""
    words = " ".join(_shown(_BREAKS.sub(" ", text)).split())
    escaped = _ACTIVE.sub(r"\\\g<0>", words)
    if ordinal := _ORDINAL.match(escaped):
        return f"{ordinal[1]}\\{escaped[ordinal.end(1) :]}"
    return f"\\{escaped}" if _AT_START.match(escaped) else escaped


def paragraphs(text: str) -> str:
    """The text with its lines and its paragraphs, and nothing else of Markdown in it."""
    lines = [inline(line) for line in _BREAKS.split(text)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def fenced(text: str, language: str) -> str:
    """A block of code whose fence is longer than any row of backticks in it."""
    longest = max((len(run) for run in _RUNS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def json_block(value: Json) -> str:
    """A value as JSON in a block of code."""
    spelled = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return fenced(re.sub(r"[\x7f-\x9f\u2028\u2029]", lambda at: f"\\u{ord(at[0]):04x}", spelled), "json")


def _shown(text: str) -> str:
    """Without what is no character or steers a terminal or the direction of writing."""
    return "".join(
        char
        for char in text
        if char in "\t " or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
