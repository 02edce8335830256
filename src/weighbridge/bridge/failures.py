"""An error of one process, told to another one: what a job's record keeps of why it ended."""

from __future__ import annotations

from weighbridge import errors
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, JsonObject, text
from weighbridge.errors import BadInput, WeighbridgeError

_SHOWN = ("message", "hint", "code")


def failure_document(error: WeighbridgeError | Invalid) -> JsonObject:
    """``code``, ``message`` and ``hint`` for people; ``fields`` is what the error carries."""
    if isinstance(error, Invalid):
        return {"code": BadInput.code, "message": str(error), "hint": error.hint, "fields": {}}
    fields = {
        name: value
        for name, value in vars(error).items()
        if name not in _SHOWN and (value is None or isinstance(value, (str, int, float)))
    }
    return {"code": error.code, "message": error.message, "hint": error.hint, "fields": fields}


def failure_of(document: JsonObject) -> WeighbridgeError:
    """The error that a document tells of, of its own class, so that a door answers as if it had met it."""
    kind = _KINDS.get(text(document, "code") or "", WeighbridgeError)
    error = kind.__new__(kind)
    WeighbridgeError.__init__(
        error, text(document, "message") or "it failed", hint=text(document, "hint") or ""
    )
    fields: Json = document.get("fields")
    if isinstance(fields, dict):
        for name, value in fields.items():
            setattr(error, name, value)
    return error


def _kinds() -> dict[str, type[WeighbridgeError]]:
    found = {"error": WeighbridgeError}
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, WeighbridgeError):
            found.setdefault(value.code, value)
    return found


_KINDS = _kinds()
