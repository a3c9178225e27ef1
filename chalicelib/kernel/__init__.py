"""The vocabulary every slice shares: standard library only, no input or output."""
