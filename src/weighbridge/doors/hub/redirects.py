"""A repository that was renamed: its former addresses lead to the new ones."""

from __future__ import annotations

from itertools import accumulate

from weighbridge.doors.hub.answers import Answer, NoRoute, json_answer
from weighbridge.doors.hub.request import Request

_BEFORE_THE_NAME = {"api": 2, "datasets": 1, "spaces": 1}
"""``/api/models/{name}``, ``/datasets/{name}``; ``/{name}`` for the files of a model."""


def redirected(request: Request, name: str, now: str) -> Answer:
    """307 to the address with the name ``now``; all that follows the name stays as it was sent.

    The address is relative: whatever host the client used is right.

    Raises:
        NoRoute: the address does not hold the name.
    """
    parts = request.path.strip("/").split("/")
    start = _BEFORE_THE_NAME.get(parts[0], 0)
    spelled = list(accumulate(request.segments[start:], "{}/{}".format))
    if name not in spelled:
        raise NoRoute(f"'{name}' is '{now}' now")
    behind = parts[start + spelled.index(name) + 1 :]
    query = f"?{request.raw_query}" if request.raw_query else ""
    address = "/" + "/".join([*parts[:start], now, *behind]) + query
    return json_answer({"url": address}, status=307, headers={"location": address})
