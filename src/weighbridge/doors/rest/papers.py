"""What a package carries for others to read and check."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, JsonValue

from weighbridge.doors.rest.callers import Caller, TheBridge
from weighbridge.doors.rest.shapes import Id

router = APIRouter(tags=["papers"])
BOM_TYPE = "application/vnd.cyclonedx+json; version=1.6"
ENVELOPE_TYPE = "application/vnd.dsse.envelope.v1+json"


class PublicKeyOut(BaseModel):
    """A public key: ``keyid`` is the sha256 of its DER form, ``pem`` a SubjectPublicKeyInfo."""

    algorithm: str
    keyid: str
    pem: str


@router.get(
    "/package/{id}/bom",
    summary="The bill of materials: CycloneDX 1.6",
    response_class=JSONResponse,
    responses={200: {"content": {BOM_TYPE: {}}}},
)
def bom(id: Id, bridge: TheBridge, caller: Caller) -> JSONResponse:
    """Files with their hashes, licence, base models, data sets, results; needs `download`."""
    return JSONResponse(bridge.papers.bom(caller, id), media_type=BOM_TYPE)


@router.get(
    "/package/{id}/attestation",
    summary="A signed statement of what the gate found",
    response_class=JSONResponse,
    responses={200: {"content": {ENVELOPE_TYPE: {}}}},
)
def attestation(id: Id, bridge: TheBridge, caller: Caller) -> JSONResponse:
    """An in-toto statement in a DSSE envelope, signed with the key at `/attestation-key`."""
    return JSONResponse(bridge.papers.attestation(caller, id), media_type=ENVELOPE_TYPE)


@router.get(
    "/package/{id}/licence",
    summary="What the licences allow, and what they ask for",
    response_model=dict[str, JsonValue],
)
def licence(id: Id, bridge: TheBridge, caller: Caller) -> JSONResponse:
    """The model's own, its base models' and its data sets', taken together; needs `download`."""
    return JSONResponse(bridge.papers.licence(caller, id).to_json())


@router.get("/attestation-key", summary="By what the attestations of this registry are checked")
def attestation_key(bridge: TheBridge) -> PublicKeyOut:
    """Everybody may know it."""
    key = bridge.papers.public_key()
    return PublicKeyOut(algorithm="ed25519", keyid=key.id, pem=key.pem)
