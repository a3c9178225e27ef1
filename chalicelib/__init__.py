"""The business of the shop: one package per slice, on top of kernel, aws and edge."""
