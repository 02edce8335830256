"""The page and its routes. The browser learns texts of the model, and neither a token nor an address.

GET  /             the page; POST / is its form, for browsers without scripts
POST /generate     {"product", "tone"} -> {"product", "text"}
GET  /health       the start-up checklist and the identity of what is loaded
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from commerce.products import PRODUCTS, TONES
from weighbridge.errors import WeighbridgeError
from weighbridge.runtime import LoadedModel

HERE = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
MAX_BODY_BYTES = 4096
MAX_TOKENS = 80
AT_ONCE = 4
"""How many may wait for the model, which answers one at a time; further ones are told to come back."""
Answered = Callable[[Request], Awaitable[Response]]


class Wanted(BaseModel):
    """What a description is asked for."""

    product: str
    tone: Literal["short", "friendly", "factual"] = "short"


def web_app(model: LoadedModel) -> FastAPI:
    """The application over a model that is in memory."""
    app = FastAPI(title="Commerce", docs_url=None, redoc_url=None, openapi_url=None)
    pages = Jinja2Templates(HERE / "templates")
    waiting = threading.BoundedSemaphore(AT_ONCE)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")

    @app.middleware("http")
    async def guarded(request: Request, answer: Answered) -> Response:
        response = _too_large(request) or await answer(request)
        response.headers.update(HEADERS)
        return response

    def described(product: str, tone: str) -> str:
        if product not in PRODUCTS or tone not in TONES:
            raise HTTPException(404, "There is no such product or tone.")
        if not waiting.acquire(blocking=False):
            raise HTTPException(503, "Too many are waiting.", headers={"Retry-After": "2"})
        try:
            prompt = PRODUCTS[product].prompt(tone)
            return model.generate(prompt, max_tokens=MAX_TOKENS, temperature=0.7, stop=("\n\n",)).strip()
        except WeighbridgeError as error:
            raise HTTPException(502, "The model could not answer.") from error
        finally:
            waiting.release()

    def page(request: Request, status: int = 200, **shown: str) -> HTMLResponse:
        context = {"products": PRODUCTS.values(), "tones": TONES, **shown}
        return pages.TemplateResponse(request, "page.html", context, status_code=status)

    @app.get("/", response_class=HTMLResponse)
    def home(request: Request) -> HTMLResponse:
        """The page."""
        return page(request)

    @app.post("/", response_class=HTMLResponse)
    async def asked(request: Request) -> HTMLResponse:
        """The page with a description, for browsers without scripts."""
        given = parse_qs((await request.body()).decode("utf-8", "replace"))
        product, tone = given.get("product", [""])[0], given.get("tone", [TONES[0]])[0]
        try:
            text = await run_in_threadpool(described, product, tone)
        except HTTPException as error:
            return page(request, error.status_code, problem=str(error.detail))
        return page(request, chosen=product, tone=tone, text=text)

    @app.post("/generate")
    def generate(wanted: Wanted) -> JSONResponse:
        """A description as JSON."""
        return JSONResponse({"product": wanted.product, "text": described(wanted.product, wanted.tone)})

    @app.get("/health")
    def health() -> JSONResponse:
        """What is loaded, and how the start went."""
        return JSONResponse({"status": "ok", **model.report.to_json()})

    return app


async def _unreadable(_: Request, error: Exception) -> Response:
    """What is wrong; FastAPI's own answer repeats what was sent, which JSON need not be able to say."""
    wrong = error.errors() if isinstance(error, RequestValidationError) else []
    return JSONResponse({"detail": [each["msg"] for each in wrong]}, 422)


def _too_large(request: Request) -> Response | None:
    """A body is refused by its length before it is read; without a length it is not taken."""
    if request.method != "POST":
        return None
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        return Response("A length is needed.", 411)
    return Response("That is too long.", 413) if int(length) > MAX_BODY_BYTES else None
