"""A toy shop, once naive and once right."""
