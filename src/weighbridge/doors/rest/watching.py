"""For those who watch the registry: its health and its figures."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from weighbridge import __version__
from weighbridge.domain.health import Condition, overall
from weighbridge.doors.rest.callers import Caller, TheBridge
from weighbridge.doors.rest.models import Alive, Health

router = APIRouter(tags=["server"])
_PAGE_TYPE = "text/plain; version=0.0.4; charset=utf-8"
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
