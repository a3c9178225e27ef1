"""Ops: health, events relayed to the bus, dead letters, workflows seen from outside."""
