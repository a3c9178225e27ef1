"""The only place, besides routes, events and steps, that knows Chalice."""
