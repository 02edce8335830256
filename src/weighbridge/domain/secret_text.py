"""Texts that hold a token or a private key, known by the shape that its maker gave it."""

from __future__ import annotations

import re

_SHAPES = {
    "a token of Hugging Face": r"hf_(?:oauth_|wbr_)?[A-Za-z0-9_\-]{30,}",
    "a token of GitHub": r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,}",
    "a token of GitLab": r"glpat-[A-Za-z0-9_\-]{20,}",
    "a key of OpenAI or Anthropic": r"sk-[A-Za-z0-9_\-]{32,}",
    "a key of AWS": r"(?:AKIA|ASIA)[A-Z0-9]{16}",
    "a key of Google": r"AIza[A-Za-z0-9_\-]{35}",
    "a token of Slack": r"xox[abeoprs]-[A-Za-z0-9\-]{20,}",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
}
"""What is found by it (makers' documents; gitleaks and GitHub's secret scanning know the same ones)."""
_KINDS = tuple(_SHAPES)
_ANY = re.compile("(?<![A-Za-z0-9_])(?:" + "|".join(f"({shape})" for shape in _SHAPES.values()) + ")")
_FEWEST_SIGNS = 9
"""A token of fewer different characters stands for one, as hf_xxxxxxxx in a document does."""


def secret_in(text: str) -> str:
    """What kind of secret stands in the text, as in "a private key"; empty where none is seen."""
    for found in _ANY.finditer(text):
        word = found[0]
        if len(set(word)) >= _FEWEST_SIGNS and "EXAMPLE" not in word:
            return _KINDS[(found.lastindex or 1) - 1]
    return ""
