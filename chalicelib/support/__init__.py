"""Support: messages from outside, and the answers of the shop's people."""
