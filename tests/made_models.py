"""The demo's own model and its data set as repositories of an upstream, and a policy for pushes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.hub_server import HubRepo
from tests.torture.killing import tree
from weighbridge.doors.demo.models import DATA, MADE, train_made

INFO = {"library_name": "numpy", "pipeline_tag": "text-classification"}
DATA_INFO = {
    "tags": ["license:mit", "task_categories:text-classification", "language:en", "size_categories:n<1K"],
    "cardData": {"license": "mit", "configs": [{"config_name": "default"}]},
}
ONE_PERSON = """\
thresholds: {bus_factor: 0.2}
"""
"""The policy of a registry to which single people push, none of whom passes bus_factor."""


@dataclass(frozen=True)
class Made:
    """The files of the model and of the data set that it names."""

    model: Mapping[str, bytes]
    data: Mapping[str, bytes]

    def repos(self) -> dict[str, HubRepo]:
        """Both, as an upstream holds them."""
        model, data = HubRepo(self.model), HubRepo(self.data, kind="dataset")
        model.info, data.info = dict(INFO), dict(DATA_INFO)
        return {MADE: model, DATA: data}


def train(folder: Path) -> Made:
    """Train the model in a new folder."""
    train_made(folder)
    return Made(model=tree(folder / MADE), data=tree(folder / "datasets" / DATA))
