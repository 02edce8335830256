"""Ways in, each a thin app: parse, authorise, one call into the bridge, render."""
