"""What is known of the models of one Hub, in one SQLite file: kept, found again, never the truth.

    <folder>/<host>-<digest of the endpoint>.v2.sqlite3      (-wal and -shm beside it)
    <folder>/<the same>.damaged                              a file that could not be read, set aside

    entries     the entries as JSON, by name; every put and remove is one transaction
    stale       which of them the text tables show otherwise, and how: mended before a search
    by_*        one text table for each order: its row ids grow with the order, so that the first
                results of any question are the first that the lists of its words have in common
    notes       how far a walk over the Hub's lists has come

Losing the file loses nothing but time. See docs/adr/0015.
"""

from weighbridge.adapters.model_index.index import IndexStatus, ModelIndex

__all__ = ["IndexStatus", "ModelIndex"]
