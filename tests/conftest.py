"""What holds for every test: no test fails because the machine is busy, and the long ones begin first."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that kill begin first: at the end one of them would keep a whole run waiting."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/torture/"))
