"""The bytes of a range of a file that is served."""

from __future__ import annotations

from weighbridge.doors.hub.answers import FileAnswer
from weighbridge.errors import SizeMismatch


class FileReader:
    """Reads a range in order: from the file where it lies here, else from its stream."""

    def __init__(self, answer: FileAnswer) -> None:
        self._file, self._path = None, answer.file.entry.path
        if answer.file.path is None:
            self._opened = answer.file.open(answer.start, answer.stop)
            self._stream = self._opened.__enter__()
        else:
            self._file = answer.file.path.open("rb", buffering=0)
            self._file.seek(answer.start)

    def read(self, count: int) -> bytes:
        """The next bytes, at most ``count``, at least one.

        Raises:
            SizeMismatch: the file is shorter than its entry says.
        """
        if self._file is not None:
            piece = self._file.read(count)
        else:
            buffer = bytearray(count)
            piece = bytes(buffer[: self._stream.readinto(memoryview(buffer))])
        if not piece:
            raise SizeMismatch(self._path, wanted=count, got=0)
        return piece

    def close(self) -> None:
        """Close the file or the stream."""
        if self._file is not None:
            self._file.close()
        else:
            self._opened.__exit__(None, None, None)
