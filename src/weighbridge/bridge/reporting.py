"""Progress for whoever runs a command: a bar on a terminal, plain lines elsewhere, or nothing."""

from weighbridge.adapters.progress import reporter_for

__all__ = ["reporter_for"]
