"""Which store the settings name: a folder of the home, or a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.ports import BlobStore
from weighbridge.settings import Settings

if TYPE_CHECKING:
    from weighbridge.adapters.blobs_s3 import Bucket

CACHE = "store-cache"
"""The folder of the home for what is kept of a bucket; never the one of a folder store, which is no copy."""


def open_store(settings: Settings) -> BlobStore:
    """The registry's store. Raises what ``bucket_of`` raises."""
    return store_of(settings, bucket_of(settings))


def bucket_of(settings: Settings) -> Bucket | None:
    """The bucket that the settings name, tried once; None where the store is a folder.

    Raises:
        BadInput: the URL is none, or there is no such bucket for these credentials.
        StoreDown: the server does not answer.
    """
    if not settings.store_url:
        return None
    from weighbridge.adapters.blobs_s3 import open_bucket

    bucket = open_bucket(settings.store_url, settings.s3, settings.store_public_url)
    bucket.probe()
    return bucket


def store_of(settings: Settings, bucket: Bucket | None) -> BlobStore:
    """The registry's store over an opened bucket, or in the home."""
    from weighbridge.adapters.blobs_fs import FolderBlobs

    if bucket is None:
        return FolderBlobs(settings.home, durable=True)
    from weighbridge.adapters.blobs_s3 import S3Blobs

    local = FolderBlobs(settings.home / CACHE)
    return S3Blobs(bucket, local, kept_bytes=settings.store_cache_bytes)
