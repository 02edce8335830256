"""Tokens and keys are seen by their shape; what stands for one in a document is none."""

from __future__ import annotations

import pytest

from weighbridge.domain.secret_text import secret_in

LETTERS = "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f'{{"hub": "hf_{LETTERS}"}}', "a token of Hugging Face"),
        (f"hf_wbr_{LETTERS}-_x", "a token of Hugging Face"),
        (f"url: https://ghp_{LETTERS}12@github.com/x", "a token of GitHub"),
        (f"sk-proj-{LETTERS}", "a key of OpenAI or Anthropic"),
        ("aws = AKIA2E4F6G8H0J2K4L6M", "a key of AWS"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl", "a private key"),
        (f"hf_{'x' * 34} hf_{LETTERS}", "a token of Hugging Face"),
    ],
)
def test_a_secret_is_seen_by_its_shape(text: str, kind: str) -> None:
    assert secret_in(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "", "token", "hf_your_token_here", f"hf_{'x' * 34}", "AKIAIOSFODNN7EXAMPLE", "sk-short",
        "-----BEGIN CERTIFICATE-----", f"half_{LETTERS}{LETTERS}", "task-aware-" + LETTERS, "hf_hub_download",
        "disk-" + LETTERS,
    ],
)  # fmt: skip
def test_what_stands_for_a_secret_is_none(text: str) -> None:
    assert secret_in(text) == ""
