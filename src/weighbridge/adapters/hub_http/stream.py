"""The bytes of one file, in order; a cut connection is taken up again where it ended."""

from __future__ import annotations

import re
from types import TracebackType
from typing import Self

from weighbridge.adapters.hub_http.answer import Answer
from weighbridge.adapters.hub_http.asking import Asking
from weighbridge.adapters.hub_http.refusals import Question
from weighbridge.domain.manifest import FileEntry
from weighbridge.errors import BadListing, HubDown, SizeMismatch

_CONTENT_RANGE = re.compile(r"bytes (\d{1,16})-(\d{1,16})/(\d{1,16}|\*)")
_UNSATISFIED = re.compile(r"bytes \*/(\d{1,16})")
_PROGRESS_BYTES = 1 << 20
"""A connection that brought so much was a good one: the count of failures begins anew."""
_SKIP_BYTES = 8 << 20
"""The most that is read and dropped to reach a range's start where the Hub ignores ranges."""


class HttpStream:
    """Bytes ``[start, stop)`` of a file, over as many connections as it takes.

    The length that a server announces is checked before the first byte: a body of another
    length can only be a lie, and a cut one is told from a short one.
    """

    def __init__(
        self, asking: Asking, target: str, question: Question, entry: FileEntry, start: int, stop: int | None
    ) -> None:
        self._asking, self._target, self._question, self._entry = asking, target, question, entry
        self._at, self._stop = start, entry.size_bytes if stop is None else min(stop, entry.size_bytes)
        self._may_skip = stop is None or start <= _SKIP_BYTES
        self._failures, self._good_at = 0, start
        self._answer: Answer | None = None
        self._connect()

    def readinto(self, buffer: memoryview) -> int:
        """Fill (a part of) ``buffer``; 0 at the end of the range."""
        wanted = min(len(buffer), self._stop - self._at)
        if not wanted:
            self._check_end()
            return 0
        while True:
            answer = self._answer or self._connect()
            cause: OSError = ConnectionResetError("the connection ended early")
            try:
                count = answer.readinto(buffer[:wanted])
                if not count and answer.is_chunked:
                    raise SizeMismatch(self._entry.path, wanted=self._entry.size_bytes, got=self._at)
            except OSError as error:
                cause, count = error, 0
            if count:
                self._at += count
                return count
            self._lost(cause)

    def close(self) -> None:
        """Give the connection back; closing twice is fine."""
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lost(self, cause: OSError) -> None:
        """Count a cut connection and wait before the next one, unless it is one too many."""
        if self._answer is not None:
            self._answer.drop()
            self._answer = None
        if self._at - self._good_at >= _PROGRESS_BYTES:
            self._failures = 0
        self._good_at = self._at
        self._failures += 1
        patience = self._asking.patience
        if self._failures > patience.tries:
            raise self._asking.broken(self._question, cause) from cause
        if self._failures > 1:
            patience.sleep(patience.pause_s(self._failures - 1))

    def _connect(self) -> Answer:
        whole = self._at == 0 and self._stop == self._entry.size_bytes
        last = "" if self._stop == self._entry.size_bytes else str(self._stop - 1)
        headers = {} if whole else {"Range": f"bytes={self._at}-{last}"}
        reply = self._asking.get(self._target, self._question, headers)
        self._answer = reply.answer
        try:
            self._check_commit(reply.commit)
            self._check_answer(reply.answer)
        except BaseException:
            self.close()
            raise
        return reply.answer

    def _check_commit(self, commit: str) -> None:
        if commit and self._question.revision and commit != self._question.revision:
            raise BadListing(f"{self._question.hub} answers for {self._question} with commit {commit[:40]!a}")

    def _check_answer(self, answer: Answer) -> None:
        size = self._entry.size_bytes
        if answer.header("content-encoding").lower() not in ("", "identity"):
            raise BadListing(f"{self._question.hub} encodes {self._question}, which was not asked for")
        if answer.status == 416:
            got = _UNSATISFIED.fullmatch(answer.header("content-range"))
            raise SizeMismatch(self._entry.path, wanted=size, got=int(got[1]) if got else self._at)
        if answer.status == 206:
            self._check_range(answer.header("content-range"))
            self._check_length(answer, self._stop - self._at, before=self._at)
            return
        self._check_length(answer, size, before=0)
        self._skip(answer)

    def _check_range(self, spelled: str) -> None:
        found = _CONTENT_RANGE.fullmatch(spelled)
        if found and found[3] != "*" and int(found[3]) != self._entry.size_bytes:
            raise SizeMismatch(self._entry.path, wanted=self._entry.size_bytes, got=int(found[3]))
        if not found or (int(found[1]), int(found[2])) != (self._at, self._stop - 1):
            raise BadListing(f"{self._question.hub} answers for {self._question} with another range")

    def _check_length(self, answer: Answer, wanted: int, *, before: int) -> None:
        if answer.length is not None and answer.length != wanted:
            raise SizeMismatch(self._entry.path, wanted=before + wanted, got=before + answer.length)

    def _skip(self, answer: Answer) -> None:
        """Read over what we have already, from a server that answers a Range with everything."""
        if not self._may_skip:
            raise HubDown(f"{self._question.hub} does not answer ranges for {self._question}")
        left, scrap = self._at, memoryview(bytearray(min(self._at, 1 << 18)))
        while left:
            try:
                count = answer.readinto(scrap[:left])
            except OSError as error:
                raise self._asking.broken(self._question, error) from error
            if not count:
                raise self._asking.broken(self._question, ConnectionResetError("cut while skipping"))
            left -= count

    def _check_end(self) -> None:
        """A body without an announced length may go on beyond the file's end."""
        answer = self._answer
        if answer is None or answer.length is not None or self._stop < self._entry.size_bytes:
            return
        try:
            more = answer.readinto(memoryview(bytearray(1)))
        except OSError:
            more = 0
        if more:
            got = self._entry.size_bytes + more
            raise SizeMismatch(self._entry.path, wanted=self._entry.size_bytes, got=got)
