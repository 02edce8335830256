"""A yard for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.starting import Yard, yard


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Yard]:
    """A Hub with a GGUF model, an adapter and its base, and an empty cache folder."""
    with yard(tmp_path) as made:
        yield made
