"""Starts from the environment, as an application does, and tells what it got as JSON."""

from __future__ import annotations

import json
import logging
import sys

from weighbridge.runtime import StartFailed, load_from_env

logging.basicConfig(stream=sys.stderr, level=logging.DEBUG)
try:
    model = load_from_env()
except StartFailed as error:
    print(json.dumps({"step": error.step, "report": error.report.to_json()}))
    sys.exit(0)
print(json.dumps({
    "said": model.generate("weigh", max_tokens=8, temperature=0),
    "class": type(model.model).__name__,
    "identity": model.identity.to_json(),
    "report": model.report.to_json(),
}))  # fmt: skip
