"""A digest that runs along with an upload never vouches for bytes that it has not seen."""

from __future__ import annotations

import hashlib

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from weighbridge.adapters.blobs_fs.running import Running, RunningDigests

UPLOAD, PARTS = "u", 2


class Sendings(RuleBasedStateMachine):
    """Parts are begun, taken over, completed late or never; the file holds who began last."""

    @initialize()
    def begin_upload(self) -> None:
        self.digests = RunningDigests()
        self.begun = [0] * PARTS
        self.held: list[bytes | None] = [None] * PARTS
        self.under_way: list[tuple[int, int, bytes, Running | None]] = []
        self.late: list[tuple[int, Running]] = []

    @rule(number=st.integers(1, PARTS), content=st.sampled_from([b"a", b"b", b"c"]))
    def begin(self, number: int, content: bytes) -> None:
        self.begun[number - 1] += 1
        self.held[number - 1] = None
        running = self.digests.before(UPLOAD, number)
        if running is not None:
            running.digest.update(content)
        self.under_way.append((number, self.begun[number - 1], content, running))

    @rule(which=st.integers(0, 100), at_once=st.booleans())
    def complete(self, which: int, at_once: bool) -> None:
        if not self.under_way:
            return
        number, begun, content, running = self.under_way.pop(which % len(self.under_way))
        if self.begun[number - 1] != begun:
            return  # somebody took the part over
        self.held[number - 1] = content
        if running is not None:
            self.late.append((begun, running))
        if at_once:
            self.tell()

    @rule()
    def tell(self) -> None:
        while self.late:
            begun, running = self.late.pop()
            self.digests.add(UPLOAD, begun, running)

    @rule()
    def join(self) -> None:
        contents = [held for held in self.held if held is not None]
        if len(contents) < PARTS:
            return
        running = self.digests.take(UPLOAD, self.begun)
        for content in contents[len(running.begun) :]:
            running.digest.update(content)
        assert running.digest.digest() == hashlib.sha256(b"".join(contents)).digest()


Sendings.TestCase.settings = settings(max_examples=100, stateful_step_count=20, deadline=None)
TestSendings = Sendings.TestCase


def sent(digests: RunningDigests, number: int, content: bytes) -> Running:
    running = digests.before(UPLOAD, number)
    assert running is not None
    running.digest.update(content)
    return running


def test_a_sending_that_was_taken_over_and_told_late_does_not_count() -> None:
    digests = RunningDigests()
    first = sent(digests, 1, b"wrong")
    second = sent(digests, 1, b"right")
    digests.add(UPLOAD, 1, first)
    digests.add(UPLOAD, 2, second)
    digests.add(UPLOAD, 1, sent(digests, 2, b"more"))
    known = digests.take(UPLOAD, [2, 1])
    assert (known.begun, known.digest.digest()) == ((), hashlib.sha256().digest())


def test_a_part_that_comes_again_is_in_no_later_digest() -> None:
    digests = RunningDigests()
    digests.add(UPLOAD, 1, sent(digests, 1, b"wrong"))
    second = sent(digests, 2, b"more")
    digests.add(UPLOAD, 2, sent(digests, 1, b"right"))
    digests.add(UPLOAD, 1, second)
    known = digests.take(UPLOAD, [2, 1])
    assert (known.begun, known.digest.digest()) == ((2,), hashlib.sha256(b"right").digest())


def test_parts_in_order_need_no_reading() -> None:
    digests, contents = RunningDigests(), [b"one", b"two", b"three"]
    for number, content in enumerate(contents, 1):
        running = digests.before(UPLOAD, number)
        assert running is not None
        running.digest.update(content)
        digests.add(UPLOAD, 1, running)
    known = digests.take(UPLOAD, [1, 1, 1])
    assert (len(known.begun), known.digest.digest()) == (3, hashlib.sha256(b"onetwothree").digest())
    assert digests.take(UPLOAD, [1, 1, 1]).begun == ()


def test_it_forgets_what_was_given_up() -> None:
    digests = RunningDigests()
    for upload in range(1000):
        running = digests.before(str(upload), 1)
        assert running is not None
        digests.add(str(upload), 1, running)
    assert digests.before("999", 2) is not None
    assert digests.before("0", 2) is None
