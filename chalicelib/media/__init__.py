"""Media: uploads, their inspection and renditions, and the pictures that hang at products."""
