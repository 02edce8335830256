"""Blobs in a folder.

    <home>/
      blobs-v1/sha256/<ab>/<hex>          whole and checked; immutable, mode 0444
      partial/<algorithm>-<hex>           a download in progress, written in any order
      partial/<algorithm>-<hex>.ranges    one byte for each MiB of it: 1 where it is written
      locks/<algorithm>-<hex>             flock of whoever works on it; holds the sha256 when done
      tmp/                                small files before their rename; unique names
      tmp/parts-<upload>                  what is being sent in parts
      CACHEDIR.TAG                        tells backup programs that all this can be had again

A name appears under ``blobs-v1`` by one rename, after every digest was found right. A kill at
any moment leaves only what ``sweep`` removes; a later fetch goes on with what is in ``partial``.

    folder      the port's methods
    spread      a large file over one connection, or several where one is slow
    straight    a file of a few MiB: read, hash and write in one go
    hashing     digests of bytes in order, inline or following a growing file
    partial     a file that is being fetched, and what of it is there
    parts       what somebody sends in parts
    running     their digests while they come in order
    small_turns turns for files too small for a lock file
    places      paths, renames, locks, and a failing medium as StoreDown
"""

from weighbridge.adapters.blobs_fs.folder import FolderBlobs

__all__ = ["FolderBlobs"]
