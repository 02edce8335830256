"""The page: pick a sample or upload a picture, and see both answers. It works without scripts."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, File, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from digits.models import Models
from digits.pictures import LOOPS, MAX_BYTES, Images, NoPicture, Part, load_parts, png, read_picture

HERE = Path(__file__).parent
FORM_BYTES = 20_000
"""What a form has around a picture, at most."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
OF_EACH = 3
Answered = Callable[[Request], Awaitable[Response]]


class Samples:
    """Some of the held-out images, a few of each digit, as pictures."""

    def __init__(self, held: Part) -> None:
        chosen = [np.flatnonzero(held.digits == digit)[:OF_EACH] for digit in range(10)]
        order = [int(rows[turn]) for turn in range(OF_EACH) for rows in chosen]
        self.images: list[Images] = [held.images[[row]] for row in order]
        self.digits = [int(held.digits[row]) for row in order]
        self.pngs = [png(image[0]) for image in self.images]


def web_app(models: Models) -> FastAPI:
    """The application over models that are in memory."""
    app = FastAPI(title="Digits", docs_url=None, redoc_url=None, openapi_url=None)
    samples = Samples(load_parts()[1])
    pages = Jinja2Templates(HERE / "templates")
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")

    @app.middleware("http")
    async def guarded(request: Request, answer: Answered) -> Response:
        response = _too_large(request) or await answer(request)
        response.headers.update(HEADERS)
        return response

    def page(request: Request, status: int = 200, **shown: Any) -> HTMLResponse:
        context = {"samples": samples.digits, "identity": models.identity, "loops": LOOPS, **shown}
        return pages.TemplateResponse(request, "page.html", context, status_code=status)

    @app.get("/", response_class=HTMLResponse)
    def home(request: Request, sample: int | None = None) -> HTMLResponse:
        """The page, with the answers for a sample where one was picked."""
        if sample is None:
            return page(request)
        if not 0 <= sample < len(samples.images):
            return page(request, 404, problem="There is no such sample.")
        told = _answered(models, samples.images[sample])
        return page(request, picked=sample, truth=samples.digits[sample], **told)

    @app.post("/", response_class=HTMLResponse)
    def upload(request: Request, picture: Annotated[UploadFile | None, File()] = None) -> HTMLResponse:
        """The answers for an uploaded picture; it is not kept."""
        try:
            if picture is None or not picture.size:
                raise NoPicture("Choose a picture first.")
            image = read_picture(picture.file.read(MAX_BYTES + 1))
        except NoPicture as error:
            return page(request, 422, problem=str(error))
        return page(request, name=(picture.filename or "your picture")[:80], **_answered(models, image))

    @app.get("/samples/{number}.png")
    def sample_png(number: int) -> Response:
        """One sample, 8x8."""
        if not 0 <= number < len(samples.pngs):
            return Response(status_code=404)
        return Response(
            samples.pngs[number], media_type="image/png", headers={"Cache-Control": "max-age=3600"}
        )

    @app.get("/health")
    def health() -> JSONResponse:
        """Which models answer."""
        return JSONResponse({"status": "ok", "models": [dict(each) for each in models.identity]})

    return app


def _too_large(request: Request) -> Response | None:
    """An upload is refused by its length before it is read; without a length it is not taken."""
    if request.method != "POST":
        return None
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        return Response("A picture needs a length.", 411)
    if int(length) > MAX_BYTES + FORM_BYTES:
        return Response(f"The picture has more than {MAX_BYTES >> 20} MB.", 413)
    return None


def _answered(models: Models, image: Images) -> dict[str, Any]:
    answer = models.look(image)
    return {
        "seen": base64.b64encode(png(image[0])).decode(),
        "digit": max(answer.digit, key=lambda name: answer.digit[name]),
        "digits": answer.digit,
        "looped": answer.loop["yes"],
    }
