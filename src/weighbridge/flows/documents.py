"""JSON documents in the store: evidence, scans and verdicts, each named by the digest of its one spelling."""

from __future__ import annotations

import json

from weighbridge.domain.json_values import JsonObject, canonical
from weighbridge.ports import BlobStore


def keep(blobs: BlobStore, document: JsonObject) -> str:
    """Put a document into the store; its sha256.

    Raises:
        StoreDown: as the store is met.
    """
    return blobs.add(canonical(document))


def load(blobs: BlobStore, sha256: str) -> JsonObject:
    """A document that was kept; empty where the content is no JSON object.

    Raises:
        NotFound: the store does not hold it.
        StoreDown: as the store is met.
    """
    with blobs.open(sha256) as file:
        parsed = json.load(file)
    return parsed if isinstance(parsed, dict) else {}
