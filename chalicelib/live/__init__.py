"""Live connections: sockets, topics, sequences and fan-out."""
