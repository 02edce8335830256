"""The objects of a bucket below a prefix; what goes wrong there is StoreDown and names no secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.adapters.blobs_s3.unfinished import Unfinished
from weighbridge.errors import BadInput, NotFound, StoreDown

if TYPE_CHECKING:
    from obstore import Attributes, ObjectMeta
    from obstore.store import S3Config, S3Store

ADDRESS_LASTS_S = 3600
"""For how long an address that was given out can be used: as long as the Hub's own."""
_URL = re.compile(r"s3://([a-z0-9][a-z0-9.\-]{1,61}[a-z0-9])(/[^?#]*)?")
_DENIED = re.compile(r"status code: 40[13]\b")
_PART_BYTES, _MOST_PARTS, _PARTS_AT_ONCE = 16 << 20, 9000, 4
"""S3 takes at most 10 000 parts; the parts that are on their way are held in memory."""
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """``at`` is when the object was written, by the server's clock, in seconds since 1970."""

    size: int
    at: float


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Objects by their key. Every method raises StoreDown where the server fails.

    ``signing`` makes addresses for clients, who may reach the server by another name; None: no addresses.
    """

    name: str
    store: S3Store
    signing: S3Store | None
    unfinished: Unfinished | None = None

    def probe(self) -> None:
        """Ask for one name.

        Raises:
            BadInput: there is no such bucket, or these credentials may not list it.
            StoreDown: the server does not answer.
        """
        import obstore

        try:
            with self._asked():
                next(iter(obstore.list(self.store, chunk_size=1)), None)
        except _Refused as error:
            raise BadInput(error.message, hint=error.hint) from error

    def look(self, key: str) -> Found | None:
        """Size and time of an object; None where there is none."""
        import obstore

        with suppress(_Absent), self._asked():
            return _found(obstore.head(self.store, key))
        return None

    def put(self, key: str, content: bytes) -> None:
        """Make a small object."""
        import obstore

        with self._asked():
            obstore.put(self.store, key, content, use_multipart=False)

    def put_large(
        self, key: str, content: Path | Iterable[bytes], size: int, *, shown: Mapping[str, str] | None = None
    ) -> None:
        """Make an object of ``size`` bytes; it is seen whole or not at all.

        ``shown`` are headers with which the server gives it out, such as Content-Type.

        Raises:
            Whatever ``content`` raises; nothing is made.
        """
        import obstore

        part = max(_PART_BYTES, -(-size // _MOST_PARTS))
        more: Attributes = {**(shown or {})}
        with self._asked():
            obstore.put(
                self.store, key, content, attributes=more, chunk_size=part, max_concurrency=_PARTS_AT_ONCE
            )

    def read(self, key: str) -> tuple[int, Iterator[bytes]]:
        """The size of an object, and its bytes in order.

        Raises:
            NotFound: there is none.
        """
        import obstore

        try:
            with self._asked():
                found = obstore.get(self.store, key)
        except _Absent as error:
            raise NotFound(f"the store at '{self.name}' has no {key}") from error
        return found.meta["size"], self._pieces(iter(found.stream(min_chunk_size=_PIECE_BYTES)))

    def remove(self, key: str) -> None:
        """Drop an object; one that is not there is fine."""
        import obstore

        with suppress(_Absent), self._asked():
            obstore.delete(self.store, key)

    def walk(self, prefix: str) -> Iterator[tuple[str, Found]]:
        """Every object below a prefix, by its key."""
        import obstore

        with suppress(_Absent), self._asked():
            for page in obstore.list(self.store, prefix):
                for found in page:
                    yield found["path"], _found(found)

    def address(self, key: str) -> str | None:
        """Where a client can read an object by itself for ``ADDRESS_LASTS_S``; nothing is asked for it."""
        import obstore

        if self.signing is None:
            return None
        with self._asked():
            return obstore.sign(self.signing, "GET", key, timedelta(seconds=ADDRESS_LASTS_S))

    def abort_unfinished(self, older_than_s: float) -> int:
        """End uploads that were begun so long ago and never ended; how many.

        None where the credentials come from elsewhere than the settings: then a rule of the bucket must do.
        """
        if self.unfinished is None:
            return 0
        return self.unfinished.abort(datetime.now(UTC) - timedelta(seconds=older_than_s))

    def _pieces(self, stream: Iterator[object]) -> Iterator[bytes]:
        while True:
            with self._asked():
                piece = next(stream, None)
            if piece is None:
                return
            yield bytes(piece)  # type: ignore[call-overload]  # the stubs say bytes, the library's type has its buffer

    @contextmanager
    def _asked(self) -> Iterator[None]:
        from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

        try:
            yield
        except (FileNotFoundError, BaseError, PermissionError) as error:
            # the first line says what was asked and answered; addresses in it are not signed
            cause = str(error).partition("\n")[0][:300]
            said = f"the store at '{self.name}' failed: {cause}"
            if "NoSuchBucket" in str(error):
                hint = "make the bucket, or name another one in WEIGHBRIDGE_STORE_URL"
                raise _Refused(f"there is no bucket at '{self.name}'", hint=hint) from error
            denied = isinstance(error, PermissionDeniedError | UnauthenticatedError | PermissionError)
            if denied or _DENIED.search(str(error)):  # what lists has no class of its own for it
                hint = "look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and at what they permit"
                raise _Refused(said, hint=hint) from error
            if isinstance(error, FileNotFoundError):
                raise _Absent(said) from error
            raise StoreDown(said, hint="AWS_ENDPOINT_URL says where the server is") from error


def _found(said: ObjectMeta) -> Found:
    return Found(size=said["size"], at=said["last_modified"].timestamp())


class _Absent(StoreDown):
    """There is no such object; where that is no answer, it is a failure."""


class _Refused(StoreDown):
    """The server does not let us; no retry helps."""


def open_bucket(url: str, config: Mapping[str, str], public: str = "") -> Bucket:
    """The bucket at ``s3://bucket/prefix``; ``config`` has key, secret and address as obstore calls them.

    ``public`` is how clients reach the server; empty: as we do; ``none``: they do not.

    Raises:
        BadInput: the URL or a variable cannot be what it should be.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise BadInput(
            f"WEIGHBRIDGE_STORE_URL is {url[:200]!r}, which is no bucket", hint="as in s3://bucket/prefix"
        )
    prefix = (found[2] or "").strip("/")
    store = _store(found[1], prefix, config)
    signing: S3Store | None = store
    if public == "none":
        signing = None
    elif public:
        signing = _store(found[1], prefix, {**config, "endpoint": public})
    return Bucket(
        name=url.rstrip("/"), store=store, signing=signing, unfinished=_unfinished(found[1], prefix, config)
    )


