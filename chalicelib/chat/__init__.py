"""Conversations between customers and support, and the actions that sockets take."""
