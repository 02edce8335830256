"""The page on running a registry, followed: collected, backed up, and restored elsewhere."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents.blocks import DOCUMENTS, Page
from tests.documents.test_bundles import run, side
from tests.hub_server import HubServer, serve_hub
from tests.made_models import train
from weighbridge.doors.cli.app import app
from weighbridge.doors.demo.models import MADE

PAGE = Page.read(DOCUMENTS / "operating.md")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    with serve_hub(train(tmp_path / "made").repos()) as server:
        yield server


def test_every_command_of_the_page_does_what_it_says(hub: HubServer, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    env, other = side(here, hub.url), side(there, hub.url)
    run(["ingest", MADE], env, here)
    commands = [command for block in PAGE.blocks("bash") if not block.words for command in block.commands()]
    assert [command.split()[1] for command in commands] == ["gc", "gc", "backup", "restore"]
    *before, restore = commands
    said = [run(command.split()[1:], env, here) for command in before]
    assert said[0].startswith("would remove 0 contents")
    assert said[1].startswith("removed 0 contents")
    assert said[2].startswith("wrote registry.backup: ")
    (here / "registry.backup").rename(there / "registry.backup")
    assert "restored the registry of" in run(restore.split()[1:], other, there)
    listed = [json.loads(run(["papers", MADE, "--json"], *where)) for where in ((env, here), (other, there))]
    assert listed[0]["package"] == listed[1]["package"]
    assert listed[0]["papers"]["evidence"] == listed[1]["papers"]["evidence"]
    run(restore.split()[1:], other, there, code=5)
    run(["gc", "--older-than", "0"], env, here, code=2)
    told = json.loads(run(["gc", "--dry-run", "--json"], env, here))
    assert (told["removed"], told["dry_run"]) == (0, True)
    run(["restore", "absent"], side(tmp_path / "third", hub.url), there, code=4)


def test_every_command_of_a_recipe_is_there_with_its_options() -> None:
    recipes = [block for block in PAGE.blocks("bash") if "recipe" in block.words]
    assert len(recipes) == 3
    for block in recipes:
        for command in block.commands():
            words = shlex.split(command)
            assert words[0] == "weighbridge"
            called, _, rest = app.parse_known_args(words[1:])[:3]
            assert called.__module__.startswith("weighbridge.doors.cli."), command
            assert rest == [], command


def test_every_figure_that_the_page_watches_is_one() -> None:
    watched = Page.read(DOCUMENTS / "watching.md").text
    for figure in re.findall(r"`(weighbridge_[a-z_]+)", PAGE.text):
        assert f"`{figure}`" in watched, figure
