"""Errors as HTTP: one table from class to status, and RFC 9457 problem documents.

``detail`` is a sentence, as the ingestion document spells it; ``code`` is for programs.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from weighbridge.context import REQUEST
from weighbridge.domain.explained import explained
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json
from weighbridge.domain.verdict import Outcome
from weighbridge.errors import (
    BadInput,
    BadName,
    BadVersion,
    Conflict,
    Denied,
    IntegrityError,
    LicenseMismatch,
    NoSuchRepo,
    NotAuthenticated,
    NotFound,
    PackageExists,
    RateLimited,
    Rejected,
    StoreDown,
    TooManyTries,
    Unreachable,
    Unsafe,
    WeighbridgeError,
)

STATUS: Sequence[tuple[type[Exception], int]] = (
    (Rejected, 400),  # 424 where the outcome is indeterminate
    (LicenseMismatch, 400),
    (Unsafe, 400),
    (BadName, 400),
    (BadVersion, 400),
    (PackageExists, 400),
    (BadInput, 422),
    (Invalid, 422),
    (NotFound, 404),
    (NotAuthenticated, 401),
    (TooManyTries, 429),
    (Denied, 403),
    (Conflict, 409),
    (IntegrityError, 502),
    (StoreDown, 500),
    (Unreachable, 503),
    (WeighbridgeError, 500),
)
"""Which error answers with which status; the first line that fits counts."""

RETRY_AFTER_S = 30
"""What is advised where the one who failed did not say how long."""
MEDIA_TYPE = "application/problem+json"
_LOG = logging.getLogger(__name__)
_OURS, _LOG_SAYS = "The registry's store or catalogue failed.", "its log says why"


def status_of(error: Exception) -> int:
    """The status that an error means."""
    if isinstance(error, Rejected) and error.verdict.outcome is Outcome.INDETERMINATE:
        return 424
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    hint: str = "",
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Json] | None = None,
) -> JSONResponse:
    """A problem document as an answer; ``more`` are further members."""
    document = _document(status, code, detail, hint, more)
    return JSONResponse(document, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def problem_document(error: WeighbridgeError | Invalid, kind: str) -> dict[str, Json]:
    """The problem document of an error that is one result among others."""
    return _told(status_of(error), error, kind, "one of many")


def _told(status: int, error: Exception, kind: str, where: str) -> dict[str, Json]:
    """What of an error is told; its cause stays here where it names files and databases."""
    code = error.code if isinstance(error, WeighbridgeError) else BadInput.code
    if status == 500:
        _LOG.error("%s: %s", where, error)
        return _document(500, code, _OURS, _LOG_SAYS)
    more = _verdict(error) if isinstance(error, Rejected) else None
    return _document(status, code, _detail(kind, error), getattr(error, "hint", ""), more)


def _document(
    status: int, code: str, detail: str, hint: str, more: Mapping[str, Json] | None = None
) -> dict[str, Json]:
    document: dict[str, Json] = {
        "type": f"urn:weighbridge:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if hint:
        document["hint"] = hint
    if REQUEST.get():
        document["request_id"] = REQUEST.get()
    return {**document, **(more or {})}


def install(app: FastAPI) -> None:
    """Answer every error of ``app`` with a problem document."""
    app.add_exception_handler(WeighbridgeError, _ours)
    app.add_exception_handler(Invalid, _ours)
    app.add_exception_handler(RequestValidationError, _wrong_schema)
    app.add_exception_handler(HTTPException, _of_the_framework)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    status = status_of(error)
    if status == 401 and getattr(request.state, "is_known", False):
        status = 502  # we know the caller: it is the Hub that does not take the registry's own token
    kind = str(getattr(request.state, "kind", "model"))
    document = _told(status, error, kind, f"{request.method} {request.url.path}")
    return JSONResponse(document, status_code=status, media_type=MEDIA_TYPE, headers=_headers(status, error))


def _detail(kind: str, error: Exception) -> str:
    if isinstance(error, NoSuchRepo):
        return f"{kind.capitalize()} '{error.repo}' not found on HuggingFace Hub"
    return str(error)


def _headers(status: int, error: Exception) -> dict[str, str]:
    if status == 401:
        return {"WWW-Authenticate": 'Bearer realm="weighbridge"'}
    if isinstance(error, TooManyTries):
        return {"Retry-After": str(error.retry_after_s)}
    if status == 503:
        told = error.retry_after_s if isinstance(error, RateLimited) else None
        return {"Retry-After": str(RETRY_AFTER_S if told is None else max(1, math.ceil(told)))}
    return {}


def _verdict(error: Rejected) -> dict[str, Json]:
    more: dict[str, Json] = {"verdict": explained(error.verdict)}  # the whole of it is at /refusal/{id}
    if error.refusal_id:
        more["refusal"] = f"/refusal/{error.refusal_id}"
    return more


async def _wrong_schema(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it only
    # Not the values: one of them may be a password.
    faults: list[Json] = [_fault(fault) for fault in error.errors()]
    told = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults if isinstance(fault, dict))
    return problem(422, BadInput.code, told, more={"errors": faults})


def _fault(fault: Mapping[str, Any]) -> dict[str, Json]:
    """One thing that is wrong, and where; the checker's own words only where they help whoever reads them."""
    kind, place, told = fault["type"], fault["loc"], str(fault["msg"])
    if kind == "json_invalid":
        cause = str(fault.get("ctx", {}).get("error", "")).rstrip(".")
        place, told = ("body",), f"this is no JSON ({cause}, at character {place[-1]})"
    elif kind in ("model_attributes_type", "dict_type") and place == ("body",):
        told = "this is no JSON object, or it was sent without 'Content-Type: application/json'"
    elif kind == "extra_forbidden" and place[0] == "body":
        told = "there is no such field"
    return {"field": ".".join(map(str, place)), "message": told.removeprefix("Value error, ")}


async def _of_the_framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it only
    phrase = HTTPStatus(error.status_code).phrase
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = _allowed(request) or headers.get("Allow", "")
    return problem(error.status_code, phrase.lower().replace(" ", "-"), str(error.detail), headers=headers)


def _allowed(request: Request) -> str:
    """The methods of an address: the framework tells those of the first of its routes alone."""
    asked = request.url.path.split("/")
    found: tuple[int, str] = (0, "")
    for address, path in request.app.openapi()["paths"].items():
        parts = address.split("/")
        same = [part == given for part, given in zip(parts, asked, strict=False)]
        open_ = [part.startswith("{") and bool(given) for part, given in zip(parts, asked, strict=False)]
        if len(parts) == len(asked) and all(map(max, zip(same, open_, strict=True))) and sum(same) > found[0]:
            found = (sum(same), ", ".join(sorted(method.upper() for method in path)))
    return found[1]


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "internal", "Something went wrong in the registry.", hint="its log says what")
