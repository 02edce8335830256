"""One file's bytes over HTTP: whole, in part, after a cut, and never more than was promised."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.adapters.hub_bits import REPO, drain, entry_of, fetched, head, quick
from tests.hub_server import HubServer, serve_hub
from weighbridge.errors import BadListing, HubDown, NoSuchFile, RateLimited, SizeMismatch, WeighbridgeError

CONTENT = bytes(range(251)) * 12_000  # 3,012,000 bytes
SIZE = len(CONTENT)
FILE = "*/resolve/*/w.bin"
MIB = 1 << 20


@pytest.fixture(scope="module")
def served() -> Iterator[HubServer]:
    with serve_hub({"org/model": {"w.bin": CONTENT, "empty": b"", "a b/ü#?%.txt": b"odd"}}) as server:
        yield server


@pytest.fixture
def hub(served: HubServer) -> Iterator[HubServer]:
    served.forget()
    yield served
    served.forget()


def test_a_file_is_one_request(hub: HubServer) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, "w.bin")
    assert fetched(client, hub, entry) == CONTENT
    assert [(asked.method, asked.range) for asked in hub.asked(FILE)] == [("GET", None)]


def test_an_empty_file_and_an_odd_name(hub: HubServer) -> None:
    client = quick(hub)
    assert fetched(client, hub, entry_of(client, hub, "empty")) == b""
    assert fetched(client, hub, entry_of(client, hub, "a b/ü#?%.txt")) == b"odd"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, SIZE - 1), length=st.integers(1, SIZE), piece=st.integers(1000, 1 << 20))
def test_any_range(served: HubServer, start: int, length: int, piece: int) -> None:
    client = quick(served)
    stop = min(start + length, SIZE)
    entry = entry_of(client, served, "w.bin")
    with client.open(REPO, head(served), entry, start, stop) as stream:
        assert drain(stream, piece) == CONTENT[start:stop]
    client.close()


def test_a_cut_connection_is_taken_up_where_it_ended(hub: HubServer) -> None:
    pauses: list[float] = []
    client = quick(hub, pauses)
    entry = entry_of(client, hub, "w.bin")
    hub.fault(FILE, cut_after=MIB, times=1)
    assert fetched(client, hub, entry) == CONTENT
    assert [asked.range for asked in hub.asked(FILE)] == [None, f"bytes={MIB}-"]
    assert pauses == []


def test_cuts_with_progress_in_between_never_end_the_patience(hub: HubServer) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, "w.bin")
    hub.fault(FILE, cut_after=MIB)
    assert fetched(client, hub, entry) == CONTENT
    assert len(hub.asked(FILE)) == 3


def test_cuts_without_progress_end_it(hub: HubServer) -> None:
    pauses: list[float] = []
    client = quick(hub, pauses)
    entry = entry_of(client, hub, "w.bin")
    hub.fault(FILE, cut_after=1000)
    with pytest.raises(HubDown):
        fetched(client, hub, entry)
    assert [asked.range for asked in hub.asked(FILE)] == [None, *(f"bytes={n}000-" for n in range(1, 6))]
    assert pauses == [0.5, 1.0, 2.0, 4.0]


def test_a_cut_range_asks_for_the_rest_of_that_range(hub: HubServer) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, "w.bin")
    hub.fault(FILE, cut_after=1000, times=1)
    assert fetched(client, hub, entry, 5, 90_005) == CONTENT[5:90_005]
    assert [asked.range for asked in hub.asked(FILE)] == ["bytes=5-90004", "bytes=1005-90004"]


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NoSuchFile), (500, HubDown), (429, RateLimited), (403, WeighbridgeError)]
)
def test_trouble_in_the_middle(hub: HubServer, status: int, kind: type[WeighbridgeError]) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, "w.bin")
    hub.fault(FILE, cut_after=MIB, times=1)
    hub.fault(FILE, status=status)
    with client.open(REPO, head(hub), entry) as stream:
        got, buffer = bytearray(), memoryview(bytearray(MIB))
        while len(got) < MIB:
            got += buffer[: stream.readinto(buffer)]
        assert got == CONTENT[:MIB]
        with pytest.raises(kind):
            stream.readinto(buffer)


def test_passing_trouble_in_the_middle_heals(hub: HubServer) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, "w.bin")
    hub.fault(FILE, cut_after=MIB, times=1)
    hub.fault(FILE, status=503, times=2)
    hub.fault(FILE, status=429, headers={"Retry-After": "1"}, times=1)
    assert fetched(client, hub, entry) == CONTENT


@pytest.mark.parametrize(
    "what", [{"grow": 1}, {"grow": -1}, {"content_length": 5}, {"content_length": SIZE * 2}]
)
def test_a_length_that_is_not_the_listed_one_is_refused_before_the_body(hub: HubServer, what: Any) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, "w.bin")
    hub.fault(FILE, **what)
    with pytest.raises(SizeMismatch):
        client.open(REPO, head(hub), entry)


def test_a_body_without_length_that_goes_on(hub: HubServer) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, "w.bin")
    hub.fault(FILE, no_length=True, grow=1)
    with pytest.raises(SizeMismatch):
        fetched(client, hub, entry)


def test_a_body_without_length_that_fits(hub: HubServer) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, "w.bin")
    hub.fault(FILE, no_length=True)
    assert fetched(client, hub, entry) == CONTENT


def test_a_body_without_length_that_ends_early_is_taken_up_or_found_short(hub: HubServer) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, "w.bin")
    hub.fault(FILE, no_length=True, grow=-1, times=1)
    assert fetched(client, hub, entry) == CONTENT
    hub.fault(FILE, no_length=True, grow=-1, times=1)
    hub.fault(FILE, status=416, headers={"Content-Range": f"bytes */{SIZE - 1}"})
    with pytest.raises(SizeMismatch) as caught:
        fetched(client, hub, entry)
    assert (caught.value.wanted, caught.value.got) == (SIZE, SIZE - 1)


def test_chunks_that_end_early_are_a_short_file(hub: HubServer) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, "w.bin")
    hub.fault(FILE, raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    with pytest.raises(SizeMismatch):
        fetched(client, hub, entry)


def test_a_server_that_ignores_ranges_is_read_up_to_the_place(hub: HubServer) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, "w.bin")
    hub.fault(FILE, cut_after=2 * MIB, times=1)
    hub.fault(FILE, ignore_range=True)
    assert fetched(client, hub, entry) == CONTENT
    assert fetched(client, hub, entry, 7, 100) == CONTENT[7:100]


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("bytes 0-99/3012000", BadListing),
        ("bytes 100-199/200", SizeMismatch),
        ("bytes 100-198/3012000", BadListing),
        ("items 100-199/3012000", BadListing),
        ("", BadListing),
    ],
)
def test_another_range_than_was_asked_for(hub: HubServer, given: str, kind: type[WeighbridgeError]) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, "w.bin")
    hub.fault(FILE, headers={"Content-Range": given}, body=b"x" * 100, status=206)
    with pytest.raises(kind):
        client.open(REPO, head(hub), entry, 100, 200)


def test_an_answer_of_another_commit(hub: HubServer) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, "w.bin")
    hub.fault(FILE, body=CONTENT, headers={"X-Repo-Commit": "0" * 40})
    with pytest.raises(BadListing, match="0000"):
        client.open(REPO, head(hub), entry)


def test_an_encoding_that_was_not_asked_for(hub: HubServer) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, "w.bin")
    hub.fault(FILE, headers={"Content-Encoding": "gzip"})
    with pytest.raises(BadListing):
        client.open(REPO, head(hub), entry)


def test_a_server_that_says_nothing_for_too_long(hub: HubServer) -> None:
    entry = entry_of(quick(hub), hub, "w.bin")
    hub.fault(FILE, hold_after=1000)
    with pytest.raises(HubDown, match="in time"):
        fetched(quick(hub, read_timeout_s=0.05), hub, entry)


def test_a_stream_closes_twice_and_an_abandoned_one_harms_nobody(hub: HubServer) -> None:
    client = quick(hub)
    entry = entry_of(client, hub, "w.bin")
    with client.open(REPO, head(hub), entry) as stream:
        stream.readinto(memoryview(bytearray(10)))
        stream.close()
        stream.close()
    assert fetched(client, hub, entry) == CONTENT
