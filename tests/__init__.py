"""Tests, in tiers by what they may touch: see docs/architecture.md."""
