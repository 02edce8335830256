"""The Hub for an asynchronous application: find, describe, check, fetch, publish. See docs/connector.md.

    from weighbridge.connector import HuggingFaceConnector

    connector = HuggingFaceConnector()
    await connector.connect({"token": "..."})
    found = await connector.search_models("llama", filter_tags=["text-generation"], sort="likes", limit=20)
    metadata = await connector.get_model_metadata("org/name")
    folder = await connector.download_model("org/name")

hugging_face   HuggingFaceConnector
cache          ModelCache: what was learned, kept for when the Hub is out of reach
metadata       ModelMetadata
platform       PlatformConnector: what a platform may offer
arguments      what is asked of it, looked at first
uploading      what is said of an adapter, as a request to publish it
working        the threads below, and how they are given up
errors         what can go wrong
"""

from weighbridge.connector.cache import ModelCache
from weighbridge.connector.errors import (
    BadCredentials,
    BadRequest,
    CannotConnect,
    ConnectorError,
    NoSuchFolder,
    NoSuchModel,
    NotConnected,
)
from weighbridge.connector.hugging_face import HuggingFaceConnector
from weighbridge.connector.metadata import ModelMetadata
from weighbridge.connector.platform import PlatformConnector
from weighbridge.domain.compatibility import Compatibility

__all__ = [
    "BadCredentials",
    "BadRequest",
    "CannotConnect",
    "Compatibility",
    "ConnectorError",
    "HuggingFaceConnector",
    "ModelCache",
    "ModelMetadata",
    "NoSuchFolder",
    "NoSuchModel",
    "NotConnected",
    "PlatformConnector",
]
