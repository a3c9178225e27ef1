"""Fault injection: every AWS call of a use case, failed in every way."""
