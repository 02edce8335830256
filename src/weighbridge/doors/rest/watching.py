"""For those who watch the registry: its health and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from weighbridge import __version__
from weighbridge.domain.health import Component, Condition, overall
from weighbridge.doors.rest.callers import Caller, TheBridge

router = APIRouter(tags=["server"])
_PAGE_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class ComponentOut(BaseModel):
    """A part of the registry; which figures it has depends on the part."""

    status: Literal["ok", "degraded", "down"]
    detail: str
    figures: dict[str, bool | int | str | None]


class Health(BaseModel):
    """How the registry is: as its worst part."""

    status: Literal["ok", "degraded", "down"] = "ok"
    version: str
    components: Annotated[dict[str, ComponentOut], Field(description="catalogue, jobs, store, upstream")]

    @classmethod
    def of(cls, components: Sequence[Component], version: str) -> Self:
        """The nouns, spelled."""
        parts = {
            one.name: {"status": one.condition.value, "detail": one.detail, "figures": dict(one.figures)}
            for one in components
        }
        return cls.model_validate(
            {"status": overall(components).value, "version": version, "components": parts}
        )


class Alive(BaseModel):
    """The server answers."""

    status: Literal["ok"] = "ok"
    version: str


_DOWN: dict[int | str, dict[str, object]] = {
    503: {"model": Health, "description": "The catalogue or the store is down"}
}


@router.get("/health", summary="How the catalogue, the store, the upstream and the jobs are", responses=_DOWN)
def health(bridge: TheBridge, response: Response) -> Health:
    """Answers 503 where the registry is down; a part that is degraded is told and changes no status."""
    parts = bridge.health.look()
    if overall(parts) is Condition.DOWN:
        response.status_code = 503
    return Health.of(parts, __version__)


@router.get("/livez", summary="Whether the server answers")
async def livez() -> Alive:
    """Looks at nothing: whoever restarts a server that is stuck asks here."""
    return Alive(version=__version__)


@router.get(
    "/metrics",
    summary="Figures as Prometheus reads them",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {}}}},
)
def metrics(bridge: TheBridge, principal: Caller) -> PlainTextResponse:
    """Asks for ``admin``, unless the operator shows them to everybody; 404 where they are shown to nobody."""
    return PlainTextResponse(bridge.figures.page(principal), media_type=_PAGE_TYPE)
