"""Wiring: the one place that knows both flows and adapters. One method per verb."""
