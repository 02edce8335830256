"""Blobs in a bucket of S3, or of a server that speaks its protocol.

    <prefix>/blobs-v1/sha256/<ab>/<hex>          whole and checked; as in the folder store
    <prefix>/used-v1, <prefix>/removing-v1       marks for the collection, see ``uses``
    <prefix>/<name>/<version>/package.zip        an admitted package, see ``bridge.packing``

A content is fetched and checked on this machine's disk, where the scanners read it, and then sent: an
object appears under its name in one go, after every digest was found right. What is read here is brought
to the same disk once and checked on its way. The disk holds the contents used last, within a bound.

    blobs       the port's methods
    uses        when a content was last relied on
    unfinished  uploads in parts that were left
    bucket      objects, and a failing server as StoreDown
"""

from weighbridge.adapters.blobs_s3.blobs import S3Blobs
from weighbridge.adapters.blobs_s3.bucket import Bucket, open_bucket
from weighbridge.adapters.blobs_s3.uses import Uses

__all__ = ["Bucket", "S3Blobs", "Uses", "open_bucket"]
