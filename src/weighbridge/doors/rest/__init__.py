"""The REST door: the routes of the ingestion document, and what belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weighbridge import __version__
from weighbridge.bridge import Bridge
from weighbridge.doors.proxies import Network
from weighbridge.doors.rest import (
    accounts,
    audit,
    batches,
    jobs,
    lists,
    packages,
    papers,
    people,
    upkeep,
    watching,
    zips,
)
from weighbridge.doors.rest.callers import known_queries
from weighbridge.doors.rest.problems import MEDIA_TYPE, install, problem
from weighbridge.doors.rest.shapes import Problem

MAX_BODY_BYTES = 1 << 20
"""The largest request; the real ones have some hundred bytes."""

_PROBLEMS: dict[int | str, dict[str, object]] = {
    400: {"description": "Rejected, a duplicate, or a name or version that cannot be one"},
    401: {"description": "No token, or one that is no good; a wrong password"},
    403: {"description": "Not permitted, or gated upstream"},
    404: {"description": "Not there"},
    405: {"description": "Not this way"},
    409: {"description": "Somebody was first"},
    422: {"description": "The request does not have the right form"},
    413: {"description": "The request is too large"},
    424: {"description": "The gate could not tell: a source could not be read"},
    429: {"description": "Too many wrong passwords; Retry-After says how long to wait"},
    500: {"description": "The registry's own store or catalogue failed"},
    502: {"description": "The Hub sent other bytes than it promised"},
    503: {"description": "The Hub does not answer, or asked for a pause; Retry-After says how long"},
}


FOR_READERS = frozenset((
    *("/packages", "/versions", "/policy", "/package/{id}", "/standing/{kind}/{commit}/{namespace}/{name}"),
    *(f"/package/{{id}}/{paper}" for paper in ("verdict", "evidence", "licence", "bom", "attestation")),
    "/package/{id}/package.zip",
))  # fmt: skip
"""What callers without a token may ask for, where ``WEIGHBRIDGE_ANONYMOUS`` lets them."""


def rest_app(bridge: Bridge, proxies: Sequence[Network] = ()) -> FastAPI:
    """The application before a registry; ``proxies`` may say where a request came from."""
    app = FastAPI(
        title="Weighbridge",
        version=__version__,
        summary="The registry between the Hugging Face Hub and everything that runs models.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses={status: {**told, "model": Problem} for status, told in _PROBLEMS.items()},
    )
    app.state.bridge, app.state.zips, app.state.proxies = bridge, zips.zip_streams(), proxies
    install(app)
    app.include_router(watching.router)  # whoever watches may send whatever keeps caches away
    app.include_router(_other_routes())
    for router in (
        accounts.router,
        people.router,
        packages.router,
        batches.router,
        lists.router,
        jobs.router,
        papers.router,
        zips.router,
        upkeep.router,
        audit.router,
    ):
        app.include_router(router, dependencies=[Depends(known_queries)])
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    app.add_middleware(_BodyLimit)
    return app


def _other_routes() -> APIRouter:
    router = APIRouter()
    # The pages of /docs come from this machine: a registry may stand where there is no internet.
    swagger = Path(str(files("fastapi_offline"))) / "static"

    @router.get("/", include_in_schema=False)
    async def front() -> RedirectResponse:
        return RedirectResponse("docs")

    @router.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title="Weighbridge",
            swagger_js_url="docs/swagger-ui-bundle.js",
            swagger_css_url="docs/swagger-ui.css",
            swagger_favicon_url="docs/favicon.png",
        )

    @router.get("/docs/swagger-ui-bundle.js", include_in_schema=False)
    async def script() -> FileResponse:
        return FileResponse(swagger / "swagger-ui-bundle.js")

    @router.get("/docs/swagger-ui.css", include_in_schema=False)
    async def style() -> FileResponse:
        return FileResponse(swagger / "swagger-ui.css")

    @router.get("/docs/favicon.png", include_in_schema=False)
    async def icon() -> FileResponse:
        return FileResponse(swagger / "favicon.png")

    return router


def _openapi(app: FastAPI) -> dict[str, object]:
    """The description; the framework says of errors that they are plain JSON, which is put right."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        for address, path in schema["paths"].items():
            for method, operation in path.items():
                if method == "get" and address in FOR_READERS:
                    operation["security"] = [*operation["security"], {}]
                for status, answer in operation["responses"].items():
                    if int(status) >= 400 and (told := answer.get("content")):
                        answer["content"] = {MEDIA_TYPE: next(iter(told.values()))}
        app.openapi_schema = schema
    return app.openapi_schema


class _BodyLimit:
    """Refuses a request body that is too large before it is read into memory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MAX_BODY_BYTES:
                answer = problem(413, "too-large", f"the request has more than {MAX_BODY_BYTES} bytes")
                await answer(scope, receive, send)
                return
        sent = False

        async def whole() -> Message:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, whole, send)
