"""Notifications: who is told what, by which channel, in which words, and never twice."""
