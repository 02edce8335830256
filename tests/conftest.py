"""What holds for every test: no test fails because the machine is busy, and the long ones begin first."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# Where a whole change waits for the answer, the examples are the same each time; elsewhere they are new ones.
settings.register_profile("patient", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that kill begin first: at the end one of them would keep a whole run waiting."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/torture/"))
