"""A judgement that could not tell for a reason outside is tried again while the server runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.bridge.test_repos import ANN, REPO, model, put, small
from tests.hub_server import HubServer
from tests.made_models import ONE_PERSON
from tests.registry_process import wait_for
from weighbridge.bridge import Bridge, open_bridge
from weighbridge.bridge.later import Later
from weighbridge.bridge.repos import State
from weighbridge.domain.access import LOCAL
from weighbridge.doors.demo.models import MADE
from weighbridge.settings import load_settings


@pytest.fixture
def impatient(upstream: HubServer, tmp_path: Path) -> Iterator[Bridge]:
    policy = tmp_path / "policy.yaml"
    policy.write_text(ONE_PERSON)
    environ = {
        "WEIGHBRIDGE_HOME": str(tmp_path / "home"),
        "WEIGHBRIDGE_UPSTREAM": upstream.url,
        "HOME": str(tmp_path),
        "WEIGHBRIDGE_POLICY": str(policy),
    }
    opened = open_bridge(load_settings(environ), retry_s=0.05)
    opened.repos.create(ANN, REPO)
    yield opened
    opened.close()


def test_a_parent_that_could_not_be_read_is_asked_for_again(
    impatient: Bridge, upstream: HubServer, good: Mapping[str, bytes]
) -> None:
    card = good["README.md"].replace(b"---\n", f"---\nbase_model: {MADE}\n".encode(), 1)
    upstream.fault(f"*{MADE}*", status=403)
    commit = put(impatient, *model(impatient, {**good, "README.md": card}))
    # It cannot tell, and says so until it is tried again.
    wait_for(lambda: impatient.repos.standing(LOCAL, REPO, commit).state is State.REFUSED)
    upstream.forget()
    wait_for(lambda: impatient.repos.standing(LOCAL, REPO, commit).state is State.ACCEPTED)
    refusals = [each for each in impatient.packages.refusals(LOCAL) if each.commit == commit]
    assert [each.outcome for each in refusals] == ["indeterminate"]  # said once, however often it was tried


def test_what_was_refused_for_good_is_not_tried_again(impatient: Bridge, upstream: HubServer) -> None:
    commit = put(impatient, small("README.md", b"no card\n"))
    while (standing := impatient.repos.standing(LOCAL, REPO, commit)).state is State.WAITING:
        time.sleep(0.02)
    assert standing.state is State.REFUSED
    impatient.repos.resume()
    impatient.close()  # waits for what runs
    assert len(impatient.packages.refusals(LOCAL)) == 1


def test_pauses_double_and_begin_anew_once_it_is_done() -> None:
    later = Later(first_s=10_000.0, longest_s=35_000.0)
    never = threading.Event()
    try:
        pauses = [later.again("a", never.set) for _ in range(4)]
        assert pauses == [10_000.0, 20_000.0, 35_000.0, 35_000.0]
        assert later.again("b", never.set, at_least_s=500_000.0) == 500_000.0
        later.done("a")
        assert later.again("a", never.set) == 10_000.0
    finally:
        later.close()
    assert not never.is_set()
    assert later.again("a", never.set) == 20_000.0  # closed: nothing waits


def test_what_is_due_first_is_called_first() -> None:
    later, called = Later(first_s=0.0), list[str]()
    later.again("slow", lambda: called.append("slow"), at_least_s=3600.0)
    later.again("quick", lambda: called.append("quick"))
    wait_for(lambda: bool(called))
    later.again("a moment later", lambda: called.append("a moment later"), at_least_s=0.01)
    wait_for(lambda: len(called) > 1)
    later.close()
    assert called == ["quick", "a moment later"]


def test_a_call_that_fails_as_nobody_foresaw_is_logged_and_the_next_one_is_made(
    caplog: pytest.LogCaptureFixture,
) -> None:
    later, called = Later(first_s=0.0), threading.Event()

    def wrong() -> None:
        raise ZeroDivisionError("a mistake of ours")

    with caplog.at_level(logging.ERROR, "weighbridge.bridge.later"):
        later.again("wrong", wrong)
        later.again("right", called.set, at_least_s=0.1)
        assert called.wait(600)
    later.close()
    assert "a mistake of ours" in caplog.text
