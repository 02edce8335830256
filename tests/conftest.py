"""What holds for every test: no test fails because the machine is busy."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

# Where a whole change waits for the answer, the examples are the same each time; elsewhere they are new ones.
settings.register_profile("patient", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("patient")

# A shell starts what runs in the background deaf to Ctrl-C; so would be every program that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
