"""Fetch one repository with the official client, as any program would: ``client.py REPO CACHE``.

A process of its own, because ``huggingface_hub`` reads HF_ENDPOINT once, when it is imported.
"""

from __future__ import annotations

import sys

from huggingface_hub import snapshot_download

# token=False: a token of the user's for huggingface.co is none of this registry's business.
print(snapshot_download(sys.argv[1], cache_dir=sys.argv[2], token=False))  # noqa: T201
