"""Progress where there is no terminal: plain lines that a log can keep."""

from __future__ import annotations

import io

import pytest

from weighbridge.adapters.progress import reporter_for


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0.0 kB"), (512, "0.5 kB"), (99_000, "99.0 kB"), (350_986_240, "351.0 MB")]
)
def test_a_line_says_what_is_done_to_how_much(count: int, told: str) -> None:
    stream = io.StringIO()
    reporter_for(stream, doing="writing").begin("registry.backup", count)
    assert stream.getvalue() == f"writing registry.backup: {told}\n"
