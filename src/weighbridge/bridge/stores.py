"""Which store the settings name: a folder of the home, or a bucket."""

from __future__ import annotations

from weighbridge.ports import BlobStore
from weighbridge.settings import Settings

CACHE = "store-cache"
"""The folder of the home for what is kept of a bucket; never the one of a folder store, which is no copy."""


def open_store(settings: Settings) -> BlobStore:
    """The registry's store.

    Raises:
        BadInput: the URL is none, or there is no such bucket for these credentials.
        StoreDown: the server does not answer.
    """
    from weighbridge.adapters.blobs_fs import FolderBlobs

    if not settings.store_url:
        return FolderBlobs(settings.home, durable=True)
    from weighbridge.adapters.blobs_s3 import S3Blobs, open_bucket

    bucket = open_bucket(settings.store_url, settings.s3, settings.store_public_url)
    bucket.probe()
    local = FolderBlobs(settings.home / CACHE)
    return S3Blobs(bucket, local, kept_bytes=settings.store_cache_bytes)
