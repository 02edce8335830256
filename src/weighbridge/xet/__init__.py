"""Xet's chunks, xorbs and shards: bytes to values, no I/O.

A client cuts a file into **chunks** by content, packs chunks into **xorbs**, and names in a
**shard** the chunks, as ranges of xorbs, that make up each file again. Every name is a hash of
what it names, so whatever a client claims can be computed again, and here it is:

    xorbs.XorbReader, parse_xorb                  a xorb's bytes -> Xorb, each chunk unpacked and hashed
    chunks.chunks_bytes                           chunks of a xorb that was read before
    shards.parse_shard                            a shard's bytes -> Shard
    claims.verify_listing, verify_reconstruction  what a shard says, against what the xorbs hold

Formats and hashes: the Xet protocol specification (huggingface.co/docs/xet).
"""
