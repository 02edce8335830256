"""One file at an address of its own, which no Hub lists. No token is shown, and the address never."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager

from weighbridge.adapters.hub_http.addresses import split_address
from weighbridge.adapters.hub_http.asking import Asking
from weighbridge.adapters.hub_http.contact import Contact
from weighbridge.adapters.hub_http.patience import Patience
from weighbridge.adapters.hub_http.refusals import Question
from weighbridge.adapters.hub_http.stream import HttpStream
from weighbridge.adapters.hub_http.wire import Wire
from weighbridge.domain.manifest import FileEntry
from weighbridge.domain.ref import RepoId
from weighbridge.errors import BadInput, BadListing, NotFound
from weighbridge.ports import ByteStream, Source

_TOTAL = re.compile(r"bytes 0-0/(\d{1,16})")
_NAMED = "the server of MODEL_URL"


class SingleFile:
    """The file at ``url``; ``repo`` and ``path`` are what it is called here."""

    def __init__(
        self,
        url: str,
        repo: RepoId,
        path: str,
        *,
        environ: Mapping[str, str] | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Nothing is asked yet. Raises BadInput where it is no address."""
        try:
            origin, self._target = split_address(url)
        except ValueError as error:
            raise BadInput(f"MODEL_URL {error}", hint="as in https://models.example.org/m.gguf") from None
        self._question = Question(hub=_NAMED, repo=repo, path=path)
        wire = Wire(environ or {}, kept=1, read_timeout_s=30.0)
        headers = {"User-Agent": "weighbridge"}
        self._asking = Asking(wire, _NAMED, origin, headers, None, patience or Patience(), Contact())

    def size_bytes(self) -> int:
        """How large it is, by asking for its first byte.

        Raises:
            NotFound, Denied, Unreachable: the server says so, or does not answer.
            BadListing: it does not tell the size.
        """
        try:
            answer = self._asking.get(self._target, self._question, {"Range": "bytes=0-0"}).answer
        except NotFound as error:
            raise NotFound(f"{_NAMED} has no such file", hint="check MODEL_URL") from error
        try:
            ranged = _TOTAL.fullmatch(answer.header("content-range"))
            if answer.status == 206 and ranged:
                return int(ranged[1])
            if answer.status == 200 and answer.length is not None:
                return answer.length
        finally:
            answer.close()
        raise BadListing(f"{_NAMED} does not tell how large the file is")

    def source(self, entry: FileEntry) -> Source:
        """Opens its bytes, for a store."""

        def opened(start: int, stop: int | None) -> AbstractContextManager[ByteStream]:
            return HttpStream(self._asking, self._target, self._question, entry, start, stop)

        return opened
