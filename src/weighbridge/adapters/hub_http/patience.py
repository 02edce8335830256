"""How often a question is asked again, and how long is waited in between."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

_RATE_LIMIT = re.compile(r";\s*r=(\d{1,9})\b.*?;\s*t=(\d{1,9})\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Limits for one question: ``tries`` in all, ``total_s`` of waiting in all.

    ``base_s`` doubles with every failure up to ``longest_s``; jitter takes up to half of it
    away, so that many clients do not come back at the same moment. ``sleep``, ``now`` (a wall
    clock, seconds since 1970) and ``jitter`` (0 to 1) are the world's.
    """

    tries: int = 5
    total_s: float = 120.0
    base_s: float = 0.5
    longest_s: float = 8.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    jitter: Callable[[], float] = random.random

    def pause_s(self, failures: int) -> float:
        """How long to wait after so many failures in a row, in seconds."""
        full = min(self.longest_s, self.base_s * 2.0 ** min(failures - 1, 30))
        return full * (1.0 - self.jitter() / 2.0)

    def asked_pause_s(self, header: Callable[[str], str]) -> float | None:
        """The pause that an answer's headers ask for, in seconds, or None.

        ``Retry-After`` holds seconds or a date (RFC 9110, 10.2.3); ``RateLimit: "api";r=0;t=55``
        says that nothing remains for 55 seconds (draft-ietf-httpapi-ratelimit-headers).
        """
        retry_after = header("retry-after").strip()
        if retry_after.isascii() and retry_after.isdigit():
            return float(retry_after[:9])
        if retry_after:
            from email.utils import parsedate_to_datetime  # slow to import, rarely needed

            try:
                date = parsedate_to_datetime(retry_after)
            except (TypeError, ValueError):
                return None
            aware = date if date.tzinfo else date.replace(tzinfo=UTC)
            return max(0.0, (aware - datetime.fromtimestamp(self.now(), UTC)).total_seconds())
        spent = _RATE_LIMIT.search(header("ratelimit"))
        return float(spent[2]) if spent and spent[1] == "0" else None
