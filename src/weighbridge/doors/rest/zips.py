"""A package as one zip over HTTP: from a bucket, or whole or in ranges from here; a cut download goes on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from weighbridge.bridge.packing import ZipElsewhere
from weighbridge.bridge.zips import ServedZip, zip_name
from weighbridge.domain.package import Package
from weighbridge.doors.ranges import UNSATISFIABLE, filename, matches, ranged
from weighbridge.doors.rest.callers import Caller, TheBridge
from weighbridge.doors.rest.shapes import Id
from weighbridge.doors.streaming import Streams

router = APIRouter(tags=["packages"])
MEDIA_TYPE = "application/zip"
_THREADS = 16
_ADDRESS = "/package/{id}/package.zip"
_ANSWERS: dict[int | str, dict[str, object]] = {
    200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
    206: {"description": "The range that was asked for", "content": {MEDIA_TYPE: {}}},
    302: {"description": "Where the bucket has it: an address that is signed for an hour"},
    304: {"description": "The client has it already"},
    412: {"description": "It is not the one of If-Match"},
    416: {"description": "The range is beyond its end"},
}


def zip_streams() -> Streams:
    """What the zips of one application are sent by."""
    return Streams(ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="zip"))


@router.head(_ADDRESS, include_in_schema=False)
@router.get(_ADDRESS, summary="A package as one zip, with Range", response_class=Response, responses=_ANSWERS)
def package_zip(id: Id, request: Request, bridge: TheBridge, caller: Caller) -> Response:
    """The model's files, and beside them in `.weighbridge/` verdict, licence, bill of materials and
    attestation; needs `download`. The same bytes each time, so that a cut download can go on.
    """
    # a bucket has ETags of its own: whoever compares with ours is answered from here
    if not {"if-match", "if-range"} & set(request.headers):
        elsewhere = bridge.packing.elsewhere(caller, id)
        if elsewhere is not None:
            return _elsewhere(elsewhere, request, bridge, caller)
    served = bridge.zips.zip(caller, id)
    etag = f'"{served.layout.sha256}"'
    headers = _headers(served.package, etag)
    if "if-match" in request.headers and not matches(request.headers["if-match"], etag, weak=False):
        return Response(status_code=412, headers={"etag": etag})
    if matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers={"etag": etag, "cache-control": headers["cache-control"]})
    size = served.layout.total_bytes
    status, start, stop = ranged(request.method, request.headers, size, headers, etag)
    if status == UNSATISFIABLE or request.method == "HEAD":
        return _Bare(status_code=status, headers=headers)
    bridge.zips.sent(caller, served.package, start, stop)
    return ZipResponse(served, start, stop, status, headers, request.app.state.zips)


def _headers(package: Package, etag: str) -> dict[str, str]:
    return {
        "etag": etag,
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",  # withdrawn packages are gone at once
        "content-type": MEDIA_TYPE,
        "content-disposition": f"attachment; {filename(zip_name(package))}",
        "x-content-type-options": "nosniff",
    }


def _elsewhere(found: ZipElsewhere, request: Request, bridge: TheBridge, caller: Caller) -> Response:
    """Send a client to the bucket; HEAD is answered here, for such an address is good for GET only."""
    etag = f'"{found.zip.etag}"'
    headers = _headers(found.package, etag)
    if matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers={"etag": etag, "cache-control": headers["cache-control"]})
    _, start, stop = ranged(request.method, request.headers, found.zip.size_bytes, headers, etag)
    if request.method == "HEAD":
        return _Bare(status_code=200, headers=headers)
    bridge.zips.sent(caller, found.package, start, stop)
    moved = {"location": found.url, "cache-control": "private, no-store", "content-length": "0"}
    return _Bare(status_code=302, headers=moved)


class _Bare(Response):
    """Headers as they are, and no body: a HEAD tells the length of what GET would send."""

    def init_headers(self, headers: object = None) -> None:
        """As given; the framework would say that nothing is zero bytes long."""
        assert isinstance(headers, dict)  # noqa: S101 - package_zip gives one
        self.raw_headers = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


class ZipResponse(_Bare):
    """A stretch of a zip in large pieces."""

    def __init__(
        self,
        served: ServedZip,
        start: int,
        stop: int,
        status: int,
        headers: dict[str, str],
        streams: Streams,
    ) -> None:
        super().__init__(status_code=status, headers=headers)
        self._served, self._start, self._stop, self._streams = served, start, stop, streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; a client that goes away is read nothing more for."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        left = self._stop - self._start
        await self._streams.send(lambda: self._served.open(self._start, self._stop), left, receive, send)
