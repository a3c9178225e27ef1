"""What crosses the wire in more than one slice: the model base and the field types."""
