"""Weighbridge: every model is weighed before it may enter the yard."""

__version__ = "0.1.0"
