"""Many more answers of a Hub that says anything anywhere, than the ordinary run has time for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.doors.connecting import a_hub, answers, knows_everybody, run
from tests.doors.test_connector_faults import ANSWER, ODD, everything
from tests.hub_server import HubServer
from weighbridge.connector import ModelMetadata

pytestmark = pytest.mark.torture
MANY = settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with a_hub(tmp_path, monkeypatch) as server:
        yield server


@MANY
@given(ANSWER, st.lists(ANSWER | ODD, max_size=4))
def test_any_field_may_hold_anything(hub: HubServer, said: dict[str, Any], rows: list[Any]) -> None:
    hub.forget()
    knows_everybody(hub)
    answers(hub, "/api/models/org/llama", said)
    answers(hub, "/api/models", rows)
    metadata, _, _, listed = run(everything)
    assert isinstance(metadata, ModelMetadata)
    assert isinstance(listed, list)


@MANY
@given(st.binary(max_size=200) | ODD.map(lambda value: json.dumps(value).encode()))
def test_any_answer_may_be_anything(hub: HubServer, body: bytes) -> None:
    hub.forget()
    hub.fault("/api/models*", body=body)
    knows_everybody(hub)
    run(everything)
