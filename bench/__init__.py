"""Repeatable measurements: each prints its ratio beside its budget (docs/performance.md)."""
