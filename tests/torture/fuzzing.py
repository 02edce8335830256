"""A small fuzzer: seeds are cut, spliced and bent, and what a reader has not said before is kept as a seed.

What the readers say (their rules and messages, without numbers) stands in for coverage: an input that draws
a new message out of a reader went where none went before. It costs nothing and needs no instrumentation.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import random
import re
import resource
import signal
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from weighbridge.scanners.notes import Notes

SECONDS_PER_INPUT = 2.0
"""Of processor time: on a busy machine a clock would measure the neighbours."""
RESIDENT_BYTES = 200 << 20
MAX_INPUT_BYTES = 1 << 18
_NUMBERS = re.compile(r"\d+")
_WORDS = 7
_MAX_KEPT = 500
_LENGTHS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1,
            1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)  # fmt: skip

Reader = Callable[[bytes, Notes], None]


class Slow(BaseException):
    """Raised into a reader that takes longer than it may; no reader can catch it by accident."""


@dataclass
class Result:
    """What a run came to: inputs tried, messages drawn, inputs that failed and why, seeds worth keeping."""

    runs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    resident_bytes: int = 0
    said: set[str] = field(default_factory=set)
    failures: dict[str, bytes] = field(default_factory=dict)
    kept: list[bytes] = field(default_factory=list)


def fuzz(
    read: Reader, seeds: Sequence[bytes], rng: random.Random, *, seconds: float = 0, runs: int = 0
) -> Result:
    """Try ``read`` on bent seeds for ``seconds``, or ``runs`` times; never raises for what a reader does."""
    result, pool = Result(), [seed[:MAX_INPUT_BYTES] for seed in seeds]
    started = time.monotonic()
    for data in pool[:]:
        _try(read, data, result)
    result.kept.clear()
    with _alarms():
        while result.runs < runs or time.monotonic() - started < seconds:
            data = bend(rng.choice(pool), pool, rng)
            # The alarm may go off between the end of a reader and its disarming.
            with contextlib.suppress(Slow):
                if _try(read, data, result):
                    pool.append(data)
    result.seconds = time.monotonic() - started
    result.resident_bytes = _peak_bytes()
    return result


def _peak_bytes() -> int:
    """The most memory that this program held; ``ru_maxrss`` would count who started it too (proc(5))."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def _try(read: Reader, data: bytes, result: Result) -> bool:
    """Whether the reader said something new."""
    notes, begun, failure = Notes("x"), time.process_time(), ""
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_PER_INPUT)
    try:
        read(data, notes)
    except Slow:
        failure = "slow"
    except Exception as error:
        failure = f"{type(error).__name__}: {_NUMBERS.sub('N', str(error))[:80]}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    result.runs += 1
    result.slowest = max(result.slowest, time.process_time() - begun)
    if failure and (failure not in result.failures or len(data) < len(result.failures[failure])):
        result.failures[failure] = data
    said = {_said(found.rule, found.message, found.subject) for found in notes.findings} or {"nothing"}
    is_new = bool(said - result.said)
    result.said |= said
    if is_new and len(result.kept) < _MAX_KEPT:
        result.kept.append(data)
    return is_new and len(result.kept) < _MAX_KEPT


def _said(rule: str, message: str, subject: str) -> str:
    """A finding without what it quotes, which is the input's and always new."""
    plain = _NUMBERS.sub("N", re.split(r"['\"(]", message.replace(subject or "\0", "X"))[0])
    return " ".join([rule, *plain.split()[:_WORDS]])


@contextlib.contextmanager
def _alarms() -> Iterator[None]:
    def late(number: int, frame: FrameType | None) -> None:
        raise Slow

    before = signal.signal(signal.SIGVTALRM, late)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def bend(data: bytes, pool: Sequence[bytes], rng: random.Random) -> bytes:
    """``data`` with one to eight of its places changed."""
    made = bytearray(data)
    for _ in range(1 << rng.randrange(4)):
        rng.choice(_BENDS)(made, pool, rng)
    return bytes(made[:MAX_INPUT_BYTES])


def _place(made: bytearray, rng: random.Random) -> int:
    # Headers stand in front and, in archives, at the end.
    size = len(made)
    near = rng.choice((64, 512, size or 1, size or 1))
    at = rng.randrange(min(near, size) or 1)
    return size - 1 - at if rng.random() < 0.2 and size else at


def _flip(made: bytearray, pool: Sequence[bytes], rng: random.Random) -> None:
    if made:
        made[_place(made, rng)] ^= 1 << rng.randrange(8)


def _byte(made: bytearray, pool: Sequence[bytes], rng: random.Random) -> None:
    if made:
        made[_place(made, rng)] = rng.randrange(256)


def _number(made: bytearray, pool: Sequence[bytes], rng: random.Random) -> None:
    width = rng.choice((1, 2, 4, 8))
    at, value = _place(made, rng), rng.choice(_LENGTHS) & (1 << 8 * width) - 1
    made[at : at + width] = value.to_bytes(width, rng.choice(("little", "big")))


def _nudge(made: bytearray, pool: Sequence[bytes], rng: random.Random) -> None:
    at = _place(made, rng)
    if at + 4 <= len(made):
        value = struct.unpack_from("<I", made, at)[0] + rng.randrange(-9, 10)
        struct.pack_into("<I", made, at, value & 0xFFFFFFFF)


def _cut(made: bytearray, pool: Sequence[bytes], rng: random.Random) -> None:
    del made[_place(made, rng) :]


def _remove(made: bytearray, pool: Sequence[bytes], rng: random.Random) -> None:
    at = _place(made, rng)
    del made[at : at + rng.randrange(1, 64)]


def _repeat(made: bytearray, pool: Sequence[bytes], rng: random.Random) -> None:
    at = _place(made, rng)
    piece = made[at : at + rng.randrange(1, 64)]
    made[at:at] = piece * rng.choice((1, 2, 10, 1000))


def _splice(made: bytearray, pool: Sequence[bytes], rng: random.Random) -> None:
    other = rng.choice(pool)
    at, begin = _place(made, rng), rng.randrange(len(other) or 1)
    piece = other[begin : begin + rng.randrange(1, 256)]
    made[at : at + rng.choice((0, len(piece)))] = piece


_BENDS = (_flip, _flip, _byte, _byte, _number, _number, _nudge, _cut, _remove, _repeat, _splice, _splice)


def stream(data: bytes) -> io.BytesIO:
    """What a reader of files is given."""
    return io.BytesIO(data)


def name_of(data: bytes) -> str:
    """How a kept seed is called."""
    return hashlib.sha256(data).hexdigest()[:16]
