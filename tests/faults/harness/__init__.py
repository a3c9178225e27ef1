"""The fault-injection harness."""
