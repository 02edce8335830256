"""``weighbridge demo``: the whole line from outside, with real servers and the official client."""
