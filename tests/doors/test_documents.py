"""What the documents show can be typed: commands with their options, and the policy file."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from weighbridge.adapters.policy_file import parse_policy
from weighbridge.doors.cli.app import app

DOCUMENTS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("gate.md", "licences.md")
_REMARK = re.compile(r"\s{2,}\S.*$|\s>\s.*$")


def commands(page: str) -> list[str]:
    lines = (DOCUMENTS / page).read_text().splitlines()
    shown = [line.strip() for line in lines if line.startswith("    weighbridge ")]
    return [_REMARK.sub("", line) for line in shown]


@pytest.mark.parametrize("command", [each for page in PAGES for each in commands(page)])
def test_every_command_that_is_shown_is_understood(command: str) -> None:
    called, _, unused = app.parse_args(shlex.split(command)[1:], print_error=False, exit_on_error=False)
    assert callable(called)
    assert not unused


def test_there_are_commands_to_look_at() -> None:
    assert all(len(commands(page)) > 2 for page in PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_the_policy_that_is_shown_is_one(page: str) -> None:
    blocks = re.findall(r"(?:^    .*\n|^\n)+", (DOCUMENTS / page).read_text(), re.MULTILINE)
    shown = [block for block in blocks if re.match(r"\s*(licence|default_threshold):", block)]
    assert len(shown) == 1
    policy = parse_policy(page, re.sub(r"^    ", "", shown[0], flags=re.MULTILINE))
    assert policy.licence.asks or policy.thresholds
