"""The use cases of the shop as the harness plays them."""