def _unfinished(bucket: str, prefix: str, config: Mapping[str, str]) -> Unfinished | None:
    if not (config.get("access_key_id") and config.get("secret_access_key")):
        return None
    region = config.get("region", "us-east-1")
    return Unfinished(
        endpoint=config.get("endpoint") or f"https://s3.{region}.amazonaws.com",
        bucket=bucket,
        prefix=f"{prefix}/" if prefix else "",
        region=region,
        key=config["access_key_id"],
        secret=config["secret_access_key"],
        token=config.get("session_token", ""),
    )


def _store(bucket: str, prefix: str, config: Mapping[str, str]) -> S3Store:
    from obstore.exceptions import BaseError
    from obstore.store import S3Store

    endpoint = config.get("endpoint", "")
    if endpoint and (not endpoint.startswith(("http://", "https://")) or "@" in endpoint):
        raise BadInput(
            "the address of the S3 server is no http:// or https:// address without credentials",
            hint="AWS_ENDPOINT_URL and WEIGHBRIDGE_STORE_PUBLIC_URL say where it is",
        )
    typed: S3Config = {**config, "region": config.get("region", "us-east-1")}  # type: ignore[typeddict-item]
    seconds = timedelta(seconds=1)
    try:
        return S3Store(
            bucket,
            prefix=prefix or None,
            config=typed,
            # no limit for a whole answer, which may have a hundred gigabytes: one for its silence
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": 5 * seconds,
                "read_timeout": 30 * seconds,
                "timeout": timedelta(days=1),
            },
            retry_config={"max_retries": 3, "retry_timeout": 20 * seconds},
        )
    except BaseError as error:
        raise BadInput(f"the S3 store cannot be used: {str(error).partition(chr(10))[0][:300]}") from error
