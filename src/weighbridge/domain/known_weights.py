"""Well-known weight files and whose they are, for a registry that has not seen the originals yet.

Only digests that were computed from the file itself stand here.
"""

from __future__ import annotations

from collections.abc import Mapping

KNOWN_WEIGHTS: Mapping[str, str] = {
    # model.safetensors, 90 868 376 bytes
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db": (
        "sentence-transformers/all-MiniLM-L6-v2"
    ),
}
"""The sha256 of a weight file, to the repository that published it first."""
