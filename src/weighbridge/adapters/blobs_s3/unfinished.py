"""Uploads in parts that somebody began and never ended: no listing shows them, and they are paid for.

obstore cannot list them, so that these two requests are signed here (AWS Signature Version 4): one that
lists, one that aborts. A server that does not know them, or credentials that may not list them, leave it to
a lifecycle rule of the bucket.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import quote, urlsplit

log = logging.getLogger(__name__)
_UPLOAD = re.compile(r"<Upload>(.*?)</Upload>", re.DOTALL)
_MOST_BYTES = 8 << 20
_TIMEOUT_S = 30
_EMPTY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """Those of one bucket below a prefix; ``endpoint`` is where its server is."""

    endpoint: str
    bucket: str
    prefix: str
    region: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)

    def abort(self, begun_before: datetime) -> int:
        """End those that were begun before then, a thousand at most; how many.

        What fails is told in the log only: nobody relies on it.
        """
        aborted = 0
        try:
            query = {"uploads": "", "max-uploads": "1000", "prefix": self.prefix}
            for key, upload in _old(self._asked("GET", "", query), begun_before):
                ours = key.removeprefix(self.prefix)
                if ours.startswith("blobs-v1/") or ours.endswith("/package.zip"):
                    self._asked("DELETE", key, {"uploadId": upload})
                    aborted += 1
        except (OSError, HTTPException, ValueError) as error:
            log.info("unfinished uploads stay in the bucket: %s", type(error).__name__)
        return aborted

    def _asked(self, method: str, key: str, query: dict[str, str]) -> str:
        """The body of an answer.

        Raises:
            OSError, HTTPException: the server does not answer.
            ValueError: it refuses.
        """
        place = urlsplit(self.endpoint)
        path = quote(f"{place.path.rstrip('/')}/{self.bucket}" + (f"/{key}" if key else ""))
        spelled = "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in sorted(query.items()))
        kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
        connection = kind(place.hostname or "", place.port, timeout=_TIMEOUT_S)
        try:
            headers = self._signed(method, path, spelled, place.netloc, datetime.now(UTC))
            connection.request(method, f"{path}?{spelled}", headers=headers)
            answer = connection.getresponse()
            body = answer.read(_MOST_BYTES).decode("utf-8", "replace")
            if answer.status not in (200, 204):
                raise ValueError(f"status {answer.status}")
            return body
        finally:
            connection.close()

    def _signed(self, method: str, path: str, query: str, host: str, at: datetime) -> dict[str, str]:
        """The headers of a request without a body."""
        day, moment = at.strftime("%Y%m%d"), at.strftime("%Y%m%dT%H%M%SZ")
        headers = {"host": host, "x-amz-content-sha256": _EMPTY, "x-amz-date": moment}
        if self.token:
            headers["x-amz-security-token"] = self.token
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        asked = "\n".join((method, path, query, lines, names, _EMPTY))
        scope = f"{day}/{self.region}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
        secret = f"AWS4{self.secret}".encode()
        for part in (day, self.region, "s3", "aws4_request", text):
            secret = hmac.new(secret, part.encode(), "sha256").digest()
        credential = f"Credential={self.key}/{scope}, SignedHeaders={names}, Signature={secret.hex()}"
        return {**headers, "authorization": f"AWS4-HMAC-SHA256 {credential}"}


def _old(listing: str, begun_before: datetime) -> list[tuple[str, str]]:
    """Key and number of each upload that was begun before.

    Raises:
        ValueError: the listing is none.
    """
    found = []
    for said in _UPLOAD.findall(listing):
        begun = datetime.fromisoformat(_tag(said, "Initiated"))
        if begun < begun_before:
            found.append((_tag(said, "Key"), _tag(said, "UploadId")))
    return found


def _tag(said: str, name: str) -> str:
    found = re.search(rf"<{name}>(.*?)</{name}>", said, re.DOTALL)
    if found is None:
        raise ValueError(f"an upload without {name}")
    return unescape(found[1])
