"""Whether a model card's front matter can be read, for a client that asks before it commits."""

from __future__ import annotations

from weighbridge.adapters.front_matter import front_matter

NO_METADATA = "the card has no metadata: licence, tags and task stand between two lines '---' at its top"


def card_faults(card: str) -> tuple[str, str]:
    """What is wrong with a card, and what is only worth a warning; empty where nothing is."""
    metadata, fault = front_matter(card)
    if fault:
        return f"the metadata of README.md cannot be read: {fault}", ""
    return "", "" if metadata else NO_METADATA
